/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store: what functions of a tenant remember. An LMDB environment of its own, so that
 * a full one never stands in a deploy's way.
 *
 *   worker   kv_reader   reads, in mapped memory, without a lock
 *   control  kv_store    the only writer: groups of changes, each group one transaction
 *
 * How a reader keeps the writer from pages that it reads: lmdb/lmdb_reader.h. It never waits and
 * holds nothing over a park; one that stays all the same is control's to end.
 */
#ifndef SKERRY_DEPLOY_KV_KV_H
#define SKERRY_DEPLOY_KV_KV_H

#include "deploy/deploy.h"

#define KV_KEY_BYTES_MAX   440 /* LMDB's 511 without the longest tenant's name */
#define KV_VALUE_BYTES_MAX ((size_t)1 << 20)
#define KV_GROUP_MAX       4096 /* changes of one transaction */
/* What a key costs beside its own bytes and its value's, held against limits.kv. */
#define KV_ITEM_BYTES 64

struct kv_item {
    struct bytes key;    /* without the tenant's name */
    struct bytes value;  /* in the map: valid until the read ends */
    uint64_t version;    /* another after each change, of all keys */
    uint64_t expires_ns; /* realtime; 0: never */
    /* In a list: it has expired and waits to be swept. Of such keys each KV_OVER_STEP-th is handed
     * over, so that whoever lists may pause there: there can be millions in a row. */
    bool is_over;
};
#define KV_OVER_STEP 32

/* Is it a key? Any bytes, at least one, at most KV_KEY_BYTES_MAX. */
bool kv_key_valid(struct bytes key);

/* ---- reading ----------------------------------------------------------------------------------*/

struct kv_reader;

/* `reading` and `clock` are borrowed. NOT_FOUND: control has not made the store yet. */
NODISCARD enum status kv_reader_open(const char *data_dir,
                                     uint64_t map_bytes,
                                     struct lmdb_reading *reading,
                                     const struct clock *clock,
                                     struct report *report,
                                     struct kv_reader **ret_reader);
void kv_reader_close(struct kv_reader *reader);
/* Nothing but kv_reader_get and kv_reader_list may happen between these two. */
NODISCARD enum status kv_reader_begin(struct kv_reader *reader, struct report *report);
void kv_reader_end(struct kv_reader *reader);
/* NOT_FOUND, without a report, if there is none or it has expired. */
NODISCARD enum status kv_reader_get(struct kv_reader *reader,
                                    struct bytes tenant,
                                    struct bytes key,
                                    struct kv_item *ret_item);
/* Called for each item in the keys' order; false ends the list. */
typedef bool kv_take(void *context, const struct kv_item *item);
struct kv_range {
    struct bytes tenant;
    struct bytes prefix; /* of keys; may be empty */
    struct bytes after;  /* begins after this key; empty: with the first */
};
NODISCARD enum status kv_reader_list(struct kv_reader *reader,
                                     const struct kv_range *range,
                                     kv_take *take,
                                     void *context);

/* ---- writing ----------------------------------------------------------------------------------*/

enum kv_verb {
    KV_PUT,
    KV_DELETE,
    KV_ADD, /* to a decimal number of 64 bits with its sign; what is not there is 0 */
};

struct kv_change {
    enum kv_verb verb;
    bool checks_version; /* only if the key has `if_version`; 0: only if it is not there */
    uint64_t if_version;
    struct bytes tenant;
    struct bytes key;
    struct bytes value;  /* PUT */
    uint64_t expires_ns; /* PUT: realtime; 0: never. ADD keeps what was */
    int64_t number;      /* ADD: what is added, then the sum */
    /* What became of it: CONFLICT (another version), LIMIT (the tenant's quota, or the sum has no
     * room), INVALID (added to what is no number), NOT_FOUND (nothing to delete). */
    enum status status;
    uint64_t version; /* that it has now */
};

struct kv_store;

struct kv_store_options {
    const char *data_dir;
    uint64_t map_bytes;
    uint64_t tenant_bytes_max; /* limits.kv */
    const struct clock *clock;
    struct lmdb_readers readers; /* the workers */
};

NODISCARD enum status kv_store_open(const struct kv_store_options *options,
                                    struct report *report,
                                    struct kv_store **ret_store);
void kv_store_close(struct kv_store *store);
/*
 * All changes in one transaction, in their order; returns when it is on disk. An error: nothing was
 * changed. `count` is at most KV_GROUP_MAX.
 */
NODISCARD enum status kv_store_apply(struct kv_store *store,
                                     struct kv_change *const *changes,
                                     size_t count,
                                     struct report *report);
/* To be called about once a second; as lmdb_pin_stuck. */
uint64_t kv_store_stuck_reader(struct kv_store *store);
/* Removes a few of the expired; true: there are more. */
bool kv_store_sweep(struct kv_store *store);

struct kv_usage {
    uint64_t keys;
    uint64_t bytes; /* as limits.kv counts */
};
NODISCARD enum status kv_store_usage(struct kv_store *store,
                                     struct bytes tenant,
                                     struct report *report,
                                     struct kv_usage *ret_usage);
/* Control's own reading: as kv_reader's. */
/* A read transaction that is held until the end, for a backup. */
NODISCARD enum status kv_store_snapshot_begin(struct kv_store *store, struct report *report);
struct MDB_txn *kv_store_snapshot(const struct kv_store *store);
void kv_store_snapshot_end(struct kv_store *store);
NODISCARD enum status kv_store_begin(struct kv_store *store, struct report *report);
void kv_store_end(struct kv_store *store);
NODISCARD enum status kv_store_get(struct kv_store *store,
                                   struct bytes tenant,
                                   struct bytes key,
                                   struct kv_item *ret_item);
NODISCARD enum status
kv_store_list(struct kv_store *store, const struct kv_range *range, kv_take *take, void *context);

#endif
