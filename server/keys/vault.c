/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records in LMDB, boxes by libsodium. Keys are in memory that is locked and guarded.
 */
#include "server/keys/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "deploy/lmdb/lmdb_status.h"
#include "engine/base/macros.h"
#include "server/keys/key_file.h"

#define VAULT_MAP_BYTES    ((size_t)1 << 30)
#define VAULT_KEY_BYTES    511 /* LMDB's */
#define VAULT_FORMAT       1
#define VAULT_HEAD_BYTES   (1 + sizeof(uint32_t) + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define VAULT_BOX_OVERHEAD (VAULT_HEAD_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES)

struct vault {
    MDB_env *env;
    MDB_dbi dbi;
    struct key_file *keys;
};

struct vault_key {
    size_t count;
    uint8_t bytes[VAULT_KEY_BYTES];
};

static enum status vault_fail(struct report *report, int error)
{
    static const struct lmdb_words words = {.name = "the vault", .remedy = "remove secrets"};
    return error == MDB_NOTFOUND ? report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                                               "there is no such secret")
                                 : lmdb_status(error, &words, report);
}

bool vault_name_valid(struct bytes name)
{
    if (name.count == 0 || name.count > VAULT_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.count; i++) {
        uint8_t byte = name.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
        if (!letter && (i == 0 || byte < '0' || byte > '9'))
            return false;
    }
    return true;
}

/* ---- records' keys --------------------------------------------------------------------------- */

static void vault_key_add(struct vault_key *key, struct bytes part, bool ends)
{
    ASSERT(part.count < VAULT_KEY_BYTES - key->count);
    if (part.count > 0)
        memcpy(key->bytes + key->count, part.data, part.count);
    key->count += part.count;
    if (ends)
        key->bytes[key->count++] = '\0';
}

/* Of a record; of all of a function's, or a tenant's, without the parts that are empty. */
static struct vault_key vault_key(const struct vault_name *name)
{
    struct vault_key key = {.count = 0};
    vault_key_add(&key, name->tenant, true);
    if (name->function.count > 0)
        vault_key_add(&key, name->function, true);
    vault_key_add(&key, name->name, false);
    return key;
}

static MDB_val vault_val(const struct vault_key *key)
{
    return (MDB_val){.mv_size = key->count, .mv_data = (void *)(uintptr_t)key->bytes};
}

/* ---- boxes ----------------------------------------------------------------------------------- */

/* `ret_box` has room for VAULT_BOX_OVERHEAD more than the value. */
static void vault_seal(const struct vault *vault, MDB_val key, struct bytes value, uint8_t *ret_box)
{
    uint32_t id;
    const uint8_t *secret = key_file_present(vault->keys, &id);
    uint8_t *nonce = ret_box + 1 + sizeof(id);
    ret_box[0] = VAULT_FORMAT;
    memcpy(ret_box + 1, &id, sizeof(id));
    randombytes_buf(nonce, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(ret_box + VAULT_HEAD_BYTES, NULL, value.data,
                                                     value.count, key.mv_data, key.mv_size, NULL,
                                                     nonce, secret);
}

static enum status vault_open_box(const struct vault *vault,
                                  MDB_val key,
                                  MDB_val box,
                                  struct report *report,
                                  struct buffer *value)
{
    const uint8_t *bytes = box.mv_data;
    uint32_t id;
    if (box.mv_size < VAULT_BOX_OVERHEAD || bytes[0] != VAULT_FORMAT)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE, "vault: no box");
    memcpy(&id, bytes + 1, sizeof(id));
    const uint8_t *secret = key_file_find(vault->keys, id);
    if (secret == NULL)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "vault: the key of a box is not there any more");
    size_t count = box.mv_size - VAULT_BOX_OVERHEAD;
    if (buffer_reserve(value, count + 1) != STATUS_OK) /* so that there are bytes */
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            value->data + value->count, NULL, NULL, bytes + VAULT_HEAD_BYTES,
            box.mv_size - VAULT_HEAD_BYTES, key.mv_data, key.mv_size, bytes + 1 + sizeof(id),
            secret) != 0)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "vault: a box does not open: it was changed, or is another's");
    value->count += count;
    return STATUS_OK;
}

/* ---- life ------------------------------------------------------------------------------------ */

static enum status vault_open_env(struct vault *vault, const char *dir, struct report *report)
{
    MDB_txn *txn;
    int error = mdb_env_create(&vault->env);
    if (error == 0)
        error = mdb_env_set_mapsize(vault->env, VAULT_MAP_BYTES);
    /* Nobody else opens it, so there is nobody to lock out. */
    if (error == 0)
        error = mdb_env_open(vault->env, dir, MDB_NOLOCK | MDB_NORDAHEAD, 0600);
    if (error == 0)
        error = mdb_txn_begin(vault->env, NULL, 0, &txn);
    if (error != 0)
        return vault_fail(report, error);
    error = mdb_dbi_open(txn, NULL, 0, &vault->dbi);
    if (error != 0) {
        mdb_txn_abort(txn);
        return vault_fail(report, error);
    }
    error = mdb_txn_commit(txn);
    return error == 0 ? STATUS_OK : vault_fail(report, error);
}

enum status vault_open(const char *data_dir, struct report *report, struct vault **ret_vault)
{
    char dir[CONFIG_PATH_BYTES + 16];
    (void)snprintf(dir, sizeof(dir), "%s/vault", data_dir);
    if (sodium_init() < 0)
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "libsodium does not start");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return report_errno(report, "cannot make %s", dir);
    struct vault *vault = calloc(1, sizeof(*vault));
    if (vault == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    enum status status = key_file_open(dir, report, &vault->keys);
    if (status == STATUS_OK)
        status = vault_open_env(vault, dir, report);
    if (status == STATUS_OK)
        *ret_vault = vault;
    else
        vault_close(vault);
    return status;
}

void vault_close(struct vault *vault)
{
    if (vault == NULL)
        return;
    if (vault->env != NULL)
        mdb_env_close(vault->env);
    key_file_close(vault->keys);
    free(vault);
}

/* ---- reading --------------------------------------------------------------------------------- */

enum status vault_get(struct vault *vault,
                      const struct vault_name *name,
                      struct report *report,
                      struct buffer *value)
{
    const struct vault_key record = vault_key(name);
    MDB_val key = vault_val(&record);
    MDB_val box;
    MDB_txn *txn;
    int error = mdb_txn_begin(vault->env, NULL, MDB_RDONLY, &txn);
    if (error != 0)
        return vault_fail(report, error);
    error = mdb_get(txn, vault->dbi, &key, &box);
    enum status status =
        error == 0 ? vault_open_box(vault, key, box, report, value) : vault_fail(report, error);
    mdb_txn_abort(txn);
    return status;
}

/* A way through the records whose keys begin like `whose`; all there are, if that has no bytes. */
struct vault_walk {
    const struct vault_key *whose;
    MDB_cursor *cursor;
    MDB_val key; /* of the present record, like its box */
    MDB_val box;
    bool has_begun;
    int error; /* LMDB's; MDB_NOTFOUND at its end */
};

static struct vault_walk
vault_walk_begin(const struct vault *vault, MDB_txn *txn, const struct vault_key *whose)
{
    struct vault_walk walk = {.whose = whose, .key = vault_val(whose)};
    walk.error = mdb_cursor_open(txn, vault->dbi, &walk.cursor);
    return walk;
}

/* False at its end, and after an error. */
static bool vault_walk_next(struct vault_walk *walk)
{
    MDB_cursor_op first = walk->whose->count == 0 ? MDB_FIRST : MDB_SET_RANGE;
    if (walk->error != 0)
        return false;
    walk->error =
        mdb_cursor_get(walk->cursor, &walk->key, &walk->box, walk->has_begun ? MDB_NEXT : first);
    walk->has_begun = true;
    if (walk->error == 0 &&
        (walk->key.mv_size < walk->whose->count ||
         memcmp(walk->key.mv_data, walk->whose->bytes, walk->whose->count) != 0))
        walk->error = MDB_NOTFOUND;
    return walk->error == 0;
}

/* 0, or the error that ended it too early. */
static int vault_walk_end(struct vault_walk *walk)
{
    if (walk->cursor != NULL)
        mdb_cursor_close(walk->cursor);
    return walk->error == MDB_NOTFOUND ? 0 : walk->error;
}

static struct vault_key vault_owner(const struct vault_name *name)
{
    const struct vault_name owner = {.tenant = name->tenant, .function = name->function};
    return vault_key(&owner);
}

enum status vault_list(struct vault *vault,
                       const struct vault_name *whose,
                       void (*take)(void *context, struct bytes name),
                       void *context,
                       struct report *report)
{
    const struct vault_key owner = vault_owner(whose);
    MDB_txn *txn;
    int error = mdb_txn_begin(vault->env, NULL, MDB_RDONLY, &txn);
    if (error != 0)
        return vault_fail(report, error);
    struct vault_walk walk = vault_walk_begin(vault, txn, &owner);
    while (vault_walk_next(&walk))
        take(context, bytes_make((const uint8_t *)walk.key.mv_data + owner.count,
                                 walk.key.mv_size - owner.count));
    error = vault_walk_end(&walk);
    mdb_txn_abort(txn);
    return error == 0 ? STATUS_OK : vault_fail(report, error);
}

enum status vault_each_box(struct vault *vault,
                           enum status (*take)(void *context, struct bytes name, struct bytes box),
                           void *context,
                           struct report *report)
{
    static const struct vault_key all;
    MDB_txn *txn;
    int error = mdb_txn_begin(vault->env, NULL, MDB_RDONLY, &txn);
    if (error != 0)
        return vault_fail(report, error);
    enum status status = STATUS_OK;
    struct vault_walk walk = vault_walk_begin(vault, txn, &all);
    while (status == STATUS_OK && vault_walk_next(&walk))
        status = take(context, bytes_make(walk.key.mv_data, walk.key.mv_size),
                      bytes_make(walk.box.mv_data, walk.box.mv_size));
    error = vault_walk_end(&walk);
    mdb_txn_abort(txn);
    return status != STATUS_OK || error == 0 ? status : vault_fail(report, error);
}

struct bytes vault_keys(const struct vault *vault)
{
    return key_file_bytes_of(vault->keys);
}

/* ---- changing -------------------------------------------------------------------------------- */

/* Ends the transaction: commits it if all is well. */
static enum status vault_end(MDB_txn *txn, int error, struct report *report)
{
    if (error == 0)
        error = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return error == 0 ? STATUS_OK : vault_fail(report, error);
}

/* Is there room for a record that is not there yet? */
static int
vault_check_room(struct vault *vault, MDB_txn *txn, MDB_val *key, const struct vault_name *name)
{
    MDB_val box;
    uint32_t count = 0;
    int error = mdb_get(txn, vault->dbi, key, &box);
    if (error != MDB_NOTFOUND)
        return error;
    const struct vault_key owner = vault_owner(name);
    struct vault_walk walk = vault_walk_begin(vault, txn, &owner);
    while (vault_walk_next(&walk))
        count++;
    error = vault_walk_end(&walk);
    uint32_t max = name->tenant.count == 0 ? VAULT_KEYS_MAX : VAULT_COUNT_MAX;
    return error == 0 && count >= max ? MDB_KEYEXIST : error;
}

enum status vault_put(struct vault *vault,
                      const struct vault_name *name,
                      struct bytes value,
                      struct report *report)
{
    const struct vault_key record = vault_key(name);
    MDB_val key = vault_val(&record);
    MDB_val box = {.mv_size = VAULT_BOX_OVERHEAD + value.count};
    MDB_txn *txn;
    if (value.count > VAULT_VALUE_BYTES_MAX)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a secret has at most %d bytes", VAULT_VALUE_BYTES_MAX);
    int error = mdb_txn_begin(vault->env, NULL, 0, &txn);
    if (error != 0)
        return vault_fail(report, error);
    error = vault_check_room(vault, txn, &key, name);
    if (error == MDB_KEYEXIST) {
        mdb_txn_abort(txn);
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "a function has at most %d secrets, all certificates %d keys",
                           VAULT_COUNT_MAX, VAULT_KEYS_MAX);
    }
    if (error == 0)
        error = mdb_put(txn, vault->dbi, &key, &box, MDB_RESERVE);
    if (error == 0)
        vault_seal(vault, key, value, box.mv_data);
    return vault_end(txn, error, report);
}

enum status vault_remove(struct vault *vault, const struct vault_name *name, struct report *report)
{
    const struct vault_key record = vault_key(name);
    MDB_val key = vault_val(&record);
    MDB_txn *txn;
    int error = mdb_txn_begin(vault->env, NULL, 0, &txn);
    if (error != 0)
        return vault_fail(report, error);
    return vault_end(txn, mdb_del(txn, vault->dbi, &key, NULL), report);
}

enum status vault_forget(struct vault *vault, const struct vault_name *whose, struct report *report)
{
    const struct vault_key owner = vault_owner(whose);
    MDB_txn *txn;
    MDB_cursor *cursor;
    int error = mdb_txn_begin(vault->env, NULL, 0, &txn);
    if (error != 0)
        return vault_fail(report, error);
    error = mdb_cursor_open(txn, vault->dbi, &cursor);
    if (error != 0)
        return vault_end(txn, error, report);
    for (;;) {
        MDB_val key = vault_val(&owner);
        MDB_val box;
        error = mdb_cursor_get(cursor, &key, &box, MDB_SET_RANGE);
        if (error != 0 || key.mv_size < owner.count ||
            memcmp(key.mv_data, owner.bytes, owner.count) != 0)
            break;
        error = mdb_cursor_del(cursor, 0);
        if (error != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return vault_end(txn, error == MDB_NOTFOUND ? 0 : error, report);
}

/* ---- rotating -------------------------------------------------------------------------------- */

/* One record's box under the present key, over `clear`, which is wiped. */
static enum status vault_reseal(struct vault *vault,
                                MDB_cursor *cursor,
                                MDB_val key,
                                MDB_val box,
                                struct report *report,
                                struct buffer *clear)
{
    struct vault_key copy = {.count = key.mv_size};
    memcpy(copy.bytes, key.mv_data, MIN(key.mv_size, sizeof(copy.bytes)));
    clear->count = 0;
    enum status status = vault_open_box(vault, key, box, report, clear);
    if (status != STATUS_OK)
        return status;
    MDB_val own = vault_val(&copy);
    MDB_val sealed = {.mv_size = VAULT_BOX_OVERHEAD + clear->count};
    int error = mdb_cursor_put(cursor, &own, &sealed, MDB_CURRENT | MDB_RESERVE);
    if (error == 0)
        vault_seal(vault, own, buffer_bytes(clear), sealed.mv_data);
    sodium_memzero(clear->data, clear->capacity);
    return error == 0 ? STATUS_OK : vault_fail(report, error);
}

static enum status vault_reseal_all(struct vault *vault, MDB_txn *txn, struct report *report)
{
    static const struct vault_key all;
    struct buffer clear;
    buffer_init(&clear, VAULT_VALUE_BYTES_MAX + 1);
    enum status status = STATUS_OK;
    struct vault_walk walk = vault_walk_begin(vault, txn, &all);
    while (status == STATUS_OK && vault_walk_next(&walk))
        status = vault_reseal(vault, walk.cursor, walk.key, walk.box, report, &clear);
    int error = vault_walk_end(&walk);
    buffer_done(&clear);
    return status != STATUS_OK || error == 0 ? status : vault_fail(report, error);
}

/* All boxes are made anew with the present key; then no other is needed. */
static enum status vault_end_rotation(struct vault *vault, struct report *report)
{
    MDB_txn *txn;
    int error = mdb_txn_begin(vault->env, NULL, 0, &txn);
    if (error != 0)
        return vault_fail(report, error);
    enum status status = vault_reseal_all(vault, txn, report);
    if (status != STATUS_OK) {
        mdb_txn_abort(txn);
        return status;
    }
    status = vault_end(txn, 0, report);
    return status == STATUS_OK ? key_file_drop_old(vault->keys, report) : status;
}

/* One that was cut short comes to its end first: there are never more than two keys. */
enum status vault_rotate(struct vault *vault, struct report *report)
{
    enum status status = STATUS_OK;
    if (key_file_has_old(vault->keys))
        status = vault_end_rotation(vault, report);
    if (status == STATUS_OK)
        status = key_file_add(vault->keys, report);
    return status == STATUS_OK ? vault_end_rotation(vault, report) : status;
}
