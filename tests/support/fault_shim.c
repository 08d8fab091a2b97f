/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before libc into the process under test: every nth call of a kind fails, as a disk does.
 * Which, is in a file that the test writes at any time, and that says how often it happened:
 *
 *   FAULTS=FILE: u32 kind (0: none) | u32 every | i32 errno (0: half of it is written) | u32 calls
 * | u32 failed
 *
 * Only files below the folder FAULTS_IN count; the log, sockets and pipes do not.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { NONE, WRITE, FSYNC, RENAME, OPEN };

struct faults {
    uint32_t kind;
    uint32_t every;
    int32_t number;
    uint32_t calls;
    uint32_t failed;
};

static struct faults *faults;
static const char *folder;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED
                       : mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    folder = getenv("FAULTS_IN");
    if (fd >= 0)
        (void)close(fd);
    if (map != MAP_FAILED && folder != NULL)
        faults = map;
}

static bool below(const char *path)
{
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool below_fd(int fd)
{
    char link[64];
    char path[4096];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof(path) - 1);
    if (count <= 0)
        return false;
    path[count] = '\0';
    return below(path);
}

/* Is it this one's turn? Then errno is set. */
static bool fails(enum kind kind)
{
    if (faults == NULL || faults->kind != kind || ++faults->calls % faults->every != 0)
        return false;
    faults->failed++;
    errno = faults->number;
    return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WANTED     (faults != NULL && faults->kind != NONE)

ssize_t write(int fd, const void *data, size_t count)
{
    if (WANTED && below_fd(fd) && fails(WRITE))
        return faults->number != 0 ? -1 : REAL(write)(fd, data, count / 2);
    return REAL(write)(fd, data, count);
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at)
{
    if (WANTED && below_fd(fd) && fails(WRITE))
        return faults->number != 0 ? -1 : REAL(pwrite)(fd, data, count / 2, at);
    return REAL(pwrite)(fd, data, count, at);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at)
{
    return pwrite(fd, data, count, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (WANTED && below_fd(fd) && fails(WRITE))
        return faults->number != 0 ? -1 : REAL(writev)(fd, parts, (count + 1) / 2);
    return REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (WANTED && below_fd(fd) && fails(WRITE))
        return faults->number != 0 ? -1 : REAL(pwritev)(fd, parts, (count + 1) / 2, at);
    return REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at)
{
    return pwritev(fd, parts, count, at);
}

int fsync(int fd)
{
    return WANTED && below_fd(fd) && fails(FSYNC) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return WANTED && below_fd(fd) && fails(FSYNC) ? -1 : REAL(fdatasync)(fd);
}

int rename(const char *from, const char *to)
{
    return WANTED && fails(RENAME) ? -1 : REAL(rename)(from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return WANTED && fails(RENAME) ? -1 : REAL(renameat)(from_fd, from, to_fd, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
    return WANTED && fails(RENAME) ? -1 : REAL(renameat2)(from_fd, from, to_fd, to, flags);
}

static mode_t mode_of(int flags, va_list more)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return WANTED && below(path) && fails(OPEN) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open(path, flags, mode);
}

int openat(int folder_fd, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return WANTED && below_fd(folder_fd) && fails(OPEN)
               ? -1
               : REAL(openat)(folder_fd, path, flags, mode);
}

int openat64(int folder_fd, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return openat(folder_fd, path, flags, mode);
}
