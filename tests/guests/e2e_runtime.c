/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WAGI command in an interpreter's place: before its checkpoint it reads its arguments and the
 * file that the second of them names; behind it, it answers with these, a count of its own, and
 * the body as /dev/skerry/stdin has it; then it leaves by /dev/skerry/exit, behind which it would
 * spoil the answer.
 */
#include "skerry.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))
WASI("args_sizes_get") int args_sizes_get(uint32_t *count, uint32_t *bytes);
WASI("args_get") int args_get(char **texts, char *space);
WASI("fd_write") int fd_write(int fd, const void *vectors, int count, uint32_t *sum);
WASI("fd_read") int fd_read(int fd, const void *vectors, int count, uint32_t *sum);
WASI("fd_prestat_dir_name") int fd_prestat_dir_name(int fd, char *name, uint32_t bytes);
WASI("fd_prestat_get") int fd_prestat_get(int fd, uint32_t prestat[2]);
WASI("path_open")
int path_open(int dir,
              uint32_t follow,
              const char *path,
              uint32_t bytes,
              uint32_t oflags,
              uint64_t rights,
              uint64_t inherited,
              uint32_t fdflags,
              int *fd);

#define RIGHT_READ 2

struct vector {
    const char *data;
    uint32_t bytes;
};

static char *arguments[16];
static char space[4096];
static char file[4096];
static char body[4096];
static char large[1 << 20]; /* of which the start writes a part, as a runtime does */
static uint32_t starts;

static uint32_t length(const char *text)
{
    uint32_t count = 0;
    while (text[count] != '\0')
        count++;
    return count;
}

static void say(const char *text, uint32_t bytes)
{
    const struct vector vector = {text, bytes};
    uint32_t sum;
    (void)fd_write(1, &vector, 1, &sum);
}

static uint32_t read_file(const char *folder, const char *path, char *to, uint32_t room)
{
    int fd = -1;
    for (int dir = 3;; dir++) {
        uint32_t prestat[2];
        char name[16];
        if (fd_prestat_get(dir, prestat) != 0)
            return 0;
        if (prestat[1] != length(folder) || fd_prestat_dir_name(dir, name, prestat[1]) != 0 ||
            memcmp(name, folder, prestat[1]) != 0)
            continue;
        if (path_open(dir, 0, path, length(path), 0, RIGHT_READ, 0, 0, &fd) != 0)
            return 0;
        break;
    }
    uint32_t used = 0;
    for (uint32_t some = 1; some > 0 && used < room; used += some) {
        const struct vector vector = {to + used, room - used};
        if (fd_read(fd, &vector, 1, &some) != 0)
            break;
    }
    return used;
}

SKERRY_EXPORT("_start") void start(void)
{
    uint32_t count;
    uint32_t bytes;
    char said[8];
    starts++;
    for (uint32_t i = 0; i < sizeof(large) / 2; i++)
        large[i] = (char)i;
    (void)args_sizes_get(&count, &bytes);
    (void)args_get(arguments, space);
    uint32_t read = count > 1 ? read_file("/", arguments[1] + 1, file, sizeof(file)) : 0;
    (void)read_file("/dev/skerry", "checkpoint", said, sizeof(said));
    say("content-type: text/plain\n\n", 26);
    for (uint32_t i = 0; i < count; i++) {
        say(arguments[i], length(arguments[i]));
        say("\n", 1);
    }
    say(file, read);
    say(starts == 1 ? "fresh\n" : "stale\n", 6);
    starts++;
    say(body, read_file("/dev/skerry", "stdin", body, sizeof(body)));
    (void)read_file("/dev/skerry", "exit", said, sizeof(said));
    say("not reached\n", 12);
}
