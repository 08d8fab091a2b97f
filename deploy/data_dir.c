/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making, recognising and locking the data directory.
 *
 * Nothing is written before we know that the directory is ours or empty; FORMAT is
 * written last, so a directory whose making was interrupted counts as empty. A name is
 * on disk only after the directory it stands in was fsynced.
 */
#include "deploy/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/io.h"

#define DATA_DIR_FORMAT_NAME "FORMAT"
#define DATA_DIR_LOCK_NAME   "LOCK"
#define DATA_DIR_TEMP_SUFFIX ".tmp"

static enum status data_dir_sync_parent(const char *path, struct report *report)
{
    char parent[CONFIG_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t count = slash == path ? 1 : (size_t)(slash - path);
    memcpy(parent, path, count);
    parent[count] = '\0';
    AUTO_CLOSE int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return report_errno(report, "cannot sync %s", parent);
    return STATUS_OK;
}

/* mkdir -p, of an absolute path. */
static enum status data_dir_make(const char *path, struct report *report)
{
    char part[CONFIG_PATH_BYTES];
    size_t count = strlen(path);
    for (size_t i = 1; i <= count; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) == 0) {
            enum status status = data_dir_sync_parent(part, report);
            if (status != STATUS_OK)
                return status;
        } else if (errno != EEXIST) {
            return report_errno(report, "cannot make the data directory %s", part);
        }
    }
    return STATUS_OK;
}

/* Names that are there before FORMAT is, that a fresh file system comes with, or that a user made
 * on the way to the first function: where that one keeps runtimes is beside what a server has. */
static bool data_dir_is_harmless(const char *name)
{
    static const char *const harmless[] = {
        ".",          "..",       DATA_DIR_LOCK_NAME, DATA_DIR_FORMAT_NAME DATA_DIR_TEMP_SUFFIX,
        "lost+found", "runtimes",
    };
    for (size_t i = 0; i < COUNT_OF(harmless); i++) {
        if (strcmp(name, harmless[i]) == 0)
            return true;
    }
    return false;
}

static enum status data_dir_check_empty(const struct data_dir *dir, struct report *report)
{
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        enum status status = report_errno(report, "cannot list %s", dir->path);
        base_auto_close(&fd);
        return status;
    }
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(stream)) != NULL;) {
        if (!data_dir_is_harmless(entry->d_name))
            status = report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                                 "%s is not empty and not a data directory of skerry (it has "
                                 "%.64s but no FORMAT): choose another with --data",
                                 dir->path, entry->d_name);
    }
    (void)closedir(stream);
    return status;
}

enum data_dir_state {
    DATA_DIR_EMPTY,
    DATA_DIR_OURS,
    DATA_DIR_BEFORE, /* ours, and to be opened by no older server any more */
};

static enum status data_dir_check_format(const struct data_dir *dir,
                                         struct report *report,
                                         enum data_dir_state *ret_state)
{
    char text[sizeof(DATA_DIR_FORMAT) + 1];
    AUTO_CLOSE int fd = openat(dir->fd, DATA_DIR_FORMAT_NAME, O_RDONLY | O_CLOEXEC);
    *ret_state = fd >= 0 ? DATA_DIR_OURS : DATA_DIR_EMPTY;
    if (fd < 0 && errno == ENOENT)
        return data_dir_check_empty(dir, report);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (count < 0)
        return report_errno(report, "cannot read %s/" DATA_DIR_FORMAT_NAME, dir->path);
    if (bytes_equal_text(bytes_make(text, (size_t)count), DATA_DIR_FORMAT_BEFORE))
        *ret_state = DATA_DIR_BEFORE;
    else if ((size_t)count != strlen(DATA_DIR_FORMAT) ||
             memcmp(text, DATA_DIR_FORMAT, (size_t)count))
        return report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "%s/" DATA_DIR_FORMAT_NAME " is not `%.*s`: the directory is not "
                           "skerry's, or of another version: choose another with --data",
                           dir->path, (int)strlen(DATA_DIR_FORMAT) - 1, DATA_DIR_FORMAT);
    return STATUS_OK;
}

static enum status data_dir_lock(struct data_dir *dir, struct report *report)
{
    if (dir->lock_fd >= 0)
        return STATUS_OK;
    dir->lock_fd = openat(dir->fd, DATA_DIR_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (dir->lock_fd < 0)
        return report_errno(report, "cannot open %s/" DATA_DIR_LOCK_NAME, dir->path);
    char text[24] = "";
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return report_errno(report, "cannot lock %s", dir->path);
        ssize_t count = pread(dir->lock_fd, text, sizeof(text) - 1, 0);
        text[MAX(count, 0)] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "%s is in use by another server (process %s): stop it, or choose "
                           "another directory with --data",
                           dir->path, text[0] == '\0' ? "unknown" : text);
    }
    int count = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    /* Whose lock it is, is told for people only: the lock itself is the flock. */
    if (ftruncate(dir->lock_fd, 0) != 0 || pwrite(dir->lock_fd, text, (size_t)count, 0) != count)
        return report_errno(report, "cannot write %s/" DATA_DIR_LOCK_NAME, dir->path);
    return STATUS_OK;
}

enum status data_dir_write_file(const struct data_dir *dir,
                                const char *name,
                                struct bytes text,
                                struct report *report)
{
    char temp[64];
    (void)snprintf(temp, sizeof(temp), "%s" DATA_DIR_TEMP_SUFFIX, name);
    AUTO_CLOSE int fd =
        openat(dir->fd, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || io_write_all(fd, text) != STATUS_OK || fsync(fd) != 0 ||
        renameat(dir->fd, temp, dir->fd, name) != 0 || fsync(dir->fd) != 0)
        return report_errno(report, "cannot write %s/%s", dir->path, name);
    return STATUS_OK;
}

static enum status
data_dir_make_folder(const struct data_dir *dir, const char *name, struct report *report)
{
    if (mkdirat(dir->fd, name, 0700) != 0 && errno != EEXIST)
        return report_errno(report, "cannot make %s/%s", dir->path, name);
    return STATUS_OK;
}

/* FORMAT stands there since the folder was made. Beginning anew without a word would be to
 * forget all that was deployed. */
static enum status data_dir_check_store(const struct data_dir *dir, struct report *report)
{
    struct stat data;
    bool gone = faccessat(dir->fd, DATA_DIR_STORE, F_OK, 0) != 0 && errno == ENOENT;
    /* The ballast is made after the data. To LMDB a file without a byte is a new one. */
    if (!gone && faccessat(dir->fd, DATA_DIR_STORE "/ballast", F_OK, 0) == 0)
        gone = fstatat(dir->fd, DATA_DIR_STORE "/data.mdb", &data, 0) != 0 ? errno == ENOENT
                                                                           : data.st_size == 0;
    if (gone)
        return report_fail(
            report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
            "%s has a FORMAT and no store: it was removed or emptied; restore %s/" DATA_DIR_STORE
            " from a backup, or remove the whole directory to begin "
            "with nothing",
            dir->path, dir->path);
    return STATUS_OK;
}

static enum status
data_dir_open_artifacts(const struct data_dir *dir, struct report *report, int *ret_fd)
{
    enum status status = data_dir_make_folder(dir, DATA_DIR_ARTIFACTS, report);
    if (status != STATUS_OK)
        return status;
    int fd = openat(dir->fd, DATA_DIR_ARTIFACTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return report_errno(report, "cannot open %s/" DATA_DIR_ARTIFACTS, dir->path);
    *ret_fd = fd;
    return STATUS_OK;
}

enum status
data_dir_keep_artifacts(const struct data_dir *dir, struct report *report, bool *ret_made)
{
    struct stat held;
    struct stat named;
    AUTO_CLOSE int fd = -1;
    *ret_made = false;
    if (fstat(dir->artifacts_fd, &held) == 0 &&
        fstatat(dir->fd, DATA_DIR_ARTIFACTS, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        held.st_dev == named.st_dev && held.st_ino == named.st_ino)
        return STATUS_OK;
    enum status status = data_dir_open_artifacts(dir, report, &fd);
    if (status == STATUS_OK && dup3(fd, dir->artifacts_fd, O_CLOEXEC) < 0)
        status = report_errno(report, "cannot make %s/" DATA_DIR_ARTIFACTS " again", dir->path);
    *ret_made = status == STATUS_OK;
    return status;
}

static enum status
data_dir_fill(struct data_dir *dir, enum data_dir_state state, struct report *report)
{
    enum status status = state != DATA_DIR_EMPTY ? data_dir_check_store(dir, report) : STATUS_OK;
    if (status == STATUS_OK)
        status = data_dir_make_folder(dir, DATA_DIR_STORE, report);
    if (status == STATUS_OK)
        status = data_dir_make_folder(dir, DATA_DIR_KV, report);
    if (status == STATUS_OK)
        status = data_dir_make_folder(dir, DATA_DIR_LOGS, report);
    if (status == STATUS_OK)
        status = data_dir_open_artifacts(dir, report, &dir->artifacts_fd);
    if (status == STATUS_OK && state != DATA_DIR_OURS)
        status =
            data_dir_write_file(dir, DATA_DIR_FORMAT_NAME, bytes_of_text(DATA_DIR_FORMAT), report);
    if (status != STATUS_OK)
        return status;
    if (fsync(dir->fd) != 0)
        return report_errno(report, "cannot sync %s", dir->path);
    return STATUS_OK;
}

/* Control as root passes every folder; its children, which have none of root's capabilities, pass
 * those that are root's or everybody's. */
static enum status data_dir_check_parents(const struct data_dir *dir, struct report *report)
{
    char part[CONFIG_PATH_BYTES];
    for (const char *slash = dir->path; geteuid() == 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        struct stat facts;
        size_t count = slash == dir->path ? 1 : (size_t)(slash - dir->path);
        memcpy(part, dir->path, count);
        part[count] = '\0';
        if (stat(part, &facts) != 0)
            return report_errno(report, "cannot look at %s", part);
        mode_t passes = facts.st_uid == 0 ? S_IXUSR : facts.st_gid == getegid() ? S_IXGRP : S_IXOTH;
        if ((facts.st_mode & passes) == 0)
            return report_fail(report, STATUS_DENIED, REPORT_OFFSET_NONE,
                               "workers give up root's capabilities and cannot pass %s, which "
                               "belongs to user %u: choose another directory with --data, or run "
                               "the server as that user",
                               part, (unsigned)facts.st_uid);
    }
    return STATUS_OK;
}

static enum status data_dir_claim(struct data_dir *dir, struct report *report)
{
    struct stat facts;
    enum data_dir_state state;
    if (fstat(dir->fd, &facts) != 0)
        return report_errno(report, "cannot read %s", dir->path);
    if (facts.st_uid != geteuid())
        return report_fail(report, STATUS_DENIED, REPORT_OFFSET_NONE,
                           "%s belongs to user %u, not to the server's user %u: choose another "
                           "with --data",
                           dir->path, (unsigned)facts.st_uid, (unsigned)geteuid());
    enum status status = data_dir_check_parents(dir, report);
    if (status == STATUS_OK)
        status = data_dir_check_format(dir, report, &state);
    if (status == STATUS_OK)
        status = data_dir_lock(dir, report);
    if (status == STATUS_OK && (facts.st_mode & 0777) != 0700 && fchmod(dir->fd, 0700) != 0)
        status = report_errno(report, "cannot make %s private", dir->path);
    return status == STATUS_OK ? data_dir_fill(dir, state, report) : status;
}

enum status data_dir_open(const char *path, struct report *report, struct data_dir *ret_dir)
{
    return data_dir_adopt(path, -1, report, ret_dir);
}

enum status
data_dir_adopt(const char *path, int lock_fd, struct report *report, struct data_dir *ret_dir)
{
    struct data_dir dir = {.fd = -1, .lock_fd = lock_fd, .artifacts_fd = -1};
    ASSERT(path[0] == '/' && strlen(path) < sizeof(dir.path));
    memcpy(dir.path, path, strlen(path) + 1);
    enum status status = data_dir_make(path, report);
    if (status == STATUS_OK)
        dir.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (status == STATUS_OK && dir.fd < 0)
        status = report_errno(report, "cannot open the data directory %s", path);
    if (status == STATUS_OK)
        status = data_dir_claim(&dir, report);
    if (status == STATUS_OK)
        *ret_dir = dir;
    else
        data_dir_close(&dir);
    return status;
}

void data_dir_close(struct data_dir *dir)
{
    base_auto_close(&dir->artifacts_fd);
    base_auto_close(&dir->lock_fd);
    base_auto_close(&dir->fd);
    dir->fd = dir->lock_fd = dir->artifacts_fd = -1;
}
