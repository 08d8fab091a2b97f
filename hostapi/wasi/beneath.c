/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2 with RESOLVE_BENEATH; where there is none, a walk that takes each segment alone and keeps
 * all folders of the way open. `..` is then the folder that was open before, not what the system
 * has by that name: whoever moves a folder away moves nobody out.
 *
 *   a/../b/link   ->   [dir] -> [dir, a] -> [dir] -> [dir, b] -> text of link + what is left
 */
#include "hostapi/wasi/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BENEATH_TRIES 16      /* somebody renames while we look */
#define BENEATH_ON    INT_MIN /* neither a descriptor nor an errno: the walk goes on */

struct beneath_walk {
    int fds[BENEATH_DEPTH_MAX]; /* all but the first are ours */
    uint32_t depth;             /* of the last of them */
    uint32_t links;
    char rest[2 * WASI_PATH_BYTES_MAX + 2]; /* what is still to be walked; from `at` on */
    size_t at;
    size_t count;
};

static int beneath_openat2(int dir_fd, const char *path, int flags, unsigned mode)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = -1;
    for (int i = 0; i < BENEATH_TRIES; i++) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd >= 0 ? (int)fd : -errno;
}

static void beneath_pop(struct beneath_walk *walk)
{
    (void)close(walk->fds[walk->depth]);
    walk->depth--;
}

/* The link's text takes its place in front of what is left; its descriptor is closed. */
static int beneath_follow(struct beneath_walk *walk, int link_fd)
{
    char text[WASI_PATH_BYTES_MAX];
    ssize_t count = readlinkat(link_fd, "", text, sizeof(text));
    int error = count < 0 ? errno : 0;
    (void)close(link_fd);
    if (error != 0)
        return -error;
    if (count == 0 || text[0] == '/')
        return count == 0 ? -ENOENT : -EXDEV;
    if (++walk->links > BENEATH_LINKS_MAX)
        return -ELOOP;
    size_t left = walk->count - walk->at;
    if ((size_t)count + 1 + left >= sizeof(walk->rest))
        return -ENAMETOOLONG;
    memmove(walk->rest + count + (left > 0 ? 1 : 0), walk->rest + walk->at, left);
    memcpy(walk->rest, text, (size_t)count);
    if (left > 0)
        walk->rest[count] = '/';
    walk->count = (size_t)count + (left > 0 ? left + 1 : 0);
    walk->at = 0;
    return BENEATH_ON;
}

/* Into the folder `name`, or where the link of that name leads; ON, or minus an errno. */
static int beneath_step(struct beneath_walk *walk, const char *name)
{
    struct stat facts;
    if (strcmp(name, ".") == 0)
        return BENEATH_ON;
    if (strcmp(name, "..") == 0) {
        if (walk->depth == 0)
            return -EXDEV;
        beneath_pop(walk);
        return BENEATH_ON;
    }
    int fd = openat(walk->fds[walk->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &facts) != 0 || (!S_ISDIR(facts.st_mode) && !S_ISLNK(facts.st_mode))) {
        (void)close(fd);
        return -ENOTDIR;
    }
    if (S_ISLNK(facts.st_mode))
        return beneath_follow(walk, fd);
    if (walk->depth + 1 == BENEATH_DEPTH_MAX) {
        (void)close(fd);
        return -ENAMETOOLONG;
    }
    walk->fds[++walk->depth] = fd;
    return BENEATH_ON;
}

/* Takes the next segment; false: there is none. `last`: nothing but slashes follows. */
static bool beneath_take(struct beneath_walk *walk, char name[WASI_PATH_BYTES_MAX + 1], bool *last)
{
    struct bytes segment;
    struct bytes rest = bytes_make(walk->rest + walk->at, walk->count - walk->at);
    if (!wasi_next_segment(&rest, &segment))
        return false;
    memcpy(name, segment.data, segment.count);
    name[segment.count] = '\0';
    walk->at = walk->count - rest.count;
    *last = true;
    for (size_t i = walk->at; i < walk->count; i++)
        *last = *last && walk->rest[i] == '/';
    return true;
}

/* The last segment: opened as it is asked for, a link only if it is not to be followed. */
static int beneath_last(struct beneath_walk *walk, const char *name, int flags, unsigned mode)
{
    int dir_fd = walk->fds[walk->depth];
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    struct stat facts;
    bool follows = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    if (fd >= 0 && follows && (flags & O_PATH) != 0 && fstat(fd, &facts) == 0 &&
        S_ISLNK(facts.st_mode))
        return beneath_follow(walk, fd);
    if (fd >= 0)
        return fd;
    int error = errno;
    if (!follows || (error != ELOOP && error != ENOTDIR))
        return -error;
    int link_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (link_fd < 0 || fstat(link_fd, &facts) != 0 || !S_ISLNK(facts.st_mode)) {
        base_auto_close(&link_fd);
        return -error;
    }
    return beneath_follow(walk, link_fd);
}

static int beneath_walk(int dir_fd, struct bytes path, int flags, unsigned mode)
{
    char name[WASI_PATH_BYTES_MAX + 1];
    struct beneath_walk walk = {.fds = {dir_fd}, .count = path.count};
    int result = BENEATH_ON;
    bool last = false;
    if (path.count > WASI_PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    memcpy(walk.rest, path.data, path.count);
    if (path.count > 0 && walk.rest[0] == '/')
        return -EXDEV;
    while (result == BENEATH_ON) {
        if (!beneath_take(&walk, name, &last)) {
            (void)strcpy(name, ".");
            last = true;
        }
        if (last && walk.at < walk.count)
            flags |= O_DIRECTORY; /* a slash at the end */
        if (last && (flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) {
            result = -EISDIR; /* to the system this may be a file that is made, and refused */
            continue;
        }
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!last || (dots && strcmp(name, ".") != 0)) {
            result = beneath_step(&walk, name);
            continue;
        }
        walk.at = walk.count;
        result = beneath_last(&walk, name, flags, mode);
    }
    while (walk.depth > 0)
        beneath_pop(&walk);
    return result;
}

int beneath_open(bool *walks, int dir_fd, struct bytes path, int flags, unsigned mode)
{
    char text[WASI_PATH_BYTES_MAX + 1];
    if (path.count == 0)
        return -ENOENT;
    if (path.count > WASI_PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    memcpy(text, path.data, path.count);
    text[path.count] = '\0';
    if (!*walks) {
        int fd = beneath_openat2(dir_fd, text, flags, mode);
        if (fd != -ENOSYS && fd != -EPERM)
            return fd;
        /* A filter that does not know the call may say EPERM, and so may a file. */
        if (fd == -ENOSYS)
            *walks = true;
    }
    return beneath_walk(dir_fd, path, flags, mode);
}
