/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame by frame from a file, with the checksum over what went by. Nothing that a length says is
 * believed beyond its bound, and nothing is given away that the file does not have.
 */
#include <endian.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "deploy/backup/backup.h"

struct backup_reader {
    FILE *file;
    EVP_MD_CTX *digest;
    struct report *report;
    struct buffer key;
    struct buffer value;
    uint64_t bytes; /* so far */
};

static enum status reader_broken(struct backup_reader *reader, const char *why)
{
    return report_fail(reader->report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                       "not a whole backup: %s at byte %" PRIu64, why, reader->bytes);
}

static enum status reader_take(struct backup_reader *reader, void *data, size_t count)
{
    if (count > 0 && fread(data, 1, count, reader->file) != count)
        return reader_broken(reader, "it ends too early");
    return STATUS_OK;
}

static enum status reader_digest(struct backup_reader *reader, const void *data, size_t count)
{
    reader->bytes += count;
    return EVP_DigestUpdate(reader->digest, data, count) == 1
               ? STATUS_OK
               : report_fail(reader->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
}

/* `count` bytes into the buffer, which is emptied before. */
static enum status reader_fill(struct backup_reader *reader, struct buffer *buffer, size_t count)
{
    buffer->count = 0;
    if (buffer_reserve(buffer, MAX(count, (size_t)1)) != STATUS_OK)
        return report_fail(reader->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "out of memory for %zu bytes", count);
    enum status status = reader_take(reader, buffer->data, count);
    if (status == STATUS_OK)
        buffer->count = count;
    return status;
}

static enum status
reader_next(struct backup_reader *reader, uint8_t head[BACKUP_HEAD_BYTES], struct backup_frame *ret)
{
    uint32_t kind;
    uint32_t key_bytes;
    uint64_t value_bytes;
    enum status status = reader_take(reader, head, BACKUP_HEAD_BYTES);
    if (status != STATUS_OK)
        return status;
    memcpy(&kind, head, sizeof(kind));
    memcpy(&key_bytes, head + 4, sizeof(key_bytes));
    memcpy(&value_bytes, head + 8, sizeof(value_bytes));
    kind = le32toh(kind);
    key_bytes = le32toh(key_bytes);
    value_bytes = le64toh(value_bytes);
    if (kind < BACKUP_ABOUT || kind >= BACKUP_KIND_END || key_bytes > BACKUP_KEY_BYTES_MAX ||
        value_bytes > BACKUP_VALUE_BYTES_MAX)
        return reader_broken(reader, "there is no such frame");
    status = reader_fill(reader, &reader->key, key_bytes);
    if (status == STATUS_OK)
        status = reader_fill(reader, &reader->value, (size_t)value_bytes);
    if (status == STATUS_OK)
        *ret = (struct backup_frame){.kind = (enum backup_kind)kind,
                                     .key = buffer_bytes(&reader->key),
                                     .value = buffer_bytes(&reader->value)};
    return status;
}

static enum status reader_check_end(struct backup_reader *reader, const struct backup_frame *end)
{
    uint8_t found[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(reader->digest, found, NULL) != 1 ||
        !bytes_equal(end->value, bytes_make(found, DEPLOY_SHA256_BYTES)))
        return reader_broken(reader, "its checksum is another");
    if (fgetc(reader->file) != EOF)
        return reader_broken(reader, "something follows its end");
    return STATUS_OK;
}

static enum status reader_digest_frame(struct backup_reader *reader,
                                       const uint8_t head[BACKUP_HEAD_BYTES],
                                       const struct backup_frame *frame)
{
    enum status status = reader_digest(reader, head, BACKUP_HEAD_BYTES);
    if (status == STATUS_OK)
        status = reader_digest(reader, frame->key.data, frame->key.count);
    return status == STATUS_OK ? reader_digest(reader, frame->value.data, frame->value.count)
                               : status;
}

static enum status reader_run(struct backup_reader *reader,
                              enum status (*take)(void *context, const struct backup_frame *frame),
                              void *context,
                              struct backup_counts *counts)
{
    uint8_t head[BACKUP_HEAD_BYTES];
    struct backup_frame frame;
    enum status status = reader_take(reader, head, BACKUP_HEAD_BYTES);
    if (status == STATUS_OK && memcmp(head, BACKUP_MAGIC, BACKUP_HEAD_BYTES) != 0)
        status = reader_broken(reader, "it does not begin like one");
    if (status == STATUS_OK)
        status = reader_digest(reader, head, BACKUP_HEAD_BYTES);
    for (uint64_t i = 0; status == STATUS_OK; i++) {
        status = reader_next(reader, head, &frame);
        if (status == STATUS_OK && (i == 0) != (frame.kind == BACKUP_ABOUT))
            status = reader_broken(reader, "frames are out of order");
        if (status != STATUS_OK)
            return status;
        if (frame.kind == BACKUP_END)
            return reader_check_end(reader, &frame);
        status = reader_digest_frame(reader, head, &frame);
        counts->records += frame.kind == BACKUP_RECORD;
        counts->files += frame.kind == BACKUP_FILE;
        counts->vault |= frame.kind == BACKUP_VAULT;
        if (status == STATUS_OK && take != NULL)
            status = take(context, &frame);
    }
    return status;
}

enum status backup_read(FILE *file,
                        enum status (*take)(void *context, const struct backup_frame *frame),
                        void *context,
                        struct report *report,
                        struct backup_counts *ret_counts)
{
    struct backup_counts counts = {0};
    struct backup_reader reader = {.file = file, .report = report, .digest = EVP_MD_CTX_new()};
    enum status status = STATUS_NO_MEMORY;
    buffer_init(&reader.key, BACKUP_KEY_BYTES_MAX);
    buffer_init(&reader.value, BACKUP_VALUE_BYTES_MAX);
    if (reader.digest == NULL || EVP_DigestInit_ex(reader.digest, EVP_sha256(), NULL) != 1)
        (void)report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    else
        status = reader_run(&reader, take, context, &counts);
    counts.bytes = reader.bytes;
    if (status == STATUS_OK)
        *ret_counts = counts;
    EVP_MD_CTX_free(reader.digest);
    buffer_done(&reader.key);
    buffer_done(&reader.value);
    return status;
}
