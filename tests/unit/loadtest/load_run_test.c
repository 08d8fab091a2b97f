/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs against a server of a few lines in a child process. What is asserted holds on
 * the slowest machine: counts, kinds of failure, and lower bounds of latency. A stall is a
 * clock that jumps.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loadtest/load_run.h"
#include "tests/support/unit.h"

#define NS_PER_MS     1000000ull
#define STALL_MS      60
#define REQUEST_BYTES 65536
#define OK_ANSWER     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What the server does with a request. */
enum manner {
    ANSWERS,
    ANSWERS_BYTE_BY_BYTE,
    ANSWERS_AND_CLOSES,
    CLOSES_WITHOUT_ANSWER,
    CLOSES_IN_THE_MIDDLE,
    TALKS_GARBAGE,
    ANSWERS_TWICE,
    NEVER_ANSWERS,
    ANSWERS_BEFORE_THE_BODY,
};

/* Shared with the child. */
struct counters {
    uint32_t accepted;
    uint32_t requests;
};

struct server {
    pid_t pid;
    struct target target;
    struct counters *counters;
};

static void server_send(int fd, const char *text, size_t piece)
{
    size_t count = strlen(text);
    for (size_t at = 0; at < count; at += MIN(piece, count - at)) {
        if (send(fd, text + at, MIN(piece, count - at), MSG_NOSIGNAL) < 0)
            return;
    }
}

/* Reads up to the blank line that ends a head. */
static bool server_read_request(int fd)
{
    char text[4] = "";
    while (memcmp(text, "\r\n\r\n", 4) != 0) {
        memmove(text, text + 1, 3);
        if (recv(fd, text + 3, 1, 0) != 1)
            return false;
    }
    return true;
}

/* One answer; false if the connection is to be closed. */
static bool server_answer(int fd, enum manner manner)
{
    switch (manner) {
    case ANSWERS_BYTE_BY_BYTE:
        server_send(fd, OK_ANSWER, 1);
        return true;
    case ANSWERS_AND_CLOSES:
        server_send(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", 100);
        return false;
    case CLOSES_WITHOUT_ANSWER:
        return false;
    case CLOSES_IN_THE_MIDDLE:
        server_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", 100);
        return false;
    case TALKS_GARBAGE:
        server_send(fd, "220 mail.example ESMTP\r\n\r\n", 100);
        return false;
    case ANSWERS_TWICE:
        server_send(fd, OK_ANSWER OK_ANSWER, 200);
        return true;
    case NEVER_ANSWERS:
        return true;
    case ANSWERS_BEFORE_THE_BODY:
        server_send(fd, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", 100);
        return false;
    case ANSWERS:
        break;
    }
    server_send(fd, OK_ANSWER, 200);
    return true;
}

static void server_loop(int listener, enum manner manner, struct counters *counters)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        counters->accepted++;
        while (server_read_request(fd)) {
            counters->requests++;
            if (!server_answer(fd, manner))
                break;
        }
        (void)close(fd);
    }
}

static struct server server_start(enum manner manner)
{
    struct server server = {.counters = mmap(NULL, sizeof(struct counters), PROT_READ | PROT_WRITE,
                                             MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
    assert_true(server.counters != MAP_FAILED);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 128), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    server.pid = fork();
    assert_true(server.pid >= 0);
    if (server.pid == 0)
        server_loop(listener, manner, server.counters);
    (void)close(listener);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
    assert_int_equal(target_from_url(url, NULL, &server.target), STATUS_OK);
    return server;
}

static void server_stop(struct server *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    (void)munmap(server->counters, sizeof(*server->counters));
}

struct tally {
    struct clock clock;
    uint64_t finished;
    uint64_t warmup;
    uint64_t failures[FAILURE_COUNT];
    uint64_t seen; /* bit per index, first 64 */
    uint64_t latency_min_ns;
    uint64_t last_status;
    uint64_t stop_after; /* 0: never */
    bool interrupts;
    size_t body_bytes;
    uint64_t stall_ns;       /* the clock jumps so far when the first request is made */
    uint64_t clock_ahead_ns; /* of the system's */
};

static uint64_t tally_monotonic_ns(void *context)
{
    const struct tally *tally = context;
    return clock_monotonic_ns(&clock_system) + tally->clock_ahead_ns;
}

static struct bytes make_request(void *context, uint64_t index, struct buffer *scratch)
{
    struct tally *tally = context;
    if (index == 0)
        tally->clock_ahead_ns = tally->stall_ns;
    assert_int_equal(scratch->count, 0);
    assert_int_equal(buffer_printf(scratch, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), STATUS_OK);
    for (size_t i = 0; i < tally->body_bytes; i += REQUEST_BYTES) {
        static const uint8_t zeros[REQUEST_BYTES];
        assert_int_equal(buffer_append(scratch, zeros, sizeof(zeros)), STATUS_OK);
    }
    return buffer_bytes(scratch);
}

static bool count_sample(void *context, const struct load_run_sample *sample)
{
    struct tally *tally = context;
    const struct connection_result *result = sample->result;
    assert_true(result->done_ns >= sample->due_ns);
    tally->finished++;
    tally->warmup += sample->warmup;
    tally->failures[result->failure]++;
    tally->seen |= 1ull << (sample->index % 64);
    tally->latency_min_ns = MIN(tally->latency_min_ns, result->done_ns - sample->due_ns);
    if (result->failure == FAILURE_NONE)
        tally->last_status = result->answer->http_status;
    if (tally->interrupts)
        (void)raise(SIGINT);
    return tally->stop_after == 0 || tally->finished < tally->stop_after;
}

static struct load_run_options run_options(const struct server *server, struct tally *tally)
{
    *tally = (struct tally){.latency_min_ns = UINT64_MAX};
    tally->clock = (struct clock){.monotonic_ns = tally_monotonic_ns, .context = tally};
    return (struct load_run_options){
        .target = &server->target,
        .clock = &tally->clock,
        .connections = 1,
        .count = 20,
        .timeout_ns = 10000 * NS_PER_MS,
        .request = make_request,
        .finished = count_sample,
        .context = tally,
    };
}

/* Runs 20 requests in a closed loop on one connection against a server of this manner. */
static void
run_against(enum manner manner, uint64_t timeout_ms, struct tally *tally, uint32_t *ret_accepted)
{
    struct server server = server_start(manner);
    struct load_run_options options = run_options(&server, tally);
    options.timeout_ns = timeout_ms * NS_PER_MS;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_false(result.interrupted);
    assert_int_equal(tally->finished, 20);
    assert_int_equal(tally->seen, (1 << 20) - 1);
    *ret_accepted = server.counters->accepted;
    server_stop(&server);
}

static void a_kept_alive_connection_is_used_again(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t accepted;
    run_against(ANSWERS, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_NONE], 20);
    assert_int_equal(accepted, 1);
    run_against(ANSWERS_BYTE_BY_BYTE, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_NONE], 20);
    assert_int_equal(accepted, 1);
}

static void a_closed_connection_is_opened_again(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t accepted;
    run_against(ANSWERS_AND_CLOSES, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_NONE], 20);
    assert_int_equal(accepted, 20);
}

static void each_kind_of_failure_is_told(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t accepted;
    run_against(CLOSES_WITHOUT_ANSWER, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_CLOSED], 20);
    run_against(CLOSES_IN_THE_MIDDLE, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_CLOSED], 20);
    run_against(TALKS_GARBAGE, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_MALFORMED], 20);
    run_against(ANSWERS_TWICE, 10000, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_MALFORMED], 20);
}

static void a_server_that_never_answers_times_out(void **state)
{
    (void)state;
    struct tally tally;
    uint32_t accepted;
    run_against(NEVER_ANSWERS, 1, &tally, &accepted);
    assert_int_equal(tally.failures[FAILURE_TIMEOUT], 20);
    assert_true(tally.latency_min_ns >= NS_PER_MS);
}

static void an_answer_before_the_whole_request_counts(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS_BEFORE_THE_BODY);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    tally.body_bytes = (size_t)16 << 20;
    options.count = 2;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    /* The kernel may drop the answer with the connection: then it is CLOSED, never a hang. */
    assert_int_equal(tally.failures[FAILURE_NONE] + tally.failures[FAILURE_CLOSED], 2);
    server_stop(&server);
}

static void a_stall_is_charged_to_all_that_were_due_meanwhile(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    tally.stall_ns = STALL_MS * NS_PER_MS;
    options.rate_millis = 1000000; /* all 20 are due in the first third of the stall */
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_int_equal(tally.failures[FAILURE_NONE], 20);
    assert_true(tally.latency_min_ns >= (STALL_MS - 20) * NS_PER_MS);
    assert_int_equal(result.lag.count, 20);
    server_stop(&server);
}

static void what_waited_longer_than_the_timeout_is_not_sent(void **state)
{
    (void)state;
    struct server server = server_start(NEVER_ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    options.rate_millis = 1000000000; /* all are due in the first 20 us */
    options.timeout_ns = NS_PER_MS;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_int_equal(tally.finished, 20);
    assert_int_equal(tally.failures[FAILURE_TIMEOUT] + tally.failures[FAILURE_UNFINISHED], 20);
    assert_true(server.counters->requests < 20);
    server_stop(&server);
}

static void the_warmup_is_marked_and_the_duration_ends_the_run(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    options.rate_millis = 1000000;
    options.count = 0;
    options.warmup_ns = 10 * NS_PER_MS;
    options.duration_ns = 20 * NS_PER_MS;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_int_equal(tally.finished, 30);
    assert_int_equal(tally.warmup, 10);
    assert_true(result.measured_ns >= options.duration_ns);
    server_stop(&server);
}

static void a_closed_loop_ends_with_its_duration(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    options.count = 0;
    options.duration_ns = 5 * NS_PER_MS;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_true(tally.finished > 0);
    assert_int_equal(tally.failures[FAILURE_NONE], tally.finished);
    assert_true(result.measured_ns >= options.duration_ns);
    server_stop(&server);
}

static void a_port_where_nobody_listens_is_unreachable(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    server_stop(&server);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    struct report report = REPORT_INIT;
    struct load_run_result result;
    assert_int_equal(load_run(&options, &report, &result), STATUS_UNREACHABLE);
    assert_non_null(strstr(report.text, server.target.place));
    assert_non_null(strstr(report.text, "Connection refused"));
    assert_int_equal(tally.finished, 0);
}

static void an_interrupt_ends_the_run_with_what_there_is(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    tally.interrupts = true;
    options.count = 0;
    options.duration_ns = 3600000 * NS_PER_MS;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_true(result.interrupted);
    assert_true(tally.finished > 0);
    server_stop(&server);
}

static void the_owner_may_end_the_run_early(void **state)
{
    (void)state;
    struct server server = server_start(ANSWERS);
    struct tally tally;
    struct load_run_options options = run_options(&server, &tally);
    tally.stop_after = 5;
    struct load_run_result result;
    assert_int_equal(load_run(&options, NULL, &result), STATUS_OK);
    assert_false(result.interrupted);
    assert_int_equal(tally.finished, 5);
    server_stop(&server);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_alive_connection_is_used_again),
        cmocka_unit_test(a_closed_connection_is_opened_again),
        cmocka_unit_test(each_kind_of_failure_is_told),
        cmocka_unit_test(a_server_that_never_answers_times_out),
        cmocka_unit_test(an_answer_before_the_whole_request_counts),
        cmocka_unit_test(a_stall_is_charged_to_all_that_were_due_meanwhile),
        cmocka_unit_test(what_waited_longer_than_the_timeout_is_not_sent),
        cmocka_unit_test(the_warmup_is_marked_and_the_duration_ends_the_run),
        cmocka_unit_test(a_closed_loop_ends_with_its_duration),
        cmocka_unit_test(a_port_where_nobody_listens_is_unreachable),
        cmocka_unit_test(an_interrupt_ends_the_run_with_what_there_is),
        cmocka_unit_test(the_owner_may_end_the_run_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
