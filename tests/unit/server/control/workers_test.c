/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All workers together, with this very program in their place: main() is a worker when it is
 * told so, and does what its configuration's `domain` says.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/control/pulse.h"
#include "server/control/workers.h"
#include "tests/support/unit.h"

#define WORKERS 2

struct bench {
    struct config config;
    struct event_base *base;
    struct event *ended; /* wakes the loop when a worker has ended */
    struct listeners listeners;
    struct starts *starts;
    struct records *records;
    struct log_drain *log;
    struct deaths *deaths;
    struct workers *workers;
    uint64_t now_ns;
    struct clock clock;
    uint32_t readies;
    uint32_t started;
    uint32_t heard; /* messages of workers */
    uint32_t rolled;
    uint32_t failed;
    struct workers_caller last;
};

/* A message to control, or what is none. */
static bool talk(bool sense)
{
    uint8_t frame[CHANNEL_HEAD_BYTES + 4] = {0};
    channel_write_head(frame, CHANNEL_MESSAGE_PEER_LOST, 0, 0, sense ? 4 : 3);
    return write(WORKER_CHANNEL_FD, frame, sizeof(frame)) == (ssize_t)sizeof(frame);
}

/* What this process does as a worker. */
static int work(void)
{
    static struct worker_boot boot;
    if (pread(WORKER_BOOT_FD, &boot, sizeof(boot), 0) != (ssize_t)sizeof(boot) ||
        boot.magic != WORKER_BOOT_MAGIC)
        return 3;
    struct worker_shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_SHARED_FD, 0);
    if (shared == MAP_FAILED || strcmp(boot.config.domain, "fails") == 0)
        return 4;
    const struct deploy_catalog_entry entry = {
        .tenant = "acme", .function = "f", .version = 3, .created_ns = 5};
    if (strcmp(boot.config.domain, "runs") == 0)
        vitals_enter(&shared->vitals, &entry);
    vitals_beat(&shared->vitals);
    if (strcmp(boot.config.domain, "reads") == 0 && boot.index == 1)
        atomic_store(&shared->reading[LMDB_STORE_CATALOG].word, 8);
    bool babbles = strcmp(boot.config.domain, "babbles") == 0;
    if ((babbles || strcmp(boot.config.domain, "talks") == 0) && !talk(!babbles))
        return 6;
    if (write(WORKER_READY_FD, "r", 1) != 1)
        return 5;
    for (;;)
        (void)pause();
}

static uint64_t bench_now(void *context)
{
    return ((struct bench *)context)->now_ns;
}

static void bench_ready(void *context)
{
    ((struct bench *)context)->readies++;
}

static void bench_rolled(void *context, bool done)
{
    struct bench *bench = context;
    *(done ? &bench->rolled : &bench->failed) += 1;
}

static void bench_over(void *context, const struct workers_caller *worker)
{
    (void)context;
    (void)worker;
}

static void bench_started(void *context, const struct workers_caller *worker)
{
    struct bench *bench = context;
    bench->started++;
    bench->last = *worker;
}

static void bench_ended(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    (void)context;
}

static bool bench_write(const char *line, size_t count)
{
    return line[count - 1] == '\n';
}

static void bench_init(struct bench *bench, const char *what)
{
    *bench = (struct bench){.now_ns = 1000 * CLOCK_NS_PER_S, .base = event_base_new()};
    bench->clock =
        (struct clock){.monotonic_ns = bench_now, .realtime_ns = bench_now, .context = bench};
    bench->ended = evsignal_new(bench->base, SIGCHLD, bench_ended, NULL);
    assert_int_equal(event_add(bench->ended, NULL), 0);
    bench->config.workers = WORKERS;
    bench->config.listen_count = 1;
    (void)snprintf(bench->config.listen[0], CONFIG_ADDRESS_BYTES, "127.0.0.1:0");
    (void)snprintf(bench->config.domain, CONFIG_DOMAIN_BYTES, "%s", what);
    const struct log_drain_options log = {
        .base = bench->base, .clock = &bench->clock, .write = bench_write};
    assert_int_equal(listeners_open(&bench->config, NULL, NULL, &bench->listeners), STATUS_OK);
    assert_int_equal(starts_create(4, &bench->clock, &bench->starts), STATUS_OK);
    const struct records_options records = {.clock = &bench->clock, .starts = bench->starts};
    assert_int_equal(records_create(&records, &bench->records), STATUS_OK);
    assert_int_equal(log_drain_create(&log, NULL, &bench->log), STATUS_OK);
    assert_int_equal(deaths_create(&bench->clock, NULL, &bench->deaths), STATUS_OK);
    const struct workers_options options = {.base = bench->base,
                                            .clock = &bench->clock,
                                            .config = &bench->config,
                                            .listeners = &bench->listeners,
                                            .records = bench->records,
                                            .log = bench->log,
                                            .deaths = bench->deaths,
                                            .ready = bench_ready,
                                            .rolled = bench_rolled,
                                            .started = bench_started,
                                            .ended = bench_over,
                                            .context = bench};
    assert_int_equal(workers_create(&options, NULL, &bench->workers), STATUS_OK);
    workers_start(bench->workers);
    assert_int_equal(workers_running(bench->workers), WORKERS);
}

/* Tells of one that has ended, a second later. */
static void bench_tell(struct bench *bench, pid_t pid, int wait_status)
{
    bench->now_ns += CLOCK_NS_PER_S;
    assert_true(workers_child_exited(bench->workers, pid, wait_status));
}

/* Waits for one of them to end; nothing else goes on meanwhile. */
static void bench_reap(struct bench *bench)
{
    int wait_status;
    pid_t pid = waitpid(-1, &wait_status, 0);
    bench_tell(bench, pid, wait_status);
}

/* Goes on until one of them has ended, whichever. */
static void bench_serve_until_one_ends(struct bench *bench)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) == 0)
        assert_int_equal(event_base_loop(bench->base, EVLOOP_ONCE), 0);
    bench_tell(bench, pid, wait_status);
}

static void bench_wait_ready(struct bench *bench)
{
    while (!workers_are_ready(bench->workers))
        assert_int_equal(event_base_loop(bench->base, EVLOOP_ONCE), 0);
}

static void bench_done(struct bench *bench)
{
    workers_stop(bench->workers);
    workers_kill(bench->workers, SIGKILL);
    while (workers_running(bench->workers) > 0)
        bench_reap(bench);
    workers_free(bench->workers);
    deaths_free(bench->deaths);
    log_drain_free(bench->log);
    records_free(bench->records);
    starts_free(bench->starts);
    listeners_close(&bench->listeners);
    event_free(bench->ended);
    event_base_free(bench->base);
}

static void all_are_ready_when_the_last_one_is(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "serves");
    assert_false(workers_are_ready(bench.workers));
    bench_wait_ready(&bench);
    assert_int_equal(bench.readies, 1);
    assert_false(workers_child_exited(bench.workers, getpid(), 0));
    bench_done(&bench);
    assert_int_equal(bench.readies, 1);
}

static void who_cannot_start_is_given_up(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "fails");
    assert_false(workers_are_hopeless(bench.workers));
    /* Both, and their second tries: those after that wait for a timer. */
    for (int i = 0; i < 2 * WORKERS; i++)
        bench_reap(&bench);
    assert_false(workers_are_hopeless(bench.workers));
    while (workers_running(bench.workers) == 0)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    bench_reap(&bench);
    assert_true(workers_are_hopeless(bench.workers));
    bench_done(&bench);
}

static void what_ran_in_three_that_died_is_put_in_quarantine(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "runs");
    for (uint32_t i = 0; i < 2; i++) {
        bench_wait_ready(&bench);
        assert_int_equal(deaths_quarantined(bench.deaths), 0);
        workers_kill(bench.workers, SIGKILL);
        for (uint32_t j = 0; j < WORKERS; j++)
            bench_reap(&bench);
    }
    assert_int_equal(deaths_quarantined(bench.deaths), 1);
    bench_done(&bench);
}

static void who_stands_still_is_killed_and_not_before(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "serves");
    bench_wait_ready(&bench);
    for (uint32_t i = 0; i <= PULSE_STALLED_TICKS; i++)
        workers_tick(bench.workers);
    assert_false(workers_are_ready(bench.workers));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
    for (uint32_t i = 0; i <= PULSE_HUNG_TICKS; i++)
        workers_tick(bench.workers);
    for (uint32_t i = 0; i < WORKERS; i++)
        bench_reap(&bench);
    assert_int_equal(workers_running(bench.workers), WORKERS);
    bench_done(&bench);
}

static bool
bench_heard(void *context, const struct workers_caller *caller, const struct channel_frame *frame)
{
    struct bench *bench = context;
    struct workers_caller found;
    assert_int_equal(frame->payload.count, 4);
    assert_true(workers_find(bench->workers, caller->index, &found));
    assert_int_equal(found.run, caller->run);
    bench->heard++;
    return true;
}

static void what_a_worker_says_is_heard_and_can_be_answered(void **state)
{
    (void)state;
    struct bench bench;
    static const uint8_t payload[8];
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER,
                                            .head = bytes_make(payload, sizeof(payload)),
                                            .fd = STDIN_FILENO};
    bench_init(&bench, "talks");
    workers_on(bench.workers, CHANNEL_MESSAGE_PEER_LOST, bench_heard, &bench);
    assert_int_equal(bench.started, WORKERS);
    while (bench.heard < WORKERS)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    const struct workers_caller last = bench.last;
    assert_true(workers_send(bench.workers, &last, &message));
    /* Its successor is somebody else. */
    workers_kill(bench.workers, SIGKILL);
    for (uint32_t i = 0; i < WORKERS; i++)
        bench_reap(&bench);
    assert_false(workers_send(bench.workers, &last, &message));
    assert_true(workers_send(bench.workers, &bench.last, &message));
    bench_done(&bench);
}

static void a_worker_that_makes_no_sense_is_replaced(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "babbles");
    /* As often as there are two for each, in whichever order they die: the third of one may come
     * before the second of another. What nobody handles makes no sense either. */
    for (uint32_t i = 0; i < 2 * WORKERS; i++)
        bench_serve_until_one_ends(&bench);
    assert_int_equal(bench.heard, 0);
    bench_done(&bench);
}

static void who_does_not_end_a_read_is_ended_and_counts_no_more(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "reads");
    bench_wait_ready(&bench);
    assert_int_equal(workers_oldest_reader(bench.workers, LMDB_STORE_CATALOG), 7);
    assert_int_equal(workers_oldest_reader(bench.workers, LMDB_STORE_KV), LMDB_NO_COMMIT);
    workers_end_readers(bench.workers, LMDB_STORE_KV, 8);
    workers_end_readers(bench.workers, LMDB_STORE_CATALOG, 7);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
    workers_end_readers(bench.workers, LMDB_STORE_CATALOG, 8);
    workers_stop(bench.workers);
    bench_reap(&bench);
    assert_int_equal(workers_oldest_reader(bench.workers, LMDB_STORE_CATALOG), LMDB_NO_COMMIT);
    assert_int_equal(workers_running(bench.workers), WORKERS - 1);
    bench_done(&bench);
}

/* Another configuration for successors. */
static enum status bench_roll(struct bench *bench, const char *what)
{
    struct config config = bench->config;
    (void)snprintf(config.domain, CONFIG_DOMAIN_BYTES, "%s", what);
    return workers_roll(bench->workers, &config, NULL);
}

static void successors_serve_when_all_are_ready_and_then_the_old_ones_end(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "serves");
    bench_wait_ready(&bench);
    for (uint32_t round = 1; round <= 3; round++) {
        assert_int_equal(bench_roll(&bench, "serves"), STATUS_OK);
        assert_int_equal(bench_roll(&bench, "serves"), STATUS_BUSY);
        assert_int_equal(workers_running(bench.workers), 2 * WORKERS);
        assert_true(workers_are_ready(bench.workers));
        while (bench.rolled < round)
            assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
        /* Here nobody catches the signal: it ends them. */
        for (uint32_t i = 0; i < WORKERS; i++)
            bench_serve_until_one_ends(&bench);
        assert_int_equal(workers_running(bench.workers), WORKERS);
        assert_true(workers_are_ready(bench.workers));
    }
    assert_int_equal(bench.readies, 1);
    assert_int_equal(bench.failed, 0);
    bench_done(&bench);
}

static void successors_that_cannot_start_change_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, "serves");
    bench_wait_ready(&bench);
    assert_int_equal(bench_roll(&bench, "fails"), STATUS_OK);
    while (bench.failed == 0)
        bench_serve_until_one_ends(&bench);
    assert_true(workers_are_ready(bench.workers));
    assert_false(workers_are_hopeless(bench.workers));
    while (workers_running(bench.workers) > WORKERS)
        bench_serve_until_one_ends(&bench);
    assert_int_equal(bench_roll(&bench, "serves"), STATUS_OK);
    while (bench.rolled == 0)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    bench_done(&bench);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], WORKER_VERB) == 0)
        return work();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_ready_when_the_last_one_is),
        cmocka_unit_test(who_cannot_start_is_given_up),
        cmocka_unit_test(what_ran_in_three_that_died_is_put_in_quarantine),
        cmocka_unit_test(who_stands_still_is_killed_and_not_before),
        cmocka_unit_test(who_does_not_end_a_read_is_ended_and_counts_no_more),
        cmocka_unit_test(what_a_worker_says_is_heard_and_can_be_answered),
        cmocka_unit_test(a_worker_that_makes_no_sense_is_replaced),
        cmocka_unit_test(successors_serve_when_all_are_ready_and_then_the_old_ones_end),
        cmocka_unit_test(successors_that_cannot_start_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
