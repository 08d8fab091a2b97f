/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams by descriptor: reading, writing, closing, renumbering, and their stats.
 */
#include <stdlib.h>

#include "engine/run/machine.h"
#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void stdin_is_the_request_body(void **state)
{
    (void)state;
    fixture.exchange.request_body = bytes_of_text("0123456789");
    put_iovec(0, 100, 3);
    put_iovec(8, 200, 4);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 7);
    assert_memory_equal(memory(100), "012", 3);
    assert_memory_equal(memory(200), "3456", 4);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 3);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 0);
}

static void a_read_may_land_on_its_own_vectors(void **state)
{
    (void)state;
    static const uint8_t body[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    fixture.exchange.request_body = bytes_make(body, sizeof(body));
    put_iovec(0, 0, 16);
    put_iovec(8, 100, 16);
    expect(wasi_fd_read, 0, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 32);
}

static void vectors_outside_memory_are_a_fault_and_nothing_is_written(void **state)
{
    (void)state;
    put_iovec(0, 100, 3);
    put_iovec(8, PAGE_BYTES - 1, 2);
    expect(wasi_fd_write, 2, 0, 2, 64, WASI_FAULT);
    fixture_assert_log(&fixture, "");
    expect(wasi_fd_write, 2, PAGE_BYTES - 15, 2, 64, WASI_FAULT);
    expect(wasi_fd_write, 2, 0xfffffff8, 2, 64, WASI_FAULT);
    expect(wasi_fd_write, 2, 0, 1, PAGE_BYTES - 3, WASI_FAULT);
    fixture_assert_log(&fixture, "");
}

static void too_many_vectors_are_invalid(void **state)
{
    (void)state;
    expect(wasi_fd_write, 2, 0, GUEST_MEM_IOVECS_MAX, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, GUEST_MEM_IOVECS_MAX + 1, 64, WASI_INVAL);
    expect(wasi_fd_write, 2, 0, 0xffffffff, 64, WASI_INVAL);
}

static void each_vector_costs_though_it_is_empty(void **state)
{
    (void)state;
    uint64_t before = fixture.machine->fuel_host;
    expect(wasi_fd_write, 2, 0, 1024, 64, WASI_SUCCESS);
    expect(wasi_fd_read, 0, 0, 1024, 64, WASI_SUCCESS);
    assert_int_equal(fixture.machine->fuel_host - before, UINT64_C(2048) * HOSTCALLS_FUEL_PER_ROW);
}

static void stderr_goes_to_the_log(void **state)
{
    (void)state;
    memcpy(memory(100), "hello\n", 6);
    put_iovec(0, 100, 2);
    put_iovec(8, 102, 4);
    expect(wasi_fd_write, 2, 0, 2, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 6);
    fixture_assert_log(&fixture, "stderr hello\n");
}

static void stdout_of_a_command_is_headers_then_body(void **state)
{
    (void)state;
    memcpy(memory(100), "content-type: a/b\n\nbody", 23);
    put_iovec(0, 100, 10);
    put_iovec(8, 110, 13);
    expect(wasi_fd_write, 1, 0, 2, 64, WASI_SUCCESS);
    fixture_assert_body(&fixture, "body");
    assert_int_equal(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FINISHED);
    fixture_assert_header(&fixture, "content-type", "a/b");
}

static void streams_go_one_way(void **state)
{
    (void)state;
    expect(wasi_fd_write, 0, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 1, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 2, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_read, 3, 0, 0, 64, WASI_BADF);
}

static void a_closed_descriptor_is_bad_until_the_next_request(void **state)
{
    (void)state;
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_BADF);
    expect(wasi_fd_write, 2, 0, 0, 64, WASI_BADF);
    expect(wasi_fd_close, 0xffffffff, 0, 0, 0, WASI_BADF);
    hostapi_host_reset(fixture.host);
    expect(wasi_fd_close, 2, 0, 0, 0, WASI_SUCCESS);
}

static void a_renumbered_descriptor_moves_and_closes_what_was_there(void **state)
{
    (void)state;
    expect(wasi_fd_renumber, 2, 102, 0, 0, WASI_BADF);
    expect(wasi_fd_renumber, 2, 2, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_renumber, 2, 1, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, 0, 64, WASI_BADF);
    memcpy(memory(100), "x\n", 2);
    put_iovec(0, 100, 2);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    fixture_assert_log(&fixture, "stderr x\n");
    expect(wasi_fd_renumber, 1, 0xffffffff, 0, 0, WASI_BADF);
    expect(wasi_fd_renumber, 7, 1, 0, 0, WASI_BADF);
    expect(wasi_fd_renumber, 1, 7, 0, 0, WASI_BADF);
}

static void a_stream_has_a_stat(void **state)
{
    (void)state;
    memset(memory(0), 0xff, 128);
    expect(wasi_fd_fdstat_set_flags, 1, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_fdstat_set_flags, 1, 2, 0, 0, WASI_NOTSUP);
    expect(wasi_fd_fdstat_get, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(*memory(0), 0);
    assert_int_equal(guest_mem_load_u16(memory(2)), 4);
    assert_true((u64(8) & 1u << 6) != 0);
    assert_int_equal(u64(16), 0);
    assert_int_equal(u64(24), UINT64_MAX);
    expect(wasi_fd_filestat_get, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(56), 0);
    assert_int_equal(u64(64), UINT64_MAX);
    memset(memory(0), 0xff, 128);
    expect(wasi_fd_filestat_get_p0, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(48), 0);
    assert_int_equal(u64(56), UINT64_MAX);
    expect(wasi_fd_filestat_get, 9, 0, 0, 0, WASI_BADF);
    expect(wasi_fd_fdstat_get, 9, 0, 0, 0, WASI_BADF);
    expect(wasi_fd_fdstat_get, 1, PAGE_BYTES - 23, 0, 0, WASI_FAULT);
    expect(wasi_fd_filestat_get, 1, PAGE_BYTES - 63, 0, 0, WASI_FAULT);
}

static void sockets_are_refused_in_the_builder_and_are_none_in_a_request(void **state)
{
    (void)state;
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    slots[0].bits = 1;
    assert_int_equal(wasi_refuse(fixture.host, &host_call, 0, WASI_NOTSOCK), ENGINE_DONE);
    assert_int_equal(slots[0].i32, WASI_NOTSOCK);
    fixture.host->options.snapshotting = true;
    assert_int_equal(wasi_refuse(fixture.host, &host_call, 0, WASI_NOTSOCK), ENGINE_TRAPPED);
    assert_non_null(strstr(engine_machine_trap(fixture.machine).text, "a function of the network"));
}

/* ---- streams that go out in pieces ----------------------------------------------------------- */

static void a_write_waits_for_room_and_goes_on_where_it_was(void **state)
{
    (void)state;
    struct http_exchange *exchange = &fixture.exchange;
    exchange->may_stream = true;
    fixture.limits.stream_buffer = 4;
    memcpy(memory(100), "content-type: a/b\n\n0123456789", 29);
    put_iovec(0, 100, 21);
    put_iovec(8, 121, 0);
    put_iovec(16, 121, 8);
    assert_int_equal(call(wasi_fd_write, 1, 0, 3, 64), ENGINE_PENDING);
    assert_true(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_ROOM));
    fixture_assert_body(&fixture, "0123");
    /* In vain. */
    fixture.host->request.resumed = true;
    assert_int_equal(call(wasi_fd_write, 1, 0, 3, 64), ENGINE_PENDING);
    fixture_assert_body(&fixture, "0123");
    exchange->response_body.count = 0;
    assert_int_equal(call(wasi_fd_write, 1, 0, 3, 64), ENGINE_PENDING);
    fixture_assert_body(&fixture, "4567");
    exchange->response_body.count = 0;
    expect(wasi_fd_write, 1, 0, 3, 64, WASI_SUCCESS);
    fixture_assert_body(&fixture, "89");
    assert_int_equal(u32(64), 29);
}

static void a_sync_of_stdout_lets_go_what_is_written_of_a_good_head(void **state)
{
    (void)state;
    struct http_exchange *exchange = &fixture.exchange;
    exchange->may_stream = true;
    /* There is no head yet. */
    expect(wasi_fd_sync, 1, 0, 0, 0, WASI_SUCCESS);
    assert_false(exchange->flush_wanted);
    memcpy(memory(100), "content-type: a/b\n\n", 19);
    put_iovec(0, 100, 19);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    assert_int_equal(call(wasi_fd_sync, 1, 0, 0, 0), ENGINE_PENDING);
    assert_true(exchange->flush_wanted);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), 0);
    expect(wasi_fd_sync, 1, 0, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_sync, 0, 0, 0, 0, WASI_INVAL);
    expect(wasi_fd_sync, 2, 0, 0, 0, WASI_INVAL);
    expect(wasi_fd_sync, 7, 0, 0, 0, WASI_BADF);
}

static void a_bad_head_is_told_of_at_the_end_and_nothing_goes_out_before(void **state)
{
    (void)state;
    fixture.exchange.may_stream = true;
    memcpy(memory(100), "x-y: z\n\nbody", 12);
    put_iovec(0, 100, 12);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    assert_false(http_exchange_streams(&fixture.exchange));
    expect(wasi_fd_sync, 1, 0, 0, 0, WASI_SUCCESS);
    assert_int_equal(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FAULT);
    assert_non_null(strstr(fixture.report.text, "neither content-type nor location"));
}

/* ---- a body that is still coming in ---------------------------------------------------------- */

static void a_read_waits_for_what_has_not_come(void **state)
{
    (void)state;
    struct http_exchange *exchange = &fixture.exchange;
    exchange->request_body = bytes_of_text("012");
    exchange->request_body_is_coming = true;
    put_iovec(0, 100, 8);
    expect(wasi_fd_read, 0, 0, 1, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 3);
    assert_int_equal(call(wasi_fd_read, 0, 0, 1, 64), ENGINE_PENDING);
    assert_true(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_BODY));
    assert_int_equal(u32(64), 3);
    exchange->request_body = bytes_of_text("01234");
    expect(wasi_fd_read, 0, 0, 1, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 2);
    assert_memory_equal(memory(100), "34", 2);
    exchange->request_body_is_coming = false;
    expect(wasi_fd_read, 0, 0, 1, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), 0);
}

/* ---- calls that are long --------------------------------------------------------------------- */

enum { LONG_VECTORS = 4, LONG_BYTES = 60000, LONG_AT = 1000 };

/* All of them in one place of the guest's memory, which has only so much. */
static void put_long_vectors(void)
{
    for (uint32_t i = 0; i < LONG_VECTORS; i++)
        put_iovec(8 * i, LONG_AT, LONG_BYTES);
}

static void assert_takes_turn(wasi_handler *handler, uint32_t fd)
{
    assert_int_equal(call(handler, fd, 0, LONG_VECTORS, 64), ENGINE_PENDING);
    assert_true(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_TURN));
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), 0);
}

static void a_long_read_takes_turns_and_goes_on_where_it_was(void **state)
{
    (void)state;
    size_t count = (size_t)LONG_VECTORS * LONG_BYTES;
    uint8_t *body = malloc(count);
    for (size_t i = 0; i < count; i++)
        body[i] = (uint8_t)(i / LONG_BYTES + i);
    fixture.exchange.request_body = bytes_make(body, count);
    fixture.exchange.request_body_is_coming = true;
    put_long_vectors();
    uint64_t before = fixture.machine->fuel_host;
    assert_takes_turn(wasi_fd_read, 0);
    expect(wasi_fd_read, 0, 0, LONG_VECTORS, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), count);
    assert_memory_equal(memory(LONG_AT), body + count - LONG_BYTES, LONG_BYTES);
    assert_int_equal(fixture.machine->fuel_host - before,
                     LONG_VECTORS * HOSTCALLS_FUEL_PER_ROW + count / HOSTCALLS_BYTES_PER_FUEL);
    free(body);
}

static void a_long_write_takes_turns_and_goes_on_where_it_was(void **state)
{
    (void)state;
    memcpy(memory(100), "content-type: a/b\n\n", 19);
    put_iovec(0, 100, 19);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    fixture.limits.response = 1 << 20;
    put_long_vectors();
    uint64_t before = fixture.machine->fuel_host;
    assert_takes_turn(wasi_fd_write, 1);
    assert_int_equal(fixture.exchange.response_body.count, HOSTAPI_TURN_BYTES);
    expect(wasi_fd_write, 1, 0, LONG_VECTORS, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), LONG_VECTORS * LONG_BYTES);
    assert_int_equal(fixture.exchange.response_body.count, LONG_VECTORS * LONG_BYTES);
    assert_int_equal(
        fixture.machine->fuel_host - before,
        LONG_VECTORS * (HOSTCALLS_FUEL_PER_ROW + (uint64_t)LONG_BYTES / HOSTCALLS_BYTES_PER_FUEL));
}

static void a_long_write_to_the_log_takes_none(void **state)
{
    (void)state;
    put_long_vectors();
    expect(wasi_fd_write, 2, 0, LONG_VECTORS, 64, WASI_SUCCESS);
    assert_int_equal(u32(64), LONG_VECTORS * LONG_BYTES);
    assert_true(fixture.exchange.log.count <= fixture.limits.log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(stdin_is_the_request_body),
        TEST(a_read_may_land_on_its_own_vectors),
        TEST(vectors_outside_memory_are_a_fault_and_nothing_is_written),
        TEST(too_many_vectors_are_invalid),
        TEST(each_vector_costs_though_it_is_empty),
        TEST(stderr_goes_to_the_log),
        TEST(stdout_of_a_command_is_headers_then_body),
        TEST(streams_go_one_way),
        TEST(a_closed_descriptor_is_bad_until_the_next_request),
        TEST(a_renumbered_descriptor_moves_and_closes_what_was_there),
        TEST(a_stream_has_a_stat),
        TEST(sockets_are_refused_in_the_builder_and_are_none_in_a_request),
        TEST(a_write_waits_for_room_and_goes_on_where_it_was),
        TEST(a_sync_of_stdout_lets_go_what_is_written_of_a_good_head),
        TEST(a_bad_head_is_told_of_at_the_end_and_nothing_goes_out_before),
        TEST(a_read_waits_for_what_has_not_come),
        TEST(a_long_read_takes_turns_and_goes_on_where_it_was),
        TEST(a_long_write_takes_turns_and_goes_on_where_it_was),
        TEST(a_long_write_to_the_log_takes_none),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
