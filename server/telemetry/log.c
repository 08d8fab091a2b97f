/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building a line: raw pieces that are ours, and values that are escaped. Once something
 * did not fit, nothing more goes in but the end.
 */
#include "server/telemetry/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/json.h"

#define LOG_TAIL_BYTES 16 /* for the closing of a cut line */
#define LOG_ROOM_BYTES (LOG_LINE_BYTES - LOG_STAMP_BYTES - LOG_TAIL_BYTES)

_Static_assert(LOG_LINE_BYTES <= PIPE_BUF, "a line is written whole or not at all");

static log_shape *log_shaped_by; /* NULL: as they are */

static bool log_room(struct log_line *line, size_t count)
{
    if (line->cut || count > LOG_ROOM_BYTES - line->count)
        line->cut = true;
    return !line->cut;
}

static void log_raw(struct log_line *line, const char *text)
{
    size_t count = strlen(text);
    if (!log_room(line, count))
        return;
    memcpy(line->text + line->count, text, count);
    line->count += count;
}

void log_text(struct log_line *line, const char *key, struct bytes value)
{
    log_raw(line, ",\"");
    log_raw(line, key);
    log_raw(line, "\":\"");
    if (line->cut)
        return;
    size_t used = 0;
    size_t room = LOG_ROOM_BYTES - line->count;
    line->count += json_escape(value, line->text + line->count, room, &used);
    line->cut = used < value.count;
    line->text[line->count++] = '"';
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
    char text[96];
    (void)snprintf(text, sizeof(text), ",\"%.64s\":%" PRIu64, key, value);
    log_raw(line, text);
}

void log_begin_at(struct log_line *line, uint64_t now, const char *level, const char *event)
{
    line->count = 0;
    line->cut = false;
    time_t seconds = (time_t)(now / CLOCK_NS_PER_S);
    struct tm utc;
    char time_text[32] = "";
    if (gmtime_r(&seconds, &utc) != NULL)
        (void)strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%S", &utc);
    char text[192];
    (void)snprintf(text, sizeof(text),
                   "{\"ts\":\"%s.%06uZ\",\"level\":\"%.16s\",\"event\":\"%.64s\"", time_text,
                   (unsigned)(now % CLOCK_NS_PER_S / CLOCK_NS_PER_US), level, event);
    log_raw(line, text);
}

void log_begin(struct log_line *line, const char *level, const char *event)
{
    log_begin_at(line, clock_realtime_ns(&clock_system), level, event);
}

void log_close(struct log_line *line)
{
    const char *tail = line->cut ? ",\"cut\":true}\n" : "}\n";
    size_t count = strlen(tail);
    _Static_assert(sizeof(",\"cut\":true}\n") <= LOG_TAIL_BYTES, "the tail always fits");
    memcpy(line->text + line->count, tail, count);
    line->count += count;
}

bool log_write(const char *line, size_t count)
{
    /* A pipe that is ready takes PIPE_BUF bytes without blocking, a socket more. */
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
        return false;
    char shown[LOG_LINE_BYTES];
    size_t length = 0;
    if (log_shaped_by != NULL)
        length = log_shaped_by(bytes_make(line, count), shown, sizeof(shown));
    if (length > 0)
        return write(STDERR_FILENO, shown, length) == (ssize_t)length;
    return write(STDERR_FILENO, line, count) == (ssize_t)count;
}

void log_shape_by(log_shape *shape)
{
    log_shaped_by = shape;
}

bool log_end(struct log_line *line)
{
    log_close(line);
    return log_write(line->text, line->count);
}

/* The file that `fd` stands for is shared with whoever started us, who need not like a flag on
 * it: the same pipe or terminal, opened once more. */
static void log_never_wait_on(int fd)
{
    struct stat facts;
    char path[32];
    if (fstat(fd, &facts) != 0 || (!S_ISFIFO(facts.st_mode) && !S_ISCHR(facts.st_mode)))
        return;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return;
    (void)dup2(own, fd);
    (void)close(own);
}

void log_never_wait(void)
{
    log_never_wait_on(STDOUT_FILENO);
    log_never_wait_on(STDERR_FILENO);
}

void log_message(const char *level, const char *event, const char *format, ...)
{
    char text[REPORT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct log_line line;
    log_begin(&line, level, event);
    log_text(&line, "message", bytes_of_text(text));
    (void)log_end(&line);
}
