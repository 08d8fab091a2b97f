/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking over what is saved.
 *
 *   HEAD --> NAME --> (RECORDS of it) --> NAME ... --> next part ... --> FILES --> VAULT --> END
 *
 * Which files there are, the store's own records of blobs say, in the same transaction as all else.
 */
#include "deploy/backup/backup_source.h"

#include <endian.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/store/blobs.h"
#include "engine/base/hex.h"

#define SOURCE_NAME_BYTES 64
#define SOURCE_BLOB_DB    "blob" /* of the store: records.h */

enum source_stage {
    SOURCE_HEAD,
    SOURCE_NAME,
    SOURCE_RECORDS,
    SOURCE_FILES,
    SOURCE_VAULT,
    SOURCE_END,
    SOURCE_DONE,
};

struct backup_source {
    struct backup_source_options options;
    enum source_stage stage;
    enum backup_part part;
    char db[SOURCE_NAME_BYTES];        /* the database that it is at; "": before the first */
    uint8_t key[BACKUP_KEY_BYTES_MAX]; /* the record that it is at, or the last one that is out */
    size_t key_bytes;                  /* 0: before the first */
    uint64_t value_bytes;              /* of the value that is under way */
    uint64_t value_done;               /* of it: what is out */
    bool in_value;                     /* its head and key are out */
    int fd;                            /* of the file that is under way; -1: none */
    EVP_MD_CTX *digest;
};

struct backup_source *backup_source_create(const struct backup_source_options *options)
{
    struct backup_source *source = calloc(1, sizeof(*source));
    if (source == NULL)
        return NULL;
    source->options = *options;
    source->fd = -1;
    source->digest = EVP_MD_CTX_new();
    if (source->digest != NULL && EVP_DigestInit_ex(source->digest, EVP_sha256(), NULL) == 1)
        return source;
    backup_source_free(source);
    return NULL;
}

void backup_source_free(struct backup_source *source)
{
    if (source == NULL)
        return;
    EVP_MD_CTX_free(source->digest);
    base_auto_close(&source->fd);
    free(source);
}

/* ---- what goes out --------------------------------------------------------------------------- */

static enum status source_put(struct backup_source *source,
                              struct buffer *out,
                              const void *data,
                              size_t count,
                              struct report *report)
{
    if (count == 0)
        return STATUS_OK;
    if (buffer_append(out, data, count) != STATUS_OK ||
        EVP_DigestUpdate(source->digest, data, count) != 1)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

/* A frame's head and key; its value follows. */
static enum status source_put_head(struct backup_source *source,
                                   struct buffer *out,
                                   enum backup_kind kind,
                                   struct bytes key,
                                   uint64_t value_bytes,
                                   struct report *report)
{
    uint8_t head[BACKUP_HEAD_BYTES];
    const uint32_t words[2] = {htole32((uint32_t)kind), htole32((uint32_t)key.count)};
    const uint64_t count = htole64(value_bytes);
    memcpy(head, words, sizeof(words));
    memcpy(head + sizeof(words), &count, sizeof(count));
    enum status status = source_put(source, out, head, sizeof(head), report);
    return status == STATUS_OK ? source_put(source, out, key.data, key.count, report) : status;
}

static enum status
source_begin(struct backup_source *source, struct buffer *out, struct report *report)
{
    struct bytes about = bytes_of_text(source->options.about);
    enum status status = source_put(source, out, BACKUP_MAGIC, strlen(BACKUP_MAGIC), report);
    if (status == STATUS_OK)
        status =
            source_put_head(source, out, BACKUP_ABOUT, bytes_make(NULL, 0), about.count, report);
    if (status == STATUS_OK)
        status = source_put(source, out, about.data, about.count, report);
    source->stage = SOURCE_NAME;
    return status;
}

/* The checksum does not cover its own frame. */
static enum status
source_finish(struct backup_source *source, struct buffer *out, struct report *report)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    bool summed = EVP_DigestFinal_ex(source->digest, sum, NULL) == 1 &&
                  EVP_DigestInit_ex(source->digest, EVP_sha256(), NULL) == 1;
    source->stage = SOURCE_DONE;
    if (!summed)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    enum status status =
        source_put_head(source, out, BACKUP_END, bytes_make(NULL, 0), DEPLOY_SHA256_BYTES, report);
    return status == STATUS_OK ? source_put(source, out, sum, DEPLOY_SHA256_BYTES, report) : status;
}

/* ---- databases ------------------------------------------------------------------------------- */

static enum status source_failed(int rc, struct report *report)
{
    return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "the store cannot be read: %s",
                       mdb_strerror(rc));
}

static enum status
source_txn(const struct backup_source *source, MDB_txn **ret_txn, struct report *report)
{
    *ret_txn = source->options.txn(source->options.context, source->part);
    if (*ret_txn != NULL)
        return STATUS_OK;
    return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE,
                       "the store had to be opened anew: make the backup again");
}

/* The first key after this one, or the first of all; MDB_NOTFOUND. */
static int source_seek_after(MDB_cursor *cursor, struct bytes after, MDB_val *key, MDB_val *value)
{
    if (after.count == 0)
        return mdb_cursor_get(cursor, key, value, MDB_FIRST);
    *key = (MDB_val){.mv_size = after.count, .mv_data = (void *)(uintptr_t)after.data};
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (rc == 0 && bytes_equal(after, bytes_make(key->mv_data, key->mv_size)))
        rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
    return rc;
}

static int source_open(MDB_txn *txn, const char *db, MDB_cursor **ret_cursor)
{
    MDB_dbi dbi;
    int rc = mdb_dbi_open(txn, db, 0, &dbi);
    return rc == 0 ? mdb_cursor_open(txn, dbi, ret_cursor) : rc;
}

/* To the next database of the part, or on to what comes after the part. */
static enum status
source_next_name(struct backup_source *source, struct buffer *out, struct report *report)
{
    static const char *const folders[] = {[BACKUP_STORE] = "store/", [BACKUP_KV] = "kv/"};
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    char path[SOURCE_NAME_BYTES + 8];
    enum status status = source_txn(source, &txn, report);
    if (status != STATUS_OK)
        return status;
    int rc = source_open(txn, NULL, &cursor);
    if (rc != 0)
        return source_failed(rc, report);
    rc = source_seek_after(cursor, bytes_of_text(source->db), &key, &value);
    if (rc == 0 && key.mv_size < sizeof(source->db)) {
        memcpy(source->db, key.mv_data, key.mv_size);
        source->db[key.mv_size] = '\0';
        (void)snprintf(path, sizeof(path), "%s%s", folders[source->part], source->db);
        status = source_put_head(source, out, BACKUP_DB, bytes_of_text(path), 0, report);
        source->stage = SOURCE_RECORDS;
        source->key_bytes = 0;
    } else if (rc == MDB_NOTFOUND) {
        source->db[0] = '\0';
        source->key_bytes = 0;
        bool last = source->part + 1 == BACKUP_PART_COUNT;
        source->stage = last ? SOURCE_FILES : SOURCE_NAME;
        source->part = last ? BACKUP_STORE : source->part + 1;
    } else {
        status = source_failed(rc, report);
    }
    mdb_cursor_close(cursor);
    return status;
}

/* As much of the value as is wanted. */
static enum status source_put_value(struct backup_source *source,
                                    size_t want,
                                    struct buffer *out,
                                    struct bytes value,
                                    struct report *report)
{
    size_t room = want > out->count ? want - out->count : 1;
    size_t count = (size_t)MIN(value.count - source->value_done, (uint64_t)room);
    enum status status = source_put(source, out, value.data + source->value_done, count, report);
    source->value_done += count;
    source->in_value = source->value_done < value.count;
    return status;
}

static enum status source_begin_record(struct backup_source *source,
                                       struct buffer *out,
                                       struct bytes key,
                                       struct bytes value,
                                       struct report *report)
{
    if (key.count > sizeof(source->key))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the store is damaged: a key that is too long");
    memcpy(source->key, key.data, key.count);
    source->key_bytes = key.count;
    source->value_done = 0;
    source->in_value = true;
    return source_put_head(source, out, BACKUP_RECORD, key, value.count, report);
}

/* Records until enough is there; those of an empty database are none. */
static enum status
source_records(struct backup_source *source, size_t want, struct buffer *out, struct report *report)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key = {.mv_size = source->key_bytes, .mv_data = source->key};
    MDB_val value;
    enum status status = source_txn(source, &txn, report);
    if (status != STATUS_OK)
        return status;
    int rc = source_open(txn, source->db, &cursor);
    if (rc != 0)
        return source_failed(rc, report);
    rc = source->in_value
             ? mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY)
             : source_seek_after(cursor, bytes_make(source->key, source->key_bytes), &key, &value);
    while (rc == 0 && status == STATUS_OK && out->count < want) {
        struct bytes bytes = bytes_make(value.mv_data, value.mv_size);
        if (!source->in_value)
            status = source_begin_record(source, out, bytes_make(key.mv_data, key.mv_size), bytes,
                                         report);
        if (status == STATUS_OK)
            status = source_put_value(source, want, out, bytes, report);
        if (status == STATUS_OK && !source->in_value)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        source->stage = SOURCE_NAME;
    return status != STATUS_OK || rc == 0 || rc == MDB_NOTFOUND ? status
                                                                : source_failed(rc, report);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Opens the blob of the next record, and sends its frame's head; or it was the last. */
static enum status
source_open_file(struct backup_source *source, struct buffer *out, struct report *report)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    struct stat facts;
    char name[DEPLOY_NAME_BYTES + BLOBS_NAME_BYTES + 1];
    enum status status = source_txn(source, &txn, report);
    if (status != STATUS_OK)
        return status;
    int rc = source_open(txn, SOURCE_BLOB_DB, &cursor);
    if (rc == MDB_NOTFOUND)
        source->stage = SOURCE_VAULT;
    if (rc != 0)
        return rc == MDB_NOTFOUND ? STATUS_OK : source_failed(rc, report);
    rc = source_seek_after(cursor, bytes_make(source->key, source->key_bytes), &key, &value);
    bool fits = rc == 0 && key.mv_size > DEPLOY_SHA256_BYTES + 1 &&
                key.mv_size - DEPLOY_SHA256_BYTES - 1 < DEPLOY_NAME_BYTES;
    if (fits) {
        memcpy(source->key, key.mv_data, key.mv_size);
        source->key_bytes = key.mv_size;
    }
    mdb_cursor_close(cursor);
    if (rc == MDB_NOTFOUND)
        source->stage = SOURCE_VAULT;
    if (!fits)
        return rc == MDB_NOTFOUND ? STATUS_OK : source_failed(rc == 0 ? MDB_CORRUPTED : rc, report);
    struct bytes tenant = bytes_make(source->key, source->key_bytes - DEPLOY_SHA256_BYTES - 1);
    const uint8_t *sha256 = source->key + tenant.count + 1;
    status = deploy_blob_open(source->options.data_dir, tenant, sha256, report, &source->fd);
    if (status != STATUS_OK)
        return status;
    if (fstat(source->fd, &facts) != 0)
        return report_errno(report, "cannot look at a blob");
    memcpy(name, tenant.data, tenant.count);
    name[tenant.count] = '/';
    hex_encode(sha256, DEPLOY_SHA256_BYTES, name + tenant.count + 1);
    source->value_bytes = (uint64_t)facts.st_size;
    source->value_done = 0;
    return source_put_head(source, out, BACKUP_FILE, bytes_of_text(name), source->value_bytes,
                           report);
}

/* A frame of its own, or there is none. */
static enum status
source_open_vault(struct backup_source *source, struct buffer *out, struct report *report)
{
    struct stat facts;
    if (source->options.vault_fd < 0) {
        source->stage = SOURCE_END;
        return STATUS_OK;
    }
    source->fd = fcntl(source->options.vault_fd, F_DUPFD_CLOEXEC, 0);
    if (source->fd < 0 || fstat(source->fd, &facts) != 0 || lseek(source->fd, 0, SEEK_SET) != 0)
        return report_errno(report, "cannot look at the vault's copy");
    source->value_bytes = (uint64_t)facts.st_size;
    source->value_done = 0;
    return source_put_head(source, out, BACKUP_VAULT, bytes_make(NULL, 0), source->value_bytes,
                           report);
}

/* Of the file that is open. */
static enum status source_put_file(struct backup_source *source,
                                   size_t want,
                                   struct buffer *out,
                                   struct report *report)
{
    uint8_t piece[65536];
    while (source->value_done < source->value_bytes && out->count < want) {
        size_t count = (size_t)MIN(source->value_bytes - source->value_done, sizeof(piece));
        ssize_t got = read(source->fd, piece, count);
        if (got <= 0)
            return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                               "a file of a version is shorter than it was");
        enum status status = source_put(source, out, piece, (size_t)got, report);
        if (status != STATUS_OK)
            return status;
        source->value_done += (uint64_t)got;
    }
    if (source->value_done == source->value_bytes)
        base_auto_close(&source->fd);
    if (source->value_done == source->value_bytes)
        source->fd = -1;
    return STATUS_OK;
}

static enum status
source_files(struct backup_source *source, size_t want, struct buffer *out, struct report *report)
{
    return source->fd < 0 ? source_open_file(source, out, report)
                          : source_put_file(source, want, out, report);
}

static enum status
source_vault(struct backup_source *source, size_t want, struct buffer *out, struct report *report)
{
    if (source->fd < 0)
        return source_open_vault(source, out, report);
    enum status status = source_put_file(source, want, out, report);
    if (source->fd < 0)
        source->stage = SOURCE_END;
    return status;
}

/* ---- a piece --------------------------------------------------------------------------------- */

enum status backup_source_more(struct backup_source *source,
                               size_t want,
                               struct buffer *out,
                               bool *ret_done,
                               struct report *report)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && out->count < want && source->stage != SOURCE_DONE) {
        switch (source->stage) {
        case SOURCE_HEAD:
            status = source_begin(source, out, report);
            break;
        case SOURCE_NAME:
            status = source_next_name(source, out, report);
            break;
        case SOURCE_RECORDS:
            status = source_records(source, want, out, report);
            break;
        case SOURCE_FILES:
            status = source_files(source, want, out, report);
            break;
        case SOURCE_VAULT:
            status = source_vault(source, want, out, report);
            break;
        default:
            status = source_finish(source, out, report);
            break;
        }
    }
    *ret_done = source->stage == SOURCE_DONE;
    return status;
}
