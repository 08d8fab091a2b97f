/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting, hearing of readiness, and starting again.
 */
#include "server/control/child.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/telemetry/log.h"

#define CHILD_DOUBLINGS_MAX 8u

static void child_say(const struct child *child, const char *what, const char *text)
{
    char event[64];
    (void)snprintf(event, sizeof(event), "%s_%s", child->role->spawn.verb, what);
    log_message("error", event, "%s", text);
}

static void child_forget_ready(struct child *child)
{
    if (child->ready_event == NULL)
        return;
    (void)close(event_get_fd(child->ready_event));
    event_free(child->ready_event);
    child->ready_event = NULL;
}

static void child_on_ready(evutil_socket_t fd, short events, void *context)
{
    (void)events;
    struct child *child = context;
    char byte;
    bool said = read(fd, &byte, 1) == 1;
    child_forget_ready(child);
    if (!said)
        return; /* it died; SIGCHLD tells */
    child->ready = true;
    child->failures = 0;
    child->ops.ready(child->ops.context);
}

static void child_on_restart(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    child_start(context);
}

enum status child_init(struct child *child, struct report *report)
{
    child->restart_event = evtimer_new(child->base, child_on_restart, child);
    if (child->restart_event == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

void child_done(struct child *child)
{
    child_forget_ready(child);
    if (child->restart_event != NULL)
        event_free(child->restart_event);
    child->restart_event = NULL;
}

/* ---- starting -------------------------------------------------------------------------------- */

/* What is not kept is closed. */
static enum status child_try_start(struct child *child, struct report *report)
{
    int ready[2];
    if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0)
        return report_errno(report, "cannot start a %s", child->role->spawn.verb);
    pid_t pid = 0;
    enum status status = child->ops.start(child->ops.context, ready[1], report, &pid);
    (void)close(ready[1]);
    if (status != STATUS_OK) {
        (void)close(ready[0]);
        return status;
    }
    child->pid = pid;
    child->ready_event = event_new(child->base, ready[0], EV_READ, child_on_ready, child);
    if (child->ready_event == NULL) {
        /* Nobody would ever hear that it is ready: as if it had died. */
        (void)close(ready[0]);
        child_kill(child, SIGKILL);
    } else {
        (void)event_add(child->ready_event, NULL);
    }
    return STATUS_OK;
}

uint64_t child_wait_ns(const struct child *child, uint64_t now_ns)
{
    uint64_t wait_ms = 0;
    if (child->failures > 1)
        wait_ms =
            MIN((uint64_t)CHILD_WAIT_MS_FIRST << MIN(child->failures - 2, CHILD_DOUBLINGS_MAX),
                (uint64_t)CHILD_WAIT_MS_MAX);
    uint64_t lived_ns = now_ns - child->started_ns;
    uint64_t spacing_ns = CHILD_SPACING_MS * CLOCK_NS_PER_MS;
    return MAX(wait_ms * CLOCK_NS_PER_MS, spacing_ns - MIN(lived_ns, spacing_ns));
}

static void child_start_later(struct child *child)
{
    uint64_t wait_ns = child_wait_ns(child, clock_monotonic_ns(child->clock));
    const struct timeval wait = {.tv_sec = (time_t)(wait_ns / CLOCK_NS_PER_S),
                                 .tv_usec =
                                     (suseconds_t)(wait_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_US)};
    if (wait_ns == 0)
        child_start(child);
    else
        (void)event_add(child->restart_event, &wait);
}

void child_start(struct child *child)
{
    ASSERT(child->pid == 0 && !child->stopped);
    struct report report = REPORT_INIT;
    child->started_ns = clock_monotonic_ns(child->clock);
    enum status status = child_try_start(child, &report);
    if (status == STATUS_OK)
        return;
    child_say(child, "start", report.text[0] != '\0' ? report.text : status_text(status));
    child->failures++;
    child_start_later(child);
}

/* ---- ending ---------------------------------------------------------------------------------- */

void child_died(struct child *child, int wait_status)
{
    char text[96];
    const char *verb = child->role->spawn.verb;
    if (!child->ready)
        child->failures++;
    child->pid = 0;
    child->ready = false;
    child_forget_ready(child);
    if (child->stopped)
        return;
    if (WIFSIGNALED(wait_status))
        (void)snprintf(text, sizeof(text), "%s %u was ended by signal %d%s", verb, child->index,
                       WTERMSIG(wait_status),
                       WTERMSIG(wait_status) == SIGSYS ? ": it ran into a wall" : "");
    else
        (void)snprintf(text, sizeof(text), "%s %u exited with status %d", verb, child->index,
                       WEXITSTATUS(wait_status));
    child_say(child, "died", text);
    if (child->role->restart == ROLE_RESTART_ALWAYS)
        child_start_later(child);
}

void child_stop(struct child *child)
{
    child->stopped = true;
    if (child->restart_event != NULL)
        (void)event_del(child->restart_event);
}

void child_kill(const struct child *child, int number)
{
    if (child->pid > 0)
        (void)kill(child->pid, number);
}

bool child_is_hopeless(const struct child *child)
{
    return child->failures >= CHILD_START_TRIES_MAX;
}
