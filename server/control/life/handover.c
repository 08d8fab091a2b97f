/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory file, and the way through execve.
 *
 * Which descriptor it is, the environment says: a flag would be in the list of processes after each
 * upgrade once more. Signals are blocked on the way, so that none meets a program without handlers;
 * who adopts lets them through when it has some.
 */
#include "server/control/life/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/hash.h"
#include "server/control/workers.h"
#include "server/request/isolates.h"

#define HANDOVER_MAGIC        UINT64_C(0x736b68616e646f76)
#define HANDOVER_VARIABLE     "SKERRY_HANDOVER_FD"
#define HANDOVER_TEXT_BYTES   16384
#define HANDOVER_METRIC_BYTES 65536

/* ---- do both mean the same? ------------------------------------------------------------------ */

static uint64_t handover_hash(const char *text)
{
    return hash_bytes(0, bytes_of_text(text));
}

uint64_t handover_fingerprint(void)
{
    struct buffer text;
    buffer_init(&text, HANDOVER_TEXT_BYTES);
    enum status status = buffer_printf(
        &text, "handover %zu shared %zu %zu %zu %zu news %zu lent %zu\n", sizeof(struct handover),
        offsetof(struct worker_shared, reading), offsetof(struct worker_shared, vitals),
        offsetof(struct worker_shared, records), offsetof(struct worker_shared, metrics),
        sizeof(struct isolates_news), sizeof(struct lmdb_reading));
#define MESSAGE(NAME, FROM, TO, min_bytes, max_bytes, fds, text_)                                  \
    if (status == STATUS_OK)                                                                       \
        status = buffer_printf(&text, #NAME " " #FROM " " #TO " %d %d %d\n", (int)(min_bytes),     \
                               (int)(max_bytes), (int)(fds));
#include "server/channel/messages.def"
    uint64_t hash = status == STATUS_OK ? hash_bytes(0, buffer_bytes(&text)) : 0;
    buffer_done(&text);
    return hash;
}

uint64_t handover_metrics(void)
{
    static const char names[] =
#define METRIC(name, family, labels, type, help) #name " "
#include "server/telemetry/metrics.def"
        "";
    return handover_hash(names) ^ sizeof(struct metrics);
}

/* ---- leaving --------------------------------------------------------------------------------- */

/* Of each descriptor that it names. */
static void handover_each_fd(struct handover *handover, void (*visit)(int fd))
{
    const struct deploy_handover *deploy = &handover->deploy;
    const int own[] = {deploy->lock_fd, deploy->admin_fds[0], deploy->admin_fds[1],
                       handover->self_fd, handover->before_fd};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        visit(own[i]);
    for (uint32_t i = 0; i < HANDOVER_HELPERS_MAX && handover->helpers[i].pid != 0; i++) {
        visit(handover->helpers[i].channel_fd);
        visit(handover->helpers[i].log_fds[0]);
        visit(handover->helpers[i].log_fds[1]);
    }
    for (uint32_t i = 0; i < handover->workers; i++) {
        const struct handover_worker *worker = &handover->worker[i];
        const int fds[] = {worker->shared_fd,  worker->news_fd,    worker->lent_fd,
                           worker->channel_fd, worker->log_fds[0], worker->log_fds[1]};
        for (size_t j = 0; j < COUNT_OF(fds); j++)
            visit(fds[j]);
        for (uint32_t j = 0; j < handover->listen_count; j++)
            visit(handover->listen_fds[i][j]);
    }
}

static void handover_keep_fd(int fd)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, 0);
}

static void handover_close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static bool handover_write(struct handover *handover)
{
    char number[16];
    handover->magic = HANDOVER_MAGIC;
    handover->fingerprint = handover_fingerprint();
    handover->metrics = handover_metrics();
    if (handover->self_fd < 0)
        handover->self_fd = memfd_create("skerry-handover", MFD_CLOEXEC);
    (void)snprintf(number, sizeof(number), "%d", handover->self_fd);
    return handover->self_fd >= 0 &&
           pwrite(handover->self_fd, handover, sizeof(*handover), 0) == sizeof(*handover) &&
           setenv(HANDOVER_VARIABLE, number, 1) == 0;
}

static void handover_block(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(how, &set, NULL);
}

/* Its own name is what lists of processes show; if another file has that now, its number. */
static void handover_name(int fd, const char *path, char ret_name[CONFIG_PATH_BYTES])
{
    struct stat held;
    struct stat named;
    bool same = fstat(fd, &held) == 0 && path[0] == '/' && stat(path, &named) == 0 &&
                held.st_dev == named.st_dev && held.st_ino == named.st_ino;
    if (same)
        (void)snprintf(ret_name, CONFIG_PATH_BYTES, "%s", path);
    else
        (void)snprintf(ret_name, CONFIG_PATH_BYTES, "/proc/self/fd/%d", fd);
}

enum status handover_leave(
    struct handover *handover, int fd, const char *path, char **arguments, struct report *report)
{
    char name[CONFIG_PATH_BYTES];
    if (!handover_write(handover))
        return report_errno(report, "cannot leave what the next program goes on with");
    handover_each_fd(handover, handover_keep_fd);
    handover_block(SIG_BLOCK);
    handover_name(fd, path, name);
    (void)execve(name, arguments, environ);
    return report_errno(report, "cannot execute %s", path);
}

/* ---- finding --------------------------------------------------------------------------------- */

enum status handover_find(struct report *report, struct handover **ret_handover)
{
    const char *text = getenv(HANDOVER_VARIABLE);
    *ret_handover = NULL;
    if (text == NULL)
        return STATUS_OK;
    int fd = (int)strtol(text, NULL, 10);
    struct handover *handover = calloc(1, sizeof(*handover));
    if (handover == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    if (fd < 3 || pread(fd, handover, sizeof(*handover), 0) != (ssize_t)sizeof(*handover) ||
        handover->magic != HANDOVER_MAGIC || handover->fingerprint != handover_fingerprint()) {
        free(handover);
        return report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           HANDOVER_VARIABLE " is for skerry itself: unset it");
    }
    (void)unsetenv(HANDOVER_VARIABLE);
    handover->self_fd = fd;
    *ret_handover = handover;
    return STATUS_OK;
}

void handover_go_back(struct handover *handover, const char *why, char **arguments)
{
    if (handover->went_back)
        return;
    char path[] = "";
    handover->went_back = true;
    (void)snprintf(handover->why, sizeof(handover->why), "%s", why);
    /* If it fails there is nobody left to say so to. */
    (void)!handover_leave(handover, handover->before_fd, path, arguments, NULL);
}

void handover_done(struct handover *handover)
{
    if (handover == NULL)
        return;
    handover_each_fd(handover, handover_close_fd);
    handover_block(SIG_UNBLOCK);
    explicit_bzero(handover, sizeof(*handover));
    free(handover);
}

int handover_copy(int fd)
{
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
