/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a version brings, as a list: names, and what is in them by its SHA-256. The bytes
 * are blobs (store/blobs.h), which are sent apart and once.
 *
 * A list as it is kept and handed on, rows one after the other, sorted by the names' bytes:
 *
 *   sha256[32]  size (8, little-endian)  bytes of the name (2, little-endian)  name
 *
 * A name is a path below the root: segments between single slashes, UTF-8, none of them `.` or
 * `..`, no control characters. No name is there twice, and none is a folder of another one.
 */
#ifndef SKERRY_DEPLOY_FILES_H
#define SKERRY_DEPLOY_FILES_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define DEPLOY_FILE_NAME_BYTES_MAX    4096
#define DEPLOY_FILE_SEGMENT_BYTES_MAX 255
#define DEPLOY_FILE_SHA256_BYTES      32
#define DEPLOY_FILES_BYTES_MAX        ((size_t)16 << 20) /* of one list */

struct deploy_file {
    struct bytes name;     /* borrowed, as the next */
    const uint8_t *sha256; /* DEPLOY_FILE_SHA256_BYTES */
    uint64_t size;
};

/* NULL: it can be a file's name. Else why not, to stand behind the name in a message. */
const char *deploy_file_name_refusal(struct bytes name);
/* As memcmp. */
int deploy_file_compare(struct bytes a, struct bytes b);

/*
 * Sorts the rows and appends them as a list. CONFIG: two of the names cannot be together; LIMIT,
 * NO_MEMORY: no room in `list`. Each name was checked alone.
 */
NODISCARD enum status deploy_files_write(struct deploy_file *rows,
                                         size_t count,
                                         struct buffer *list,
                                         struct report *report);
/* Takes the next row off a list; false at its end, or where it is damaged: then `rest` is not
 * empty. */
NODISCARD bool deploy_files_next(struct bytes *rest, struct deploy_file *ret_file);
/* All rows of a list: their number, and what is in them together. False: it is damaged. */
NODISCARD bool deploy_files_measure(struct bytes list, uint64_t *ret_count, uint64_t *ret_bytes);

#endif
