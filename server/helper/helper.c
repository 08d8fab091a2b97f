/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A helper's process. It ends with control: by its death signal, or when its channel to control
 * ends.
 */
#include "server/helper/helper.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/spawn.h"
#include "server/helper/wire.h"
#include "server/telemetry/log.h"

struct helper_worker {
    struct helper *helper;
    struct helper_caller caller;
    struct wire wire;
};

struct helper {
    const struct helper_ops *ops;
    struct helper_boot boot;
    struct event_base *base;
    struct wire control;
    uint64_t wires; /* ever */
    struct helper_worker workers[CONFIG_WORKER_SLOTS_MAX];
};

struct event_base *helper_base(const struct helper *helper)
{
    return helper->base;
}

const struct config *helper_config(const struct helper *helper)
{
    return &helper->boot.config;
}

bool helper_send(struct helper *helper,
                 const struct helper_caller *caller,
                 const struct channel_message *message)
{
    if (caller->index == HELPER_CONTROL)
        return helper_tell(helper, message);
    struct helper_worker *worker = &helper->workers[caller->index];
    return worker->caller.wire == caller->wire && wire_send(&worker->wire, message);
}

bool helper_tell(struct helper *helper, const struct channel_message *message)
{
    return wire_send(&helper->control, message);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void helper_lose(struct helper_worker *worker)
{
    if (!channel_is_open(&worker->wire.channel))
        return;
    wire_close(&worker->wire);
    worker->helper->ops->gone(worker->helper->ops->context, &worker->caller);
}

static void helper_worker_broken(void *context, enum status status, const struct report *report)
{
    struct helper_worker *worker = context;
    if (status != STATUS_UNREACHABLE)
        log_message("error", "worker_misunderstood", "worker %u: %s", worker->caller.index,
                    report->text);
    helper_lose(worker);
}

static bool helper_worker_frame(void *context, const struct channel_frame *frame)
{
    struct helper_worker *worker = context;
    const struct helper_ops *ops = worker->helper->ops;
    return ops->frame(ops->context, &worker->caller, frame);
}

static void helper_connect(struct helper *helper, uint32_t index, int fd)
{
    struct helper_worker *worker = &helper->workers[index];
    const struct channel_options options = {.fd = fd,
                                            .own = helper->ops->end,
                                            .peer = CHANNEL_WORKER,
                                            .gathers = true,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = helper_worker_frame,
                                            .context = worker};
    helper_lose(worker);
    worker->helper = helper;
    worker->caller = (struct helper_caller){.index = index, .wire = ++helper->wires};
    if (wire_open(&worker->wire, helper->base, &options, helper_worker_broken) != STATUS_OK)
        log_message("error", "no_memory", "worker %u cannot be served", index);
}

/* ---- control --------------------------------------------------------------------------------- */

static bool helper_control_frame(void *context, const struct channel_frame *frame)
{
    struct helper *helper = context;
    if (frame->type != CHANNEL_MESSAGE_PEER)
        return helper->ops->control != NULL && helper->ops->control(helper->ops->context, frame);
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t end = channel_get_u32(&reader);
    uint32_t index = channel_get_u32(&reader);
    if (!channel_reader_ends(&reader) || end != CHANNEL_WORKER ||
        index >= CONFIG_WORKER_SLOTS_MAX) {
        (void)close(frame->fd);
        return false;
    }
    helper_connect(helper, index, frame->fd);
    return true;
}

static void helper_control_broken(void *context, enum status status, const struct report *report)
{
    struct helper *helper = context;
    if (status != STATUS_UNREACHABLE)
        log_message("error", "control_misunderstood", "%s", report->text);
    (void)event_base_loopbreak(helper->base);
}

/* ---- the process ----------------------------------------------------------------------------- */

static enum status helper_read_boot(struct helper_boot *ret_boot, struct report *report)
{
    ssize_t count = pread(HELPER_BOOT_FD, ret_boot, sizeof(*ret_boot), 0);
    if (count != (ssize_t)sizeof(*ret_boot) || ret_boot->magic != HELPER_BOOT_MAGIC)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "started by hand; use `skerry serve`");
    (void)close(HELPER_BOOT_FD);
    return STATUS_OK;
}

/* Control decides what a terminal's signals mean. */
static void helper_ignore_signals(void)
{
    static const int numbers[] = {SIGPIPE, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        (void)signal(numbers[i], SIG_IGN);
}

static enum status helper_raise_walls(const struct helper *helper, struct report *report)
{
    const struct config *config = &helper->boot.config;
    const struct walls_order walls = {
        .role = helper->ops->role,
        .mode = config->walls,
        .data_dir = config->data_dir,
        .reads = helper->ops->reads == NULL ? NULL : helper->ops->reads(config)};
    return walls_raise(&walls, report);
}

static enum status helper_start(struct helper *helper, struct report *report)
{
    const struct channel_options options = {.fd = HELPER_CHANNEL_FD,
                                            .own = helper->ops->end,
                                            .peer = CHANNEL_CONTROL,
                                            .takes_fds = true,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = helper_control_frame,
                                            .context = helper};
    enum status status = helper_read_boot(&helper->boot, report);
    if (status != STATUS_OK)
        return status;
    helper->base = event_base_new();
    if (helper->base == NULL)
        return STATUS_NO_MEMORY;
    status = helper->ops->start(helper->ops->context, helper, report);
    if (status == STATUS_OK)
        status = wire_open(&helper->control, helper->base, &options, helper_control_broken);
    return status == STATUS_OK ? helper_raise_walls(helper, report) : status;
}

int helper_main(const struct helper_ops *ops)
{
    struct report report = REPORT_INIT;
    struct helper *helper = calloc(1, sizeof(*helper));
    spawn_settle();
    helper_ignore_signals();
    if (helper == NULL)
        return status_exit_code(STATUS_NO_MEMORY);
    helper->ops = ops;
    enum status status = helper_start(helper, &report);
    if (status != STATUS_OK) {
        log_message("error", "helper_start", "%s: %s", channel_end_name(ops->end),
                    report.text[0] != '\0' ? report.text : status_text(status));
        return status_exit_code(status);
    }
    ssize_t written = write(HELPER_READY_FD, "r", 1);
    (void)written; /* if control cannot hear it, it is gone, and so are we soon */
    (void)close(HELPER_READY_FD);
    (void)event_base_dispatch(helper->base);
    return 0;
}
