/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread, one loop.
 *
 *   timers -> one turn of slices -> sockets (waits only if nothing is runnable) -> again
 *
 * Guests run inside request_service_turn and, for a request's first slice, inside the
 * sockets' callbacks. SIGTERM drains: no new connections, what was begun is finished,
 * then it exits. SIGUSR1 retires: the same, but it also waits until clients that are idle
 * have heard that their connections end. Control dies: it dies.
 */
#include "server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "deploy/kv/kv.h"
#include "engine/base/spawn.h"
#include "server/control/sockets/lending.h"
#include "server/front/h2o_listen.h"
#include "server/request/account.h"
#include "server/request/service.h"
#include "server/request/stream.h"
#include "server/telemetry/bus_error.h"
#include "server/telemetry/log.h"
#include "server/walls/walls.h"
#include "server/world/kv.h"
#include "server/world/rates.h"

#define SWEEP_NS        CLOCK_NS_PER_S
#define TELL_NS         (100 * CLOCK_NS_PER_MS)
#define DRAIN_MARGIN_NS CLOCK_NS_PER_S
#define LENT_PER_TURN   32
#define TIMER_SLACK_NS  10000 /* by how much the kernel may wake us late; 50 us without a word */
#define UNSENT_WAIT_US  1000  /* a channel is looked at again when it may have room */

struct worker {
    struct worker_boot boot;
    struct request_service service;
    struct rates rates;
    struct h2o_front *front;
    int signal_fd;
    bool draining;
    bool retired; /* somebody else serves: it lasts until its clients have gone */
    uint64_t drain_deadline_ns;
    uint64_t swept_ns;
    uint64_t told_ns;
};

/* ---- start ----------------------------------------------------------------------------------- */

static enum status worker_read_boot(struct worker_boot *ret_boot, struct report *report)
{
    ssize_t count = pread(WORKER_BOOT_FD, ret_boot, sizeof(*ret_boot), 0);
    if (count != (ssize_t)sizeof(*ret_boot) || ret_boot->magic != WORKER_BOOT_MAGIC ||
        ret_boot->listen_count > CONFIG_LISTEN_MAX)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "worker: started by hand; use `skerry serve`");
    (void)close(WORKER_BOOT_FD);
    return STATUS_OK;
}

static enum status worker_map_shared(struct request_service *service,
                                     struct report *report,
                                     struct lmdb_reading **ret_reading)
{
    struct worker_shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_SHARED_FD, 0);
    if (shared == MAP_FAILED)
        return report_errno(report, "worker: cannot map its counters");
    (void)close(WORKER_SHARED_FD);
    service->metrics = &shared->metrics;
    service->records = &shared->records;
    service->vitals = &shared->vitals;
    *ret_reading = shared->reading;
    metrics_clear_gauges(service->metrics);
    vitals_clear(service->vitals);
    void *page =
        mmap(NULL, sizeof(*service->quarantine), PROT_READ, MAP_SHARED, WORKER_QUARANTINE_FD, 0);
    if (page == MAP_FAILED)
        return report_errno(report, "worker: cannot map the quarantines");
    (void)close(WORKER_QUARANTINE_FD);
    service->quarantine = page;
    return STATUS_OK;
}

static enum status worker_open_signals(struct worker *worker, struct report *report)
{
    sigset_t mask;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigaddset(&mask, WORKER_RETIRE_SIGNAL);
    (void)signal(SIGPIPE, SIG_IGN);
    /* A terminal's signals go to the whole group; control decides what they mean. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    if (sigprocmask(SIG_SETMASK, &mask, NULL) != 0)
        return report_errno(report, "worker: cannot block signals");
    worker->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (worker->signal_fd < 0)
        return report_errno(report, "worker: cannot receive signals");
    return STATUS_OK;
}

/* As many as we may have. */
static enum status worker_take_descriptors(struct request_service *service, struct report *report)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return report_errno(report, "worker: cannot read the limit of descriptors");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return report_errno(report, "worker: cannot raise the limit of descriptors");
    service->descriptors = config_share_descriptors(service->config, limit.rlim_cur);
    return STATUS_OK;
}

static enum status worker_listen(struct worker *worker, struct report *report)
{
    int fds[CONFIG_LISTEN_MAX];
    int next = WORKER_LISTEN_FD;
    for (uint32_t i = 0; i < worker->boot.listen_count; i++)
        fds[i] = worker->boot.listens[i] ? next++ : -1;
    return h2o_listen_create(&worker->service, fds, worker->boot.listen_count, report,
                             &worker->front);
}

/* ---- channels -------------------------------------------------------------------------------- */

/* A channel closes its own descriptor: the loop has another. */
static void *worker_watch(void *context, int fd, void (*ready)(void *of), void *of)
{
    struct worker *worker = context;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    ASSERT(copy >= 0);
    return h2o_listen_watch(worker->front, copy, ready, of);
}

static void worker_unwatch(void *context, void *watch)
{
    (void)context;
    h2o_listen_unwatch(watch);
}

static enum status worker_start(struct worker *worker, struct report *report)
{
    struct request_service *service = &worker->service;
    const struct config *config = &worker->boot.config;
    struct lmdb_reading *reading = NULL;
    struct kv_reader *kv_reader;
    enum status status = worker_read_boot(&worker->boot, report);
    if (status == STATUS_OK)
        status = worker_map_shared(service, report, &reading);
    if (status == STATUS_OK)
        status = worker_open_signals(worker, report);
    if (status == STATUS_OK)
        status = h2o_listen_check(report);
    if (status == STATUS_OK)
        status = engine_init(report);
    if (status == STATUS_OK)
        status = deploy_catalog_open(config->data_dir, config->store_map_bytes,
                                     &reading[LMDB_STORE_CATALOG], report, &service->catalog);
    service->config = config;
    service->worker = worker->boot.index;
    service->clock = &clock_system;
    service->access_log = worker->boot.access_log;
    service->loop =
        (struct peers_loop){.watch = worker_watch, .unwatch = worker_unwatch, .context = worker};
    if (status == STATUS_OK)
        status = worker_take_descriptors(service, report);
    if (status == STATUS_OK)
        status = request_service_init(service, report);
    if (status == STATUS_OK)
        status = kv_reader_open(config->data_dir, config->kv_map_bytes, &reading[LMDB_STORE_KV],
                                service->clock, report, &kv_reader);
    if (status == STATUS_OK)
        world_kv_provide(&service->world, kv_reader);
    world_rates_provide(&service->world, &worker->rates, service->clock);
    if (status == STATUS_OK)
        status = worker_listen(worker, report);
    const struct walls_order walls = {
        .role = WALLS_WORKER, .mode = config->walls, .data_dir = config->data_dir};
    return status == STATUS_OK ? walls_raise(&walls, report) : status;
}

/* ---- run ------------------------------------------------------------------------------------- */

static void worker_drain(void *context)
{
    struct worker *worker = context;
    struct signalfd_siginfo info;
    bool ends = false;
    bool retires = false;
    while (read(worker->signal_fd, &info, sizeof(info)) > 0) {
        ends |= info.ssi_signo == SIGTERM;
        /* From anybody else it means nothing. */
        retires |= info.ssi_signo == WORKER_RETIRE_SIGNAL && info.ssi_pid == (uint32_t)getppid();
    }
    worker->retired = (worker->retired || retires) && !ends;
    if (worker->draining || (!ends && !retires))
        return;
    worker->draining = true;
    const struct config_limits *limits = &worker->boot.config.limits;
    worker->drain_deadline_ns = clock_monotonic_ns(&clock_system) +
                                MAX(limits->wall, limits->drain_grace) * CLOCK_NS_PER_US +
                                DRAIN_MARGIN_NS;
    stream_drain(&worker->service);
    h2o_listen_drain(worker->front);
}

static void worker_hear_news(void *context)
{
    struct worker *worker = context;
    isolates_hear(&worker->service.news, WORKER_NEWS_FD);
}

static void worker_take_lent(void *context)
{
    struct worker *worker = context;
    int fd;
    uint32_t listener;
    for (int i = 0; i < LENT_PER_TURN && (fd = lending_receive(WORKER_LENT_FD, &listener)) >= 0;
         i++)
        h2o_listen_adopt(worker->front, fd, listener);
}

static bool worker_is_drained(const struct worker *worker, uint64_t now)
{
    uint32_t left =
        worker->retired ? h2o_listen_connections(worker->front) : h2o_listen_unsent(worker->front);
    left += worker->service.errands;
    return worker->draining && (left == 0 || now >= worker->drain_deadline_ns);
}

/*
 * Timers and slices, then sockets; returns when it ended. Waiting does not count: a turn that
 * may wait is one of slices, if there were any, and one that begins with what was heard.
 */
static uint64_t worker_turn(struct worker *worker, uint64_t began_ns)
{
    struct request_service *service = &worker->service;
    uint64_t slices = service->scheduler.slices;
    uint64_t wait_us = request_service_turn(service);
    if (UNLIKELY(peers_flush(&service->world.peers)))
        wait_us = MIN(wait_us, UNSENT_WAIT_US);
    bool waits = wait_us != 0;
    if (waits && service->scheduler.slices != slices)
        metrics_count_turn(service->metrics, clock_monotonic_ns(service->clock) - began_ns);
    service->heard_ns = waits ? 0 : began_ns;
    h2o_listen_run(worker->front, wait_us);
    uint64_t now = clock_monotonic_ns(service->clock);
    if (service->heard_ns != 0)
        metrics_count_turn(service->metrics, now - service->heard_ns);
    return now;
}

static void worker_loop(struct worker *worker)
{
    uint64_t now = clock_monotonic_ns(&clock_system);
    for (;;) {
        vitals_beat(worker->service.vitals);
        now = worker_turn(worker, now);
        if (now - worker->told_ns >= TELL_NS) {
            worker->told_ns = now;
            account_flush(&worker->service);
        }
        if (now - worker->swept_ns >= SWEEP_NS) {
            worker->swept_ns = now;
            request_service_sweep(&worker->service);
            h2o_listen_sweep(worker->front);
        }
        if (worker_is_drained(worker, now))
            return;
    }
}

static void worker_say_ready(void)
{
    /* If control cannot hear it, control is gone, and so are we soon. */
    ssize_t written = write(WORKER_READY_FD, "r", 1);
    (void)written;
    (void)close(WORKER_READY_FD);
}

/* Ends the process from here, with everything still in reach: a leak checker sees what was
 * lost while the worker ran, not what nobody frees at the end. */
int worker_main(void)
{
    struct worker worker = {.signal_fd = -1};
    struct report report = REPORT_INIT;
    spawn_settle();
    bus_error_watch();
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    enum status status = worker_start(&worker, &report);
    if (status != STATUS_OK) {
        log_message("error", "worker_start", "%s",
                    report.text[0] != '\0' ? report.text : status_text(status));
        exit(status_exit_code(status));
    }
    h2o_listen_watch(worker.front, worker.signal_fd, worker_drain, &worker);
    h2o_listen_watch(worker.front, WORKER_NEWS_FD, worker_hear_news, &worker);
    h2o_listen_watch(worker.front, WORKER_LENT_FD, worker_take_lent, &worker);
    peers_connect(&worker.service.world.peers, CHANNEL_CONTROL, WORKER_CHANNEL_FD);
    worker_say_ready();
    worker_loop(&worker);
    account_flush(&worker.service);
    while (guest_log_turn(&worker.service))
        ;
    exit(0);
}
