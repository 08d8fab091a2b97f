/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers and workers introduced to each other, with this very program in the place of both.
 */
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/control/helpers.h"
#include "tests/support/unit.h"

#define TIMES 4 /* that a worker is introduced before it says that it is ready */

struct bench {
    struct config config;
    struct event_base *base;
    struct listeners listeners;
    struct starts *starts;
    struct records *records;
    struct log_drain *log;
    struct deaths *deaths;
    struct workers *workers;
    struct helpers *helpers;
    uint32_t readies;
};

/* ---- in the children ------------------------------------------------------------------------- */

static struct {
    struct channel channel;
    uint32_t introduced;
} child;

static bool child_on_frame(void *context, const struct channel_frame *frame)
{
    (void)context;
    if (frame->type != CHANNEL_MESSAGE_PEER || close(frame->fd) != 0)
        return false;
    if (frame->payload.data[0] != CHANNEL_KEYS)
        return true; /* another helper's */
    child.introduced++;
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER_LOST,
                                            .head = bytes_make(frame->payload.data, 4)};
    return channel_send(&child.channel, &message);
}

/* A worker that closes each channel that it gets, and asks for another. */
static int work(void)
{
    const struct channel_options options = {.fd = WORKER_CHANNEL_FD,
                                            .own = CHANNEL_WORKER,
                                            .peer = CHANNEL_CONTROL,
                                            .takes_fds = true,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = child_on_frame};
    struct report report;
    struct pollfd wait = {.fd = WORKER_CHANNEL_FD, .events = POLLIN};
    channel_init(&child.channel, &options);
    while (child.introduced < TIMES) {
        if (poll(&wait, 1, -1) != 1 || channel_receive(&child.channel, &report) != STATUS_OK)
            return 3;
    }
    if (write(WORKER_READY_FD, "r", 1) != 1)
        return 4;
    for (;;)
        (void)pause();
}

static int help(void)
{
    if (write(HELPER_READY_FD, "r", 1) != 1)
        return 3;
    for (;;)
        (void)pause();
}

/* ---- the test's side ------------------------------------------------------------------------- */

static void bench_ready(void *context)
{
    ((struct bench *)context)->readies++;
}

static void bench_over(void *context, const struct workers_caller *worker)
{
    (void)context;
    (void)worker;
}

static void bench_started(void *context, const struct workers_caller *worker)
{
    helpers_welcome(((struct bench *)context)->helpers, worker);
}

static void bench_helper(void *context, enum channel_end end)
{
    assert_non_null(context);
    assert_true(end == CHANNEL_KEYS || end == CHANNEL_EGRESS);
}

static bool bench_write(const char *line, size_t count)
{
    return line[count - 1] == '\n';
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.base = event_base_new()};
    bench->config.workers = 2;
    bench->config.listen_count = 1;
    (void)snprintf(bench->config.listen[0], CONFIG_ADDRESS_BYTES, "127.0.0.1:0");
    const struct log_drain_options log = {
        .base = bench->base, .clock = &clock_system, .write = bench_write};
    assert_int_equal(listeners_open(&bench->config, NULL, NULL, &bench->listeners), STATUS_OK);
    assert_int_equal(starts_create(4, &clock_system, &bench->starts), STATUS_OK);
    const struct records_options records = {.clock = &clock_system, .starts = bench->starts};
    assert_int_equal(records_create(&records, &bench->records), STATUS_OK);
    assert_int_equal(log_drain_create(&log, NULL, &bench->log), STATUS_OK);
    assert_int_equal(deaths_create(&clock_system, NULL, &bench->deaths), STATUS_OK);
    const struct workers_options options = {.base = bench->base,
                                            .clock = &clock_system,
                                            .config = &bench->config,
                                            .listeners = &bench->listeners,
                                            .records = bench->records,
                                            .log = bench->log,
                                            .deaths = bench->deaths,
                                            .ready = bench_ready,
                                            .started = bench_started,
                                            .ended = bench_over,
                                            .context = bench};
    const struct helpers_options helping = {.base = bench->base,
                                            .clock = &clock_system,
                                            .config = &bench->config,
                                            .log = bench->log,
                                            .started = bench_helper,
                                            .lost = bench_helper,
                                            .context = bench};
    assert_int_equal(workers_create(&options, NULL, &bench->workers), STATUS_OK);
    assert_int_equal(helpers_create(&helping, NULL, &bench->helpers), STATUS_OK);
    helpers_start(bench->helpers, bench->workers);
    workers_start(bench->workers);
}

static void bench_turn(struct bench *bench)
{
    assert_int_equal(event_base_loop(bench->base, EVLOOP_ONCE), 0);
}

static void bench_done(struct bench *bench)
{
    workers_stop(bench->workers);
    workers_kill(bench->workers, SIGKILL);
    while (workers_running(bench->workers) > 0) {
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        assert_true(workers_child_exited(bench->workers, pid, status) ||
                    helpers_child_exited(bench->helpers, pid, status));
    }
    workers_free(bench->workers);
    helpers_free(bench->helpers);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    deaths_free(bench->deaths);
    log_drain_free(bench->log);
    records_free(bench->records);
    starts_free(bench->starts);
    listeners_close(&bench->listeners);
    event_base_free(bench->base);
}

static void workers_are_introduced_as_often_as_they_ask(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    while (bench.readies == 0)
        bench_turn(&bench);
    bench_done(&bench);
}

static void a_message_goes_to_a_helper_that_is_there(void **state)
{
    (void)state;
    struct bench bench;
    static const uint8_t payload[8];
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER,
                                            .head = bytes_make(payload, sizeof(payload)),
                                            .fd = STDIN_FILENO};
    bench_init(&bench);
    assert_true(helpers_send(bench.helpers, CHANNEL_KEYS, &message));
    assert_false(helpers_send(bench.helpers, CHANNEL_WORKER, &message));
    assert_false(helpers_child_exited(bench.helpers, getpid(), 0));
    while (bench.readies == 0)
        bench_turn(&bench);
    bench_done(&bench);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], WORKER_VERB) == 0)
        return work();
    if (argc > 1 && (strcmp(argv[1], KEYS_VERB) == 0 || strcmp(argv[1], EGRESS_VERB) == 0))
        return help();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_introduced_as_often_as_they_ask),
        cmocka_unit_test(a_message_goes_to_a_helper_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
