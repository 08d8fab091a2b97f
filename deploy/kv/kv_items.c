/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading items in a transaction: the same for workers and for control.
 */
#include "deploy/kv/kv_items.h"

#include "deploy/lmdb/lmdb_status.h"
bool kv_key_valid(struct bytes key)
{
    return key.count > 0 && key.count <= KV_KEY_BYTES_MAX;
}

struct kv_full_key kv_full_key_make(struct bytes tenant, struct bytes key)
{
    ASSERT(tenant.count < DEPLOY_NAME_BYTES && key.count <= KV_KEY_BYTES_MAX);
    struct kv_full_key full;
    memcpy(full.data, tenant.data, tenant.count);
    full.data[tenant.count] = '\0';
    if (key.count > 0)
        memcpy(full.data + tenant.count + 1, key.data, key.count);
    full.count = tenant.count + 1 + key.count;
    return full;
}

enum status kv_status(int rc, struct report *report)
{
    static const struct lmdb_words words = {
        .name = "the key-value store", .remedy = "delete keys", .size = "store.kv_map_size"};
    return lmdb_status(rc, &words, report);
}

static enum status kv_items_open(MDB_val value, struct kv_item *ret_item)
{
    struct kv_head head;
    if (value.mv_size < sizeof(head) || value.mv_size > sizeof(head) + KV_VALUE_BYTES_MAX)
        return STATUS_CORRUPT;
    memcpy(&head, value.mv_data, sizeof(head));
    ret_item->version = head.version;
    ret_item->is_over = false;
    ret_item->expires_ns = head.expires_ns;
    ret_item->value =
        bytes_make((const uint8_t *)value.mv_data + sizeof(head), value.mv_size - sizeof(head));
    return STATUS_OK;
}

enum status
kv_items_find(MDB_txn *txn, MDB_dbi item, const struct kv_full_key *key, struct kv_item *ret_item)
{
    MDB_val at = kv_val(key->data, key->count);
    MDB_val value;
    enum status status = kv_status(mdb_get(txn, item, &at, &value), NULL);
    return status == STATUS_OK ? kv_items_open(value, ret_item) : status;
}

enum status kv_items_get(MDB_txn *txn,
                         MDB_dbi item,
                         struct bytes tenant,
                         struct bytes key,
                         const struct clock *clock,
                         struct kv_item *ret_item)
{
    const struct kv_full_key full = kv_full_key_make(tenant, key);
    enum status status = kv_items_find(txn, item, &full, ret_item);
    ret_item->key = key;
    /* Most items last, and need no look at the clock. */
    if (status == STATUS_OK && ret_item->expires_ns != 0 &&
        kv_is_over(ret_item->expires_ns, clock_realtime_ns(clock)))
        return STATUS_NOT_FOUND;
    return status;
}

/* From where the cursor stands as long as keys begin with the first `prefix_count` bytes of
 * `prefix`. */
static enum status kv_items_walk(const struct kv_walk *walk,
                                 MDB_cursor *cursor,
                                 MDB_val at,
                                 const struct kv_full_key *prefix,
                                 size_t tenant_count)
{
    MDB_val value;
    uint32_t over = 0;
    int rc = mdb_cursor_get(cursor, &at, &value, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &at, &value, MDB_NEXT)) {
        struct kv_item item;
        if (at.mv_size < prefix->count || memcmp(at.mv_data, prefix->data, prefix->count) != 0)
            return STATUS_OK;
        if (kv_items_open(value, &item) != STATUS_OK)
            return STATUS_CORRUPT;
        item.key =
            bytes_make((const uint8_t *)at.mv_data + tenant_count, at.mv_size - tenant_count);
        item.is_over = kv_is_over(item.expires_ns, walk->now_ns);
        if (item.is_over && ++over % KV_OVER_STEP != 0)
            continue;
        if (!walk->take(walk->context, &item))
            return STATUS_OK;
    }
    enum status status = kv_status(rc, NULL);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status kv_items_list(const struct kv_walk *walk, const struct kv_range *range)
{
    MDB_cursor *cursor;
    const struct kv_full_key prefix = kv_full_key_make(range->tenant, range->prefix);
    /* The least key after `after` is the same with one NUL more. */
    struct kv_full_key after = kv_full_key_make(range->tenant, range->after);
    bool goes_on = range->after.count > 0;
    size_t tenant_count = range->tenant.count + 1;
    uint8_t first[sizeof(after.data) + 1];
    memcpy(first, after.data, after.count);
    first[after.count] = '\0';
    MDB_val at = kv_val(first, after.count + 1);
    size_t shorter = MIN(at.mv_size, prefix.count);
    if (!goes_on || memcmp(first, prefix.data, shorter) < 0)
        at = kv_val(prefix.data, prefix.count);
    enum status status = kv_status(mdb_cursor_open(walk->txn, walk->item, &cursor), NULL);
    if (status != STATUS_OK)
        return status;
    status = kv_items_walk(walk, cursor, at, &prefix, tenant_count);
    mdb_cursor_close(cursor);
    return status;
}
