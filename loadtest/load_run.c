/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run's event loop: a timerfd for due times (libevent's timers are too coarse), a
 * slow tick for timeouts and the end, and signals. Everything happens in callbacks of one
 * thread; the run ends by leaving the loop.
 */
#include "loadtest/load_run.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loadtest/pacer.h"

#define LOAD_RUN_TICK_US      20000
#define LOAD_RUN_SPARE_FDS    32
#define LOAD_RUN_SIGNAL_COUNT 2

enum load_run_phase {
    LOAD_RUN_OPENING,
    LOAD_RUN_RUNNING,
    LOAD_RUN_DRAINING,
    LOAD_RUN_ENDED,
};

struct load_run_slot {
    struct load_run *run;
    struct connection *connection;
    struct buffer scratch;
    bool busy;
    uint64_t index;
    uint64_t due_ns;
};

struct load_run_due {
    uint64_t index;
    uint64_t due_ns;
};

struct load_run {
    const struct load_run_options *options;
    struct connection_owner owner;
    struct load_run_slot *slots; /* options->connections of them */
    enum load_run_phase phase;
    enum status status;
    struct report *report;
    struct event *tick;
    struct event *pace;
    struct event *signals[LOAD_RUN_SIGNAL_COUNT];
    int pace_fd;
    uint32_t opening_next;  /* first slot not yet asked to open */
    uint32_t opening_count; /* connects under way */
    uint32_t opened_count;
    uint32_t busy_count;
    uint64_t issued_count;
    uint64_t start_ns;
    uint64_t measure_ns;        /* the warm-up ends */
    uint64_t stop_ns;           /* nothing is due from here on */
    uint64_t drain_deadline_ns; /* in DRAINING */
    uint64_t last_done_ns;
    struct pacer pacer;
    uint32_t *idle; /* ring of slot numbers, longest idle first */
    uint32_t idle_first;
    uint32_t idle_count;
    struct load_run_due *queue; /* ring of LOADTEST_QUEUE_MAX; open loop only */
    uint32_t queue_first;
    uint32_t queue_count;
    struct load_run_result *result;
};

static uint64_t load_run_now(const struct load_run *run)
{
    return clock_monotonic_ns(run->owner.clock);
}

static void load_run_leave(struct load_run *run, enum status status)
{
    run->phase = LOAD_RUN_ENDED;
    if (run->status == STATUS_OK)
        run->status = status;
    (void)event_base_loopbreak(run->owner.base);
}

static void load_run_end_if_drained(struct load_run *run)
{
    if (run->phase == LOAD_RUN_DRAINING && run->busy_count == 0 && run->queue_count == 0)
        load_run_leave(run, STATUS_OK);
}

static void load_run_drain(struct load_run *run, uint64_t now_ns)
{
    if (run->phase != LOAD_RUN_RUNNING)
        return;
    run->phase = LOAD_RUN_DRAINING;
    run->drain_deadline_ns = now_ns + run->options->timeout_ns;
    load_run_end_if_drained(run);
}

static void load_run_report_sample(struct load_run *run,
                                   struct load_run_due due,
                                   const struct connection_result *result)
{
    struct load_run_sample sample = {
        .index = due.index,
        .due_ns = due.due_ns,
        .warmup = due.due_ns < run->measure_ns,
        .result = result,
    };
    if (!run->options->finished(run->options->context, &sample))
        load_run_leave(run, STATUS_OK);
}

/* A request that ends without having been sent. */
static void
load_run_report_unsent(struct load_run *run, struct load_run_due due, enum failure failure)
{
    struct connection_result result = {.failure = failure, .done_ns = load_run_now(run)};
    load_run_report_sample(run, due, &result);
}

static void load_run_send(struct load_run *run, struct load_run_slot *slot, struct load_run_due due)
{
    slot->index = due.index;
    slot->due_ns = due.due_ns;
    slot->scratch.count = 0;
    struct bytes request = run->options->request(run->options->context, due.index, &slot->scratch);
    if (request.data == NULL) {
        load_run_leave(run, report_fail(run->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                                        "out of memory for a request; use fewer --connections"));
        return;
    }
    slot->busy = true;
    run->busy_count++;
    connection_send(slot->connection, request, run->options->to_head);
}

static void load_run_push_idle(struct load_run *run, struct load_run_slot *slot)
{
    uint32_t size = run->options->connections;
    ASSERT(run->idle_count < size);
    run->idle[(run->idle_first + run->idle_count) % size] = (uint32_t)(slot - run->slots);
    run->idle_count++;
}

/* Gives what is due to idle connections. */
static void load_run_dispatch(struct load_run *run, uint64_t now_ns)
{
    while (run->queue_count > 0 && run->idle_count > 0 && run->phase != LOAD_RUN_ENDED) {
        struct load_run_due due = run->queue[run->queue_first];
        run->queue_first = (run->queue_first + 1) % LOADTEST_QUEUE_MAX;
        run->queue_count--;
        if (now_ns > due.due_ns && now_ns - due.due_ns > run->options->timeout_ns) {
            load_run_report_unsent(run, due, FAILURE_TIMEOUT);
            continue;
        }
        struct load_run_slot *slot = &run->slots[run->idle[run->idle_first]];
        run->idle_first = (run->idle_first + 1) % run->options->connections;
        run->idle_count--;
        load_run_send(run, slot, due);
    }
}

static void load_run_enqueue(struct load_run *run, struct load_run_due due)
{
    if (run->queue_count == LOADTEST_QUEUE_MAX) {
        load_run_report_unsent(run, due, FAILURE_QUEUE_FULL);
        return;
    }
    run->queue[(run->queue_first + run->queue_count) % LOADTEST_QUEUE_MAX] = due;
    run->queue_count++;
}

static bool load_run_exhausted(const struct load_run *run, uint64_t due_ns)
{
    uint64_t count = run->options->count;
    return due_ns >= run->stop_ns || (count > 0 && run->issued_count >= count);
}

/* Closed loop: the next request of this connection, if there is one. */
static void load_run_send_next(struct load_run *run, struct load_run_slot *slot, uint64_t now_ns)
{
    if (load_run_exhausted(run, now_ns)) {
        load_run_drain(run, now_ns);
        return;
    }
    load_run_send(run, slot, (struct load_run_due){.index = run->issued_count++, .due_ns = now_ns});
}

static void load_run_on_done(void *context, const struct connection_result *result)
{
    struct load_run_slot *slot = context;
    struct load_run *run = slot->run;
    ASSERT(slot->busy);
    slot->busy = false;
    run->busy_count--;
    run->last_done_ns = result->done_ns;
    load_run_report_sample(run, (struct load_run_due){.index = slot->index, .due_ns = slot->due_ns},
                           result);
    if (run->options->rate_millis == 0 && run->phase == LOAD_RUN_RUNNING) {
        load_run_send_next(run, slot, result->done_ns);
    } else {
        load_run_push_idle(run, slot);
        load_run_dispatch(run, result->done_ns);
    }
    load_run_end_if_drained(run);
}

static void load_run_arm(struct load_run *run)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(run->pacer.due_ns / CLOCK_NS_PER_S),
                     .tv_nsec = (long)(run->pacer.due_ns % CLOCK_NS_PER_S)},
    };
    int error = timerfd_settime(run->pace_fd, TFD_TIMER_ABSTIME, &when, NULL);
    ASSERT(error == 0);
}

static void load_run_disarm(struct load_run *run)
{
    struct itimerspec never = {.it_value = {.tv_sec = 0}};
    int error = timerfd_settime(run->pace_fd, 0, &never, NULL);
    ASSERT(error == 0);
}

static void load_run_on_due(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct load_run *run = context;
    uint64_t now_ns = load_run_now(run);
    if (run->phase != LOAD_RUN_RUNNING)
        return;
    for (uint32_t burst = 0; burst < LOADTEST_BURST_MAX; burst++) {
        if (load_run_exhausted(run, run->pacer.due_ns)) {
            load_run_disarm(run);
            load_run_dispatch(run, now_ns);
            load_run_drain(run, now_ns);
            return;
        }
        if (run->pacer.due_ns > now_ns)
            break;
        histogram_record(&run->result->lag, now_ns - run->pacer.due_ns);
        load_run_enqueue(
            run, (struct load_run_due){.index = run->issued_count++, .due_ns = run->pacer.due_ns});
        pacer_advance(&run->pacer);
    }
    load_run_dispatch(run, now_ns);
    load_run_arm(run);
}

static void load_run_start(struct load_run *run)
{
    const struct load_run_options *options = run->options;
    run->phase = LOAD_RUN_RUNNING;
    run->start_ns = load_run_now(run);
    run->measure_ns = run->start_ns + options->warmup_ns;
    run->stop_ns = options->duration_ns > 0 ? run->measure_ns + options->duration_ns : UINT64_MAX;
    run->last_done_ns = run->start_ns;
    for (uint32_t i = 0; i < options->connections; i++) {
        if (options->rate_millis == 0)
            load_run_send_next(run, &run->slots[i], load_run_now(run));
        else
            load_run_push_idle(run, &run->slots[i]);
    }
    if (options->rate_millis == 0)
        return;
    pacer_init(&run->pacer, run->start_ns, options->rate_millis);
    if (options->poisson)
        pacer_make_poisson(&run->pacer, options->seed);
    load_run_arm(run);
}

static void load_run_open_more(struct load_run *run)
{
    while (run->opening_next < run->options->connections &&
           run->opening_count < LOADTEST_CONNECTING_MAX) {
        run->opening_count++;
        connection_open(run->slots[run->opening_next++].connection);
    }
    if (run->opening_count == 0 && run->phase == LOAD_RUN_OPENING)
        load_run_start(run);
}

static void load_run_on_opened(void *context, int error_number)
{
    struct load_run_slot *slot = context;
    struct load_run *run = slot->run;
    run->opening_count--;
    if (error_number != 0 && run->opened_count == 0) {
        char reason[128];
        load_run_leave(run,
                       report_fail(run->report, STATUS_UNREACHABLE, REPORT_OFFSET_NONE,
                                   "cannot connect to %.200s: %s; is `skerry serve` running there?",
                                   run->options->target->place,
                                   strerror_r(error_number, reason, sizeof(reason))));
        return;
    }
    /* A later refusal is left to the request that will meet it. */
    run->opened_count++;
    load_run_open_more(run);
}

static void load_run_give_up_rest(struct load_run *run)
{
    while (run->queue_count > 0) {
        load_run_report_unsent(run, run->queue[run->queue_first], FAILURE_UNFINISHED);
        run->queue_first = (run->queue_first + 1) % LOADTEST_QUEUE_MAX;
        run->queue_count--;
    }
    for (uint32_t i = 0; i < run->options->connections; i++) {
        const struct load_run_slot *slot = &run->slots[i];
        struct load_run_due due = {.index = slot->index, .due_ns = slot->due_ns};
        if (slot->busy)
            load_run_report_unsent(run, due, FAILURE_UNFINISHED);
    }
    load_run_leave(run, STATUS_OK);
}

static void load_run_on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct load_run *run = context;
    uint64_t now_ns = load_run_now(run);
    for (uint32_t i = 0; i < run->options->connections && run->phase != LOAD_RUN_ENDED; i++)
        connection_sweep(run->slots[i].connection, now_ns, run->options->timeout_ns);
    if (run->phase == LOAD_RUN_RUNNING && now_ns >= run->stop_ns && run->options->rate_millis == 0)
        load_run_drain(run, now_ns);
    if (run->phase == LOAD_RUN_DRAINING && now_ns >= run->drain_deadline_ns)
        load_run_give_up_rest(run);
}

static void load_run_on_signal(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct load_run *run = context;
    run->result->interrupted = true;
    load_run_leave(run, STATUS_OK);
}

/* Room for a descriptor per connection. */
static enum status load_run_raise_descriptors(const struct load_run *run)
{
    uint64_t need = (uint64_t)run->options->connections + LOAD_RUN_SPARE_FDS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return report_errno(run->report, "cannot read the limit of open files");
    if (limit.rlim_cur >= need)
        return STATUS_OK;
    if (limit.rlim_max < need)
        return report_fail(run->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "--connections: %u need more than the %llu open files allowed here; "
                           "raise it with `ulimit -n` or use fewer",
                           run->options->connections, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return report_errno(run->report, "cannot raise the limit of open files");
    return STATUS_OK;
}

static enum status load_run_make_slots(struct load_run *run)
{
    uint32_t count = run->options->connections;
    run->slots = calloc(count, sizeof(*run->slots));
    run->idle = calloc(count, sizeof(*run->idle));
    if (run->options->rate_millis > 0)
        run->queue = calloc(LOADTEST_QUEUE_MAX, sizeof(*run->queue));
    if (run->slots == NULL || run->idle == NULL ||
        (run->options->rate_millis > 0 && run->queue == NULL))
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct load_run_slot *slot = &run->slots[i];
        slot->run = run;
        buffer_init(&slot->scratch, LOADTEST_REQUEST_BYTES);
        slot->connection = connection_create(&run->owner, slot);
        if (slot->connection == NULL)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status load_run_make_events(struct load_run *run)
{
    static const int numbers[LOAD_RUN_SIGNAL_COUNT] = {SIGINT, SIGTERM};
    struct event_base *base = run->owner.base;
    run->pace_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (run->pace_fd < 0)
        return report_errno(run->report, "cannot make a timer");
    run->pace = event_new(base, run->pace_fd, EV_READ | EV_PERSIST, load_run_on_due, run);
    run->tick = event_new(base, -1, EV_PERSIST, load_run_on_tick, run);
    struct timeval period = {.tv_usec = LOAD_RUN_TICK_US};
    if (run->pace == NULL || run->tick == NULL || event_add(run->pace, NULL) != 0 ||
        event_add(run->tick, &period) != 0)
        return STATUS_NO_MEMORY;
    for (int i = 0; i < LOAD_RUN_SIGNAL_COUNT; i++) {
        run->signals[i] = evsignal_new(base, numbers[i], load_run_on_signal, run);
        if (run->signals[i] == NULL || event_add(run->signals[i], NULL) != 0)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status load_run_init(struct load_run *run)
{
    enum status status = load_run_raise_descriptors(run);
    if (status != STATUS_OK)
        return status;
    struct event_config *config = event_config_new();
    if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        run->owner.base = event_base_new_with_config(config);
    if (config != NULL)
        event_config_free(config);
    status = run->owner.base == NULL ? STATUS_NO_MEMORY : load_run_make_slots(run);
    if (status == STATUS_OK)
        status = load_run_make_events(run);
    if (status != STATUS_OK)
        (void)report_fail(run->report, status, REPORT_OFFSET_NONE, "cannot set up %u connections",
                          run->options->connections);
    return status;
}

static void load_run_done(struct load_run *run)
{
    for (uint32_t i = 0; run->slots != NULL && i < run->options->connections; i++) {
        connection_free(run->slots[i].connection);
        if (run->slots[i].run != NULL)
            buffer_done(&run->slots[i].scratch);
    }
    for (int i = 0; i < LOAD_RUN_SIGNAL_COUNT; i++) {
        if (run->signals[i] != NULL)
            event_free(run->signals[i]);
    }
    if (run->tick != NULL)
        event_free(run->tick);
    if (run->pace != NULL)
        event_free(run->pace);
    if (run->pace_fd >= 0)
        (void)close(run->pace_fd);
    if (run->owner.base != NULL)
        event_base_free(run->owner.base);
    free(run->slots);
    free(run->idle);
    free(run->queue);
}

static uint64_t load_run_cpu_ns(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    uint64_t seconds = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
    uint64_t micros = (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return seconds * CLOCK_NS_PER_S + micros * 1000;
}

enum status load_run(const struct load_run_options *options,
                     struct report *report,
                     struct load_run_result *ret_result)
{
    ASSERT(options->connections > 0 && options->connections <= LOADTEST_CONNECTIONS_MAX);
    ASSERT(options->duration_ns > 0 || options->count > 0);
    struct load_run_result *result = calloc(1, sizeof(*result));
    if (result == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    histogram_init(&result->lag);
    struct load_run run = {
        .options = options,
        .owner = {.target = options->target,
                  .clock = options->clock,
                  .keep_bytes = options->keep_bytes,
                  .opened = load_run_on_opened,
                  .done = load_run_on_done},
        .report = report,
        .pace_fd = -1,
        .result = result,
    };
    enum status status = load_run_init(&run);
    uint64_t cpu_ns = load_run_cpu_ns();
    if (status == STATUS_OK) {
        load_run_open_more(&run);
        if (event_base_dispatch(run.owner.base) != 0 && run.status == STATUS_OK)
            run.status = report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "event loop failed");
        status = run.status;
    }
    if (status == STATUS_OK && run.start_ns > 0) {
        uint64_t now_ns = load_run_now(&run);
        uint64_t until_ns = MAX(run.last_done_ns, result->interrupted ? now_ns : 0);
        if (options->duration_ns > 0 && !result->interrupted)
            until_ns = MAX(until_ns, run.stop_ns);
        result->cpu_ns = load_run_cpu_ns() - cpu_ns;
        result->wall_ns = now_ns - run.start_ns;
        result->measured_ns = until_ns > run.measure_ns ? until_ns - run.measure_ns : 0;
    }
    load_run_done(&run);
    if (status == STATUS_OK)
        *ret_result = *result;
    free(result);
    return status;
}
