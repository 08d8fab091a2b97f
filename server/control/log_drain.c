/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pipe for each writer, so that one that floods its own leaves the others theirs. Both ends
 * stay open here: a writer's end is none of the pipe's, its successor writes to the same one.
 */
#include "server/control/log_drain.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/list.h"
#include "server/telemetry/log_check.h"

#define LOG_DRAIN_PIPE_BYTES 262144 /* of the kernel, if it lets us */
#define LOG_DRAIN_TURNS_MAX  128    /* reads of one flush: more than the pipe can hold */
#define LOG_DRAIN_WHO_BYTES  18     /* "worker 4294967295" */
#define LOG_DRAIN_KEY        "process"

_Static_assert(sizeof(",\"" LOG_DRAIN_KEY "\":\"\"") + LOG_DRAIN_WHO_BYTES <= LOG_STAMP_BYTES,
               "the stamp has room on every line that passes");

struct log_drain_pipe {
    struct list_link link;
    struct log_drain *drain;
    struct event *event;
    int read_fd;
    int write_fd;
    uint64_t second; /* in which `foreign` lines were passed on */
    uint32_t foreign;
    size_t count; /* of a line that has no end yet */
    char text[2 * LOG_LINE_BYTES];
    char who[LOG_DRAIN_WHO_BYTES];
};

struct log_drain {
    struct log_drain_options options;
    struct list pipes;
    uint64_t dropped;
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool log_drain_may_be_foreign(struct log_drain_pipe *pipe)
{
    uint64_t second = clock_monotonic_ns(pipe->drain->options.clock) / CLOCK_NS_PER_S;
    if (pipe->second != second)
        pipe->foreign = 0;
    pipe->second = second;
    return pipe->foreign++ < LOG_DRAIN_FOREIGN_PER_S;
}

static void log_drain_write(struct log_drain *drain, const char *line, size_t count)
{
    if (!drain->options.write(line, count))
        drain->dropped++;
}

/* A line as it came, with whose it is. */
static void log_drain_pass(struct log_drain_pipe *pipe, const char *text, size_t count)
{
    char stamped[LOG_LINE_BYTES + 1];
    int length = snprintf(stamped, sizeof(stamped), "%.*s,\"%s\":\"%s\"}\n", (int)count - 1, text,
                          LOG_DRAIN_KEY, pipe->who);
    ASSERT(length > 0 && length <= LOG_LINE_BYTES);
    log_drain_write(pipe->drain, stamped, (size_t)length);
}

/* `count` bytes with the end of the line. */
static void log_drain_line(struct log_drain_pipe *pipe, const char *text, size_t count)
{
    if (count <= LOG_LINE_BYTES - LOG_STAMP_BYTES &&
        log_check_line(bytes_make(text, count - 1), LOG_DRAIN_KEY)) {
        log_drain_pass(pipe, text, count - 1);
        return;
    }
    if (count <= 1)
        return;
    if (!log_drain_may_be_foreign(pipe)) {
        pipe->drain->dropped++;
        return;
    }
    struct log_line line;
    log_begin(&line, "warn", "stderr");
    log_text(&line, LOG_DRAIN_KEY, bytes_of_text(pipe->who));
    log_text(&line, "message", bytes_make(text, count - 1));
    log_close(&line);
    log_drain_write(pipe->drain, line.text, line.count);
}

/* All whole lines; what is left moves to the front. A line that never ends is cut. */
static void log_drain_take(struct log_drain_pipe *pipe)
{
    const char *at = pipe->text;
    const char *end = pipe->text + pipe->count;
    for (const char *newline; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = newline + 1)
        log_drain_line(pipe, at, (size_t)(newline + 1 - at));
    pipe->count = (size_t)(end - at);
    memmove(pipe->text, at, pipe->count);
    if (pipe->count < sizeof(pipe->text))
        return;
    pipe->text[sizeof(pipe->text) - 1] = '\n';
    log_drain_line(pipe, pipe->text, sizeof(pipe->text));
    pipe->count = 0;
}

/* False: there is nothing more now. */
static bool log_drain_read(struct log_drain_pipe *pipe)
{
    ssize_t count = read(pipe->read_fd, pipe->text + pipe->count, sizeof(pipe->text) - pipe->count);
    if (count <= 0)
        return count < 0 && errno == EINTR;
    pipe->count += (size_t)count;
    log_drain_take(pipe);
    return true;
}

static void log_drain_on_read(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    (void)log_drain_read(context);
}

void log_drain_flush(struct log_drain_pipe *pipe)
{
    for (int i = 0; i < LOG_DRAIN_TURNS_MAX && log_drain_read(pipe); i++)
        ;
    if (pipe->count == 0)
        return;
    pipe->text[pipe->count++] = '\n';
    log_drain_take(pipe);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void log_drain_close(struct log_drain_pipe *pipe)
{
    if (pipe->read_fd >= 0)
        log_drain_flush(pipe);
    if (pipe->event != NULL)
        event_free(pipe->event);
    base_auto_close(&pipe->read_fd);
    base_auto_close(&pipe->write_fd);
    free(pipe);
}

enum status log_drain_create(const struct log_drain_options *options,
                             struct report *report,
                             struct log_drain **ret_drain)
{
    struct log_drain *drain = calloc(1, sizeof(*drain));
    if (drain == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    drain->options = *options;
    *ret_drain = drain;
    return STATUS_OK;
}

void log_drain_free(struct log_drain *drain)
{
    if (drain == NULL)
        return;
    LIST_FOREACH(pipe, &drain->pipes, struct log_drain_pipe, link) {
        list_remove(&pipe->link);
        log_drain_close(pipe);
    }
    free(drain);
}

enum status log_drain_adopt(struct log_drain *drain,
                            const char *who,
                            const int fds[2],
                            struct report *report,
                            struct log_drain_pipe **ret_pipe)
{
    struct log_drain_pipe *pipe = calloc(1, sizeof(*pipe));
    if (pipe == NULL) {
        (void)close(fds[0]);
        (void)close(fds[1]);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    pipe->drain = drain;
    pipe->read_fd = fds[0];
    pipe->write_fd = fds[1];
    (void)snprintf(pipe->who, sizeof(pipe->who), "%s", who);
    pipe->event = event_new(drain->options.base, pipe->read_fd, EV_READ | EV_PERSIST,
                            log_drain_on_read, pipe);
    if (pipe->event == NULL || event_add(pipe->event, NULL) != 0) {
        log_drain_close(pipe);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    list_append(&drain->pipes, &pipe->link);
    *ret_pipe = pipe;
    return STATUS_OK;
}

enum status log_drain_open(struct log_drain *drain,
                           const char *who,
                           struct report *report,
                           struct log_drain_pipe **ret_pipe)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
        return report_errno(report, "cannot make a pipe for the log of %s", who);
    (void)fcntl(fds[1], F_SETPIPE_SZ, LOG_DRAIN_PIPE_BYTES);
    return log_drain_adopt(drain, who, fds, report, ret_pipe);
}

void log_drain_ends(const struct log_drain_pipe *pipe, int ret_fds[2])
{
    ret_fds[0] = pipe->read_fd;
    ret_fds[1] = pipe->write_fd;
}

int log_drain_fd(const struct log_drain_pipe *pipe)
{
    return pipe->write_fd;
}

uint64_t log_drain_dropped(const struct log_drain *drain)
{
    return drain->dropped;
}
