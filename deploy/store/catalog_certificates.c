/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's certificates, and what proves hosts while they are ordered: one look-up by host,
 * and a copy.
 */
#include "deploy/store/catalog_private.h"

/* The record's parts as views of the copy. */
static bool catalog_read_certificate(struct bytes value, struct deploy_certificate *ret_certificate)
{
    struct records_certificate record;
    if (value.count < sizeof(record))
        return false;
    memcpy(&record, value.data, sizeof(record));
    if (value.count != sizeof(record) + (size_t)record.chain_bytes + record.ocsp_bytes)
        return false;
    const uint8_t *chain = value.data + sizeof(record);
    *ret_certificate = (struct deploy_certificate){
        .serial = record.serial,
        .not_after_s = record.not_after_s,
        .chain = bytes_make(chain, record.chain_bytes),
        .ocsp = bytes_make(chain + record.chain_bytes, record.ocsp_bytes)};
    memcpy(ret_certificate->key, record.key, sizeof(record.key));
    return true;
}

static bool catalog_read_challenge(struct bytes value, struct deploy_challenge *ret_challenge)
{
    struct records_challenge record;
    if (value.count < sizeof(record))
        return false;
    memcpy(&record, value.data, sizeof(record));
    if (value.count !=
        sizeof(record) + (size_t)record.token_bytes + record.answer_bytes + record.chain_bytes)
        return false;
    const uint8_t *at = value.data + sizeof(record);
    const uint8_t *chain = at + record.token_bytes + record.answer_bytes;
    *ret_challenge = (struct deploy_challenge){
        .token = bytes_make(at, record.token_bytes),
        .answer = bytes_make(at + record.token_bytes, record.answer_bytes),
        .certificate = {.chain = bytes_make(chain, record.chain_bytes)}};
    memcpy(ret_challenge->certificate.key, record.key, sizeof(record.key));
    return true;
}

/* Into `copy`; NOT_FOUND, without a report. */
static enum status catalog_copy(struct deploy_catalog *catalog,
                                enum records_db db,
                                struct bytes host,
                                struct buffer *copy,
                                struct report *report)
{
    MDB_val key = {.mv_size = host.count, .mv_data = (void *)(uintptr_t)host.data};
    MDB_val value;
    enum status status = STATUS_OK;
    int rc = lmdb_reader_begin(&catalog->reader);
    if (rc != 0)
        return catalog_fail(report, rc);
    rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[db], &key, &value);
    copy->count = 0;
    if (rc == 0)
        status = buffer_append(copy, value.mv_data, value.mv_size);
    lmdb_reader_end(&catalog->reader);
    if (rc == MDB_NOTFOUND)
        return STATUS_NOT_FOUND;
    if (rc != 0)
        return catalog_fail(report, rc);
    return status == STATUS_OK ? STATUS_OK : catalog_no_memory(report, "certificates");
}

static enum status catalog_damaged(struct report *report, const char *what)
{
    return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the store is damaged: a %s has the wrong form", what);
}

enum status deploy_catalog_certificate(struct deploy_catalog *catalog,
                                       struct bytes host,
                                       struct buffer *copy,
                                       struct report *report,
                                       struct deploy_certificate *ret_certificate)
{
    enum status status = catalog_copy(catalog, RECORDS_CERTIFICATE, host, copy, report);
    if (status != STATUS_OK)
        return status;
    return catalog_read_certificate(buffer_bytes(copy), ret_certificate)
               ? STATUS_OK
               : catalog_damaged(report, "certificate");
}

enum status deploy_catalog_challenge(struct deploy_catalog *catalog,
                                     struct bytes host,
                                     struct buffer *copy,
                                     struct report *report,
                                     struct deploy_challenge *ret_challenge)
{
    enum status status = catalog_copy(catalog, RECORDS_CHALLENGE, host, copy, report);
    if (status != STATUS_OK)
        return status;
    return catalog_read_challenge(buffer_bytes(copy), ret_challenge)
               ? STATUS_OK
               : catalog_damaged(report, "challenge");
}
