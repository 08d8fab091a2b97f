/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changelog: one JSON object per change, in the transaction of the change itself, so
 * that there is never one without the other. Its members are those that the change has, who
 * made it, and the hash of the record before; the oldest are forgotten beyond STORE_CHANGELOG_MAX.
 */
#include <jansson.h>
#include <stdlib.h>

#include "deploy/name.h"
#include "deploy/signature.h"
#include "deploy/store/digest.h"
#include "deploy/store/store_private.h"
#include "deploy/tenant_limits.h"
#include "engine/base/hex.h"

#define STORE_CHANGELOG_MAX 100000

enum status
store_changelog_edge(const struct store_txn *txn, MDB_cursor_op edge, uint64_t *ret_serial)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t serial = 0;
    int error = mdb_cursor_open(txn->mdb, txn->store->dbi[RECORDS_CHANGELOG], &cursor);
    if (error != 0)
        return store_status(error, txn->report);
    error = mdb_cursor_get(cursor, &key, &value, edge);
    if (error == 0 && key.mv_size == 8) {
        for (size_t i = 0; i < 8; i++)
            serial = serial << 8 | ((const uint8_t *)key.mv_data)[i];
    }
    mdb_cursor_close(cursor);
    *ret_serial = serial;
    return error == 0 || error == MDB_NOTFOUND ? STATUS_OK : store_status(error, txn->report);
}

void store_changelog_key(uint64_t serial, uint8_t ret_key[8])
{
    for (int i = 0; i < 8; i++)
        ret_key[i] = (uint8_t)(serial >> (56 - 8 * i));
}

static json_t *store_changelog_name(struct bytes name)
{
    return name.count == 0 ? json_string("") : json_stringn((const char *)name.data, name.count);
}

static void store_changelog_add_content(json_t *json, const struct records_content *content)
{
    char sha256[DIGEST_HEX_BYTES];
    char artifact[DIGEST_HEX_BYTES];
    hex_encode(content->sha256, DEPLOY_SHA256_BYTES, sha256);
    hex_encode(content->artifact_key, DEPLOY_SHA256_BYTES, artifact);
    (void)json_object_set_new(json, "sha256", json_string(sha256));
    (void)json_object_set_new(json, "artifact", json_string(artifact));
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    (void)json_object_set_new(json, #name, json_boolean(content->choices &DEPLOY_##NAME));
#include "deploy/choices.def"
    (void)json_object_set_new(json, "reuse_requests", json_integer(content->reuse_requests));
    (void)json_object_set_new(json, "reuse_us", json_integer((json_int_t)content->reuse_us));
}

static void store_changelog_add_actor(json_t *json, const struct store_actor *actor)
{
    static const struct store_actor server = {.who = "server"};
    if (actor == NULL)
        actor = &server;
    (void)json_object_set_new(json, "who", json_string(actor->who));
    if (actor->from != NULL)
        (void)json_object_set_new(json, "from", json_string(actor->from));
    if (actor->request != NULL)
        (void)json_object_set_new(json, "request", json_string(actor->request));
}

static json_t *store_changelog_shares(const struct records_deployment *deployment)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < deployment->share_count; i++)
        (void)json_array_append_new(
            rows, json_pack("{s:I, s:I}", "version", (json_int_t)deployment->shares[i].version,
                            "parts", (json_int_t)deployment->shares[i].parts));
    return rows;
}

/* An array of keys, one after the other. */
static json_t *store_changelog_keys(struct bytes keys)
{
    char text[2 * SIGNATURE_KEY_BYTES + 1];
    json_t *rows = json_array();
    for (size_t at = 0; at + SIGNATURE_KEY_BYTES <= keys.count; at += SIGNATURE_KEY_BYTES) {
        hex_encode(keys.data + at, SIGNATURE_KEY_BYTES, text);
        (void)json_array_append_new(rows, json_string(text));
    }
    return rows;
}

static void store_changelog_add_signers(json_t *json, const struct store_logged *logged)
{
    char text[2 * SIGNATURE_KEY_BYTES + 1];
    if (logged->signers != NULL)
        (void)json_object_set_new(json, "signers", store_changelog_keys(*logged->signers));
    if (logged->signer == NULL)
        return;
    hex_encode(logged->signer, SIGNATURE_KEY_BYTES, text);
    (void)json_object_set_new(json, "signed_by", json_string(text));
}

/* NULL: out of memory. */
static char *store_changelog_text(const struct store_txn *txn,
                                  const struct store_logged *logged,
                                  const struct records_audit *audit)
{
    char previous[DIGEST_HEX_BYTES];
    uint64_t serial = audit->last + 1;
    const struct store_target *target = logged->target;
    json_t *json = json_pack("{s:I, s:I, s:s, s:o}", "serial", (json_int_t)serial, "time_ns",
                             (json_int_t)txn->now_ns, "action", logged->action, "tenant",
                             store_changelog_name(target->tenant));
    if (json == NULL)
        return NULL;
    if (target->function.count > 0)
        (void)json_object_set_new(json, "function", store_changelog_name(target->function));
    if (logged->version != 0)
        (void)json_object_set_new(json, "version", json_integer(logged->version));
    if (logged->content != NULL)
        store_changelog_add_content(json, logged->content);
    if (logged->deployment != NULL && logged->deployment->share_count > 1)
        (void)json_object_set_new(json, "shares", store_changelog_shares(logged->deployment));
    if (logged->limits != NULL)
        (void)json_object_set_new(json, "limits", tenant_limits_to_json(logged->limits));
    if (logged->name.count > 0)
        (void)json_object_set_new(json, "name", store_changelog_name(logged->name));
    store_changelog_add_signers(json, logged);
    store_changelog_add_actor(json, txn->store->actor);
    hex_encode(audit->head, DEPLOY_SHA256_BYTES, previous);
    (void)json_object_set_new(json, "previous", json_string(previous));
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

enum status store_log(const struct store_txn *txn, const struct store_logged *logged)
{
    uint8_t key[8];
    txn->store->action = logged->action;
    txn->store->version = logged->version;
    struct records_audit audit;
    enum status status = store_audit_begin(txn, &audit);
    if (status != STATUS_OK)
        return status;
    char *text = store_changelog_text(txn, logged, &audit);
    if (text == NULL)
        return report_fail(txn->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    store_changelog_key(audit.last + 1, key);
    status =
        store_put_record(txn, RECORDS_CHANGELOG, store_val(key, sizeof(key)), text, strlen(text));
    if (status == STATUS_OK)
        status = store_audit_written(txn, &audit, bytes_of_text(text));
    free(text);
    uint64_t first = 0;
    if (status == STATUS_OK)
        status = store_changelog_edge(txn, MDB_FIRST, &first);
    if (status != STATUS_OK || audit.last - first < STORE_CHANGELOG_MAX)
        return status;
    return store_audit_forget(txn, &audit, first);
}

struct store_noting {
    const struct store_target *target;
    const char *action;
    struct bytes name;
};

static enum status store_change_note(struct store_txn *txn, void *context)
{
    const struct store_noting *noting = context;
    const struct store_logged logged = {
        .action = noting->action, .target = noting->target, .name = noting->name};
    enum status status = store_log(txn, &logged);
    txn->store->action = NULL; /* nothing here changed for anybody */
    return status;
}

enum status store_note_change(struct store *store,
                              const struct store_target *target,
                              const char *action,
                              struct bytes name,
                              struct report *report)
{
    struct store_noting noting = {.target = target, .action = action, .name = name};
    return store_write(store, target, store_change_note, &noting, false, report);
}
