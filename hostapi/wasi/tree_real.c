/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of the system as a tree, for `skerry run --dir`. Every way is opened beneath the
 * directory (beneath.h); what has no descriptor (a name to be made, removed, renamed) is done in
 * its parent, by its last segment, which the system then does not follow.
 *
 * A node is its descriptor and one: 0 is the root.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "hostapi/wasi/beneath.h"

#define REAL_LIST_BYTES 8192 /* of one look at a folder */
#define REAL_FILE_MODE  0666
#define REAL_DIR_MODE   0777

static int real_fd(const struct wasi_real *real, uint64_t node)
{
    return node == 0 ? real->root_fd : (int)(node - 1);
}

static enum wasi_errno real_result(int result)
{
    return result == 0 ? WASI_SUCCESS : wasi_errno_of(errno);
}

static int
real_open_at(struct wasi_real *real, const struct wasi_place *place, int flags, unsigned mode)
{
    return beneath_open(&real->walks, real_fd(real, place->dir), place->path, flags, mode);
}

/* ---- what a file is -------------------------------------------------------------------------- */

static enum wasi_filetype real_type(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return WASI_FILETYPE_REGULAR_FILE;
    case S_IFDIR:
        return WASI_FILETYPE_DIRECTORY;
    case S_IFLNK:
        return WASI_FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
        return WASI_FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
        return WASI_FILETYPE_BLOCK_DEVICE;
    case S_IFSOCK:
        return WASI_FILETYPE_SOCKET_STREAM;
    default:
        return WASI_FILETYPE_UNKNOWN;
    }
}

static uint64_t real_time(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * CLOCK_NS_PER_S + (uint64_t)time->tv_nsec;
}

static enum wasi_errno real_stat_fd(int fd, struct wasi_stat *ret_stat)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return wasi_errno_of(errno);
    *ret_stat = (struct wasi_stat){.dev = facts.st_dev,
                                   .ino = facts.st_ino,
                                   .nlink = facts.st_nlink,
                                   .size = (uint64_t)facts.st_size,
                                   .atim_ns = real_time(&facts.st_atim),
                                   .mtim_ns = real_time(&facts.st_mtim),
                                   .ctim_ns = real_time(&facts.st_ctim),
                                   .type = real_type(facts.st_mode)};
    return WASI_SUCCESS;
}

static enum wasi_errno real_stat(void *tree, uint64_t node, struct wasi_stat *ret_stat)
{
    return real_stat_fd(real_fd(tree, node), ret_stat);
}

static enum wasi_errno
real_stat_at(void *tree, const struct wasi_place *place, bool follow, struct wasi_stat *ret_stat)
{
    AUTO_CLOSE int fd = real_open_at(tree, place, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    return fd < 0 ? wasi_errno_of(-fd) : real_stat_fd(fd, ret_stat);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int real_flags(const struct wasi_open *wanted)
{
    bool directory = (wanted->oflags & WASI_OFLAG_DIRECTORY) != 0;
    int flags = O_NOCTTY | (!wanted->writes ? O_RDONLY : wanted->reads ? O_RDWR : O_WRONLY);
    flags |= (wanted->oflags & WASI_OFLAG_CREAT) != 0 ? O_CREAT : 0;
    flags |= (wanted->oflags & WASI_OFLAG_EXCL) != 0 ? O_EXCL : 0;
    flags |= (wanted->oflags & WASI_OFLAG_TRUNC) != 0 ? O_TRUNC : 0;
    flags |= directory ? O_DIRECTORY : 0;
    flags |= (wanted->fdflags & WASI_FDFLAG_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    flags |= (wanted->fdflags & WASI_FDFLAG_DSYNC) != 0 ? O_DSYNC : 0;
    flags |= (wanted->fdflags & (WASI_FDFLAG_SYNC | WASI_FDFLAG_RSYNC)) != 0 ? O_SYNC : 0;
    return flags | (wanted->follow ? 0 : O_NOFOLLOW);
}

static enum wasi_errno real_open(void *tree,
                                 const struct wasi_place *place,
                                 const struct wasi_open *wanted,
                                 uint64_t *ret_node,
                                 enum wasi_filetype *ret_type)
{
    struct wasi_stat facts;
    int fd = real_open_at(tree, place, real_flags(wanted), REAL_FILE_MODE);
    if (fd < 0)
        return wasi_errno_of(-fd);
    enum wasi_errno error = real_stat_fd(fd, &facts);
    if (error != WASI_SUCCESS) {
        (void)close(fd);
        return error;
    }
    *ret_node = (uint64_t)fd + 1;
    *ret_type = facts.type;
    return WASI_SUCCESS;
}

static void real_close(void *tree, uint64_t node)
{
    (void)close(real_fd(tree, node));
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static enum wasi_errno real_read(
    void *tree, uint64_t node, uint64_t offset, uint8_t *space, size_t count, size_t *ret_count)
{
    int fd = real_fd(tree, node);
    ssize_t got;
    do {
        got = pread(fd, space, count, (off_t)offset);
        if (got < 0 && errno == ESPIPE)
            got = read(fd, space, count);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return wasi_errno_of(errno);
    *ret_count = (size_t)got;
    return WASI_SUCCESS;
}

static enum wasi_errno real_write(
    void *tree, uint64_t node, bool append, uint64_t *offset, struct bytes data, size_t *ret_count)
{
    int fd = real_fd(tree, node);
    struct stat facts;
    const struct iovec row = {.iov_base = (void *)(uintptr_t)data.data, .iov_len = data.count};
    ssize_t put;
    do {
        put = append ? pwritev2(fd, &row, 1, 0, RWF_APPEND)
                     : pwrite(fd, data.data, data.count, (off_t)*offset);
        if (put < 0 && errno == ESPIPE)
            put = write(fd, data.data, data.count);
    } while (put < 0 && errno == EINTR);
    if (put < 0)
        return wasi_errno_of(errno);
    if (append && fstat(fd, &facts) == 0)
        *offset = (uint64_t)facts.st_size - MIN((uint64_t)facts.st_size, (uint64_t)put);
    *ret_count = (size_t)put;
    return WASI_SUCCESS;
}

static enum wasi_errno real_resize(void *tree, uint64_t node, uint64_t bytes)
{
    return real_result(ftruncate(real_fd(tree, node), (off_t)bytes));
}

static enum wasi_errno real_allocate(void *tree, uint64_t node, uint64_t offset, uint64_t bytes)
{
    return real_result(fallocate(real_fd(tree, node), 0, (off_t)offset, (off_t)bytes));
}

static enum wasi_errno real_sync(void *tree, uint64_t node, bool data_only)
{
    int fd = real_fd(tree, node);
    return real_result(data_only ? fdatasync(fd) : fsync(fd));
}

static enum wasi_errno real_set_flags(void *tree, uint64_t node, uint32_t fdflags)
{
    int fd = real_fd(tree, node);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return wasi_errno_of(errno);
    flags &= ~O_NONBLOCK;
    return real_result(
        fcntl(fd, F_SETFL, flags | ((fdflags & WASI_FDFLAG_NONBLOCK) != 0 ? O_NONBLOCK : 0)));
}

/* ---- times ----------------------------------------------------------------------------------- */

static struct timespec real_one_time(uint64_t time_ns, bool given, bool now)
{
    if (now)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    if (!given)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return (struct timespec){.tv_sec = (time_t)(time_ns / CLOCK_NS_PER_S),
                             .tv_nsec = (long)(time_ns % CLOCK_NS_PER_S)};
}

static enum wasi_errno real_set_times_fd(int fd, const struct wasi_times *times)
{
    const struct timespec rows[2] = {
        real_one_time(times->atim_ns, (times->flags & WASI_FSTFLAG_ATIM) != 0,
                      (times->flags & WASI_FSTFLAG_ATIM_NOW) != 0),
        real_one_time(times->mtim_ns, (times->flags & WASI_FSTFLAG_MTIM) != 0,
                      (times->flags & WASI_FSTFLAG_MTIM_NOW) != 0)};
    return real_result(utimensat(fd, "", rows, AT_EMPTY_PATH));
}

static enum wasi_errno real_set_times(void *tree, uint64_t node, const struct wasi_times *times)
{
    return real_set_times_fd(real_fd(tree, node), times);
}

static enum wasi_errno real_set_times_at(void *tree,
                                         const struct wasi_place *place,
                                         bool follow,
                                         const struct wasi_times *times)
{
    AUTO_CLOSE int fd = real_open_at(tree, place, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
    return fd < 0 ? wasi_errno_of(-fd) : real_set_times_fd(fd, times);
}

/* ---- folders --------------------------------------------------------------------------------- */

static enum wasi_filetype real_entry_type(uint8_t type)
{
    return real_type((mode_t)DTTOIF(type));
}

static enum wasi_errno real_list(void *tree,
                                 uint64_t node,
                                 uint64_t cookie,
                                 bool (*visit)(void *context, const struct wasi_entry *entry),
                                 void *context)
{
    _Alignas(struct dirent64) char piece[REAL_LIST_BYTES];
    int fd = real_fd(tree, node);
    if (lseek(fd, (off_t)cookie, SEEK_SET) < 0)
        return wasi_errno_of(errno);
    for (;;) {
        ssize_t count = getdents64(fd, piece, sizeof(piece));
        if (count <= 0)
            return count == 0 ? WASI_SUCCESS : wasi_errno_of(errno);
        for (ssize_t at = 0; at < count;) {
            const struct dirent64 *row = (const void *)(piece + at);
            bool outside = strcmp(row->d_name, "..") == 0 && node == 0;
            const struct wasi_entry entry = {.next = (uint64_t)row->d_off,
                                             .ino = outside ? 0 : row->d_ino,
                                             .type = real_entry_type(row->d_type),
                                             .name = bytes_of_text(row->d_name)};
            if (!visit(context, &entry))
                return WASI_SUCCESS;
            at += row->d_reclen;
        }
    }
}

/* The last segment of a path, with the slash behind it if there is one, in the folder it is in. */
struct real_last {
    int dir_fd; /* owned; negative: minus an errno */
    bool slash;
    char name[WASI_PATH_BYTES_MAX + 2];
};

static void
real_last(struct wasi_real *real, const struct wasi_place *place, struct real_last *last)
{
    struct bytes path = place->path;
    last->slash = path.count > 0 && path.data[path.count - 1] == '/';
    while (path.count > 0 && path.data[path.count - 1] == '/')
        path.count--;
    size_t begin = path.count;
    while (begin > 0 && path.data[begin - 1] != '/')
        begin--;
    struct bytes name = bytes_make(path.data + begin, path.count - begin);
    struct wasi_place parent = {.dir = place->dir, .path = bytes_make(path.data, begin)};
    if (bytes_equal_text(name, "..")) {
        parent.path = path;
        name = bytes_of_text(".");
    }
    if (parent.path.count == 0)
        parent.path = bytes_of_text(".");
    int count = snprintf(last->name, sizeof(last->name), "%.*s%s", (int)name.count,
                         (const char *)name.data, last->slash ? "/" : "");
    last->dir_fd = path.count == 0 || count < 0
                       ? -ENOENT
                       : real_open_at(real, &parent, O_PATH | O_DIRECTORY, 0);
}

static enum wasi_errno real_make_directory(void *tree, const struct wasi_place *place)
{
    struct real_last last;
    real_last(tree, place, &last);
    AUTO_CLOSE int fd = last.dir_fd;
    return fd < 0 ? wasi_errno_of(-fd) : real_result(mkdirat(fd, last.name, REAL_DIR_MODE));
}

static enum wasi_errno real_remove_directory(void *tree, const struct wasi_place *place)
{
    struct real_last last;
    real_last(tree, place, &last);
    AUTO_CLOSE int fd = last.dir_fd;
    return fd < 0 ? wasi_errno_of(-fd) : real_result(unlinkat(fd, last.name, AT_REMOVEDIR));
}

static enum wasi_errno real_unlink(void *tree, const struct wasi_place *place)
{
    struct real_last last;
    real_last(tree, place, &last);
    AUTO_CLOSE int fd = last.dir_fd;
    return fd < 0 ? wasi_errno_of(-fd) : real_result(unlinkat(fd, last.name, 0));
}

static enum wasi_errno
real_rename(void *tree, const struct wasi_place *from, const struct wasi_place *to)
{
    struct real_last a;
    struct real_last b;
    real_last(tree, from, &a);
    real_last(tree, to, &b);
    AUTO_CLOSE int from_fd = a.dir_fd;
    AUTO_CLOSE int to_fd = b.dir_fd;
    if (from_fd < 0 || to_fd < 0)
        return wasi_errno_of(from_fd < 0 ? -from_fd : -to_fd);
    return real_result(renameat(from_fd, a.name, to_fd, b.name));
}

/* A slash behind a link's name would have the system follow it: then what is meant is the folder
 * that it leads to, and of that there are neither links nor a text. */
static enum wasi_errno real_refuse_slash(struct wasi_real *real, const struct wasi_place *place)
{
    AUTO_CLOSE int fd = real_open_at(real, place, O_PATH | O_DIRECTORY, 0);
    return fd < 0 ? wasi_errno_of(-fd) : WASI_INVAL;
}

static enum wasi_errno
real_link(void *tree, const struct wasi_place *from, const struct wasi_place *to)
{
    struct real_last a;
    struct real_last b;
    real_last(tree, from, &a);
    real_last(tree, to, &b);
    AUTO_CLOSE int from_fd = a.dir_fd;
    AUTO_CLOSE int to_fd = b.dir_fd;
    if (from_fd < 0 || to_fd < 0)
        return wasi_errno_of(from_fd < 0 ? -from_fd : -to_fd);
    if (a.slash)
        return real_refuse_slash(tree, from);
    return real_result(linkat(from_fd, a.name, to_fd, b.name, 0));
}

static enum wasi_errno real_symlink(void *tree, struct bytes text, const struct wasi_place *place)
{
    struct real_last last;
    char copy[WASI_PATH_BYTES_MAX + 1];
    real_last(tree, place, &last);
    AUTO_CLOSE int fd = last.dir_fd;
    ASSERT(text.count < sizeof(copy));
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    return fd < 0 ? wasi_errno_of(-fd) : real_result(symlinkat(copy, fd, last.name));
}

static enum wasi_errno real_read_link(
    void *tree, const struct wasi_place *place, uint8_t *space, size_t count, size_t *ret_count)
{
    struct real_last last;
    real_last(tree, place, &last);
    AUTO_CLOSE int fd = last.dir_fd;
    if (fd >= 0 && last.slash)
        return real_refuse_slash(tree, place);
    ssize_t got = fd < 0 ? fd : readlinkat(fd, last.name, (char *)space, count);
    if (got < 0)
        return wasi_errno_of(fd < 0 ? -fd : errno);
    *ret_count = (size_t)got;
    return WASI_SUCCESS;
}

const struct wasi_tree wasi_real_tree = {
    .open = real_open,
    .close = real_close,
    .stat = real_stat,
    .stat_at = real_stat_at,
    .read = real_read,
    .write = real_write,
    .list = real_list,
    .resize = real_resize,
    .allocate = real_allocate,
    .sync = real_sync,
    .set_flags = real_set_flags,
    .set_times = real_set_times,
    .set_times_at = real_set_times_at,
    .make_directory = real_make_directory,
    .remove_directory = real_remove_directory,
    .unlink = real_unlink,
    .rename = real_rename,
    .link = real_link,
    .symlink = real_symlink,
    .read_link = real_read_link,
};
