/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control: opens the listeners, runs the admin API and the store (deploy), and keeps the
 * workers alive.
 *
 *   STARTING --all workers ready--> SERVING --SIGTERM, SIGINT--> DRAINING --no worker left--> exit
 *      |                               |                            |
 *      |                               |                            +-- again, or too slow: SIGKILL
 *      |                               +-- a worker dies: a new one at once; later and later if
 *      |                                   it keeps dying
 *      +-- a worker dies three times before it was ever ready: give up
 *
 * Workers die with control (their parent-death signal), and their listening sockets live as
 * long as control does. No guest code and no tenant's traffic is ever handled here.
 */
#include "server/control/control.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/deploy.h"
#include "engine/base/hex.h"
#include "server/control/listeners.h"
#include "server/control/spawn.h"
#include "server/control/starts.h"
#include "server/request/isolates.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "server/worker.h"

#define QUICK_DEATH_NS   (2 * CLOCK_NS_PER_S) /* sooner after its start counts against it */
#define RESTART_MS_FIRST 100
#define RESTART_MS_MAX   5000
#define START_TRIES_MAX  3
#define DRAIN_MARGIN_S   2
#define STARTS_EVERY_MS  100

enum control_state { CONTROL_STARTING, CONTROL_SERVING, CONTROL_DRAINING };

struct control_worker {
    struct control *control;
    uint32_t index;
    pid_t pid; /* 0: not running */
    bool ready;
    uint32_t quick_deaths; /* in a row */
    uint64_t started_ns;
    int shared_fd;
    const struct worker_shared *shared; /* mapped; the worker writes */
    struct start_reader starts;
    int news_fd; /* to tell it of changed functions; -1: it does not run */
    struct event *ready_event;
    struct event *restart_event;
};

struct control {
    struct control_options options;
    enum control_state state;
    struct event_base *base;
    struct listeners listeners;
    struct deploy_control *deploy;
    struct control_worker *workers;
    uint32_t worker_count;
    uint32_t running;
    int exit_status;
    struct event *signals[4];
    struct event *drain_event;
    struct starts *starts;
    struct event *starts_event;
    bool starts_refused; /* was said */
};

static void control_start_worker(struct control_worker *worker);

/* ---- starts ---------------------------------------------------------------------------------- */

static void control_read_worker_starts(struct control *control, struct control_worker *worker)
{
    struct start_record record;
    uint32_t budget = START_RING_RECORDS;
    while (start_ring_read(&worker->shared->starts, &worker->starts, &clock_system, &budget,
                           &record)) {
        uint64_t age_ns = clock_monotonic_ns(&clock_system) - record.ended_ns;
        starts_add(control->starts, worker->index, &record,
                   clock_realtime_ns(&clock_system) - age_ns);
    }
    if (worker->starts.refused == 0 || control->starts_refused)
        return;
    control->starts_refused = true;
    log_message("error", "starts_refused",
                "worker %u tells of starts what makes no sense: a bug, or a guest broke out",
                worker->index);
}

static void control_read_starts(struct control *control)
{
    for (uint32_t i = 0; i < control->worker_count; i++)
        control_read_worker_starts(control, &control->workers[i]);
}

static void control_on_starts(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    control_read_starts(context);
}

/* Records that are in no history, whatever became of them. */
static uint64_t control_lost_starts(const struct control *control)
{
    uint64_t lost = starts_stats(control->starts).no_memory;
    for (uint32_t i = 0; i < control->worker_count; i++)
        lost += control->workers[i].starts.lost;
    return lost;
}

static uint64_t control_refused_starts(const struct control *control)
{
    uint64_t refused = 0;
    for (uint32_t i = 0; i < control->worker_count; i++)
        refused += control->workers[i].starts.refused;
    return refused;
}

static enum status control_watch_starts(struct control *control, struct report *report)
{
    const struct timeval interval = {.tv_usec = STARTS_EVERY_MS * 1000};
    enum status status = starts_create(control->options.config->starts_functions, &control->starts);
    control->starts_event = event_new(control->base, -1, EV_PERSIST, control_on_starts, control);
    if (status != STATUS_OK || control->starts_event == NULL ||
        event_add(control->starts_event, &interval) != 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

/* ---- what others ask ------------------------------------------------------------------------- */

static bool control_is_ready(void *context)
{
    const struct control *control = context;
    for (uint32_t i = 0; i < control->worker_count; i++) {
        if (!control->workers[i].ready)
            return false;
    }
    return control->state != CONTROL_DRAINING;
}

static void control_print_metrics(void *context, struct buffer *out)
{
    struct control *control = context;
    const struct metrics *pages[CONFIG_WORKERS_MAX];
    for (uint32_t i = 0; i < control->worker_count; i++)
        pages[i] = &control->workers[i].shared->metrics;
    metrics_print(pages, control->worker_count, out);
    control_read_starts(control);
    struct starts_stats stats = starts_stats(control->starts);
    const struct metrics_start_records records = {.lost = control_lost_starts(control),
                                                  .refused = control_refused_starts(control),
                                                  .histories = stats.functions,
                                                  .forgotten = stats.forgotten};
    metrics_print_start_records(&records, out);
}

static bool
control_print_starts(void *context, const struct deploy_function_key *key, struct buffer *out)
{
    struct control *control = context;
    control_read_starts(control);
    const struct starts_key which = {
        .tenant = key->tenant, .function = key->function, .created_ns = key->created_ns};
    return starts_print(control->starts, &which, control_lost_starts(control), out) == STATUS_OK;
}

static void control_tell_artifact_trouble(void *context,
                                          const uint8_t key[DEPLOY_SHA256_BYTES],
                                          const char *event,
                                          const char *text)
{
    (void)context;
    char hex[2 * DEPLOY_SHA256_BYTES + 1];
    hex_encode(key, DEPLOY_SHA256_BYTES, hex);
    log_message("error", event, "artifact %s: %s", hex, text);
}

/* News that finds no room is dropped: it saves a cold start, no more. */
static void control_tell_news(void *context, struct bytes tenant, struct bytes function)
{
    const struct control *control = context;
    struct isolates_news news = {0};
    if (tenant.count >= sizeof(news.tenant) || function.count >= sizeof(news.function))
        return;
    memcpy(news.tenant, tenant.data, tenant.count);
    memcpy(news.function, function.data, function.count);
    for (uint32_t i = 0; i < control->worker_count; i++) {
        int fd = control->workers[i].news_fd;
        if (fd >= 0)
            (void)send(fd, &news, sizeof(news), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static void control_signal_workers(const struct control *control, int number)
{
    for (uint32_t i = 0; i < control->worker_count; i++) {
        if (control->workers[i].pid > 0)
            (void)kill(control->workers[i].pid, number);
    }
}

static void control_on_drain_timeout(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    log_message("warn", "drain_timeout", "workers did not finish in time: killing them");
    control_signal_workers(context, SIGKILL);
}

static void control_stop(struct control *control, int exit_status)
{
    if (control->state == CONTROL_DRAINING) {
        control_signal_workers(control, SIGKILL);
        return;
    }
    control->state = CONTROL_DRAINING;
    control->exit_status = exit_status;
    /* Workers take what waits in their queues; nobody else must keep the queues open. */
    listeners_close(&control->listeners);
    for (uint32_t i = 0; i < control->worker_count; i++)
        (void)event_del(control->workers[i].restart_event);
    control_signal_workers(control, SIGTERM);
    struct timeval patience = {
        .tv_sec = (time_t)(control->options.config->limits.wall / CLOCK_US_PER_S + DRAIN_MARGIN_S)};
    (void)event_add(control->drain_event, &patience);
    if (control->running == 0)
        (void)event_base_loopbreak(control->base);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void control_say_ready(struct control *control)
{
    control->state = CONTROL_SERVING;
    (void)printf("ready\n");
    (void)fflush(stdout);
}

static void control_on_worker_ready(evutil_socket_t fd, short events, void *context)
{
    (void)events;
    struct control_worker *worker = context;
    char byte;
    bool said = read(fd, &byte, 1) == 1;
    event_free(worker->ready_event);
    worker->ready_event = NULL;
    (void)close(fd);
    if (!said)
        return; /* it died; SIGCHLD tells */
    worker->ready = true;
    struct control *control = worker->control;
    if (control->state == CONTROL_STARTING && control_is_ready(control))
        control_say_ready(control);
}

static void control_schedule_restart(struct control_worker *worker)
{
    if (worker->quick_deaths == 0) {
        control_start_worker(worker);
        return;
    }
    unsigned doublings = MIN(worker->quick_deaths - 1, 8u);
    unsigned delay_ms = MIN((unsigned)RESTART_MS_FIRST << doublings, (unsigned)RESTART_MS_MAX);
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    (void)event_add(worker->restart_event, &delay);
}

static void control_on_restart(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    control_start_worker(context);
}

static void control_worker_died(struct control_worker *worker, int wait_status)
{
    struct control *control = worker->control;
    bool was_ready = worker->ready;
    worker->pid = 0;
    worker->ready = false;
    base_auto_close(&worker->news_fd);
    worker->news_fd = -1;
    control->running--;
    if (control->state == CONTROL_DRAINING) {
        if (control->running == 0)
            (void)event_base_loopbreak(control->base);
        return;
    }
    if (WIFSIGNALED(wait_status))
        log_message("error", "worker_died", "worker %u was ended by signal %d", worker->index,
                    WTERMSIG(wait_status));
    else
        log_message("error", "worker_died", "worker %u exited with status %d", worker->index,
                    WEXITSTATUS(wait_status));
    uint64_t lived_ns = clock_monotonic_ns(&clock_system) - worker->started_ns;
    worker->quick_deaths = lived_ns < QUICK_DEATH_NS ? worker->quick_deaths + 1 : 0;
    if (control->state == CONTROL_STARTING && !was_ready &&
        worker->quick_deaths >= START_TRIES_MAX) {
        (void)fprintf(stderr, "skerry: worker %u cannot start: see the lines above\n",
                      worker->index);
        control_stop(control, 1);
        return;
    }
    /* One quick death may be bad luck: at once. From the second on, slower. */
    if (worker->quick_deaths == 1)
        control_start_worker(worker);
    else
        control_schedule_restart(worker);
}

static int control_make_boot(const struct control_worker *worker)
{
    const struct control *control = worker->control;
    struct worker_boot *boot = calloc(1, sizeof(*boot));
    int fd = memfd_create("skerry-boot", MFD_CLOEXEC);
    if (boot != NULL && fd >= 0) {
        boot->magic = WORKER_BOOT_MAGIC;
        boot->index = worker->index;
        boot->listen_count = control->listeners.count;
        boot->control_pid = getpid();
        boot->access_log = control->options.access_log;
        boot->config = *control->options.config;
    }
    if (boot == NULL || fd < 0 || write(fd, boot, sizeof(*boot)) != (ssize_t)sizeof(*boot)) {
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
    free(boot);
    return fd;
}

/* Everything the child gets, in the order of enum worker_fd. */
static pid_t
control_spawn(const struct control_worker *worker, int boot_fd, int ready_fd, int news_fd)
{
    const struct listeners *listeners = &worker->control->listeners;
    int fds[WORKER_LISTEN_FD - WORKER_BOOT_FD + CONFIG_LISTEN_MAX] = {
        [WORKER_BOOT_FD - WORKER_BOOT_FD] = boot_fd,
        [WORKER_SHARED_FD - WORKER_BOOT_FD] = worker->shared_fd,
        [WORKER_READY_FD - WORKER_BOOT_FD] = ready_fd,
        [WORKER_NEWS_FD - WORKER_BOOT_FD] = news_fd,
    };
    uint32_t count = WORKER_LISTEN_FD - WORKER_BOOT_FD;
    for (uint32_t i = 0; i < listeners->count; i++)
        fds[count++] = listeners->fds[worker->index][i];
    return spawn_self(WORKER_VERB, fds, count);
}

/* Runs the worker with the other ends of what is made here; what is not kept is closed. */
static bool control_try_start(struct control_worker *worker)
{
    AUTO_CLOSE int boot_fd = control_make_boot(worker);
    int ready[2] = {-1, -1};
    int news[2] = {-1, -1};
    bool made = boot_fd >= 0 && pipe2(ready, O_CLOEXEC | O_NONBLOCK) == 0 &&
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, news) == 0;
    pid_t pid = made ? control_spawn(worker, boot_fd, ready[1], news[1]) : -1;
    base_auto_close(&ready[1]);
    base_auto_close(&news[1]);
    if (pid > 0)
        worker->ready_event =
            event_new(worker->control->base, ready[0], EV_READ, control_on_worker_ready, worker);
    if (pid < 0 || worker->ready_event == NULL || event_add(worker->ready_event, NULL) != 0) {
        base_auto_close(&ready[0]);
        base_auto_close(&news[0]);
        if (pid > 0)
            (void)kill(pid, SIGKILL);
        return false;
    }
    worker->pid = pid;
    worker->news_fd = news[0];
    return true;
}

static void control_start_worker(struct control_worker *worker)
{
    worker->started_ns = clock_monotonic_ns(&clock_system);
    if (control_try_start(worker)) {
        worker->control->running++;
        return;
    }
    log_message("error", "worker_start", "cannot start worker %u: %m", worker->index);
    worker->quick_deaths++;
    control_schedule_restart(worker);
}

static enum status
control_prepare_worker(struct control *control, uint32_t index, struct report *report)
{
    struct control_worker *worker = &control->workers[index];
    worker->control = control;
    worker->index = index;
    worker->news_fd = -1;
    /* Its size is sealed: a worker that cut it would end control by SIGBUS. */
    worker->shared_fd = memfd_create("skerry-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (worker->shared_fd < 0 || ftruncate(worker->shared_fd, sizeof(*worker->shared)) != 0 ||
        fcntl(worker->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return report_errno(report, "cannot make the counters of worker %u", index);
    void *shared = mmap(NULL, sizeof(*worker->shared), PROT_READ, MAP_SHARED, worker->shared_fd, 0);
    if (shared == MAP_FAILED)
        return report_errno(report, "cannot map the counters of worker %u", index);
    worker->shared = shared;
    worker->restart_event = evtimer_new(control->base, control_on_restart, worker);
    if (worker->restart_event == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

/* ---- signals --------------------------------------------------------------------------------- */

static void control_child_exited(struct control *control, pid_t pid, int wait_status)
{
    for (uint32_t i = 0; i < control->worker_count; i++) {
        if (control->workers[i].pid == pid) {
            control_worker_died(&control->workers[i], wait_status);
            return;
        }
    }
    if (!deploy_control_child_exited(control->deploy, pid, wait_status))
        log_message("warn", "unknown_child", "process %d ended", (int)pid);
}

static void control_on_signal(evutil_socket_t number, short events, void *context)
{
    (void)events;
    struct control *control = context;
    int wait_status;
    pid_t pid;
    switch (number) {
    case SIGCHLD:
        while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
            control_child_exited(control, pid, wait_status);
        return;
    case SIGHUP:
        log_message("warn", "reload", "a changed configuration needs a restart");
        return;
    default:
        control_stop(control, number == SIGINT ? 130 : 0);
        return;
    }
}

static enum status control_catch_signals(struct control *control, struct report *report)
{
    static const int numbers[COUNT_OF(control->signals)] = {SIGTERM, SIGINT, SIGCHLD, SIGHUP};
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        control->signals[i] = evsignal_new(control->base, numbers[i], control_on_signal, control);
        if (control->signals[i] == NULL || event_add(control->signals[i], NULL) != 0)
            return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                               "cannot receive signals");
    }
    control->drain_event = evtimer_new(control->base, control_on_drain_timeout, control);
    return control->drain_event != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- start ----------------------------------------------------------------------------------- */

static void control_announce(const struct control *control)
{
    const struct config *config = control->options.config;
    (void)printf("skerry %s: %u worker%s, data in %s\n", SKERRY_VERSION, config->workers,
                 config->workers == 1 ? "" : "s", config->data_dir);
    for (uint32_t i = 0; i < control->listeners.count; i++) {
        const char *address = control->listeners.addresses[i];
        const char *colon = strrchr(address, ':');
        (void)printf("functions http://%s  (http://{function}.{tenant}.%s%s/, "
                     "http://%s/f/{tenant}/{function}/)\n",
                     address, config->domain, colon, address);
    }
    if (config->admin_socket[0] != '\0')
        (void)printf("admin     unix:%s\n", config->admin_socket);
    if (config->admin_listen[0] != '\0')
        (void)printf("admin     http://%s\n", config->admin_listen);
    (void)fflush(stdout);
}

static enum status control_start(struct control *control, struct report *report)
{
    const struct config *config = control->options.config;
    control->base = event_base_new();
    control->workers = calloc(config->workers, sizeof(*control->workers));
    if (control->base == NULL || control->workers == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    enum status status = control_catch_signals(control, report);
    if (status == STATUS_OK)
        status = listeners_open(config, report, &control->listeners);
    struct deploy_control_options options = {
        .base = control->base,
        .config = config,
        .clock = &clock_system,
        .executable = SPAWN_EXECUTABLE,
        .print_worker_metrics = control_print_metrics,
        .print_starts = control_print_starts,
        .ready = control_is_ready,
        .function_changed = control_tell_news,
        .artifact_trouble = control_tell_artifact_trouble,
        .context = control,
    };
    if (status == STATUS_OK)
        status = deploy_control_start(&options, report, &control->deploy);
    for (uint32_t i = 0; i < config->workers && status == STATUS_OK; i++)
        status = control_prepare_worker(control, i, report);
    if (status == STATUS_OK)
        status = control_watch_starts(control, report);
    if (status != STATUS_OK)
        return status;
    control->worker_count = config->workers;
    control_announce(control);
    for (uint32_t i = 0; i < control->worker_count; i++)
        control_start_worker(&control->workers[i]);
    return STATUS_OK;
}

static void control_free(struct control *control)
{
    if (control->deploy != NULL)
        deploy_control_stop(control->deploy);
    listeners_close(&control->listeners);
    for (uint32_t i = 0; control->workers != NULL && i < control->options.config->workers; i++) {
        struct control_worker *worker = &control->workers[i];
        if (worker->ready_event != NULL) {
            (void)close(event_get_fd(worker->ready_event));
            event_free(worker->ready_event);
        }
        if (worker->restart_event != NULL)
            event_free(worker->restart_event);
        if (worker->shared != NULL)
            (void)munmap((void *)(uintptr_t)worker->shared, sizeof(*worker->shared));
    }
    for (size_t i = 0; i < COUNT_OF(control->signals); i++) {
        if (control->signals[i] != NULL)
            event_free(control->signals[i]);
    }
    if (control->drain_event != NULL)
        event_free(control->drain_event);
    if (control->starts_event != NULL)
        event_free(control->starts_event);
    starts_free(control->starts);
    free(control->workers);
    if (control->base != NULL)
        event_base_free(control->base);
}

int control_run(const struct control_options *options)
{
    struct control control = {.options = *options};
    struct report report = REPORT_INIT;
    enum status status = control_start(&control, &report);
    if (status == STATUS_OK)
        (void)event_base_dispatch(control.base);
    else
        (void)fprintf(stderr, "skerry: %s\n",
                      report.text[0] != '\0' ? report.text : status_text(status));
    control_free(&control);
    return status == STATUS_OK ? control.exit_status : status_exit_code(status);
}
