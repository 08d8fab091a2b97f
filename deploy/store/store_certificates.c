/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in the store, by host. Their private keys are elsewhere: here is only which key one
 * belongs to.
 */
#include "deploy/store/store_private.h"

static enum status store_certificate_damaged(const struct store_txn *txn)
{
    return report_fail(txn->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the store is damaged: a certificate has the wrong form");
}

static bool store_read_certificate(MDB_val key, MDB_val value, struct store_certificate *ret_found)
{
    struct records_certificate *record = &ret_found->record;
    if (value.mv_size < sizeof(*record))
        return false;
    memcpy(record, value.mv_data, sizeof(*record));
    if (value.mv_size != sizeof(*record) + (size_t)record->chain_bytes + record->ocsp_bytes)
        return false;
    const uint8_t *chain = (const uint8_t *)value.mv_data + sizeof(*record);
    ret_found->host = bytes_make(key.mv_data, key.mv_size);
    ret_found->chain = bytes_make(chain, record->chain_bytes);
    ret_found->ocsp = bytes_make(chain + record->chain_bytes, record->ocsp_bytes);
    return true;
}

static enum status store_walk_certificates(const struct store_txn *txn,
                                           struct bytes after,
                                           bool (*visit)(void *context,
                                                         const struct store_certificate *),
                                           void *context)
{
    MDB_cursor *cursor;
    MDB_val key = store_val(after.data, after.count);
    MDB_val value;
    struct store_certificate found;
    enum status status = store_status(
        mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_CERTIFICATE], &cursor), txn->report);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_cursor_get(cursor, &key, &value, after.count > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && after.count > 0 && bytes_equal(bytes_make(key.mv_data, key.mv_size), after))
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    for (; status == STATUS_OK && rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (!store_read_certificate(key, value, &found))
            status = store_certificate_damaged(txn);
        else if (!visit(context, &found))
            break;
    }
    mdb_cursor_close(cursor);
    if (status == STATUS_OK && rc != 0 && rc != MDB_NOTFOUND)
        status = store_status(rc, txn->report);
    return status;
}

/* ---- changes --------------------------------------------------------------------------------- */

struct store_certificate_change {
    const struct store_certificate *certificate;
    struct store_target target;
};

static enum status store_log_certificate(const struct store_txn *txn,
                                         const struct store_certificate_change *change,
                                         const char *action)
{
    const struct store_logged logged = {
        .action = action, .target = &change->target, .name = change->certificate->host};
    return store_log(txn, &logged);
}

struct store_key_search {
    const uint8_t *key;
    bool found;
};

static bool store_look_for_key(void *context, const struct store_certificate *found)
{
    struct store_key_search *search = context;
    search->found = memcmp(found->record.key, search->key, DEPLOY_SHA256_BYTES) == 0;
    return !search->found;
}

/* A certificate with that key went: if it was the last one, so does the key, after the commit. */
static enum status store_key_goes(const struct store_txn *txn,
                                  const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct store_key_search search = {.key = key};
    enum status status =
        store_walk_certificates(txn, bytes_make(NULL, 0), store_look_for_key, &search);
    if (status != STATUS_OK || search.found)
        return status;
    return buffer_append(&txn->store->gone_keys, key, DEPLOY_SHA256_BYTES);
}

/* NOT_FOUND, without a report: the host has none. What is found is a view of the transaction's. */
static enum status store_find_certificate(const struct store_txn *txn,
                                          struct bytes host,
                                          struct store_certificate *ret_found)
{
    struct bytes value = {0};
    MDB_val key = store_val(host.data, host.count);
    enum status status = store_view(txn, RECORDS_CERTIFICATE, key, &value);
    if (status != STATUS_OK)
        return status;
    return store_read_certificate(key, store_val(value.data, value.count), ret_found)
               ? STATUS_OK
               : store_certificate_damaged(txn);
}

static enum status store_no_certificate(const struct store_txn *txn, struct bytes host)
{
    return report_fail(txn->report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                       "there is no certificate for %.*s", (int)host.count,
                       (const char *)host.data);
}

static enum status store_put_certificate(const struct store_txn *txn,
                                         const struct store_certificate *certificate)
{
    struct records_certificate record = certificate->record;
    struct buffer value;
    record.serial = txn->now_ns;
    record.chain_bytes = (uint32_t)certificate->chain.count;
    record.ocsp_bytes = (uint32_t)certificate->ocsp.count;
    buffer_init(&value, sizeof(record) + (size_t)record.chain_bytes + record.ocsp_bytes);
    enum status status = buffer_append(&value, &record, sizeof(record));
    if (status == STATUS_OK)
        status = buffer_append(&value, certificate->chain.data, certificate->chain.count);
    if (status == STATUS_OK && certificate->ocsp.count > 0)
        status = buffer_append(&value, certificate->ocsp.data, certificate->ocsp.count);
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_CERTIFICATE,
                                  store_val(certificate->host.data, certificate->host.count),
                                  value.data, value.count);
    else
        (void)report_fail(txn->report, status, REPORT_OFFSET_NONE,
                          "out of memory for a certificate");
    buffer_done(&value);
    return status;
}

static enum status store_change_put_certificate(struct store_txn *txn, void *context)
{
    const struct store_certificate_change *change = context;
    const struct store_certificate *certificate = change->certificate;
    struct bytes tenant = change->target.tenant;
    struct store_certificate before;
    uint8_t key[DEPLOY_SHA256_BYTES];
    enum status status = store_find_certificate(txn, certificate->host, &before);
    bool replaces = status == STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (replaces)
        memcpy(key, before.record.key, sizeof(key));
    status = store_put_certificate(txn, certificate);
    if (status == STATUS_OK && replaces && memcmp(key, certificate->record.key, sizeof(key)) != 0)
        status = store_key_goes(txn, key);
    if (status == STATUS_OK && tenant.count > 0 &&
        certificate->record.origin == DEPLOY_CERTIFICATE_API)
        status = store_turn_domain(txn, tenant, certificate->host, DEPLOY_TLS_OWN);
    return status == STATUS_OK ? store_log_certificate(txn, change, "certificate") : status;
}

enum status store_set_certificate(struct store *store,
                                  const struct store_certificate *certificate,
                                  struct report *report)
{
    const char *tenant = certificate->record.tenant;
    struct store_certificate_change change = {.certificate = certificate,
                                              .target = {.tenant = bytes_of_text(tenant)}};
    return store_write(store, &change.target, store_change_put_certificate, &change, false, report);
}

static enum status store_change_ocsp(struct store_txn *txn, void *context)
{
    const struct store_certificate_change *change = context;
    struct store_certificate found;
    enum status status = store_find_certificate(txn, change->certificate->host, &found);
    if (status == STATUS_NOT_FOUND)
        return store_no_certificate(txn, change->certificate->host);
    found.ocsp = change->certificate->ocsp;
    if (status == STATUS_OK)
        status = store_put_certificate(txn, &found);
    return status == STATUS_OK ? store_log_certificate(txn, change, "ocsp") : status;
}

enum status
store_set_ocsp(struct store *store, struct bytes host, struct bytes ocsp, struct report *report)
{
    const struct store_certificate certificate = {.host = host, .ocsp = ocsp};
    struct store_certificate_change change = {.certificate = &certificate,
                                              .target = {.tenant = bytes_of_text("")}};
    return store_write(store, &change.target, store_change_ocsp, &change, false, report);
}

static enum status store_change_delete_certificate(struct store_txn *txn, void *context)
{
    const struct store_certificate_change *change = context;
    struct bytes host = change->certificate->host;
    struct bytes tenant = change->target.tenant;
    struct store_certificate found;
    uint8_t key[DEPLOY_SHA256_BYTES];
    enum status status = store_find_certificate(txn, host, &found);
    bool is_theirs =
        status == STATUS_OK && (tenant.count == 0 || bytes_equal_text(tenant, found.record.tenant));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !is_theirs))
        return store_no_certificate(txn, host);
    if (status != STATUS_OK)
        return status;
    memcpy(key, found.record.key, sizeof(key));
    bool is_own = found.record.origin == DEPLOY_CERTIFICATE_API;
    status = store_delete_record(txn, RECORDS_CERTIFICATE, store_val(host.data, host.count));
    if (status == STATUS_OK)
        status = store_key_goes(txn, key);
    if (status == STATUS_OK && tenant.count > 0 && is_own)
        status = store_turn_domain(txn, tenant, host, DEPLOY_TLS_OFF);
    return status == STATUS_OK ? store_log_certificate(txn, change, "uncertificate") : status;
}

enum status store_delete_certificate(struct store *store,
                                     struct bytes tenant,
                                     struct bytes host,
                                     struct report *report)
{
    const struct store_certificate certificate = {.host = host};
    struct store_certificate_change change = {.certificate = &certificate,
                                              .target = {.tenant = tenant}};
    return store_write(store, &change.target, store_change_delete_certificate, &change, true,
                       report);
}

enum status
store_drop_certificate_of(const struct store_txn *txn, struct bytes tenant, struct bytes host)
{
    struct store_certificate found;
    uint8_t key[DEPLOY_SHA256_BYTES];
    enum status status = store_find_certificate(txn, host, &found);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (!bytes_equal_text(tenant, found.record.tenant))
        return STATUS_OK;
    memcpy(key, found.record.key, sizeof(key));
    status = store_delete_record(txn, RECORDS_CERTIFICATE, store_val(host.data, host.count));
    return status == STATUS_OK ? store_key_goes(txn, key) : status;
}

bool store_has_key(struct store *store, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct store_txn txn;
    struct report report = REPORT_INIT;
    struct store_key_search search = {.key = key};
    if (store_begin_read(store, &report, &txn) != STATUS_OK)
        return true; /* it cannot be known */
    enum status status =
        store_walk_certificates(&txn, bytes_make(NULL, 0), store_look_for_key, &search);
    store_end_read(&txn);
    return status != STATUS_OK || search.found;
}

/* ---- questions ------------------------------------------------------------------------------- */

enum status store_list_certificates(struct store *store,
                                    struct bytes after,
                                    bool (*visit)(void *context, const struct store_certificate *),
                                    void *context,
                                    struct report *report)
{
    struct store_txn txn;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_walk_certificates(&txn, after, visit, context);
    store_end_read(&txn);
    return status;
}

enum status store_use_certificate(struct store *store,
                                  struct bytes host,
                                  void (*use)(void *context, const struct store_certificate *),
                                  void *context,
                                  struct report *report)
{
    struct store_txn txn;
    struct store_certificate found;
    struct bytes value = {0};
    MDB_val key = store_val(host.data, host.count);
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_view(&txn, RECORDS_CERTIFICATE, key, &value);
    if (status == STATUS_NOT_FOUND)
        (void)report_fail(report, status, REPORT_OFFSET_NONE, "there is no certificate for %.*s",
                          (int)host.count, (const char *)host.data);
    else if (status == STATUS_OK &&
             !store_read_certificate(key, store_val(value.data, value.count), &found))
        status = store_certificate_damaged(&txn);
    if (status == STATUS_OK)
        use(context, &found);
    store_end_read(&txn);
    return status;
}
