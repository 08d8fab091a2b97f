/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron triggers: one record each, below its function. Those of the manifest of the active version
 * come and go with it; that a trigger stays the same keeps what it knows of its last run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/store/store_private.h"

static struct records_key store_cron_key(const struct store_target *target, struct bytes id)
{
    struct records_key key = records_function_key(target->tenant, target->function);
    key.data[key.count++] = '\0';
    ASSERT(id.count < DEPLOY_NAME_BYTES);
    if (id.count > 0)
        memcpy(key.data + key.count, id.data, id.count);
    key.count += id.count;
    return key;
}

/* Views the value. */
static enum status
store_read_cron(const struct store_txn *txn, struct bytes value, struct store_cron *ret_cron)
{
    struct records_cron record;
    if (value.count >= sizeof(record)) {
        memcpy(&record, value.data, sizeof(record));
        if (value.count == sizeof(record) + record.schedule_bytes + record.path_bytes) {
            const uint8_t *texts = value.data + sizeof(record);
            ret_cron->record = record;
            ret_cron->schedule = bytes_make(texts, record.schedule_bytes);
            ret_cron->path = bytes_make(texts + record.schedule_bytes, record.path_bytes);
            return STATUS_OK;
        }
    }
    return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the store is damaged: a cron trigger has the wrong form");
}

/* "tenant/function" NUL id */
static bool store_split_cron_key(struct bytes key, struct store_cron *ret_cron)
{
    const uint8_t *slash = memchr(key.data, '/', key.count);
    const uint8_t *nul = memchr(key.data, '\0', key.count);
    if (slash == NULL || nul == NULL || slash > nul)
        return false;
    ret_cron->target.tenant = bytes_make(key.data, (size_t)(slash - key.data));
    ret_cron->target.function = bytes_make(slash + 1, (size_t)(nul - slash) - 1);
    ret_cron->id = bytes_make(nul + 1, key.count - (size_t)(nul - key.data) - 1);
    return true;
}

/* All whose keys begin with `prefix`; the visitor says false to stop. */
static enum status store_walk_crons(const struct store_txn *txn,
                                    struct bytes prefix,
                                    bool (*visit)(void *context, const struct store_cron *),
                                    void *context)
{
    MDB_cursor *cursor;
    MDB_val key = store_val(prefix.data, prefix.count);
    MDB_val value;
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_CRON], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_get(cursor, &key, &value, prefix.count == 0 ? MDB_FIRST : MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        struct store_cron cron;
        if (key.mv_size < prefix.count ||
            (prefix.count > 0 && memcmp(key.mv_data, prefix.data, prefix.count) != 0))
            break;
        if (!store_split_cron_key(bytes_make(key.mv_data, key.mv_size), &cron))
            continue;
        status = store_read_cron(txn, bytes_make(value.mv_data, value.mv_size), &cron);
        if (status != STATUS_OK || !visit(context, &cron))
            break;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && rc != 0 && rc != MDB_NOTFOUND)
        status = store_status(rc, txn->report);
    return status;
}

static enum status store_put_cron(const struct store_txn *txn,
                                  const struct store_target *target,
                                  struct bytes id,
                                  const struct deploy_cron *cron)
{
    uint8_t text[sizeof(struct records_cron) + STORE_CRON_TEXT_BYTES];
    struct records_key key = store_cron_key(target, id);
    MDB_val at = store_val(key.data, key.count);
    struct bytes value = {0};
    struct store_cron before = {.record = {0}};
    struct records_cron record = {.last_ns = txn->now_ns,
                                  .allows_overlap = bytes_equal_text(cron->overlap, "allow"),
                                  .runs_missed = bytes_equal_text(cron->missed, "once"),
                                  .schedule_bytes = (uint32_t)cron->schedule.count,
                                  .path_bytes = (uint32_t)cron->path.count};
    if (cron->schedule.count + cron->path.count > STORE_CRON_TEXT_BYTES)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a trigger's schedule and path are too long");
    if (store_view(txn, RECORDS_CRON, at, &value) == STATUS_OK &&
        store_read_cron(txn, value, &before) == STATUS_OK &&
        bytes_equal(before.schedule, cron->schedule))
        record.last_ns = before.record.last_ns;
    memcpy(text, &record, sizeof(record));
    memcpy(text + sizeof(record), cron->schedule.data, cron->schedule.count);
    if (cron->path.count > 0)
        memcpy(text + sizeof(record) + cron->schedule.count, cron->path.data, cron->path.count);
    return store_put_record(txn, RECORDS_CRON, at, text,
                            sizeof(record) + record.schedule_bytes + record.path_bytes);
}

/* ---- with the manifest ----------------------------------------------------------------------- */

struct store_cron_ids {
    uint32_t count;
    char ids[STORE_CRONS_PER_FUNCTION * 2 + 1][DEPLOY_NAME_BYTES];
};

static bool store_note_cron(void *context, const struct store_cron *cron)
{
    struct store_cron_ids *ids = context;
    if (ids->count == COUNT_OF(ids->ids) || cron->id.count >= DEPLOY_NAME_BYTES)
        return false;
    memcpy(ids->ids[ids->count], cron->id.data, cron->id.count);
    ids->ids[ids->count++][cron->id.count] = '\0';
    return true;
}

enum status store_drop_crons(const struct store_txn *txn,
                             const struct store_target *target,
                             const char *id_prefix,
                             uint32_t kept)
{
    struct store_cron_ids ids = {0};
    struct records_key prefix = store_cron_key(target, bytes_of_text(id_prefix));
    enum status status =
        store_walk_crons(txn, bytes_make(prefix.data, prefix.count), store_note_cron, &ids);
    for (uint32_t i = 0; status == STATUS_OK && i < ids.count; i++) {
        uint32_t number = (uint32_t)strtoul(ids.ids[i] + strlen(id_prefix), NULL, 10);
        struct records_key key = store_cron_key(target, bytes_of_text(ids.ids[i]));
        if (kept == 0 || number > kept)
            status = store_delete_record(txn, RECORDS_CRON, store_val(key.data, key.count));
    }
    return status;
}

enum status store_follow_crons(const struct store_txn *txn,
                               const struct store_target *target,
                               const struct deploy_crons *crons)
{
    enum status status = store_drop_crons(txn, target, STORE_MANIFEST_CRON, crons->count);
    for (uint32_t i = 0; status == STATUS_OK && i < crons->count; i++) {
        char id[sizeof(STORE_MANIFEST_CRON) + 12];
        (void)snprintf(id, sizeof(id), STORE_MANIFEST_CRON "%u", i + 1);
        status = store_put_cron(txn, target, bytes_of_text(id), &crons->rows[i]);
    }
    return status;
}

/* ---- changes by the API ---------------------------------------------------------------------- */

struct store_cron_change {
    const struct store_target *target;
    struct bytes id;
    const struct deploy_cron *cron; /* NULL: it goes */
};

static enum status store_change_cron(struct store_txn *txn, void *context)
{
    const struct store_cron_change *change = context;
    struct records_function function;
    struct store_cron_ids ids = {0};
    struct bytes value = {0};
    struct records_key prefix = store_cron_key(change->target, bytes_make(NULL, 0));
    struct records_key key = store_cron_key(change->target, change->id);
    MDB_val at = store_val(key.data, key.count);
    enum status status = store_find_function(txn, change->target, &function);
    if (status != STATUS_OK)
        return status;
    enum status there = store_view(txn, RECORDS_CRON, at, &value);
    if (change->cron == NULL && there == STATUS_NOT_FOUND)
        return report_fail(txn->report, there, REPORT_OFFSET_NONE,
                           "the function has no trigger `%.*s`", (int)change->id.count,
                           (const char *)change->id.data);
    status = store_walk_crons(txn, bytes_make(prefix.data, prefix.count), store_note_cron, &ids);
    if (status == STATUS_OK && change->cron != NULL && there != STATUS_OK &&
        ids.count >= STORE_CRONS_PER_FUNCTION)
        return report_fail(txn->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a function can have %d triggers", STORE_CRONS_PER_FUNCTION);
    if (status == STATUS_OK)
        status = change->cron == NULL
                     ? store_delete_record(txn, RECORDS_CRON, at)
                     : store_put_cron(txn, change->target, change->id, change->cron);
    const struct store_logged logged = {.action = change->cron == NULL ? "uncron" : "cron",
                                        .target = change->target,
                                        .name = change->id};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_set_cron(struct store *store,
                           const struct store_target *target,
                           struct bytes id,
                           const struct deploy_cron *cron,
                           struct report *report)
{
    struct store_cron_change change = {.target = target, .id = id, .cron = cron};
    return store_write(store, target, store_change_cron, &change, cron == NULL, report);
}

/* ---- when they run --------------------------------------------------------------------------- */

struct store_cron_moments {
    const struct store_cron_moment *rows;
    uint32_t count;
};

static enum status store_change_moments(struct store_txn *txn, void *context)
{
    const struct store_cron_moments *moments = context;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < moments->count; i++) {
        const struct store_cron_moment *moment = &moments->rows[i];
        const struct store_target target = {.tenant = bytes_of_text(moment->tenant),
                                            .function = bytes_of_text(moment->function)};
        uint8_t text[sizeof(struct records_cron) + STORE_CRON_TEXT_BYTES];
        struct records_key key = store_cron_key(&target, bytes_of_text(moment->id));
        MDB_val at = store_val(key.data, key.count);
        struct bytes value = {0};
        status = store_view(txn, RECORDS_CRON, at, &value);
        if (status == STATUS_OK && value.count <= sizeof(text)) {
            memcpy(text, value.data, value.count);
            memcpy(text, &moment->last_ns, sizeof(moment->last_ns));
            status = store_put_record(txn, RECORDS_CRON, at, text, value.count);
        }
        /* It was removed meanwhile. */
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

enum status store_cron_ran(struct store *store,
                           const struct store_cron_moment *moments,
                           uint32_t count,
                           struct report *report)
{
    static const struct store_target nobody;
    struct store_cron_moments change = {.rows = moments, .count = count};
    return store_write(store, &nobody, store_change_moments, &change, false, report);
}

enum status store_list_crons(struct store *store,
                             const struct store_target *target,
                             bool (*visit)(void *context, const struct store_cron *),
                             void *context,
                             struct report *report)
{
    struct store_txn txn;
    struct records_function function;
    struct records_key prefix = {.count = 0};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    if (target != NULL) {
        status = store_find_function(&txn, target, &function);
        prefix = store_cron_key(target, bytes_make(NULL, 0));
    }
    if (status == STATUS_OK)
        status = store_walk_crons(&txn, bytes_make(prefix.data, prefix.count), visit, context);
    store_end_read(&txn);
    return status;
}
