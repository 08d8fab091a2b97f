/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of files: what may be a name, and rows one after the other. Numbers are written byte by
 * byte, so that a list means the same wherever it is read.
 */
#include "deploy/files.h"

#include <endian.h>
#include <stdlib.h>

#include "engine/base/macros.h"

#define FILES_HEAD_BYTES (DEPLOY_FILE_SHA256_BYTES + 8 + 2)

static const char *files_segment_refusal(struct bytes segment)
{
    if (segment.count == 0)
        return "has an empty segment, or a slash at an end";
    if (bytes_equal_text(segment, ".") || bytes_equal_text(segment, ".."))
        return "has a segment `.` or `..`";
    if (segment.count > DEPLOY_FILE_SEGMENT_BYTES_MAX)
        return "has a segment of more than 255 bytes";
    return NULL;
}

const char *deploy_file_name_refusal(struct bytes name)
{
    if (name.count == 0)
        return "is empty";
    if (name.count > DEPLOY_FILE_NAME_BYTES_MAX)
        return "has more than 4096 bytes";
    for (size_t i = 0; i < name.count; i++) {
        if (name.data[i] < ' ' || name.data[i] == 0x7f)
            return "has a control character";
    }
    if (!bytes_is_utf8(name))
        return "is no UTF-8";
    size_t at = 0;
    while (at <= name.count) {
        const uint8_t *slash =
            at < name.count ? memchr(name.data + at, '/', name.count - at) : NULL;
        size_t end = slash == NULL ? name.count : (size_t)(slash - name.data);
        const char *refusal = files_segment_refusal(bytes_make(name.data + at, end - at));
        if (refusal != NULL)
            return refusal;
        at = end + 1;
    }
    return NULL;
}

int deploy_file_compare(struct bytes a, struct bytes b)
{
    size_t count = MIN(a.count, b.count);
    int order = count == 0 ? 0 : memcmp(a.data, b.data, count);
    return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

static int files_compare_rows(const void *a, const void *b)
{
    return deploy_file_compare(((const struct deploy_file *)a)->name,
                               ((const struct deploy_file *)b)->name);
}

/* Is there a row with exactly that name? The rows are sorted. */
static bool files_find(const struct deploy_file *rows, size_t count, struct bytes name)
{
    const struct deploy_file wanted = {.name = name};
    return bsearch(&wanted, rows, count, sizeof(*rows), files_compare_rows) != NULL;
}

static enum status
files_check_pair(const struct deploy_file *rows, size_t count, size_t at, struct report *report)
{
    struct bytes name = rows[at].name;
    if (at > 0 && bytes_equal(rows[at - 1].name, name))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "file `%.*s` is there twice",
                           (int)MIN(name.count, (size_t)128), (const char *)name.data);
    for (size_t i = 1; i < name.count; i++) {
        if (name.data[i] == '/' && files_find(rows, count, bytes_make(name.data, i)))
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "file `%.*s` is in a folder that is a file itself",
                               (int)MIN(name.count, (size_t)128), (const char *)name.data);
    }
    return STATUS_OK;
}

static enum status files_append(struct buffer *list, const struct deploy_file *file)
{
    uint64_t size = htole64(file->size);
    uint16_t name_bytes = htole16((uint16_t)file->name.count);
    ASSERT(file->name.count <= DEPLOY_FILE_NAME_BYTES_MAX);
    enum status status = buffer_reserve(list, FILES_HEAD_BYTES + file->name.count);
    if (status == STATUS_OK)
        status = buffer_append(list, file->sha256, DEPLOY_FILE_SHA256_BYTES);
    if (status == STATUS_OK)
        status = buffer_append(list, &size, sizeof(size));
    if (status == STATUS_OK)
        status = buffer_append(list, &name_bytes, sizeof(name_bytes));
    return status == STATUS_OK ? buffer_append(list, file->name.data, file->name.count) : status;
}

enum status deploy_files_write(struct deploy_file *rows,
                               size_t count,
                               struct buffer *list,
                               struct report *report)
{
    enum status status = STATUS_OK;
    if (count > 0)
        qsort(rows, count, sizeof(*rows), files_compare_rows);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = files_check_pair(rows, count, i, report);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = files_append(list, &rows[i]);
    if (status == STATUS_LIMIT)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "the list of files is longer than it may be: fewer files, or shorter "
                           "names");
    if (status == STATUS_NO_MEMORY)
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    return status;
}

bool deploy_files_next(struct bytes *rest, struct deploy_file *ret_file)
{
    uint64_t size;
    uint16_t name_bytes;
    if (rest->count < FILES_HEAD_BYTES)
        return false;
    memcpy(&size, rest->data + DEPLOY_FILE_SHA256_BYTES, sizeof(size));
    memcpy(&name_bytes, rest->data + DEPLOY_FILE_SHA256_BYTES + sizeof(size), sizeof(name_bytes));
    size_t count = le16toh(name_bytes);
    if (rest->count - FILES_HEAD_BYTES < count)
        return false;
    *ret_file = (struct deploy_file){.name = bytes_make(rest->data + FILES_HEAD_BYTES, count),
                                     .sha256 = rest->data,
                                     .size = le64toh(size)};
    *rest =
        bytes_make(rest->data + FILES_HEAD_BYTES + count, rest->count - FILES_HEAD_BYTES - count);
    return true;
}

bool deploy_files_measure(struct bytes list, uint64_t *ret_count, uint64_t *ret_bytes)
{
    struct deploy_file file;
    uint64_t bytes = 0;
    uint64_t count = 0;
    while (deploy_files_next(&list, &file)) {
        if (file.size > UINT64_MAX - bytes)
            return false;
        bytes += file.size;
        count++;
    }
    *ret_count = count;
    *ret_bytes = bytes;
    return list.count == 0;
}
