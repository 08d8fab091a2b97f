/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changelog as a chain that shows when somebody cut or wrote in it.
 *
 *   anchor <-- record first <-- ... <-- record last
 *              "previous": anchor       its SHA-256 is head
 *
 * Each record names the SHA-256 of the one before. When the oldest is forgotten, its hash becomes
 * the anchor, so what is left can still be checked. Records of servers that kept no chain are
 * before `first`; the newest of them is what the chain hangs on. Who can write the data directory
 * can make a new chain: whoever wants to know keeps `head` somewhere else.
 */
#include <jansson.h>

#include "deploy/store/digest.h"
#include "deploy/store/store_private.h"
#include "engine/base/hex.h"

#define STORE_AUDIT_KEY "audit"

static enum status store_audit_get(const struct store_txn *txn, struct records_audit *ret_audit)
{
    MDB_val key = store_val(STORE_AUDIT_KEY, strlen(STORE_AUDIT_KEY));
    return store_get_record(txn, RECORDS_META, key, ret_audit, sizeof(*ret_audit));
}

static enum status store_audit_put(const struct store_txn *txn, const struct records_audit *audit)
{
    MDB_val key = store_val(STORE_AUDIT_KEY, strlen(STORE_AUDIT_KEY));
    return store_put_record(txn, RECORDS_META, key, audit, sizeof(*audit));
}

static enum status
store_audit_view(const struct store_txn *txn, uint64_t serial, struct bytes *ret_text)
{
    uint8_t key[8];
    store_changelog_key(serial, key);
    return store_view(txn, RECORDS_CHANGELOG, store_val(key, sizeof(key)), ret_text);
}

enum status store_audit_begin(const struct store_txn *txn, struct records_audit *ret_audit)
{
    struct bytes text;
    enum status status = store_audit_get(txn, ret_audit);
    if (status != STATUS_NOT_FOUND)
        return status;
    *ret_audit = (struct records_audit){0};
    status = store_changelog_edge(txn, MDB_LAST, &ret_audit->last);
    ret_audit->first = ret_audit->last + 1;
    if (status != STATUS_OK || ret_audit->last == 0)
        return status;
    status = store_audit_view(txn, ret_audit->last, &text);
    if (status != STATUS_OK)
        return status;
    digest_sha256(text, ret_audit->head);
    memcpy(ret_audit->anchor, ret_audit->head, sizeof(ret_audit->anchor));
    return STATUS_OK;
}

enum status
store_audit_written(const struct store_txn *txn, struct records_audit *audit, struct bytes text)
{
    audit->last++;
    digest_sha256(text, audit->head);
    return store_audit_put(txn, audit);
}

enum status
store_audit_forget(const struct store_txn *txn, struct records_audit *audit, uint64_t serial)
{
    uint8_t key[8];
    struct bytes text;
    enum status status = STATUS_OK;
    store_changelog_key(serial, key);
    if (serial >= audit->first) {
        status = store_audit_view(txn, serial, &text);
        if (status == STATUS_OK) {
            digest_sha256(text, audit->anchor);
            audit->first = serial + 1;
            status = store_audit_put(txn, audit);
        }
    }
    if (status != STATUS_OK)
        return status;
    return store_delete_record(txn, RECORDS_CHANGELOG, store_val(key, sizeof(key)));
}

/* ---- checking -------------------------------------------------------------------------------- */

static bool store_audit_names(struct bytes text, const uint8_t hash[DEPLOY_SHA256_BYTES])
{
    char want[DIGEST_HEX_BYTES];
    hex_encode(hash, DEPLOY_SHA256_BYTES, want);
    json_t *json = json_loadb((const char *)text.data, text.count, 0, NULL);
    const char *previous = json_string_value(json_object_get(json, "previous"));
    bool names = previous != NULL && strcmp(previous, want) == 0;
    json_decref(json);
    return names;
}

static enum status store_audit_walk(const struct store_txn *txn, struct store_audit *audit)
{
    uint8_t hash[DEPLOY_SHA256_BYTES];
    struct bytes text;
    memcpy(hash, audit->chain.anchor, sizeof(hash));
    for (uint64_t serial = audit->chain.first; serial <= audit->chain.last; serial++) {
        enum status status = store_audit_view(txn, serial, &text);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        if (status == STATUS_NOT_FOUND || !store_audit_names(text, hash)) {
            audit->broken = serial;
            return STATUS_OK;
        }
        digest_sha256(text, hash);
        audit->checked++;
    }
    uint64_t last = 0;
    enum status status = store_changelog_edge(txn, MDB_LAST, &last);
    if (memcmp(hash, audit->chain.head, sizeof(hash)) != 0 || last != audit->chain.last)
        audit->broken = audit->chain.last;
    return status;
}

enum status
store_check_audit(struct store *store, struct report *report, struct store_audit *ret_audit)
{
    struct store_txn txn;
    struct store_audit audit = {0};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_audit_begin(&txn, &audit.chain);
    if (status == STATUS_OK)
        status = store_audit_walk(&txn, &audit);
    store_end_read(&txn);
    if (status == STATUS_OK)
        *ret_audit = audit;
    return status;
}
