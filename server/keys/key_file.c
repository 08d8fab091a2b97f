/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the keys.
 */
#include "server/keys/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/macros.h"

#define KEY_FILE_MAGIC "skerrykey1\0" /* and the NUL behind it */
#define KEY_FILE_NAME  "key"
#define KEY_FILE_TEMP  "key.new"

struct key_file_row {
    uint32_t id;
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
};

struct key_file_image {
    char magic[sizeof(KEY_FILE_MAGIC)];
    uint32_t count;
    struct key_file_row rows[KEY_FILE_KEYS_MAX];
};
_Static_assert(sizeof(struct key_file_image) == 12 + 4 + KEY_FILE_KEYS_MAX * 36, "no padding");

struct key_file {
    int dir_fd;
    struct key_file_image *image; /* sodium_malloc */
};

static size_t key_file_bytes(uint32_t count)
{
    return offsetof(struct key_file_image, rows) + count * sizeof(struct key_file_row);
}

static bool key_file_make_sense(const struct key_file_image *image, size_t bytes)
{
    return bytes >= key_file_bytes(1) &&
           memcmp(image->magic, KEY_FILE_MAGIC, sizeof(image->magic)) == 0 && image->count >= 1 &&
           image->count <= KEY_FILE_KEYS_MAX && bytes == key_file_bytes(image->count);
}

static enum status key_file_write(const struct key_file *file, struct report *report)
{
    (void)unlinkat(file->dir_fd, KEY_FILE_TEMP, 0);
    AUTO_CLOSE int fd =
        openat(file->dir_fd, KEY_FILE_TEMP, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t bytes = key_file_bytes(file->image->count);
    if (fd < 0 || write(fd, file->image, bytes) != (ssize_t)bytes || fsync(fd) != 0 ||
        renameat(file->dir_fd, KEY_FILE_TEMP, file->dir_fd, KEY_FILE_NAME) != 0 ||
        fsync(file->dir_fd) != 0)
        return report_errno(report, "cannot write the vault's key file");
    return STATUS_OK;
}

/* NOT_FOUND: there is no file. */
static enum status key_file_read(struct key_file *file, struct report *report)
{
    AUTO_CLOSE int fd = openat(file->dir_fd, KEY_FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 && errno == ENOENT)
        return STATUS_NOT_FOUND;
    if (fd < 0 || fstat(fd, &info) != 0)
        return report_errno(report, "cannot read the vault's key file");
    if ((info.st_mode & 077) != 0)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "the vault's key file may be read by others than its owner: chmod 600, "
                           "and `skerry secret rotate`");
    ssize_t count = read(fd, file->image, sizeof(*file->image));
    if (count < 0 || (off_t)count != info.st_size ||
        !key_file_make_sense(file->image, (size_t)count))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the vault's key file is none");
    return STATUS_OK;
}

/* In front of the others. */
static void key_file_make(struct key_file_image *image)
{
    uint32_t last = image->count > 0 ? image->rows[0].id : 0;
    memmove(image->rows + 1, image->rows, image->count * sizeof(image->rows[0]));
    image->count++;
    image->rows[0].id = last + 1;
    crypto_aead_xchacha20poly1305_ietf_keygen(image->rows[0].key);
}

enum status key_file_open(const char *dir, struct report *report, struct key_file **ret_file)
{
    struct key_file *file = calloc(1, sizeof(*file));
    if (file == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    file->image = sodium_malloc(sizeof(*file->image));
    enum status status = STATUS_OK;
    if (file->dir_fd < 0 || file->image == NULL)
        status = report_errno(report, "cannot open %s", dir);
    if (status == STATUS_OK)
        status = key_file_read(file, report);
    if (status == STATUS_NOT_FOUND) {
        memset(file->image, 0, sizeof(*file->image));
        memcpy(file->image->magic, KEY_FILE_MAGIC, sizeof(file->image->magic));
        key_file_make(file->image);
        status = key_file_write(file, report);
    }
    if (status == STATUS_OK)
        *ret_file = file;
    else
        key_file_close(file);
    return status;
}

void key_file_close(struct key_file *file)
{
    if (file == NULL)
        return;
    sodium_free(file->image);
    base_auto_close(&file->dir_fd);
    free(file);
}

const uint8_t *key_file_present(const struct key_file *file, uint32_t *ret_id)
{
    *ret_id = file->image->rows[0].id;
    return file->image->rows[0].key;
}

struct bytes key_file_bytes_of(const struct key_file *file)
{
    return bytes_make(file->image, key_file_bytes(file->image->count));
}

const uint8_t *key_file_find(const struct key_file *file, uint32_t id)
{
    for (uint32_t i = 0; i < file->image->count; i++) {
        if (file->image->rows[i].id == id)
            return file->image->rows[i].key;
    }
    return NULL;
}

bool key_file_has_old(const struct key_file *file)
{
    return file->image->count > 1;
}

enum status key_file_add(struct key_file *file, struct report *report)
{
    if (file->image->count == KEY_FILE_KEYS_MAX)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "the vault has keys of %d rotations that did not end",
                           KEY_FILE_KEYS_MAX);
    key_file_make(file->image);
    enum status status = key_file_write(file, report);
    if (status == STATUS_OK)
        return status;
    /* The file has the others alone. */
    file->image->count--;
    memmove(file->image->rows, file->image->rows + 1,
            file->image->count * sizeof(file->image->rows[0]));
    return status;
}

enum status key_file_drop_old(struct key_file *file, struct report *report)
{
    file->image->count = 1;
    sodium_memzero(file->image->rows + 1, (KEY_FILE_KEYS_MAX - 1) * sizeof(file->image->rows[0]));
    return key_file_write(file, report);
}
