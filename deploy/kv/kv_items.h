/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/kv: what lies in the environment, and how it is read in a transaction.
 *
 *   database  key                              value
 *   item      tenant NUL key                   struct kv_head, then the value's bytes
 *   expiry    expires_ns(BE) version(BE)       the item's key
 *   usage     tenant                           struct kv_usage
 */
#ifndef SKERRY_DEPLOY_KV_KV_ITEMS_H
#define SKERRY_DEPLOY_KV_KV_ITEMS_H

#include <lmdb.h>

#include "deploy/data_dir.h"
#include "deploy/kv/kv.h"

#define KV_DB_ITEM_NAME "item"
#define KV_EXPIRY_BYTES 16

enum kv_db { KV_DB_ITEM, KV_DB_EXPIRY, KV_DB_USAGE, KV_DB_COUNT };

struct kv_head {
    uint64_t version;
    uint64_t expires_ns;
};

/* An item's key: tenant NUL key. */
struct kv_full_key {
    uint8_t data[DEPLOY_NAME_BYTES + KV_KEY_BYTES_MAX];
    size_t count;
};

static inline MDB_val kv_val(const void *data, size_t count)
{
    return (MDB_val){.mv_size = count, .mv_data = (void *)(uintptr_t)data};
}

static inline bool kv_is_over(uint64_t expires_ns, uint64_t now_ns)
{
    return expires_ns != 0 && expires_ns <= now_ns;
}

/* `key` may be empty: then it is what all of the tenant's keys begin with. */
struct kv_full_key kv_full_key_make(struct bytes tenant, struct bytes key);
/* As lmdb_status. */
NODISCARD enum status kv_status(int rc, struct report *report);
/* Expired or not. CORRUPT for a value that is none. */
NODISCARD enum status
kv_items_find(MDB_txn *txn, MDB_dbi item, const struct kv_full_key *key, struct kv_item *ret_item);
NODISCARD enum status kv_items_get(MDB_txn *txn,
                                   MDB_dbi item,
                                   struct bytes tenant,
                                   struct bytes key,
                                   const struct clock *clock,
                                   struct kv_item *ret_item);
struct kv_walk {
    MDB_txn *txn;
    MDB_dbi item;
    uint64_t now_ns;
    kv_take *take;
    void *context;
};
NODISCARD enum status kv_items_list(const struct kv_walk *walk, const struct kv_range *range);

#endif
