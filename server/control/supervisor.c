/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control: opens the listeners, runs the admin API and the store (deploy), and keeps the
 * workers alive.
 *
 *   STARTING --all workers ready--> SERVING --SIGTERM, SIGINT--> DRAINING --no worker left--> exit
 *      |                               |                            |
 *      |                               |                            +-- again, or too slow: SIGKILL
 *      |                               +-- a worker dies: child.c starts the next
 *      +-- a worker dies three times before it was ever ready: give up
 *
 * Workers die with control (their parent-death signal), and their listening sockets live as
 * long as control does. No guest code and no tenant's traffic is ever handled here.
 */
#include "server/control/supervisor.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostapi/javascript/module.h"
#include "server/control/canary_watch.h"
#include "server/control/life/supervisor_private.h"
#include "server/control/life/threshold.h"
#include "server/control/pulse.h"
#include "server/control/sockets/service_manager.h"
#include "server/telemetry/bus_error.h"
#include "server/telemetry/log.h"
#include "server/telemetry/log_terminal.h"
#include "server/walls/walls.h"

#define DRAIN_MARGIN_S 2
#define TICK_MS        PULSE_TICK_MS
/* To whoever sits at the terminal. */
static void supervisor_say(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void supervisor_on_drain_timeout(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    const struct supervisor *supervisor = context;
    log_message("warn", "drain_timeout", "workers did not finish in time: killing them");
    workers_kill(supervisor->workers, SIGKILL);
}

static void supervisor_stop(struct supervisor *supervisor, int exit_status)
{
    if (supervisor->state == SUPERVISOR_DRAINING) {
        workers_kill(supervisor->workers, SIGKILL);
        return;
    }
    supervisor->state = SUPERVISOR_DRAINING;
    supervisor->exit_status = exit_status;
    service_manager_say("STOPPING=1\nSTATUS=requests under way are finished");
    log_message("info", "drain", "no new connections; requests under way are finished");
    supervisor_say(exit_status == 130 ? "\nstopping: requests under way are finished; Ctrl-C "
                                        "again ends them\n"
                                      : "stopping: requests under way are finished\n");
    /* Workers take what waits in their queues; nobody else must keep the queues open. */
    workers_stop(supervisor->workers);
    listeners_close(&supervisor->listeners);
    workers_kill(supervisor->workers, SIGTERM);
    const struct config_limits *limits = &supervisor->reload.config.limits;
    uint64_t longest_us = MAX(limits->wall, limits->drain_grace);
    const struct timeval patience = {.tv_sec =
                                         (time_t)(longest_us / CLOCK_US_PER_S + DRAIN_MARGIN_S)};
    (void)event_add(supervisor->drain_event, &patience);
    if (workers_running(supervisor->workers) == 0)
        (void)event_base_loopbreak(supervisor->base);
}

/* Is it worth while to go on trying? */
static void supervisor_check_hope(struct supervisor *supervisor)
{
    if (supervisor->state != SUPERVISOR_STARTING || !workers_are_hopeless(supervisor->workers))
        return;
    (void)fprintf(stderr, "skerry: a worker cannot start: see the lines above\n");
    supervisor_stop(supervisor, 1);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void supervisor_workers_ready(void *context)
{
    struct supervisor *supervisor = context;
    supervisor->workers_were_ready = true;
    if (supervisor->state != SUPERVISOR_STARTING || !supervisor->certificates_were_read)
        return;
    supervisor->state = SUPERVISOR_SERVING;
    supervisor_say("ready\n");
    service_manager_say("READY=1\nSTATUS=serving");
    deploy_control_serving(supervisor->deploy);
    log_message("info", "ready", "%u workers serve", supervisor->reload.config.workers);
}

/* What became of tls.certificates. */
static void supervisor_certificates_told(void *context, bool failed, const char *text)
{
    struct supervisor *supervisor = context;
    supervisor->certificates_were_read |= text == NULL;
    if (text != NULL)
        log_message(failed ? "error" : "info", "certificates", "%s", text);
}

/* What workers told since the last time. */
static void supervisor_collect(struct supervisor *supervisor)
{
    records_collect(supervisor->records);
    deploy_control_flush_logs(supervisor->deploy);
    if (supervisor->reload.config.logs_stdout)
        (void)fflush(stdout);
}

static void supervisor_helper_started(void *context, enum channel_end end)
{
    struct supervisor *supervisor = context;
    if (end != CHANNEL_KEYS)
        return;
    vault_line_started(&supervisor->vault);
    deploy_control_load_certificates(supervisor->deploy);
}

static void supervisor_helper_lost(void *context, enum channel_end end)
{
    struct supervisor *supervisor = context;
    if (end == CHANNEL_KEYS)
        vault_line_lost(&supervisor->vault);
    if (end == CHANNEL_EGRESS)
        egress_line_lost(&supervisor->egress);
}

static void supervisor_worker_started(void *context, const struct workers_caller *worker)
{
    const struct supervisor *supervisor = context;
    helpers_welcome(supervisor->helpers, worker);
    tickets_welcome(&supervisor->tickets, worker);
    rates_pages_welcome(&supervisor->rates, supervisor->workers, worker);
}

static void supervisor_worker_ended(void *context, const struct workers_caller *worker)
{
    struct supervisor *supervisor = context;
    errands_lost(&supervisor->errands, worker);
}

static void supervisor_on_tick(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct supervisor *supervisor = context;
    supervisor_collect(supervisor);
    workers_tick(supervisor->workers);
    upgrade_tick(supervisor);
    errands_tick(&supervisor->errands);
    if (supervisor->workers_were_ready)
        supervisor_workers_ready(supervisor);
    if (supervisor->wants_new_workers && supervisor->state == SUPERVISOR_SERVING)
        supervisor->wants_new_workers =
            reload_renew(&supervisor->reload, supervisor->workers) != STATUS_OK;
    supervisor_check_hope(supervisor);
}

/* Who was there for workers of the program before is not needed without them. */
static void supervisor_end_elders(struct supervisor *supervisor)
{
    if (!helpers_have_elders(supervisor->helpers) || workers_have_adopted(supervisor->workers))
        return;
    helpers_end_elders(supervisor->helpers);
    deploy_control_hold_artifacts(supervisor->deploy, false);
}

static void supervisor_child_exited(struct supervisor *supervisor, pid_t pid, int wait_status)
{
    supervisor_collect(supervisor); /* its last words come before its death */
    if (workers_child_exited(supervisor->workers, pid, wait_status)) {
        supervisor_check_hope(supervisor);
        supervisor_end_elders(supervisor);
        if (supervisor->state == SUPERVISOR_DRAINING && workers_running(supervisor->workers) == 0)
            (void)event_base_loopbreak(supervisor->base);
        return;
    }
    if (helpers_child_exited(supervisor->helpers, pid, wait_status) ||
        upgrade_child_exited(supervisor, (int)pid))
        return;
    if (!deploy_control_child_exited(supervisor->deploy, pid, wait_status))
        log_message("warn", "unknown_child", "process %d ended", (int)pid);
}

static enum status
supervisor_reload(void *context, struct deploy_reload *ret_reload, struct report *report)
{
    struct supervisor *supervisor = context;
    if (supervisor->state != SUPERVISOR_SERVING)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE, "the server is not serving");
    deploy_control_load_certificates(supervisor->deploy);
    return reload_begin(&supervisor->reload, supervisor->workers, ret_reload, report);
}

static void supervisor_rolled(void *context, bool done)
{
    struct supervisor *supervisor = context;
    if (supervisor->upgrade.rolls)
        upgrade_rolled(supervisor, done);
    else
        reload_end(&supervisor->reload, done);
}

static void supervisor_on_signal(evutil_socket_t number, short events, void *context)
{
    (void)events;
    struct supervisor *supervisor = context;
    int wait_status;
    pid_t pid;
    switch (number) {
    case SIGCHLD:
        while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
            supervisor_child_exited(supervisor, pid, wait_status);
        return;
    case SIGHUP:
        reload_by_signal(supervisor_reload, supervisor);
        return;
    default:
        supervisor_stop(supervisor, number == SIGINT ? 130 : 0);
        return;
    }
}

static enum status supervisor_make_events(struct supervisor *supervisor, struct report *report)
{
    static const int numbers[COUNT_OF(supervisor->signals)] = {SIGTERM, SIGINT, SIGCHLD, SIGHUP};
    const struct timeval interval = {.tv_usec = TICK_MS * 1000};
    struct event_base *base = supervisor->base;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN); /* of no meaning to us, and no reason to end */
    (void)signal(SIGUSR2, SIG_IGN);
    /* What libevent puts back at the end: a second SIGTERM must not turn a clean exit into another.
     */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    bool made = true;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        supervisor->signals[i] = evsignal_new(base, numbers[i], supervisor_on_signal, supervisor);
        made =
            supervisor->signals[i] != NULL && event_add(supervisor->signals[i], NULL) == 0 && made;
    }
    supervisor->drain_event = evtimer_new(base, supervisor_on_drain_timeout, supervisor);
    supervisor->tick_event = event_new(base, -1, EV_PERSIST, supervisor_on_tick, supervisor);
    made = made && supervisor->drain_event != NULL && supervisor->tick_event != NULL &&
           event_add(supervisor->tick_event, &interval) == 0;
    if (!made)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

/* ---- start ----------------------------------------------------------------------------------- */

static enum status supervisor_open_log(struct supervisor *supervisor, struct report *report)
{
    const struct log_drain_options options = {
        .base = supervisor->base, .clock = &clock_system, .write = log_write};
    enum status status = log_drain_create(&options, report, &supervisor->log);
    if (status == STATUS_OK)
        status = log_drain_open(supervisor->log, "builder", report, &supervisor->builders_log);
    return status;
}

static enum status supervisor_start_deploy(struct supervisor *supervisor, struct report *report)
{
    struct deploy_handover adopted = {.lock_fd = -1};
    if (supervisor->handover != NULL) {
        const struct deploy_handover *left = &supervisor->handover->deploy;
        adopted.lock_fd = handover_copy(left->lock_fd);
        for (size_t i = 0; i < COUNT_OF(adopted.admin_fds); i++)
            adopted.admin_fds[i] = handover_copy(left->admin_fds[i]);
    }
    const struct deploy_control_options options = {
        .base = supervisor->base,
        .config = &supervisor->reload.config,
        .clock = &clock_system,
        .builder = &roles[ROLE_BUILDER].spawn,
        .javascript = javascript_module(),
        .builder_error_fd = log_drain_fd(supervisor->builders_log),
        .print_worker_metrics = supervisor_print_metrics,
        .print_function_metrics = supervisor_print_function_metrics,
        .readers = {.oldest = supervisor_oldest_reader, .context = supervisor},
        .artifacts_made = supervisor_artifacts_made,
        .reader_stuck = supervisor_reader_stuck,
        .kv_failed = supervisor_kv_failed,
        .print_starts = supervisor_print_starts,
        .quarantine_us = supervisor_quarantine_us,
        .ready = supervisor_is_ready,
        .changed = supervisor_changed,
        .admin_refused = supervisor_tell_admin_refused,
        .artifact_trouble = supervisor_tell_artifact_trouble,
        .vault = supervisor_ask_vault,
        .fetch = supervisor_ask_egress,
        .texts = supervisor_ask_texts,
        .acme_told = supervisor_tell_acme,
        .errand = supervisor_ask_errand,
        .certificates_told = supervisor_certificates_told,
        .reload = supervisor_reload,
        .drain = threshold_leave,
        .upgrade = upgrade_begin,
        .upgrade_state = upgrade_tell,
        .handover = supervisor->handover == NULL ? NULL : &adopted,
        .context = supervisor,
    };
    return deploy_control_start(&options, report, &supervisor->deploy);
}

static enum status supervisor_make_workers(struct supervisor *supervisor, struct report *report)
{
    const struct workers_options options = {
        .base = supervisor->base,
        .clock = &clock_system,
        .config = &supervisor->reload.config,
        .listeners = &supervisor->listeners,
        .records = supervisor->records,
        .log = supervisor->log,
        .deaths = supervisor->deaths,
        .handover = supervisor->handover,
        .ready = supervisor_workers_ready,
        .rolled = supervisor_rolled,
        .started = supervisor_worker_started,
        .ended = supervisor_worker_ended,
        .context = supervisor,
    };
    const struct helpers_options helping = {.base = supervisor->base,
                                            .clock = &clock_system,
                                            .config = &supervisor->reload.config,
                                            .log = supervisor->log,
                                            .started = supervisor_helper_started,
                                            .lost = supervisor_helper_lost,
                                            .context = supervisor};
    enum status status = helpers_create(&helping, report, &supervisor->helpers);
    if (status != STATUS_OK)
        return status;
    status = rates_pages_make(&supervisor->rates, 2 * supervisor->reload.config.workers, report);
    if (status != STATUS_OK)
        return status;
    vault_line_open(&supervisor->vault, supervisor->helpers, supervisor->deploy);
    egress_line_open(&supervisor->egress, supervisor->helpers, supervisor->deploy);
    status = workers_create(&options, report, &supervisor->workers);
    if (status == STATUS_OK)
        workers_on(supervisor->workers, CHANNEL_MESSAGE_ARTIFACT_WANTED, supervisor_on_wanted,
                   supervisor);
    if (status == STATUS_OK)
        status = tickets_open(&supervisor->tickets, supervisor->base, options.config,
                              supervisor->workers, report);
    if (status != STATUS_OK)
        return status;
    supervisor->errands = (struct errands){.workers = supervisor->workers,
                                           .deploy = supervisor->deploy,
                                           .config = &supervisor->reload.config,
                                           .clock = &clock_system};
    errands_open(&supervisor->errands);
    return kv_service_create(supervisor->workers, deploy_control_kv(supervisor->deploy), report,
                             &supervisor->kv);
}

/* A line of a function's log. */
static void supervisor_take_line(void *context,
                                 struct bytes tenant,
                                 struct bytes function,
                                 enum deploy_log_level level,
                                 struct bytes line)
{
    const struct supervisor *supervisor = context;
    deploy_control_log(supervisor->deploy, tenant, function, level, line);
    if (supervisor->reload.config.logs_stdout) {
        (void)fwrite(line.data, 1, line.count, stdout);
        (void)fputc('\n', stdout);
    }
}

static enum status supervisor_make_records(struct supervisor *supervisor)
{
    const struct records_options options = {.clock = &clock_system,
                                            .starts = supervisor->starts,
                                            .line = supervisor_take_line,
                                            .context = supervisor,
                                            .answers = canary_watch_answers,
                                            .answers_context = supervisor->deploy};
    return records_create(&options, &supervisor->records);
}

static enum status supervisor_listen(struct supervisor *supervisor, struct report *report)
{
    struct handover *handover = supervisor->handover;
    if (handover == NULL)
        return listeners_open_service(&supervisor->reload.config, report, &supervisor->listeners);
    struct listeners left = {
        .count = handover->listen_count, .sets = handover->workers, .fds = handover->listen_fds};
    memcpy(left.addresses, handover->addresses, sizeof(left.addresses));
    memcpy(left.is_tls, handover->is_tls, sizeof(left.is_tls));
    return listeners_adopt(&left, report, &supervisor->listeners);
}

/* Workers and helpers of the program before serve on, until those of this one do. */
static enum status supervisor_adopt(struct supervisor *supervisor, struct report *report)
{
    struct handover *handover = supervisor->handover;
    enum status status = helpers_adopt_elders(supervisor->helpers, handover, report);
    if (status == STATUS_OK)
        status = workers_adopt(supervisor->workers, report);
    if (status != STATUS_OK)
        return status;
    tickets_resume(&supervisor->tickets, handover->tickets);
    deploy_control_hold_artifacts(supervisor->deploy, true);
    helpers_start(supervisor->helpers, supervisor->workers);
    supervisor->state = SUPERVISOR_SERVING;
    supervisor->workers_were_ready = true;
    supervisor_say("upgraded\n");
    upgrade_arrived(supervisor);
    handover_done(handover);
    supervisor->handover = NULL;
    /* Whoever ended on the way. */
    supervisor_on_signal(SIGCHLD, 0, supervisor);
    return STATUS_OK;
}

/* What is not asked again: a process has it already. */
static void supervisor_take_over(struct supervisor *supervisor)
{
    struct config *config = &supervisor->reload.config;
    const struct handover *handover = supervisor->handover;
    config->workers = handover->workers;
    config->listen_count = handover->listen_count;
    memcpy(config->listen, handover->listen, sizeof(config->listen));
    config->isolation_count = handover->isolation_count;
    memcpy(config->isolation, handover->isolation, sizeof(config->isolation));
    memcpy(config->data_dir, handover->data_dir, sizeof(config->data_dir));
    memcpy(config->admin_socket, handover->admin_socket, sizeof(config->admin_socket));
    memcpy(config->admin_listen, handover->admin_listen, sizeof(config->admin_listen));
}

/* Each process tells of walls that are missing; of none at all nobody else would. */
static void supervisor_say_walls(enum config_walls mode)
{
    if (mode == CONFIG_WALLS_OFF)
        log_message("warn", "walls", "there are none: walls: off");
    else if (walls_are_impossible())
        log_message("warn", "walls", "there are none: this program was made with a sanitizer");
}

/* The filter outlives an exec: one is enough. */
static enum status supervisor_raise_walls(struct supervisor *supervisor, struct report *report)
{
    const struct handover *handover = supervisor->handover;
    const struct walls_order order = {.role = WALLS_CONTROL,
                                      .mode = supervisor->reload.config.walls,
                                      .has_filter = handover != NULL && handover->has_filter};
    enum status status = walls_raise(&order, report);
    supervisor->has_filter =
        order.has_filter || (status == STATUS_OK && order.mode != CONFIG_WALLS_OFF);
    if (status == STATUS_OK)
        supervisor_say_walls(order.mode);
    return status;
}

static enum status supervisor_start(struct supervisor *supervisor, struct report *report)
{
    const struct config *config = &supervisor->reload.config;
    enum status status = threshold_check_descriptors(config, report);
    if (status != STATUS_OK)
        return status;
    supervisor->base = event_base_new();
    if (supervisor->base == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    status = supervisor_make_events(supervisor, report);
    if (status == STATUS_OK)
        status = supervisor_listen(supervisor, report);
    if (status == STATUS_OK)
        status = supervisor_open_log(supervisor, report);
    if (status == STATUS_OK)
        status = supervisor_start_deploy(supervisor, report);
    if (status == STATUS_OK)
        status = starts_create(config->starts_functions, &clock_system, &supervisor->starts);
    if (status == STATUS_OK)
        status = supervisor_make_records(supervisor);
    if (status == STATUS_OK)
        status = deaths_create(&clock_system, report, &supervisor->deaths);
    if (status == STATUS_OK)
        status = supervisor_make_workers(supervisor, report);
    if (status != STATUS_OK)
        return status;
    if (supervisor->handover == NULL)
        threshold_announce(config, &supervisor->listeners);
    log_message("info", "start", "skerry %s, process %d, data in %s", SKERRY_VERSION, (int)getpid(),
                config->data_dir);
    status = supervisor_raise_walls(supervisor, report);
    if (status != STATUS_OK)
        return status;
    if (supervisor->handover != NULL)
        return supervisor_adopt(supervisor, report);
    helpers_start(supervisor->helpers, supervisor->workers);
    workers_start(supervisor->workers);
    return STATUS_OK;
}

static void supervisor_free(struct supervisor *supervisor)
{
    if (supervisor->deploy != NULL)
        deploy_control_stop(supervisor->deploy);
    listeners_close(&supervisor->listeners);
    kv_service_free(supervisor->kv);
    rates_pages_done(&supervisor->rates);
    tickets_close(&supervisor->tickets);
    errands_close(&supervisor->errands);
    workers_free(supervisor->workers);
    helpers_free(supervisor->helpers);
    vault_line_close(&supervisor->vault);
    egress_line_close(&supervisor->egress);
    deaths_free(supervisor->deaths);
    records_free(supervisor->records);
    starts_free(supervisor->starts);
    log_drain_free(supervisor->log);
    upgrade_free(&supervisor->upgrade);
    for (size_t i = 0; i < COUNT_OF(supervisor->signals); i++) {
        if (supervisor->signals[i] != NULL)
            event_free(supervisor->signals[i]);
    }
    if (supervisor->drain_event != NULL)
        event_free(supervisor->drain_event);
    if (supervisor->tick_event != NULL)
        event_free(supervisor->tick_event);
    if (supervisor->base != NULL)
        event_base_free(supervisor->base);
}

/* Until it is told to stop, or another program takes over and cannot be had. */
static void supervisor_serve(struct supervisor *supervisor)
{
    do {
        (void)event_base_dispatch(supervisor->base);
        if (supervisor->upgrade.leaves)
            upgrade_leave(supervisor);
        /* It goes on if nothing was left. */
    } while (supervisor->upgrade.state == UPGRADE_FAILED && supervisor->deploy != NULL &&
             supervisor->state == SUPERVISOR_SERVING);
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor supervisor = {.options = *options,
                                    .reload = {.config = *options->config,
                                               .configure = options->configure,
                                               .context = options->context},
                                    .upgrade = {.program_fd = -1, .arguments = options->arguments},
                                    .certificates_were_read =
                                        options->config->tls_certificate_count == 0};
    struct report report = REPORT_INIT;
    log_never_wait();
    log_terminal_watch();
    bus_error_watch();
    enum status status = handover_find(&report, &supervisor.handover);
    if (supervisor.handover != NULL)
        supervisor_take_over(&supervisor);
    if (status == STATUS_OK)
        status = supervisor_start(&supervisor, &report);
    const char *why = report.text[0] != '\0' ? report.text : status_text(status);
    if (status != STATUS_OK && supervisor.handover != NULL)
        handover_go_back(supervisor.handover, why, options->arguments);
    if (status == STATUS_OK)
        supervisor_serve(&supervisor);
    else
        (void)fprintf(stderr, "skerry: %s\n", why);
    supervisor_free(&supervisor);
    if (status == STATUS_OK)
        log_message("info", "stop", "all processes have ended");
    return status == STATUS_OK ? supervisor.exit_status : status_exit_code(status);
}
