/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store as guests reach it: a service of hostapi/world.h.
 *
 * Reading is at once, in mapped memory. A change is an operation (operations.h): its ticket is
 * READY when it is on disk, or was refused.
 */
#ifndef SKERRY_HOSTAPI_KV_H
#define SKERRY_HOSTAPI_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/bytes.h"

#define HOSTAPI_KV_KEY_BYTES_MAX   440
#define HOSTAPI_KV_VALUE_BYTES_MAX ((size_t)1 << 20)

enum hostapi_kv_status {
    HOSTAPI_KV_OK,
    HOSTAPI_KV_NOT_FOUND,
    HOSTAPI_KV_CONFLICT, /* the key has another version */
    HOSTAPI_KV_LIMIT,    /* the tenant's quota; a sum that has no room; too much under way */
    HOSTAPI_KV_INVALID,  /* added to what is no number */
    HOSTAPI_KV_FULL,     /* the store, or the disk */
    HOSTAPI_KV_UNAVAILABLE,
    HOSTAPI_KV_STATUS_COUNT,
};

struct hostapi_kv_item {
    struct bytes key;
    struct bytes value; /* valid while it is taken */
    uint64_t version;
    /* Of a list: here are HOSTAPI_KV_OVER_STEP keys that have expired, this one the last. They are
     * none of its keys, but there may be millions: a list may end here and go on behind it. */
    bool is_over;
};
#define HOSTAPI_KV_OVER_STEP 32
/* False ends a list. */
typedef bool hostapi_kv_take(void *context, const struct hostapi_kv_item *item);

enum hostapi_kv_verb { HOSTAPI_KV_PUT, HOSTAPI_KV_DELETE, HOSTAPI_KV_ADD };

struct hostapi_kv_change {
    enum hostapi_kv_verb verb;
    bool checks_version;
    uint64_t if_version; /* 0: the key must not be there */
    struct bytes key;
    struct bytes value;  /* PUT */
    uint64_t expires_ns; /* PUT: realtime; 0: never */
    int64_t number;      /* ADD */
};

struct hostapi_kv_result {
    enum hostapi_kv_status status;
    uint64_t version; /* that the key has now; 0: it is not there */
    int64_t number;   /* ADD: the sum */
};

struct hostapi_kv {
    /* Is a change of this key under way, begun by the same owner? `is_prefix`: of a key that begins
     * so. Whoever reads it waits for that: it sees its own changes. */
    bool (*is_changing)(void *owner, struct bytes key, bool is_prefix);
    enum hostapi_kv_status (*get)(
        void *owner, struct bytes tenant, struct bytes key, hostapi_kv_take *take, void *context);
    /* In the keys' order; `after` empty: from the first. */
    enum hostapi_kv_status (*list)(void *owner,
                                   struct bytes tenant,
                                   struct bytes prefix,
                                   struct bytes after,
                                   hostapi_kv_take *take,
                                   void *context);
    /* OK, LIMIT or UNAVAILABLE; what `change` refers to is copied. */
    enum hostapi_kv_status (*start)(void *owner,
                                    struct bytes tenant,
                                    const struct hostapi_kv_change *change,
                                    uint64_t *ret_ticket);
    /* Of a ticket that is READY. */
    void (*result)(void *owner, uint64_t ticket, struct hostapi_kv_result *ret_result);
};

#endif
