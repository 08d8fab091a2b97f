/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers "Hello, <path>!" as a WAGI command in plain C: what it is told are environment
 * variables, what it writes to standard output is a header block, an empty line and the body.
 * With a WASI libc this would be getenv and printf; here are the three calls beneath them.
 */
#include <stddef.h>
#include <stdint.h>

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(name)))

struct iovec {
    const char *data;
    size_t bytes;
};

WASI("environ_sizes_get") int32_t environ_sizes_get(size_t *count, size_t *bytes);
WASI("environ_get") int32_t environ_get(char **rows, char *texts);
WASI("fd_write")
int32_t fd_write(int32_t fd, const struct iovec *pieces, size_t count, size_t *written);

/* Each request finds these as the compiler laid them out. */
static char *rows[256];
static char texts[32768];

static size_t length(const char *text)
{
    size_t count = 0;
    while (text[count] != '\0')
        count++;
    return count;
}

/* The value of a variable; NULL if there is none. */
static const char *variable(const char *name)
{
    size_t count;
    size_t bytes;
    if (environ_sizes_get(&count, &bytes) != 0 || count > sizeof(rows) / sizeof(rows[0]) ||
        bytes > sizeof(texts) || environ_get(rows, texts) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        while (name[at] != '\0' && rows[i][at] == name[at])
            at++;
        if (name[at] == '\0' && rows[i][at] == '=')
            return rows[i] + at + 1;
    }
    return NULL;
}

__attribute__((export_name("_start"))) void _start(void)
{
    const char *path = variable("PATH_INFO");
    const char *name = path == NULL || path[0] == '\0' || path[1] == '\0' ? "world" : path + 1;
    static const char head[] = "content-type: text/plain\n\nHello, ";
    const struct iovec pieces[] = {{head, sizeof(head) - 1}, {name, length(name)}, {"!\n", 2}};
    size_t written;
    (void)fd_write(1, pieces, 3, &written);
}
