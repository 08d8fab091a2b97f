/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data directory from a backup: made beside its place, FORMAT last, then renamed to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/backup/backup_vault.h"
#include "deploy/data_dir.h"
#include "deploy/lmdb/lmdb_env.h"
#include "deploy/store/blobs.h"
#include "engine/base/io.h"

#define RESTORE_DBS_MAX      64
#define RESTORE_COMMIT_BYTES (UINT64_C(64) << 20) /* of records in one transaction */
#define RESTORE_SUFFIX       ".restoring"

struct restore {
    const struct config *config;
    struct report *report;
    char dir[CONFIG_PATH_BYTES + 16]; /* where it is made */
    MDB_env *env;                     /* of the part that comes; NULL: none yet */
    char part[8];                     /* "store", "kv" */
    MDB_txn *txn;
    MDB_dbi dbi;
    uint64_t pending;       /* bytes in the transaction */
    const char *passphrase; /* of the secrets; NULL: they are left out */
};

static enum status restore_failed(struct restore *restore, int rc)
{
    return report_fail(restore->report,
                       rc == MDB_MAP_FULL || rc == ENOSPC ? STATUS_FULL : STATUS_IO,
                       REPORT_OFFSET_NONE, "cannot write %s/%s: %s", restore->dir, restore->part,
                       mdb_strerror(rc));
}

static enum status restore_commit(struct restore *restore)
{
    int rc = restore->txn == NULL ? 0 : mdb_txn_commit(restore->txn);
    restore->txn = NULL;
    restore->pending = 0;
    return rc == 0 ? STATUS_OK : restore_failed(restore, rc);
}

static enum status restore_close_part(struct restore *restore)
{
    enum status status = restore_commit(restore);
    if (restore->env != NULL)
        mdb_env_close(restore->env);
    restore->env = NULL;
    return status;
}

static enum status restore_open_part(struct restore *restore, const char *part, uint64_t map_bytes)
{
    char path[sizeof(restore->dir) + 16];
    enum status status = restore_close_part(restore);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(restore->part, sizeof(restore->part), "%.7s", part);
    (void)snprintf(path, sizeof(path), "%s/%s", restore->dir, restore->part);
    if (mkdir(path, 0700) != 0)
        return report_errno(restore->report, "cannot make %s", path);
    int rc = mdb_env_create(&restore->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(restore->env, RESTORE_DBS_MAX);
    if (rc == 0)
        rc = mdb_env_set_mapsize(restore->env, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(restore->env, path, 0, 0600);
    return rc == 0 ? STATUS_OK : restore_failed(restore, rc);
}

static enum status restore_begin(struct restore *restore)
{
    int rc = restore->txn != NULL ? 0 : mdb_txn_begin(restore->env, NULL, 0, &restore->txn);
    return rc == 0 ? STATUS_OK : restore_failed(restore, rc);
}

static enum status restore_bad(struct restore *restore)
{
    return report_fail(restore->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "the backup has what this version does not know: restore it with the one "
                       "that made it");
}

static enum status restore_db(struct restore *restore, struct bytes path)
{
    char text[BACKUP_KEY_BYTES_MAX + 1];
    memcpy(text, path.data, path.count);
    text[path.count] = '\0';
    char *slash = strchr(text, '/');
    if (slash == NULL)
        return restore_bad(restore);
    *slash = '\0';
    bool store = strcmp(text, DATA_DIR_STORE) == 0;
    if (!store && strcmp(text, DATA_DIR_KV) != 0)
        return restore_bad(restore);
    enum status status = STATUS_OK;
    if (restore->env == NULL || strcmp(restore->part, text) != 0)
        status = restore_open_part(restore, text,
                                   store ? restore->config->store_map_bytes
                                         : restore->config->kv_map_bytes);
    if (status == STATUS_OK)
        status = restore_commit(restore);
    if (status == STATUS_OK)
        status = restore_begin(restore);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_dbi_open(restore->txn, slash + 1, MDB_CREATE, &restore->dbi);
    return rc == 0 ? STATUS_OK : restore_failed(restore, rc);
}

static enum status restore_record(struct restore *restore, const struct backup_frame *frame)
{
    MDB_val key = {.mv_size = frame->key.count, .mv_data = (void *)(uintptr_t)frame->key.data};
    MDB_val value = {.mv_size = frame->value.count,
                     .mv_data = (void *)(uintptr_t)frame->value.data};
    if (restore->env == NULL)
        return restore_bad(restore);
    enum status status = restore_begin(restore);
    if (status != STATUS_OK)
        return status;
    int rc = mdb_put(restore->txn, restore->dbi, &key, &value, MDB_APPEND);
    if (rc != 0)
        return restore_failed(restore, rc);
    restore->pending += frame->key.count + frame->value.count;
    return restore->pending < RESTORE_COMMIT_BYTES ? STATUS_OK : restore_commit(restore);
}

/* "tenant/hash", and nothing that leads elsewhere. */
static bool restore_is_blob(const char *name, char **ret_slash)
{
    char *slash = strchr(name, '/');
    *ret_slash = slash;
    return slash != NULL && deploy_name_valid(bytes_make(name, (size_t)(slash - name))) &&
           strlen(slash + 1) == BLOBS_NAME_BYTES - 1 &&
           slash[1 + strspn(slash + 1, "0123456789abcdef")] == '\0';
}

static enum status restore_file(struct restore *restore, const struct backup_frame *frame)
{
    char name[BACKUP_KEY_BYTES_MAX + 1];
    char path[sizeof(restore->dir) + sizeof(name) + 16];
    char *slash;
    memcpy(name, frame->key.data, frame->key.count);
    name[frame->key.count] = '\0';
    if (!restore_is_blob(name, &slash))
        return restore_bad(restore);
    (void)snprintf(path, sizeof(path), "%s/" BLOBS_FOLDER, restore->dir);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/" BLOBS_FOLDER "/%.*s", restore->dir,
                   (int)(slash - name), name);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/" BLOBS_FOLDER "/%s", restore->dir, name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0 || io_write_all(fd, frame->value) != STATUS_OK || fsync(fd) != 0)
        return report_errno(restore->report, "cannot write %s", path);
    return STATUS_OK;
}

static enum status restore_vault(struct restore *restore, struct bytes saved)
{
    char path[sizeof(restore->dir) + 16];
    (void)snprintf(path, sizeof(path), "%s/vault", restore->dir);
    return restore->passphrase == NULL
               ? STATUS_OK
               : backup_vault_restore(saved, bytes_of_text(restore->passphrase), path,
                                      restore->report);
}

static enum status restore_take(void *context, const struct backup_frame *frame)
{
    struct restore *restore = context;
    switch (frame->kind) {
    case BACKUP_DB:
        return restore_db(restore, frame->key);
    case BACKUP_RECORD:
        return restore_record(restore, frame);
    case BACKUP_FILE:
        return restore_file(restore, frame);
    case BACKUP_VAULT:
        return restore_vault(restore, frame->value);
    default:
        return STATUS_OK;
    }
}

static enum status restore_write_format(struct restore *restore)
{
    struct data_dir made = {.lock_fd = -1, .artifacts_fd = -1};
    (void)snprintf(made.path, sizeof(made.path), "%.*s", (int)sizeof(made.path) - 1, restore->dir);
    made.fd = open(restore->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made.fd < 0)
        return report_errno(restore->report, "cannot open %s", restore->dir);
    enum status status =
        data_dir_write_file(&made, "FORMAT", bytes_of_text(DATA_DIR_FORMAT), restore->report);
    data_dir_close(&made);
    return status;
}

/* Everything is on disk under its lasting name, or the directory is as it was. */
static enum status restore_put_in_place(struct restore *restore, const char *dir)
{
    AUTO_CLOSE int fd = open(restore->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || syncfs(fd) != 0)
        return report_errno(restore->report, "cannot sync %s", restore->dir);
    if (rename(restore->dir, dir) == 0)
        return syncfs(fd) == 0 ? STATUS_OK : report_errno(restore->report, "cannot sync %s", dir);
    if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
        return report_fail(restore->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "%s is there and not empty: name a new directory with --data", dir);
    return report_errno(restore->report, "cannot rename %s to %s", restore->dir, dir);
}

static enum status restore_check_place(const char *dir, struct report *report)
{
    struct stat facts;
    if (lstat(dir, &facts) != 0)
        return STATUS_OK;
    if (S_ISDIR(facts.st_mode) && rmdir(dir) == 0)
        return STATUS_OK;
    return report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                       "%s is there and not an empty directory: name a new one with --data", dir);
}

struct restore_checking {
    const char *passphrase;
    struct report *report;
};

static enum status restore_check_frame(void *context, const struct backup_frame *frame)
{
    const struct restore_checking *checking = context;
    return frame->kind != BACKUP_VAULT || checking->passphrase == NULL
               ? STATUS_OK
               : backup_vault_check(frame->value, bytes_of_text(checking->passphrase),
                                    checking->report);
}

enum status backup_check(FILE *file,
                         const char *passphrase,
                         struct report *report,
                         struct backup_counts *ret_counts)
{
    struct restore_checking checking = {.passphrase = passphrase, .report = report};
    return backup_read(file, restore_check_frame, &checking, report, ret_counts);
}

enum status backup_restore(FILE *file,
                           const char *dir,
                           const struct config *config,
                           const char *passphrase,
                           struct report *report,
                           struct backup_counts *ret_counts)
{
    struct restore restore = {.config = config, .report = report, .passphrase = passphrase};
    enum status status = restore_check_place(dir, report);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(restore.dir, sizeof(restore.dir), "%s" RESTORE_SUFFIX, dir);
    if (mkdir(restore.dir, 0700) != 0)
        return report_errno(report, "cannot make %s (left of a restore that broke off?)",
                            restore.dir);
    status = backup_read(file, restore_take, &restore, report, ret_counts);
    if (restore.txn != NULL && status != STATUS_OK) {
        mdb_txn_abort(restore.txn);
        restore.txn = NULL;
    }
    enum status closed = restore_close_part(&restore);
    status = status == STATUS_OK ? closed : status;
    if (status == STATUS_OK)
        status = restore_write_format(&restore);
    return status == STATUS_OK ? restore_put_in_place(&restore, dir) : status;
}
