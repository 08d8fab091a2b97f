/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's certificates: one look-up by host, and a copy.
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

enum status deploy_catalog_certificate(struct deploy_catalog *catalog,
                                       struct bytes host,
                                       struct buffer *copy,
                                       struct report *report,
                                       struct deploy_certificate *ret_certificate)
{
    MDB_val key = {.mv_size = host.count, .mv_data = (void *)(uintptr_t)host.data};
    MDB_val value;
    enum status status = STATUS_OK;
    int rc = lmdb_reader_begin(&catalog->reader);
    if (rc != 0)
        return catalog_fail(report, rc);
    rc = mdb_get(catalog->reader.txn, catalog->reader.dbi[RECORDS_CERTIFICATE], &key, &value);
    copy->count = 0;
    if (rc == 0)
        status = buffer_append(copy, value.mv_data, value.mv_size);
    lmdb_reader_end(&catalog->reader);
    if (rc == MDB_NOTFOUND)
        return STATUS_NOT_FOUND;
    if (rc != 0)
        return catalog_fail(report, rc);
    if (status != STATUS_OK)
        return catalog_no_memory(report, "certificates");
    return catalog_read_certificate(buffer_bytes(copy), ret_certificate)
               ? STATUS_OK
               : report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                             "the store is damaged: a certificate has the wrong form");
}
