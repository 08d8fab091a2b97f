/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's birth: what it gets from control, in the order of enum worker_fd, and the channel over
 * which both talk.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/control/life/workers_private.h"
#include "server/telemetry/log.h"

/* ---- what it is given ------------------------------------------------------------------------ */

enum status workers_map(struct workers_one *one, struct report *report)
{
    struct stat facts;
    size_t wanted =
        one->is_foreign ? offsetof(struct worker_shared, metrics) : sizeof(*one->shared);
    if (fstat(one->shared_fd, &facts) != 0 || (size_t)facts.st_size < wanted)
        return report_errno(report, "cannot read the counters of worker %u", one->child.index);
    one->shared_bytes = (size_t)facts.st_size;
    void *shared = mmap(NULL, one->shared_bytes, PROT_READ, MAP_SHARED, one->shared_fd, 0);
    if (shared == MAP_FAILED)
        return report_errno(report, "cannot map the counters of worker %u", one->child.index);
    one->shared = shared;
    records_watch(one->workers->options.records, one->slot, &one->shared->records);
    return STATUS_OK;
}

enum status workers_prepare(struct workers_one *one, struct report *report)
{
    char who[32];
    uint32_t index = one->child.index;
    if (one->shared != NULL)
        return STATUS_OK;
    one->shared_fd = memfd_create("skerry-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (one->shared_fd < 0 || ftruncate(one->shared_fd, sizeof(*one->shared)) != 0 ||
        fcntl(one->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return report_errno(report, "cannot make the counters of worker %u", index);
    enum status status = workers_map(one, report);
    (void)snprintf(who, sizeof(who), "worker %u", index);
    if (status == STATUS_OK && one->log == NULL)
        status = log_drain_open(one->workers->options.log, who, report, &one->log);
    if (status == STATUS_OK && one->child.restart_event == NULL)
        status = child_init(&one->child, report);
    return status;
}

static enum status
workers_make_boot(const struct workers_one *one, struct report *report, int *ret_fd)
{
    const struct workers_options *options = &one->workers->options;
    const struct config *config = &one->workers->configs[workers_half_of(one)];
    struct worker_boot *boot = calloc(1, sizeof(*boot));
    int fd = memfd_create("skerry-boot", MFD_CLOEXEC);
    if (boot != NULL && fd >= 0) {
        boot->magic = WORKER_BOOT_MAGIC;
        boot->index = one->child.index;
        boot->listen_count = options->listeners->count;
        for (uint32_t i = 0; i < boot->listen_count; i++)
            boot->listens[i] = options->listeners->fds[one->child.index][i] >= 0;
        boot->access_log = config->access_log;
        boot->config = *config;
    }
    if (boot == NULL || fd < 0 || write(fd, boot, sizeof(*boot)) != (ssize_t)sizeof(*boot)) {
        enum status status = report_errno(report, "cannot tell a worker its configuration");
        base_auto_close(&fd);
        free(boot);
        return status;
    }
    free(boot);
    *ret_fd = fd;
    return STATUS_OK;
}

/* Everything the child gets, in the order of enum worker_fd. */
static enum status
workers_spawn(struct workers_one *one, const int *own, struct report *report, pid_t *ret_pid)
{
    const struct listeners *listeners = one->workers->options.listeners;
    int fds[WORKER_LISTEN_FD - WORKER_BOOT_FD + CONFIG_LISTEN_MAX];
    uint32_t count = one->child.role->fd_count;
    memcpy(fds, own, count * sizeof(*fds));
    for (uint32_t i = 0; i < listeners->count; i++) {
        if (listeners->fds[one->child.index][i] >= 0)
            fds[count++] = listeners->fds[one->child.index][i];
    }
    const struct spawn_order order = {.role = &one->child.role->spawn,
                                      .fds = fds,
                                      .fd_count = count,
                                      .error_fd = log_drain_fd(one->log)};
    return spawn_start(&order, report, ret_pid);
}

/* Datagrams from control to a worker: our end, and the worker's. */
static enum status workers_make_socket(struct report *report, int *ret_ours, int *ret_theirs)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return report_errno(report, "cannot make a socket for a worker");
    *ret_ours = fds[0];
    *ret_theirs = fds[1];
    return STATUS_OK;
}

void workers_close_channels(struct workers_one *one)
{
    base_auto_close(&one->news_fd);
    base_auto_close(&one->lent_fd);
    wire_close(&one->wire);
    one->news_fd = one->lent_fd = -1;
}

/* ---- what they say --------------------------------------------------------------------------- */

static bool workers_on_frame(void *context, const struct channel_frame *frame)
{
    const struct workers_one *one = context;
    const struct workers *workers = one->workers;
    const struct workers_caller caller = {.index = one->slot, .run = one->run};
    workers_handler *handle = workers->handlers[frame->type].handle;
    return handle != NULL && handle(workers->handlers[frame->type].context, &caller, frame);
}

/* If it has not ended, it is of no use. */
static void workers_on_broken(void *context, enum status status, const struct report *report)
{
    struct workers_one *one = context;
    if (status != STATUS_UNREACHABLE)
        log_message("error", "worker_misunderstood", "worker %u is replaced: %s", one->child.index,
                    report->text);
    wire_close(&one->wire);
    child_kill(&one->child, SIGKILL);
}

enum status workers_open_wire(struct workers_one *one, int fd, struct report *report)
{
    const struct channel_options options = {.fd = fd,
                                            .own = CHANNEL_CONTROL,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = workers_on_frame,
                                            .context = one};
    one->run = ++one->workers->runs;
    enum status status =
        wire_open(&one->wire, one->workers->options.base, &options, workers_on_broken);
    return status == STATUS_OK
               ? status
               : report_fail(report, status, REPORT_OFFSET_NONE, "cannot watch a worker's channel");
}

static enum status
workers_make_wire(struct workers_one *one, struct report *report, int *ret_theirs)
{
    int fds[2];
    enum status status = channel_pair(report, fds);
    if (status != STATUS_OK)
        return status;
    status = workers_open_wire(one, fds[0], report);
    if (status == STATUS_OK)
        *ret_theirs = fds[1];
    else
        (void)close(fds[1]);
    return status;
}

/* ---- starting one ---------------------------------------------------------------------------- */

enum status workers_start_one(void *context, int ready_fd, struct report *report, pid_t *ret_pid)
{
    struct workers_one *one = context;
    AUTO_CLOSE int boot_fd = -1;
    AUTO_CLOSE int news_fd = -1;
    AUTO_CLOSE int lent_fd = -1;
    AUTO_CLOSE int channel_fd = -1;
    enum status status = workers_make_boot(one, report, &boot_fd);
    if (status == STATUS_OK)
        status = workers_make_socket(report, &one->news_fd, &news_fd);
    if (status == STATUS_OK)
        status = workers_make_socket(report, &one->lent_fd, &lent_fd);
    if (status == STATUS_OK)
        status = workers_make_wire(one, report, &channel_fd);
    const int own[] = {
        [WORKER_BOOT_FD - WORKER_BOOT_FD] = boot_fd,
        [WORKER_SHARED_FD - WORKER_BOOT_FD] = one->shared_fd,
        [WORKER_READY_FD - WORKER_BOOT_FD] = ready_fd,
        [WORKER_NEWS_FD - WORKER_BOOT_FD] = news_fd,
        [WORKER_LENT_FD - WORKER_BOOT_FD] = lent_fd,
        [WORKER_CHANNEL_FD - WORKER_BOOT_FD] = channel_fd,
        [WORKER_QUARANTINE_FD - WORKER_BOOT_FD] = deaths_fd(one->workers->options.deaths),
    };
    _Static_assert(COUNT_OF(own) == WORKER_LISTEN_FD - WORKER_BOOT_FD, "a descriptor each");
    if (status == STATUS_OK)
        status = workers_spawn(one, own, report, ret_pid);
    if (status != STATUS_OK) {
        workers_close_channels(one);
        return status;
    }
    const struct workers_caller started = {.index = one->slot, .run = one->run};
    one->workers->options.started(one->workers->options.context, &started);
    return STATUS_OK;
}
