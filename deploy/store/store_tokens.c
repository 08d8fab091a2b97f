/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: what is kept of them is a hash, so who reads the store cannot speak for anybody. They go
 * with their tenant.
 *
 * When one was used last is remembered in memory and written down now and then, in a transaction
 * that is no change: nobody waits for a disk because a token was shown.
 */
#include <inttypes.h>

#include "deploy/store/store_private.h"

static MDB_val store_token_key(const char id[STORE_TOKEN_ID_BYTES])
{
    return store_val(id, STORE_TOKEN_ID_BYTES - 1);
}

static struct bytes store_token_tenant(const struct records_token *record)
{
    return bytes_make(record->tenant, strnlen(record->tenant, sizeof(record->tenant)));
}

/* Copies the record; its names are lent as long as the transaction's views are. */
static enum status
store_token_parse(const struct store_txn *txn, struct bytes value, struct store_token *token)
{
    if (value.count < sizeof(token->record) ||
        value.count - sizeof(token->record) > STORE_TOKEN_NAMES_BYTES)
        return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a token's record of %zu bytes", value.count);
    memcpy(&token->record, value.data, sizeof(token->record));
    token->functions =
        bytes_make(value.data + sizeof(token->record), value.count - sizeof(token->record));
    return STATUS_OK;
}

static enum status store_token_put(const struct store_txn *txn, const struct store_token *token)
{
    uint8_t value[sizeof(token->record) + STORE_TOKEN_NAMES_BYTES];
    ASSERT(token->functions.count <= STORE_TOKEN_NAMES_BYTES);
    memcpy(value, &token->record, sizeof(token->record));
    if (token->functions.count > 0)
        memcpy(value + sizeof(token->record), token->functions.data, token->functions.count);
    return store_put_record(txn, RECORDS_TOKEN, store_token_key(token->id), value,
                            sizeof(token->record) + token->functions.count);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* `visit` gets each token and the cursor that stands on it, and says false to stop. */
struct store_token_walk {
    bool (*visit)(void *context, const struct store_token *token, MDB_cursor *cursor, int *ret_rc);
    void *context;
    struct bytes after;
};

static enum status store_walk_tokens(const struct store_txn *txn,
                                     const struct store_token_walk *walk)
{
    MDB_cursor *cursor;
    MDB_val key = store_val(walk->after.data, walk->after.count);
    MDB_val value;
    struct store_token token;
    int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_TOKEN], &cursor);
    if (rc != 0)
        return store_status(rc, txn->report);
    rc = mdb_cursor_get(cursor, &key, &value, walk->after.count == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (rc == 0 && walk->after.count > 0 &&
        bytes_equal(walk->after, bytes_make(key.mv_data, key.mv_size)))
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    enum status status = STATUS_OK;
    for (; rc == 0 && status == STATUS_OK; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        int visited = 0;
        token = (struct store_token){0};
        memcpy(token.id, key.mv_data, MIN(key.mv_size, sizeof(token.id) - 1));
        status = store_token_parse(txn, bytes_make(value.mv_data, value.mv_size), &token);
        if (status == STATUS_OK && !walk->visit(walk->context, &token, cursor, &visited))
            break;
        if (visited != 0)
            status = store_status(visited, txn->report);
    }
    mdb_cursor_close(cursor);
    return status != STATUS_OK || rc == MDB_NOTFOUND ? status : store_status(rc, txn->report);
}

struct store_token_count {
    struct bytes tenant;
    uint32_t count;
};

static bool
store_count_token(void *context, const struct store_token *token, MDB_cursor *cursor, int *ret_rc)
{
    (void)cursor;
    (void)ret_rc;
    struct store_token_count *count = context;
    count->count += bytes_equal(store_token_tenant(&token->record), count->tenant);
    return count->count < STORE_TOKENS_PER_TENANT;
}

static bool
store_drop_token(void *context, const struct store_token *token, MDB_cursor *cursor, int *ret_rc)
{
    const struct bytes *tenant = context;
    if (bytes_equal(store_token_tenant(&token->record), *tenant))
        *ret_rc = mdb_cursor_del(cursor, 0);
    return true;
}

enum status store_drop_tokens(const struct store_txn *txn, struct bytes tenant)
{
    const struct store_token_walk walk = {.visit = store_drop_token, .context = &tenant};
    return store_walk_tokens(txn, &walk);
}

/* ---- changes --------------------------------------------------------------------------------- */

static enum status store_change_add_token(struct store_txn *txn, void *context)
{
    const struct store_token *token = context;
    struct bytes found;
    struct store_token_count count = {.tenant = store_token_tenant(&token->record)};
    const struct store_token_walk walk = {.visit = store_count_token, .context = &count};
    enum status status = STATUS_OK;
    if (count.tenant.count > 0)
        status = store_view(txn, RECORDS_TENANT, store_val(count.tenant.data, count.tenant.count),
                            &found);
    if (status == STATUS_NOT_FOUND)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE, "there is no tenant `%.*s`",
                           (int)count.tenant.count, (const char *)count.tenant.data);
    if (status == STATUS_OK)
        status = store_walk_tokens(txn, &walk);
    if (status == STATUS_OK && count.count >= STORE_TOKENS_PER_TENANT)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "there are %d tokens already: remove some with `skerry token rm`",
                           STORE_TOKENS_PER_TENANT);
    if (status == STATUS_OK)
        status = store_token_put(txn, token);
    const struct store_target target = {.tenant = count.tenant};
    const struct store_logged logged = {
        .action = "token_create", .target = &target, .name = bytes_of_text(token->id)};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status
store_add_token(struct store *store, const struct store_token *token, struct report *report)
{
    struct store_token copy = *token;
    copy.record.created_ns = clock_realtime_ns(store->options.clock);
    const struct store_target target = {.tenant = store_token_tenant(&token->record)};
    return store_write(store, &target, store_change_add_token, &copy, false, report);
}

struct store_token_removing {
    struct bytes tenant;
    struct bytes id;
};

static enum status store_change_remove_token(struct store_txn *txn, void *context)
{
    const struct store_token_removing *removing = context;
    struct store_token token = {0};
    struct bytes value = {0};
    MDB_val key = store_val(removing->id.data, removing->id.count);
    enum status status = store_view(txn, RECORDS_TOKEN, key, &value);
    if (status == STATUS_OK)
        status = store_token_parse(txn, value, &token);
    const struct store_target target = {.tenant = store_token_tenant(&token.record)};
    if (status == STATUS_OK && removing->tenant.count > 0 &&
        !bytes_equal(target.tenant, removing->tenant))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE, "there is no token `%.*s`",
                           (int)removing->id.count, (const char *)removing->id.data);
    if (status == STATUS_OK)
        status = store_delete_record(txn, RECORDS_TOKEN, key);
    const struct store_logged logged = {
        .action = "token_remove", .target = &target, .name = removing->id};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status
store_remove_token(struct store *store, struct bytes tenant, struct bytes id, struct report *report)
{
    struct store_token_removing removing = {.tenant = tenant, .id = id};
    const struct store_target target = {.tenant = tenant};
    return store_write(store, &target, store_change_remove_token, &removing, true, report);
}

/* ---- questions ------------------------------------------------------------------------------- */

enum status store_get_token(struct store *store,
                            struct bytes id,
                            struct report *report,
                            struct buffer *names,
                            struct store_token *ret_token)
{
    struct store_txn txn;
    struct bytes value = {0};
    struct store_token token = {0};
    if (id.count != STORE_TOKEN_ID_BYTES - 1)
        return STATUS_NOT_FOUND;
    memcpy(token.id, id.data, id.count);
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_view(&txn, RECORDS_TOKEN, store_token_key(token.id), &value);
    if (status == STATUS_OK)
        status = store_token_parse(&txn, value, &token);
    if (status == STATUS_OK && names != NULL)
        status = buffer_append(names, token.functions.data, token.functions.count);
    store_end_read(&txn);
    if (status != STATUS_OK)
        return status;
    token.functions = names == NULL ? bytes_make(NULL, 0) : buffer_bytes(names);
    *ret_token = token;
    return STATUS_OK;
}

struct store_token_list {
    bool (*visit)(void *context, const struct store_token *token);
    void *context;
};

static bool
store_list_token(void *context, const struct store_token *token, MDB_cursor *cursor, int *ret_rc)
{
    (void)cursor;
    (void)ret_rc;
    const struct store_token_list *list = context;
    return list->visit(list->context, token);
}

enum status store_list_tokens(struct store *store,
                              struct bytes after,
                              bool (*visit)(void *context, const struct store_token *),
                              void *context,
                              struct report *report)
{
    struct store_txn txn;
    struct store_token_list list = {.visit = visit, .context = context};
    const struct store_token_walk walk = {
        .visit = store_list_token, .context = &list, .after = after};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_walk_tokens(&txn, &walk);
    store_end_read(&txn);
    return status;
}

/* ---- when they were used --------------------------------------------------------------------- */

void store_use_token(struct store *store, const struct store_token *token)
{
    uint64_t now_ns = clock_realtime_ns(store->options.clock);
    if (now_ns < token->record.used_ns + STORE_TOKEN_USE_STEP_NS)
        return;
    for (uint32_t i = 0; i < store->use_count; i++) {
        if (memcmp(store->uses[i].id, token->id, sizeof(token->id)) == 0)
            return;
    }
    if (store->use_count == COUNT_OF(store->uses))
        store_keep_token_uses(store);
    struct store_use *use = &store->uses[store->use_count++];
    memcpy(use->id, token->id, sizeof(use->id));
    use->used_ns = now_ns;
}

static enum status store_change_uses(struct store_txn *txn, void *context)
{
    (void)context;
    for (uint32_t i = 0; i < txn->store->use_count; i++) {
        const struct store_use *use = &txn->store->uses[i];
        struct store_token token = {0};
        struct bytes value = {0};
        memcpy(token.id, use->id, sizeof(token.id));
        enum status status = store_view(txn, RECORDS_TOKEN, store_token_key(token.id), &value);
        if (status == STATUS_NOT_FOUND)
            continue; /* removed meanwhile */
        if (status == STATUS_OK)
            status = store_token_parse(txn, value, &token);
        if (status == STATUS_OK) {
            token.record.used_ns = use->used_ns;
            status = store_token_put(txn, &token);
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

void store_keep_token_uses(struct store *store)
{
    const struct store_target nobody = {.tenant = bytes_make("", 0)};
    struct report report = REPORT_INIT;
    if (store->use_count == 0)
        return;
    /* What cannot be written is forgotten: it is only a time. */
    (void)!store_write(store, &nobody, store_change_uses, NULL, false, &report);
    store->use_count = 0;
}
