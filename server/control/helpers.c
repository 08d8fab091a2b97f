/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting helpers, and introducing workers to them.
 *
 * Who is introduced gets one end of a new socket, and the other the other; control keeps none, so
 * that each side hears of the other's end at once.
 */

#include "server/control/helpers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/control/life/handover.h"
#include "server/helper/helper.h"
#include "server/helper/wire.h"
#include "server/telemetry/log.h"

/* A worker that says so more often says it of nothing that happened. */
#define HELPERS_LOST_PER_S    20
#define HELPERS_PAYLOAD_BYTES 8

struct helpers_row {
    enum channel_end end;
    enum role_id role;
};
static const struct helpers_row helpers_rows[] = {
#define HELPER(NAME) {CHANNEL_##NAME, ROLE_##NAME},
#include "server/control/helpers.def"
};
#define HELPERS_COUNT COUNT_OF(helpers_rows)

struct helpers_one {
    struct helpers *helpers;
    const struct helpers_row *row;
    struct child child;
    struct wire wire;
    struct log_drain_pipe *log;
};

struct helpers {
    struct helpers_options options;
    struct workers *workers;
    struct {
        uint64_t second;
        uint32_t count;
    } lost[CONFIG_WORKER_SLOTS_MAX];
    struct {
        bool (*handle)(void *context, const struct channel_frame *frame);
        void *context;
    } handlers[CHANNEL_TYPE_COUNT];
    struct helpers_one each[HELPERS_COUNT];
    struct helpers_elder {
        pid_t pid; /* 0: there is none */
        int channel_fd;
    } elders[HANDOVER_HELPERS_MAX];
};

/* ---- introducing ----------------------------------------------------------------------------- */

static struct channel_message
helpers_peer(uint8_t room[HELPERS_PAYLOAD_BYTES], enum channel_end end, uint32_t index, int fd)
{
    struct channel_writer writer = channel_writer(room, HELPERS_PAYLOAD_BYTES);
    channel_put_u32(&writer, end);
    channel_put_u32(&writer, index);
    return (struct channel_message){
        .type = CHANNEL_MESSAGE_PEER, .head = channel_written(&writer), .fd = fd};
}

/* What cannot be sent finds nobody there: who starts is introduced again. */
static void helpers_introduce(struct helpers_one *one, const struct workers_caller *worker)
{
    int fds[2];
    struct report report = REPORT_INIT;
    uint8_t room[HELPERS_PAYLOAD_BYTES];
    if (!channel_is_open(&one->wire.channel))
        return;
    if (channel_pair(&report, fds) != STATUS_OK) {
        log_message("error", "channel", "%s", report.text);
        return;
    }
    struct channel_message message = helpers_peer(room, CHANNEL_WORKER, worker->index, fds[0]);
    if (wire_send(&one->wire, &message)) {
        message = helpers_peer(room, one->row->end, 0, fds[1]);
        bool sent = workers_send(one->helpers->workers, worker, &message);
        (void)sent; /* who is not there is introduced when it is */
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

void helpers_welcome(struct helpers *helpers, const struct workers_caller *worker)
{
    for (size_t i = 0; i < HELPERS_COUNT; i++)
        helpers_introduce(&helpers->each[i], worker);
}

static bool helpers_on_lost(void *context,
                            const struct workers_caller *worker,
                            const struct channel_frame *frame)
{
    struct helpers *helpers = context;
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t end = channel_get_u32(&reader);
    uint64_t second = clock_monotonic_ns(helpers->options.clock) / CLOCK_NS_PER_S;
    if (helpers->lost[worker->index].second != second)
        helpers->lost[worker->index].count = 0;
    helpers->lost[worker->index].second = second;
    if (++helpers->lost[worker->index].count > HELPERS_LOST_PER_S)
        return channel_reader_ends(&reader);
    for (size_t i = 0; i < HELPERS_COUNT; i++) {
        if (helpers_rows[i].end == end)
            helpers_introduce(&helpers->each[i], worker);
    }
    return channel_reader_ends(&reader);
}

/* ---- starting one ---------------------------------------------------------------------------- */

static enum status
helpers_make_boot(const struct helpers *helpers, struct report *report, int *ret_fd)
{
    struct helper_boot *boot = calloc(1, sizeof(*boot));
    int fd = memfd_create("skerry-boot", MFD_CLOEXEC);
    if (boot != NULL) {
        boot->magic = HELPER_BOOT_MAGIC;
        boot->config = *helpers->options.config;
    }
    bool made = boot != NULL && fd >= 0 && write(fd, boot, sizeof(*boot)) == (ssize_t)sizeof(*boot);
    enum status status = STATUS_OK;
    if (!made) {
        status = report_errno(report, "cannot tell a helper its configuration");
        base_auto_close(&fd);
    }
    free(boot);
    *ret_fd = made ? fd : -1;
    return status;
}

static bool helpers_on_frame(void *context, const struct channel_frame *frame)
{
    const struct helpers_one *one = context;
    const struct helpers *helpers = one->helpers;
    return helpers->handlers[frame->type].handle != NULL &&
           helpers->handlers[frame->type].handle(helpers->handlers[frame->type].context, frame);
}

/* If it has not ended, it is of no use. */
static void helpers_on_broken(void *context, enum status status, const struct report *report)
{
    struct helpers_one *one = context;
    if (status != STATUS_UNREACHABLE)
        log_message("error", "helper_misunderstood", "%s", report->text);
    wire_close(&one->wire);
    child_kill(&one->child, SIGKILL);
}

static enum status
helpers_open_wire(struct helpers_one *one, struct report *report, int *ret_theirs)
{
    int fds[2];
    enum status status = channel_pair(report, fds);
    if (status != STATUS_OK)
        return status;
    const struct channel_options options = {.fd = fds[0],
                                            .own = CHANNEL_CONTROL,
                                            .peer = one->row->end,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = helpers_on_frame,
                                            .context = one};
    wire_close(&one->wire);
    status = wire_open(&one->wire, one->helpers->options.base, &options, helpers_on_broken);
    if (status == STATUS_OK)
        *ret_theirs = fds[1];
    else
        (void)close(fds[1]);
    return status;
}

static enum status
helpers_start_one(void *context, int ready_fd, struct report *report, pid_t *ret_pid)
{
    struct helpers_one *one = context;
    struct helpers *helpers = one->helpers;
    AUTO_CLOSE int boot_fd = -1;
    AUTO_CLOSE int channel_fd = -1;
    enum status status = helpers_make_boot(helpers, report, &boot_fd);
    if (status == STATUS_OK)
        status = helpers_open_wire(one, report, &channel_fd);
    const int fds[] = {[HELPER_BOOT_FD - SPAWN_FD_FIRST] = boot_fd,
                       [HELPER_READY_FD - SPAWN_FD_FIRST] = ready_fd,
                       [HELPER_CHANNEL_FD - SPAWN_FD_FIRST] = channel_fd};
    const struct spawn_order order = {.role = &one->child.role->spawn,
                                      .fds = fds,
                                      .fd_count = COUNT_OF(fds),
                                      .error_fd = log_drain_fd(one->log)};
    if (status == STATUS_OK)
        status = spawn_start(&order, report, ret_pid);
    if (status != STATUS_OK) {
        wire_close(&one->wire);
        return status;
    }
    for (uint32_t i = 0; i < 2 * helpers->options.config->workers; i++) {
        struct workers_caller worker;
        if (workers_find(helpers->workers, i, &worker))
            helpers_introduce(one, &worker);
    }
    helpers->options.started(helpers->options.context, one->row->end);
    return STATUS_OK;
}

static void helpers_one_ready(void *context)
{
    const struct helpers_one *one = context;
    log_message("info", "helper_ready", "%s serves", channel_end_name(one->row->end));
}

/* ---- all of them ----------------------------------------------------------------------------- */

enum status helpers_create(const struct helpers_options *options,
                           struct report *report,
                           struct helpers **ret_helpers)
{
    struct helpers *helpers = calloc(1, sizeof(*helpers));
    if (helpers == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    helpers->options = *options;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < HELPERS_COUNT && status == STATUS_OK; i++) {
        struct helpers_one *one = &helpers->each[i];
        one->helpers = helpers;
        one->row = &helpers_rows[i];
        one->child = (struct child){
            .role = &roles[one->row->role],
            .base = options->base,
            .clock = options->clock,
            .ops = {.start = helpers_start_one, .ready = helpers_one_ready, .context = one}};
        status = log_drain_open(options->log, channel_end_name(one->row->end), report, &one->log);
        if (status == STATUS_OK)
            status = child_init(&one->child, report);
    }
    if (status == STATUS_OK)
        *ret_helpers = helpers;
    else
        helpers_free(helpers);
    return status;
}

void helpers_start(struct helpers *helpers, struct workers *workers)
{
    helpers->workers = workers;
    workers_on(workers, CHANNEL_MESSAGE_PEER_LOST, helpers_on_lost, helpers);
    for (size_t i = 0; i < HELPERS_COUNT; i++)
        child_start(&helpers->each[i].child);
}

void helpers_free(struct helpers *helpers)
{
    for (size_t i = 0; helpers != NULL && i < COUNT_OF(helpers->elders); i++) {
        if (helpers->elders[i].pid == 0)
            continue;
        (void)kill(helpers->elders[i].pid, SIGKILL);
        (void)waitpid(helpers->elders[i].pid, NULL, 0);
        base_auto_close(&helpers->elders[i].channel_fd);
    }
    for (size_t i = 0; helpers != NULL && i < HELPERS_COUNT; i++) {
        struct helpers_one *one = &helpers->each[i];
        child_stop(&one->child);
        wire_close(&one->wire);
        child_kill(&one->child, SIGKILL);
        if (one->child.pid > 0)
            (void)waitpid(one->child.pid, NULL, 0);
        child_done(&one->child);
    }
    free(helpers);
}

/* ---- those of another program -----------------------------------------------------------------
 */

void helpers_leave(const struct helpers *helpers, struct handover *handover)
{
    _Static_assert(HELPERS_COUNT < HANDOVER_HELPERS_MAX, "all of them can be left");
    uint32_t count = 0;
    for (size_t i = 0; i < HELPERS_COUNT; i++) {
        const struct helpers_one *one = &helpers->each[i];
        if (one->child.pid == 0 || !channel_is_open(&one->wire.channel))
            continue;
        struct handover_helper *left = &handover->helpers[count++];
        *left = (struct handover_helper){.pid = one->child.pid,
                                         .channel_fd = one->wire.channel.options.fd};
        (void)snprintf(left->who, sizeof(left->who), "%s", channel_end_name(one->row->end));
        log_drain_flush(one->log);
        log_drain_ends(one->log, left->log_fds);
    }
    handover->helpers[count].pid = 0;
}

enum status helpers_adopt_elders(struct helpers *helpers,
                                 const struct handover *handover,
                                 struct report *report)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < HANDOVER_HELPERS_MAX && status == STATUS_OK; i++) {
        const struct handover_helper *left = &handover->helpers[i];
        struct log_drain_pipe *log;
        if (left->pid == 0)
            break;
        int fds[2] = {handover_copy(left->log_fds[0]), handover_copy(left->log_fds[1])};
        /* Who hears nothing and says nothing to control any more, must not find it gone. */
        helpers->elders[i].channel_fd = handover_copy(left->channel_fd);
        if (fds[0] < 0 || fds[1] < 0 || helpers->elders[i].channel_fd < 0)
            return report_errno(report, "cannot adopt %s", left->who);
        status = log_drain_adopt(helpers->options.log, left->who, fds, report, &log);
        if (status == STATUS_OK)
            helpers->elders[i].pid = left->pid;
    }
    return status;
}

void helpers_end_elders(struct helpers *helpers)
{
    for (size_t i = 0; i < COUNT_OF(helpers->elders); i++) {
        if (helpers->elders[i].pid != 0)
            (void)kill(helpers->elders[i].pid, SIGKILL);
    }
}

bool helpers_have_elders(const struct helpers *helpers)
{
    for (size_t i = 0; i < COUNT_OF(helpers->elders); i++) {
        if (helpers->elders[i].pid != 0)
            return true;
    }
    return false;
}

static bool helpers_elder_exited(struct helpers *helpers, pid_t pid)
{
    for (size_t i = 0; i < COUNT_OF(helpers->elders); i++) {
        if (helpers->elders[i].pid != pid)
            continue;
        helpers->elders[i].pid = 0;
        base_auto_close(&helpers->elders[i].channel_fd);
        return true;
    }
    return false;
}

bool helpers_child_exited(struct helpers *helpers, pid_t pid, int wait_status)
{
    if (helpers_elder_exited(helpers, pid))
        return true;
    for (size_t i = 0; i < HELPERS_COUNT; i++) {
        struct helpers_one *one = &helpers->each[i];
        if (one->child.pid != pid)
            continue;
        wire_close(&one->wire);
        log_drain_flush(one->log);
        helpers->options.lost(helpers->options.context, one->row->end);
        child_died(&one->child, wait_status);
        return true;
    }
    return false;
}

bool helpers_send(struct helpers *helpers,
                  enum channel_end end,
                  const struct channel_message *message)
{
    for (size_t i = 0; i < HELPERS_COUNT; i++) {
        if (helpers_rows[i].end == end)
            return wire_send(&helpers->each[i].wire, message);
    }
    return false;
}

void helpers_on(struct helpers *helpers,
                enum channel_type type,
                bool (*handle)(void *context, const struct channel_frame *frame),
                void *context)
{
    ASSERT(type < CHANNEL_TYPE_COUNT);
    helpers->handlers[type].handle = handle;
    helpers->handlers[type].context = context;
}
