/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs as files. How much a tenant has is counted once, when it is first asked for, and kept up
 * from then on: nobody else writes here.
 */
#include "deploy/store/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/store/store.h"
#include "engine/base/hex.h"
#include "engine/base/io.h"
#include "engine/base/list.h"

#define BLOBS_SWEEP_NAMES 512 /* of one step */
#define BLOBS_PATH_BYTES  (DEPLOY_NAME_BYTES + BLOBS_NAME_BYTES + 8)

struct blobs_tenant {
    struct list_link link;
    char name[DEPLOY_NAME_BYTES];
    uint64_t bytes;
};

struct blobs {
    const struct clock *clock;
    int fd;              /* of the folder */
    struct list tenants; /* whose bytes were counted */
    DIR *folders;        /* a walk: over tenants; NULL between walks */
    DIR *files;          /* over one tenant's; NULL between them */
    char tenant[DEPLOY_NAME_BYTES];
};

static void blobs_path(struct bytes tenant,
                       const uint8_t sha256[DEPLOY_SHA256_BYTES],
                       const char *suffix,
                       char ret_path[BLOBS_PATH_BYTES])
{
    char name[BLOBS_NAME_BYTES];
    hex_encode(sha256, DEPLOY_SHA256_BYTES, name);
    (void)snprintf(ret_path, BLOBS_PATH_BYTES, "%.*s/%s%s", (int)tenant.count,
                   (const char *)tenant.data, name, suffix);
}

enum status blobs_open(const char *data_dir,
                       const struct clock *clock,
                       struct report *report,
                       struct blobs **ret_blobs)
{
    char path[CONFIG_PATH_BYTES + 16];
    struct blobs *blobs = calloc(1, sizeof(*blobs));
    if (blobs == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    blobs->clock = clock;
    (void)snprintf(path, sizeof(path), "%s/" BLOBS_FOLDER, data_dir);
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    blobs->fd = made ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (blobs->fd < 0) {
        enum status status = report_errno(report, "cannot open %s", path);
        blobs_close(blobs);
        return status;
    }
    *ret_blobs = blobs;
    return STATUS_OK;
}

static void blobs_end_walk(struct blobs *blobs)
{
    if (blobs->files != NULL)
        (void)closedir(blobs->files);
    if (blobs->folders != NULL)
        (void)closedir(blobs->folders);
    blobs->files = blobs->folders = NULL;
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL)
        return;
    blobs_end_walk(blobs);
    while (!list_is_empty(&blobs->tenants)) {
        struct blobs_tenant *tenant = LIST_FIRST(&blobs->tenants, struct blobs_tenant, link);
        list_remove(&tenant->link);
        free(tenant);
    }
    base_auto_close(&blobs->fd);
    free(blobs);
}

/* ---- how much a tenant has ------------------------------------------------------------------- */

static DIR *blobs_open_folder(const struct blobs *blobs, const char *name)
{
    int fd = openat(blobs->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL)
        base_auto_close(&fd);
    return folder;
}

static uint64_t blobs_measure(const struct blobs *blobs, const char *name)
{
    uint64_t bytes = 0;
    struct stat facts;
    DIR *folder = blobs_open_folder(blobs, name);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (fstatat(dirfd(folder), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(facts.st_mode))
            bytes += (uint64_t)facts.st_size;
    }
    if (folder != NULL)
        (void)closedir(folder);
    return bytes;
}

/* NULL: out of memory. */
static struct blobs_tenant *blobs_tenant(struct blobs *blobs, struct bytes name)
{
    LIST_FOREACH(known, &blobs->tenants, struct blobs_tenant, link) {
        if (bytes_equal_text(name, known->name))
            return known;
    }
    struct blobs_tenant *tenant = calloc(1, sizeof(*tenant));
    if (tenant == NULL)
        return NULL;
    ASSERT(name.count < sizeof(tenant->name));
    memcpy(tenant->name, name.data, name.count);
    tenant->bytes = blobs_measure(blobs, tenant->name);
    list_append(&blobs->tenants, &tenant->link);
    return tenant;
}

uint64_t blobs_tenant_bytes(struct blobs *blobs, struct bytes tenant)
{
    const struct blobs_tenant *found = blobs_tenant(blobs, tenant);
    return found == NULL ? 0 : found->bytes;
}

/* ---- one blob -------------------------------------------------------------------------------- */

bool blobs_touch(const struct blobs *blobs,
                 struct bytes tenant,
                 const uint8_t sha256[DEPLOY_SHA256_BYTES],
                 uint64_t *ret_bytes)
{
    char path[BLOBS_PATH_BYTES];
    struct stat facts;
    uint64_t now_ns = clock_realtime_ns(blobs->clock);
    const struct timespec now = {.tv_sec = (time_t)(now_ns / CLOCK_NS_PER_S),
                                 .tv_nsec = (long)(now_ns % CLOCK_NS_PER_S)};
    const struct timespec times[2] = {now, now};
    blobs_path(tenant, sha256, "", path);
    if (utimensat(blobs->fd, path, times, AT_SYMLINK_NOFOLLOW) != 0 ||
        fstatat(blobs->fd, path, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (ret_bytes != NULL)
        *ret_bytes = (uint64_t)facts.st_size;
    return true;
}

static enum status blobs_failed(struct report *report, const char *path)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE,
                           "the disk of the data directory is full: free some space, or remove "
                           "functions");
    return report_errno(report, "cannot write " BLOBS_FOLDER "/%s", path);
}

/* Complete and on disk under its lasting name; else nothing is left. */
static enum status
blobs_write(const struct blobs *blobs, const char *path, const char *temp, struct bytes data)
{
    AUTO_CLOSE int fd =
        openat(blobs->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return STATUS_IO;
    if (io_write_all(fd, data) == STATUS_OK && fsync(fd) == 0 &&
        renameat(blobs->fd, temp, blobs->fd, path) == 0)
        return STATUS_OK;
    int error = errno;
    (void)unlinkat(blobs->fd, temp, 0);
    errno = error;
    return STATUS_IO;
}

static enum status blobs_sync_folder(const struct blobs *blobs, const char *tenant)
{
    AUTO_CLOSE int fd = openat(blobs->fd, tenant, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
}

enum status blobs_put(struct blobs *blobs,
                      struct bytes tenant,
                      const uint8_t sha256[DEPLOY_SHA256_BYTES],
                      struct bytes data,
                      uint64_t bytes_max,
                      struct report *report)
{
    char path[BLOBS_PATH_BYTES];
    char temp[BLOBS_PATH_BYTES];
    if (blobs_touch(blobs, tenant, sha256, NULL))
        return STATUS_OK;
    struct blobs_tenant *of = blobs_tenant(blobs, tenant);
    if (of == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (of->bytes > bytes_max || data.count > bytes_max - of->bytes)
        return STATUS_LIMIT;
    blobs_path(tenant, sha256, "", path);
    blobs_path(tenant, sha256, ".tmp", temp);
    bool made = mkdirat(blobs->fd, of->name, 0700) == 0;
    if ((!made && errno != EEXIST) || (made && fsync(blobs->fd) != 0) ||
        blobs_write(blobs, path, temp, data) != STATUS_OK ||
        blobs_sync_folder(blobs, of->name) != STATUS_OK)
        return blobs_failed(report, path);
    of->bytes += data.count;
    return STATUS_OK;
}

static void blobs_unlink(struct blobs *blobs, struct bytes tenant, const char *path)
{
    struct stat facts;
    struct blobs_tenant *of = blobs_tenant(blobs, tenant);
    if (fstatat(blobs->fd, path, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
        unlinkat(blobs->fd, path, 0) != 0 || of == NULL)
        return;
    of->bytes -= MIN(of->bytes, (uint64_t)facts.st_size);
}

void blobs_remove(struct blobs *blobs,
                  struct bytes tenant,
                  const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    char path[BLOBS_PATH_BYTES];
    blobs_path(tenant, sha256, "", path);
    blobs_unlink(blobs, tenant, path);
}

enum status deploy_blob_open(const char *data_dir,
                             struct bytes tenant,
                             const uint8_t sha256[DEPLOY_SHA256_BYTES],
                             struct report *report,
                             int *ret_fd)
{
    char name[BLOBS_PATH_BYTES];
    char path[CONFIG_PATH_BYTES + sizeof(name) + 16];
    ASSERT(tenant.count < DEPLOY_NAME_BYTES);
    blobs_path(tenant, sha256, "", name);
    (void)snprintf(path, sizeof(path), "%s/" BLOBS_FOLDER "/%s", data_dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return report_errno(report, "cannot open " BLOBS_FOLDER "/%s", name);
    *ret_fd = fd;
    return STATUS_OK;
}

/* ---- what nobody has any more ---------------------------------------------------------------- */

static bool blobs_is_old(const struct blobs *blobs, const char *name)
{
    struct stat facts;
    uint64_t now_s = clock_realtime_ns(blobs->clock) / CLOCK_NS_PER_S;
    return fstatat(dirfd(blobs->files), name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(facts.st_mode) &&
           (uint64_t)facts.st_mtim.tv_sec + BLOBS_GRACE_NS / CLOCK_NS_PER_S < now_s;
}

static void blobs_look_at(struct blobs *blobs, struct store *store, const char *name)
{
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    char path[DEPLOY_NAME_BYTES + 260];
    struct bytes tenant = bytes_of_text(blobs->tenant);
    bool is_blob = strlen(name) == BLOBS_NAME_BYTES - 1 && hex_decode(name, sizeof(sha256), sha256);
    if (name[0] == '.' || !blobs_is_old(blobs, name))
        return;
    if (is_blob && store_has_blob(store, tenant, sha256))
        return;
    (void)snprintf(path, sizeof(path), "%s/%s", blobs->tenant, name);
    blobs_unlink(blobs, tenant, path);
}

/* False: there is no further tenant. */
static bool blobs_next_tenant(struct blobs *blobs)
{
    for (const struct dirent *entry; (entry = readdir(blobs->folders)) != NULL;) {
        if (!deploy_name_valid(bytes_of_text(entry->d_name)))
            continue;
        blobs->files = blobs_open_folder(blobs, entry->d_name);
        (void)snprintf(blobs->tenant, sizeof(blobs->tenant), "%.63s", entry->d_name);
        if (blobs->files != NULL)
            return true;
    }
    return false;
}

bool blobs_sweep_step(struct blobs *blobs, struct store *store)
{
    if (blobs->folders == NULL)
        blobs->folders = blobs_open_folder(blobs, ".");
    if (blobs->folders == NULL)
        return false;
    for (int i = 0; i < BLOBS_SWEEP_NAMES; i++) {
        if (blobs->files == NULL && !blobs_next_tenant(blobs)) {
            blobs_end_walk(blobs);
            return false;
        }
        const struct dirent *entry = readdir(blobs->files);
        if (entry != NULL) {
            blobs_look_at(blobs, store, entry->d_name);
            continue;
        }
        (void)closedir(blobs->files);
        blobs->files = NULL;
        /* One that has something left is not removed. */
        (void)unlinkat(blobs->fd, blobs->tenant, AT_REMOVEDIR);
    }
    return true;
}
