/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that one worker does not take, on their way to another.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/control/sockets/lending.h"
#include "tests/support/unit.h"

struct bench {
    struct event_base *base;
    struct lending lending;
    struct sockaddr_in address;
    int listener;
    int channel[2]; /* control's end, the taker's */
    bool taker;
    int clients[4];
    uint32_t client_count;
};

static int bench_next(void *context)
{
    const struct bench *bench = context;
    return bench->taker ? bench->channel[0] : -1;
}

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.base = event_base_new(), .taker = true};
    bench->lending = (struct lending){.next = bench_next, .context = bench};
    bench->address.sin_family = AF_INET;
    bench->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(bench->address);
    bench->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(bench->listener, (struct sockaddr *)&bench->address, length), 0);
    assert_int_equal(listen(bench->listener, 8), 0);
    assert_int_equal(getsockname(bench->listener, (struct sockaddr *)&bench->address, &length), 0);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, bench->channel), 0);
}

static void bench_done(struct bench *bench)
{
    lending_end(&bench->lending);
    event_base_free(bench->base);
    for (uint32_t i = 0; i < bench->client_count; i++)
        assert_int_equal(close(bench->clients[i]), 0);
    assert_int_equal(close(bench->listener), 0);
    assert_int_equal(close(bench->channel[0]), 0);
    base_auto_close(&bench->channel[1]);
}

static void bench_connect(struct bench *bench)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&bench->address, sizeof(bench->address)), 0);
    bench->clients[bench->client_count++] = fd;
}

static uint32_t listener; /* of the last connection */

static void bench_turn(struct bench *bench)
{
    assert_true(event_base_loop(bench->base, EVLOOP_NONBLOCK) >= 0);
}

static void connections_come_out_at_the_takers_end(void **state)
{
    (void)state;
    struct bench bench;
    char text[4] = "";
    bench_init(&bench);
    bench_connect(&bench); /* before anybody looks */
    lending_begin(&bench.lending, bench.base, &bench.listener, 1);
    lending_begin(&bench.lending, bench.base, &bench.listener, 1);
    bench_connect(&bench);
    bench_turn(&bench);
    assert_int_equal(bench.lending.lent, 2);
    for (uint32_t i = 0; i < 2; i++) {
        int fd = lending_receive(bench.channel[1], &listener);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "hi", 2), 2);
        assert_int_equal(read(bench.clients[i], text, sizeof(text)), 2);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(lending_receive(bench.channel[1], &listener), -1);
    bench_done(&bench);
}

static void without_a_taker_they_stay_in_the_queue(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.taker = false;
    bench_connect(&bench);
    lending_begin(&bench.lending, bench.base, &bench.listener, 1);
    bench_turn(&bench);
    /* It ended, so that the queue does not wake it for nothing. */
    assert_null(bench.lending.events[0]);
    assert_int_equal(bench.lending.lent, 0);
    int fd = accept4(bench.listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    bench_done(&bench);
}

static void a_taker_that_is_gone_loses_one_and_it_is_counted(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(close(bench.channel[1]), 0);
    bench.channel[1] = -1;
    bench_connect(&bench);
    lending_begin(&bench.lending, bench.base, &bench.listener, 1);
    bench_turn(&bench);
    assert_int_equal(bench.lending.lost, 1);
    bench_done(&bench);
}

static void what_carries_no_connection_is_none(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    assert_int_equal(send(bench.channel[0], "c", 1, 0), 1);
    assert_int_equal(lending_receive(bench.channel[1], &listener), -1);
    bench_done(&bench);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_come_out_at_the_takers_end),
        cmocka_unit_test(without_a_taker_they_stay_in_the_queue),
        cmocka_unit_test(a_taker_that_is_gone_loses_one_and_it_is_counted),
        cmocka_unit_test(what_carries_no_connection_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
