/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, generations and lines of log files.
 */
#include "deploy/logs/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_ID_BEGIN    "{\"id\":\""
#define LOG_LEVEL_BEGIN "\"level\":\""

void log_file_path(const struct log_name *name, uint32_t index, char ret_path[LOG_FILE_PATH_BYTES])
{
    char suffix[16] = "";
    if (index > 0)
        (void)snprintf(suffix, sizeof(suffix), ".%u", index);
    int count = snprintf(ret_path, LOG_FILE_PATH_BYTES, "%.*s/%.*s.ndjson%s",
                         (int)name->tenant.count, (const char *)name->tenant.data,
                         (int)name->function.count, (const char *)name->function.data, suffix);
    ASSERT(count > 0 && count < LOG_FILE_PATH_BYTES);
}

int log_file_open(int dir_fd, const char *path, uint64_t flags)
{
    const struct open_how how = {
        /* A pipe that somebody put there would have control wait for its other end. */
        .flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
        .mode = (flags & O_CREAT) != 0 ? 0600 : 0,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
    struct stat facts;
    if (fd < 0)
        return -1;
    if (fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode))
        return fd;
    (void)close(fd);
    errno = EINVAL;
    return -1;
}

enum status log_file_load(int dir_fd, const char *path, uint64_t tail, struct buffer *text)
{
    struct stat facts;
    AUTO_CLOSE int fd = log_file_open(dir_fd, path, O_RDONLY);
    text->count = 0;
    if (fd < 0)
        return errno == ENOENT ? STATUS_OK : STATUS_IO;
    if (fstat(fd, &facts) != 0)
        return STATUS_IO;
    size_t wanted = (size_t)MIN((uint64_t)facts.st_size, tail);
    off_t from = facts.st_size - (off_t)wanted;
    enum status status = buffer_reserve(text, wanted);
    if (status != STATUS_OK)
        return status;
    while (text->count < wanted) {
        ssize_t count =
            pread(fd, text->data + text->count, wanted - text->count, from + (off_t)text->count);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count == 0 ? STATUS_OK : STATUS_IO;
        text->count += (size_t)count;
    }
    return STATUS_OK;
}

void log_file_rotate(int dir_fd, const struct log_name *name, uint32_t files_max)
{
    char from[LOG_FILE_PATH_BYTES];
    char to[LOG_FILE_PATH_BYTES];
    for (uint32_t i = files_max - 1; i > 0; i--) {
        log_file_path(name, i - 1, from);
        log_file_path(name, i, to);
        (void)renameat(dir_fd, from, dir_fd, to);
    }
    log_file_path(name, 0, from);
    if (files_max == 1)
        (void)unlinkat(dir_fd, from, 0);
}

uint64_t log_line_id(struct bytes line)
{
    size_t begin = strlen(LOG_ID_BEGIN);
    uint64_t id = 0;
    if (line.count < begin + LOG_ID_DIGITS || memcmp(line.data, LOG_ID_BEGIN, begin) != 0)
        return 0;
    const uint8_t *at = line.data + begin;
    for (int digits = 0; *at >= '0' && *at <= '9'; at++) {
        if (++digits == LOG_ID_DIGITS)
            return 0;
        id = id * 10 + (uint64_t)(*at - '0');
    }
    return *at == '"' ? id : 0;
}

/* A quote inside of a text is escaped, so the member's name is found nowhere else. */
enum deploy_log_level log_line_level(struct bytes line)
{
    const uint8_t *at = memmem(line.data, line.count, LOG_LEVEL_BEGIN, strlen(LOG_LEVEL_BEGIN));
    if (at == NULL)
        return DEPLOY_LOG_ERROR;
    at += strlen(LOG_LEVEL_BEGIN);
    size_t left = line.count - (size_t)(at - line.data);
    const uint8_t *quote = memchr(at, '"', left);
    enum deploy_log_level level;
    if (quote == NULL || !deploy_log_level_parse(bytes_make(at, (size_t)(quote - at)), &level))
        return DEPLOY_LOG_ERROR;
    return level;
}

bool log_text_last(struct bytes *text, struct bytes *ret_line)
{
    const uint8_t *end = text->count == 0 ? NULL : memrchr(text->data, '\n', text->count);
    if (end == NULL)
        return false;
    size_t before = (size_t)(end - text->data);
    const uint8_t *newline = before == 0 ? NULL : memrchr(text->data, '\n', before);
    const uint8_t *begin = newline == NULL ? text->data : newline + 1;
    *ret_line = bytes_make(begin, (size_t)(end + 1 - begin));
    text->count = (size_t)(begin - text->data);
    return true;
}
