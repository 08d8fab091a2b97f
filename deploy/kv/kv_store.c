/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's end: groups of changes, each one transaction and one fsync.
 *
 *   kv_store_apply --> each change in turn --> commit, on disk
 *
 * Versions are the transaction's number and the place in the group: always larger, without a
 * counter on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/kv/kv_items.h"
#include "deploy/lmdb/lmdb_env.h"
#include "deploy/lmdb/lmdb_pin.h"

#define KV_SWEEP_MAX     256 /* items that one sweep removes */
#define KV_VERSION_SHIFT 20  /* a group has fewer changes than 1 << 20 */
#define KV_NUMBER_BYTES  24

_Static_assert(KV_GROUP_MAX < 1 << KV_VERSION_SHIFT, "versions of a group fit");

struct kv_store {
    MDB_env *env;
    struct lmdb_pin pin;
    MDB_txn *read;     /* between kv_store_begin and kv_store_end */
    MDB_txn *snapshot; /* between kv_store_snapshot_begin and _end */
    MDB_dbi dbi[KV_DB_COUNT];
    struct kv_store_options options;
    char dir[CONFIG_PATH_BYTES + 16];
};

/* One transaction. */
struct kv_writing {
    struct kv_store *store;
    MDB_txn *txn;
    uint64_t now_ns;
};

/* ---- life ------------------------------------------------------------------------------------ */

static int kv_store_open_env(struct kv_store *store)
{
    static const char *const names[KV_DB_COUNT] = {
        [KV_DB_ITEM] = KV_DB_ITEM_NAME, [KV_DB_EXPIRY] = "expiry", [KV_DB_USAGE] = "usage"};
    const struct lmdb_env_options options = {.dir = store->dir,
                                             .map_bytes = store->options.map_bytes,
                                             .names = names,
                                             .count = COUNT_OF(names)};
    return lmdb_env_open(&options, &store->env, store->dbi);
}

static void kv_store_close_env(struct kv_store *store)
{
    lmdb_pin_drop(&store->pin);
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

enum status kv_store_open(const struct kv_store_options *options,
                          struct report *report,
                          struct kv_store **ret_store)
{
    struct kv_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    store->options = *options;
    store->pin = (struct lmdb_pin){.readers = options->readers, .store = LMDB_STORE_KV};
    (void)snprintf(store->dir, sizeof(store->dir), "%s/" DATA_DIR_KV, options->data_dir);
    enum status status = kv_status(kv_store_open_env(store), report);
    if (status == STATUS_OK)
        *ret_store = store;
    else
        kv_store_close(store);
    return status;
}

void kv_store_close(struct kv_store *store)
{
    if (store == NULL)
        return;
    if (store->read != NULL)
        mdb_txn_abort(store->read);
    kv_store_snapshot_end(store);
    kv_store_close_env(store);
    free(store);
}

/* ---- changes --------------------------------------------------------------------------------- */

static uint64_t kv_cost(struct bytes key, size_t value_count)
{
    return key.count + value_count + KV_ITEM_BYTES;
}

static enum status
kv_get_usage(MDB_txn *txn, MDB_dbi usage, struct bytes tenant, struct kv_usage *ret_usage)
{
    MDB_val at = kv_val(tenant.data, tenant.count);
    MDB_val value;
    *ret_usage = (struct kv_usage){0};
    enum status status = kv_status(mdb_get(txn, usage, &at, &value), NULL);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (value.mv_size != sizeof(*ret_usage))
        return STATUS_CORRUPT;
    memcpy(ret_usage, value.mv_data, sizeof(*ret_usage));
    return STATUS_OK;
}

static int
kv_put_usage(const struct kv_writing *writing, struct bytes tenant, const struct kv_usage *usage)
{
    MDB_val at = kv_val(tenant.data, tenant.count);
    MDB_val value = kv_val(usage, sizeof(*usage));
    return mdb_put(writing->txn, writing->store->dbi[KV_DB_USAGE], &at, &value, 0);
}

static void kv_expiry_key(const struct kv_head *head, uint8_t ret_key[KV_EXPIRY_BYTES])
{
    for (int i = 0; i < 8; i++) {
        ret_key[i] = (uint8_t)(head->expires_ns >> (56 - 8 * i));
        ret_key[8 + i] = (uint8_t)(head->version >> (56 - 8 * i));
    }
}

static int kv_put_expiry(const struct kv_writing *writing,
                         const struct kv_head *head,
                         const struct kv_full_key *key)
{
    uint8_t text[KV_EXPIRY_BYTES];
    if (head->expires_ns == 0)
        return 0;
    kv_expiry_key(head, text);
    MDB_val at = kv_val(text, sizeof(text));
    MDB_val value = kv_val(key->data, key->count);
    return mdb_put(writing->txn, writing->store->dbi[KV_DB_EXPIRY], &at, &value, 0);
}

static int kv_delete_expiry(const struct kv_writing *writing, const struct kv_head *head)
{
    uint8_t text[KV_EXPIRY_BYTES];
    if (head->expires_ns == 0)
        return 0;
    kv_expiry_key(head, text);
    MDB_val at = kv_val(text, sizeof(text));
    int rc = mdb_del(writing->txn, writing->store->dbi[KV_DB_EXPIRY], &at, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* What a change begins with. */
struct kv_before {
    struct kv_full_key key;
    struct kv_usage usage; /* the tenant's */
    struct kv_head head;   /* of what lies there, zero if nothing does */
    uint64_t cost;         /* of it */
    bool there;            /* and it has not expired */
    int64_t number;        /* ADD: what it says */
};

static enum status kv_look(const struct kv_writing *writing,
                           const struct kv_change *change,
                           struct kv_before *ret_before,
                           struct kv_item *ret_item)
{
    const struct kv_store *store = writing->store;
    *ret_before = (struct kv_before){.key = kv_full_key_make(change->tenant, change->key)};
    enum status status =
        kv_get_usage(writing->txn, store->dbi[KV_DB_USAGE], change->tenant, &ret_before->usage);
    if (status != STATUS_OK)
        return status;
    status = kv_items_find(writing->txn, store->dbi[KV_DB_ITEM], &ret_before->key, ret_item);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    ret_before->head =
        (struct kv_head){.version = ret_item->version, .expires_ns = ret_item->expires_ns};
    ret_before->cost = kv_cost(change->key, ret_item->value.count);
    ret_before->there = !kv_is_over(ret_item->expires_ns, writing->now_ns);
    return STATUS_OK;
}

static int
kv_remove(const struct kv_writing *writing, struct bytes tenant, const struct kv_before *before)
{
    struct kv_usage usage = before->usage;
    MDB_val at = kv_val(before->key.data, before->key.count);
    int rc = kv_delete_expiry(writing, &before->head);
    if (rc == 0)
        rc = mdb_del(writing->txn, writing->store->dbi[KV_DB_ITEM], &at, NULL);
    if (rc != 0)
        return rc;
    usage.keys -= MIN(usage.keys, 1U);
    usage.bytes -= MIN(usage.bytes, before->cost);
    return kv_put_usage(writing, tenant, &usage);
}

static int kv_put(const struct kv_writing *writing,
                  struct kv_change *change,
                  const struct kv_before *before,
                  const struct kv_head *head,
                  struct bytes value)
{
    struct kv_usage usage = before->usage;
    uint64_t cost = kv_cost(change->key, value.count);
    usage.bytes = usage.bytes - MIN(usage.bytes, before->cost) + cost;
    usage.keys += before->cost == 0;
    if (cost > before->cost && usage.bytes > writing->store->options.tenant_bytes_max) {
        change->status = STATUS_LIMIT;
        return 0;
    }
    MDB_val at = kv_val(before->key.data, before->key.count);
    MDB_val room = {.mv_size = sizeof(*head) + value.count};
    int rc = kv_delete_expiry(writing, &before->head);
    if (rc == 0)
        rc = mdb_put(writing->txn, writing->store->dbi[KV_DB_ITEM], &at, &room, MDB_RESERVE);
    if (rc != 0)
        return rc;
    memcpy(room.mv_data, head, sizeof(*head));
    if (value.count > 0)
        memcpy((uint8_t *)room.mv_data + sizeof(*head), value.data, value.count);
    rc = kv_put_expiry(writing, head, &before->key);
    change->version = head->version;
    return rc == 0 ? kv_put_usage(writing, change->tenant, &usage) : rc;
}

/* A decimal number, as ADD writes it. */
static bool kv_parse_number(struct bytes text, int64_t *ret_number)
{
    char copy[KV_NUMBER_BYTES];
    char *end;
    if (text.count == 0 || text.count >= sizeof(copy))
        return false;
    bool begins = text.data[0] == '-' || (text.data[0] >= '0' && text.data[0] <= '9');
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    errno = 0;
    *ret_number = strtoll(copy, &end, 10);
    return begins && end == copy + text.count && errno == 0;
}

static int kv_add(const struct kv_writing *writing,
                  struct kv_change *change,
                  const struct kv_before *before,
                  uint64_t version)
{
    char text[KV_NUMBER_BYTES];
    int64_t sum;
    if (__builtin_add_overflow(before->number, change->number, &sum)) {
        change->status = STATUS_LIMIT;
        return 0;
    }
    int count = snprintf(text, sizeof(text), "%" PRId64, sum);
    const struct kv_head head = {.version = version,
                                 .expires_ns = before->there ? before->head.expires_ns : 0};
    change->number = sum;
    return kv_put(writing, change, before, &head, bytes_make(text, (size_t)count));
}

/* Anything but OK: the transaction is of no more use. A change that is refused has its status. */
static enum status
kv_change_one(const struct kv_writing *writing, struct kv_change *change, uint64_t version)
{
    struct kv_before before;
    struct kv_item item;
    enum status status = kv_look(writing, change, &before, &item);
    if (status != STATUS_OK)
        return status;
    change->status = STATUS_OK;
    change->version = before.there ? before.head.version : 0;
    if (change->checks_version && change->version != change->if_version)
        change->status = STATUS_CONFLICT;
    else if (change->verb == KV_DELETE && !before.there)
        change->status = STATUS_NOT_FOUND;
    else if (change->verb == KV_ADD && before.there && !kv_parse_number(item.value, &before.number))
        change->status = STATUS_INVALID;
    if (change->status != STATUS_OK)
        return STATUS_OK;
    if (change->verb == KV_DELETE) {
        change->version = 0;
        return kv_status(kv_remove(writing, change->tenant, &before), NULL);
    }
    const struct kv_head head = {.version = version, .expires_ns = change->expires_ns};
    int rc = change->verb == KV_ADD ? kv_add(writing, change, &before, version)
                                    : kv_put(writing, change, &before, &head, change->value);
    return kv_status(rc, NULL);
}

/* ---- transactions ---------------------------------------------------------------------------- */

uint64_t kv_store_stuck_reader(struct kv_store *store)
{
    return lmdb_pin_stuck(&store->pin);
}

/*
 * Two commits that change nothing: a worker may have seen the one that failed, and would take the
 * next, of the same number, for what it knows.
 */
static int kv_store_step_over(struct kv_store *store)
{
    static const char name[] = "\0reopened"; /* no tenant's */
    MDB_val key = kv_val(name, sizeof(name));
    MDB_val value = kv_val(name, 1);
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        MDB_txn *txn = NULL;
        rc = mdb_txn_begin(store->env, NULL, 0, &txn);
        if (rc != 0)
            break;
        rc = i == 0 ? mdb_put(txn, store->dbi[KV_DB_USAGE], &key, &value, 0)
                    : mdb_del(txn, store->dbi[KV_DB_USAGE], &key, NULL);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    return rc;
}

static int kv_store_try(struct kv_store *store, unsigned flags, MDB_txn **ret_txn)
{
    if (store->env == NULL)
        return MDB_PANIC;
    int rc = flags == MDB_RDONLY ? 0 : lmdb_pin_move(&store->pin, store->env);
    return rc == 0 ? mdb_txn_begin(store->env, NULL, flags, ret_txn) : rc;
}

/* After an I/O error in the wrong place LMDB wants its environment opened anew; not while a backup
 * reads it. */
static int kv_store_begin_txn(struct kv_store *store, unsigned flags, MDB_txn **ret_txn)
{
    int rc = kv_store_try(store, flags, ret_txn);
    if (rc != MDB_PANIC || store->read != NULL || store->snapshot != NULL)
        return rc;
    kv_store_close_env(store);
    rc = kv_store_open_env(store);
    if (rc == 0)
        rc = kv_store_step_over(store);
    if (rc == 0)
        return kv_store_try(store, flags, ret_txn);
    kv_store_close_env(store);
    return rc;
}

static enum status
kv_store_begin_write(struct kv_store *store, struct report *report, struct kv_writing *ret_writing)
{
    ASSERT(store->read == NULL);
    ret_writing->store = store;
    ret_writing->now_ns = clock_realtime_ns(store->options.clock);
    return kv_status(kv_store_begin_txn(store, 0, &ret_writing->txn), report);
}

static enum status kv_store_apply_once(struct kv_store *store,
                                       struct kv_change *const *changes,
                                       size_t count,
                                       struct report *report)
{
    struct kv_writing writing;
    enum status status = kv_store_begin_write(store, report, &writing);
    if (status != STATUS_OK)
        return status;
    uint64_t version = (uint64_t)mdb_txn_id(writing.txn) << KV_VERSION_SHIFT;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        ASSERT(changes[i]->value.count <= KV_VALUE_BYTES_MAX && kv_key_valid(changes[i]->key));
        status = kv_change_one(&writing, changes[i], version + i);
    }
    if (status == STATUS_OK)
        return kv_status(mdb_txn_commit(writing.txn), report);
    mdb_txn_abort(writing.txn);
    int rc = status == STATUS_FULL        ? MDB_MAP_FULL
             : status == STATUS_NO_MEMORY ? ENOMEM
             : status == STATUS_CORRUPT   ? MDB_CORRUPTED
                                          : 0;
    return rc != 0 ? kv_status(rc, report)
                   : report_fail(report, status, REPORT_OFFSET_NONE, "the key-value store failed");
}

enum status kv_store_apply(struct kv_store *store,
                           struct kv_change *const *changes,
                           size_t count,
                           struct report *report)
{
    ASSERT(count <= KV_GROUP_MAX);
    struct report first = REPORT_INIT;
    enum status status = kv_store_apply_once(store, changes, count, count > 1 ? &first : report);
    if (count <= 1 || status != STATUS_FULL)
        return status == STATUS_OK ? status
                                   : report_fail(report, status, first.offset, "%s", first.text);
    /* One that does not fit must not take the others with it. */
    for (size_t i = 0; i < count; i++) {
        status = kv_store_apply_once(store, &changes[i], 1, NULL);
        if (status != STATUS_OK)
            changes[i]->status = status;
    }
    return STATUS_OK;
}

/* ---- expiry ---------------------------------------------------------------------------------- */

static enum status kv_sweep_one(const struct kv_writing *writing, MDB_val expiry, MDB_val full)
{
    struct kv_item item;
    struct kv_full_key key = {.count = MIN(full.mv_size, sizeof(key.data))};
    uint8_t row[KV_EXPIRY_BYTES];
    memcpy(key.data, full.mv_data, key.count);
    memcpy(row, expiry.mv_data, sizeof(row));
    const uint8_t *end = memchr(key.data, '\0', key.count);
    if (end == NULL || end + 1 >= key.data + key.count)
        return STATUS_CORRUPT;
    size_t tenant_count = (size_t)(end - key.data);
    const struct kv_change change = {
        .tenant = bytes_make(key.data, tenant_count),
        .key = bytes_make(end + 1, key.count - tenant_count - 1),
    };
    struct kv_before before;
    enum status status = kv_look(writing, &change, &before, &item);
    /* Its row goes with it; a row without an item is none that we left. */
    if (status != STATUS_OK || before.cost == 0 ||
        !kv_is_over(before.head.expires_ns, writing->now_ns)) {
        MDB_val at = kv_val(row, sizeof(row));
        return status != STATUS_OK
                   ? status
                   : kv_status(mdb_del(writing->txn, writing->store->dbi[KV_DB_EXPIRY], &at, NULL),
                               NULL);
    }
    return kv_status(kv_remove(writing, change.tenant, &before), NULL);
}

/* The first row, if it is over. */
static bool kv_sweep_first(const struct kv_writing *writing, MDB_val *ret_key, MDB_val *ret_value)
{
    MDB_cursor *cursor;
    uint64_t expires_ns = 0;
    if (mdb_cursor_open(writing->txn, writing->store->dbi[KV_DB_EXPIRY], &cursor) != 0)
        return false;
    int rc = mdb_cursor_get(cursor, ret_key, ret_value, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (rc != 0 || ret_key->mv_size != KV_EXPIRY_BYTES)
        return false;
    for (int i = 0; i < 8; i++)
        expires_ns = expires_ns << 8 | ((const uint8_t *)ret_key->mv_data)[i];
    return kv_is_over(expires_ns, writing->now_ns);
}

/* A look costs no transaction of a writer. */
static bool kv_sweep_is_due(struct kv_store *store)
{
    MDB_val key;
    MDB_val value;
    struct kv_writing reading = {.store = store, .now_ns = clock_realtime_ns(store->options.clock)};
    if (kv_store_begin_txn(store, MDB_RDONLY, &reading.txn) != 0)
        return false;
    bool due = kv_sweep_first(&reading, &key, &value);
    mdb_txn_abort(reading.txn);
    return due;
}

bool kv_store_sweep(struct kv_store *store)
{
    struct kv_writing writing;
    MDB_val key;
    MDB_val value;
    if (!kv_sweep_is_due(store))
        return false;
    if (kv_store_begin_write(store, NULL, &writing) != STATUS_OK)
        return true;
    enum status status = STATUS_OK;
    uint32_t count = 0;
    while (status == STATUS_OK && count < KV_SWEEP_MAX && kv_sweep_first(&writing, &key, &value)) {
        status = kv_sweep_one(&writing, key, value);
        count++;
    }
    if (status != STATUS_OK) {
        mdb_txn_abort(writing.txn);
        return false;
    }
    return mdb_txn_commit(writing.txn) == 0 && count == KV_SWEEP_MAX;
}

/* ---- control's own reading ------------------------------------------------------------------- */

enum status kv_store_begin(struct kv_store *store, struct report *report)
{
    ASSERT(store->read == NULL);
    return kv_status(kv_store_begin_txn(store, MDB_RDONLY, &store->read), report);
}

enum status kv_store_snapshot_begin(struct kv_store *store, struct report *report)
{
    ASSERT(store->snapshot == NULL);
    return kv_status(kv_store_begin_txn(store, MDB_RDONLY, &store->snapshot), report);
}

MDB_txn *kv_store_snapshot(const struct kv_store *store)
{
    return store->snapshot;
}

void kv_store_snapshot_end(struct kv_store *store)
{
    if (store->snapshot != NULL)
        mdb_txn_abort(store->snapshot);
    store->snapshot = NULL;
}

void kv_store_end(struct kv_store *store)
{
    ASSERT(store->read != NULL);
    mdb_txn_abort(store->read);
    store->read = NULL;
}

enum status kv_store_get(struct kv_store *store,
                         struct bytes tenant,
                         struct bytes key,
                         struct kv_item *ret_item)
{
    ASSERT(store->read != NULL);
    return kv_items_get(store->read, store->dbi[KV_DB_ITEM], tenant, key, store->options.clock,
                        ret_item);
}

enum status
kv_store_list(struct kv_store *store, const struct kv_range *range, kv_take *take, void *context)
{
    ASSERT(store->read != NULL);
    const struct kv_walk walk = {.txn = store->read,
                                 .item = store->dbi[KV_DB_ITEM],
                                 .now_ns = clock_realtime_ns(store->options.clock),
                                 .take = take,
                                 .context = context};
    return kv_items_list(&walk, range);
}

enum status kv_store_usage(struct kv_store *store,
                           struct bytes tenant,
                           struct report *report,
                           struct kv_usage *ret_usage)
{
    enum status status = kv_store_begin(store, report);
    if (status != STATUS_OK)
        return status;
    status = kv_get_usage(store->read, store->dbi[KV_DB_USAGE], tenant, ret_usage);
    kv_store_end(store);
    return status;
}
