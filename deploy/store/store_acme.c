/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ACME has to remember of hosts: how an order went wrong and when the next one is, and what
 * proves to the certifying server that the host leads here.
 *
 *   domain (tls: acme), proven --has no certificate, or one of ACME two thirds of whose life are
 *                                over--> an order --proof--> challenge, read by workers
 *
 * Neither is anybody's change, so the changelog has none of it: it has the certificates.
 */
#include <stdio.h>

#include "deploy/store/store_private.h"

struct store_acme_change {
    struct bytes host;
    const struct records_acme *record;       /* NULL: it is to go */
    const struct store_challenge *challenge; /* the same */
};

static const struct store_target store_acme_nobody = {0};

static enum status store_change_acme(struct store_txn *txn, void *context)
{
    const struct store_acme_change *change = context;
    MDB_val key = store_val(change->host.data, change->host.count);
    return change->record == NULL
               ? store_delete_record(txn, RECORDS_ACME, key)
               : store_put_record(txn, RECORDS_ACME, key, change->record, sizeof(*change->record));
}

enum status store_set_acme(struct store *store,
                           struct bytes host,
                           const struct records_acme *record,
                           struct report *report)
{
    struct store_acme_change change = {.host = host, .record = record};
    return store_write(store, &store_acme_nobody, store_change_acme, &change, record == NULL,
                       report);
}

static enum status store_change_challenge(struct store_txn *txn, void *context)
{
    const struct store_acme_change *change = context;
    const struct store_challenge *challenge = change->challenge;
    MDB_val key = store_val(change->host.data, change->host.count);
    if (challenge == NULL)
        return store_delete_record(txn, RECORDS_CHALLENGE, key);
    struct buffer value;
    struct records_challenge record = {.token_bytes = (uint32_t)challenge->token.count,
                                       .answer_bytes = (uint32_t)challenge->answer.count,
                                       .chain_bytes = (uint32_t)challenge->chain.count};
    memcpy(record.key, challenge->key, sizeof(record.key));
    buffer_init(&value, sizeof(record) + (size_t)record.token_bytes + record.answer_bytes +
                            record.chain_bytes);
    enum status status = buffer_append(&value, &record, sizeof(record));
    if (status == STATUS_OK)
        status = buffer_append(&value, challenge->token.data, challenge->token.count);
    if (status == STATUS_OK)
        status = buffer_append(&value, challenge->answer.data, challenge->answer.count);
    if (status == STATUS_OK && challenge->chain.count > 0)
        status = buffer_append(&value, challenge->chain.data, challenge->chain.count);
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_CHALLENGE, key, value.data, value.count);
    else
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE, "out of memory for a challenge");
    buffer_done(&value);
    return status;
}

enum status store_set_challenge(struct store *store,
                                struct bytes host,
                                const struct store_challenge *challenge,
                                struct report *report)
{
    struct store_acme_change change = {.host = host, .challenge = challenge};
    return store_write(store, &store_acme_nobody, store_change_challenge, &change,
                       challenge == NULL, report);
}

enum status store_drop_acme(const struct store_txn *txn, struct bytes host)
{
    MDB_val key = store_val(host.data, host.count);
    enum status status = store_delete_record(txn, RECORDS_ACME, key);
    return status == STATUS_OK ? store_delete_record(txn, RECORDS_CHALLENGE, key) : status;
}

/* ---- questions ------------------------------------------------------------------------------- */

static enum status
store_read_acme(const struct store_txn *txn, struct bytes host, struct records_acme *ret_record)
{
    return store_get_record(txn, RECORDS_ACME, store_val(host.data, host.count), ret_record,
                            sizeof(*ret_record));
}

enum status store_get_acme(struct store *store,
                           struct bytes host,
                           struct records_acme *ret_record,
                           struct report *report)
{
    struct store_txn txn;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_read_acme(&txn, host, ret_record);
    store_end_read(&txn);
    return status;
}

/* NOT_FOUND is none. */
static enum status store_fill_acme(const struct store_txn *txn, struct store_acme_domain *domain)
{
    struct bytes value = {0};
    enum status status = store_read_acme(txn, domain->host, &domain->state);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = store_view(txn, RECORDS_CERTIFICATE, store_val(domain->host.data, domain->host.count),
                        &value);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    domain->has_certificate = status == STATUS_OK && value.count >= sizeof(domain->certificate);
    if (domain->has_certificate)
        memcpy(&domain->certificate, value.data, sizeof(domain->certificate));
    return status;
}

enum status store_walk_acme(struct store *store,
                            bool (*visit)(void *context, const struct store_acme_domain *domain),
                            void *context,
                            struct report *report)
{
    struct store_txn txn;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    struct records_domain record;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_open(txn.mdb, store->dbi[RECORDS_DOMAIN], &cursor);
    if (rc == 0)
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (; status == STATUS_OK && rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (value.mv_size != sizeof(record))
            continue; /* damage, which whoever uses it says */
        memcpy(&record, value.mv_data, sizeof(record));
        struct store_acme_domain domain = {.host = bytes_make(key.mv_data, key.mv_size),
                                           .tenant = bytes_of_text(record.tenant)};
        if (record.tls != DEPLOY_TLS_ACME)
            continue;
        status = store_fill_acme(&txn, &domain);
        if (status == STATUS_OK && !visit(context, &domain))
            break;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && rc != 0 && rc != MDB_NOTFOUND)
        status = store_status(rc, report);
    store_end_read(&txn);
    return status;
}
