/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as they were, and the file of keys beside them, of mode 0600: what the key process opens.
 */
#include "deploy/backup/backup_vault.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/recipient.h"
#include "engine/base/io.h"

#define BACKUP_VAULT_MAP_BYTES  ((size_t)1 << 30)
#define BACKUP_VAULT_KEYS_BYTES 4096 /* more than the file of keys can have */

/* ---- reading --------------------------------------------------------------------------------- */

static bool vault_take(struct bytes *rest, size_t count, struct bytes *ret)
{
    if (rest->count < count)
        return false;
    *ret = bytes_make(rest->data, count);
    *rest = bytes_make(rest->data + count, rest->count - count);
    return true;
}

static bool vault_take_u32(struct bytes *rest, uint32_t *ret)
{
    struct bytes word;
    if (!vault_take(rest, sizeof(*ret), &word))
        return false;
    memcpy(ret, word.data, sizeof(*ret));
    *ret = le32toh(*ret);
    return true;
}

static bool vault_take_counted(struct bytes *rest, struct bytes *ret)
{
    uint32_t count;
    return vault_take_u32(rest, &count) && vault_take(rest, count, ret);
}

static bool vault_take_record(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_box)
{
    uint32_t name;
    uint32_t box;
    return vault_take_u32(rest, &name) && vault_take_u32(rest, &box) &&
           vault_take(rest, name, ret_name) && vault_take(rest, box, ret_box);
}

static enum status vault_bad(struct report *report)
{
    return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the backup's secrets are not as they were saved");
}

/* The file of keys, and the records behind it. */
static enum status vault_unseal(struct bytes *rest,
                                struct bytes passphrase,
                                struct report *report,
                                uint8_t ret_keys[BACKUP_VAULT_KEYS_BYTES],
                                size_t *ret_count)
{
    struct bytes magic;
    struct bytes text;
    struct bytes sealed;
    struct recipient recipient;
    uint8_t secret[RECIPIENT_KEY_BYTES];
    if (!vault_take(rest, VAULT_EXPORT_MAGIC_BYTES, &magic) ||
        memcmp(magic.data, VAULT_EXPORT_MAGIC, magic.count) != 0 ||
        !vault_take_counted(rest, &text) || !recipient_parse(text, &recipient) ||
        !vault_take_counted(rest, &sealed) || sealed.count <= crypto_box_SEALBYTES ||
        sealed.count - crypto_box_SEALBYTES > BACKUP_VAULT_KEYS_BYTES)
        return vault_bad(report);
    enum status status = recipient_open(&recipient, passphrase, report, secret);
    if (status == STATUS_OK &&
        crypto_box_seal_open(ret_keys, sealed.data, sealed.count, recipient.key, secret) != 0)
        status = vault_bad(report);
    sodium_memzero(secret, sizeof(secret));
    *ret_count = sealed.count - crypto_box_SEALBYTES;
    return status;
}

enum status backup_vault_check(struct bytes saved, struct bytes passphrase, struct report *report)
{
    uint8_t keys[BACKUP_VAULT_KEYS_BYTES];
    size_t count;
    struct bytes name;
    struct bytes box;
    enum status status = vault_unseal(&saved, passphrase, report, keys, &count);
    sodium_memzero(keys, sizeof(keys));
    while (status == STATUS_OK && saved.count > 0)
        status = vault_take_record(&saved, &name, &box) ? STATUS_OK : vault_bad(report);
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

static enum status vault_write_keys(const char *path, struct bytes keys, struct report *report)
{
    char file[CONFIG_PATH_BYTES + 64];
    (void)snprintf(file, sizeof(file), "%s/key", path);
    AUTO_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || io_write_all(fd, keys) != STATUS_OK || fsync(fd) != 0)
        return report_errno(report, "cannot write %s", file);
    return STATUS_OK;
}

static int vault_put_all(MDB_txn *txn, struct bytes records)
{
    MDB_dbi dbi;
    struct bytes name;
    struct bytes box;
    int rc = mdb_dbi_open(txn, NULL, 0, &dbi);
    while (rc == 0 && records.count > 0) {
        if (!vault_take_record(&records, &name, &box))
            return MDB_CORRUPTED;
        MDB_val key = {.mv_size = name.count, .mv_data = (void *)(uintptr_t)name.data};
        MDB_val value = {.mv_size = box.count, .mv_data = (void *)(uintptr_t)box.data};
        rc = mdb_put(txn, dbi, &key, &value, MDB_APPEND);
    }
    return rc;
}

static enum status
vault_write_records(const char *path, struct bytes records, struct report *report)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    int rc = mdb_env_create(&env);
    if (rc == 0)
        rc = mdb_env_set_mapsize(env, BACKUP_VAULT_MAP_BYTES);
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOLOCK, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0)
        rc = vault_put_all(txn, records);
    if (rc == 0)
        rc = mdb_txn_commit(txn);
    else if (txn != NULL)
        mdb_txn_abort(txn);
    if (env != NULL)
        mdb_env_close(env);
    return rc == 0 ? STATUS_OK
                   : report_fail(report, rc == ENOSPC ? STATUS_FULL : STATUS_IO, REPORT_OFFSET_NONE,
                                 "cannot write %s: %s", path, mdb_strerror(rc));
}

enum status backup_vault_restore(struct bytes saved,
                                 struct bytes passphrase,
                                 const char *path,
                                 struct report *report)
{
    uint8_t keys[BACKUP_VAULT_KEYS_BYTES];
    size_t count = 0;
    enum status status = vault_unseal(&saved, passphrase, report, keys, &count);
    if (status == STATUS_OK && mkdir(path, 0700) != 0)
        status = report_errno(report, "cannot make %s", path);
    if (status == STATUS_OK)
        status = vault_write_keys(path, bytes_make(keys, count), report);
    if (status == STATUS_OK)
        status = vault_write_records(path, saved, report);
    sodium_memzero(keys, sizeof(keys));
    return status;
}
