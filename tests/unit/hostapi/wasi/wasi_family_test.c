/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI's table, and that nothing of a request stays in its state.
 */
#include "hostapi/hostcalls.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void calls_without_files_answer_by_descriptor(void **state)
{
    (void)state;
    static const uint32_t params[] = {ENGINE_I32, ENGINE_I32};
    struct engine_import_desc import =
        fixture_import("wasi_snapshot_preview1", "fd_tell", params, COUNT_OF(params));
    const struct hostcalls_row *row = hostcalls_find(&import, hostapi_family(HOSTAPI_KIND_WAGI));
    assert_non_null(row);
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    slots[0].bits = 1;
    assert_int_equal(row->enter(&host_call), ENGINE_DONE);
    assert_int_equal(slots[0].bits, WASI_SPIPE);
    slots[0].bits = 3;
    assert_int_equal(row->enter(&host_call), ENGINE_DONE);
    assert_int_equal(slots[0].bits, WASI_BADF);
}

static void a_reset_forgets_the_request_wholly(void **state)
{
    (void)state;
    hostapi_host_reset(fixture.host);
    engine_call_cancel(fixture.machine);
    size_t bytes = fixture.host->state_bytes + fixture.host->kept_bytes;
    struct host_request before = fixture.host->request;
    uint8_t blocks[4096];
    assert_true(bytes <= sizeof(blocks));
    memcpy(blocks, fixture.host->blocks, bytes);
    assert_int_equal(
        hostapi_begin(fixture.host, fixture.instance, &fixture.exchange, &fixture.report),
        HOSTAPI_RUN);
    fixture.exchange.request_body = bytes_of_text("0123456789");
    put_iovec(0, 100, 4);
    expect(wasi_fd_read, 0, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_fd_write, 2, 0, 1, 64, WASI_SUCCESS);
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_fdstat_set_flags, 1, 4, 0, 0, WASI_SUCCESS);
    expect(wasi_fd_renumber, 1, 0, 0, 0, WASI_SUCCESS);
    put_clock(0, 1, 1, 9000, 0);
    assert_int_equal(call(wasi_poll_oneoff, 0, 200, 1, 300), ENGINE_PENDING);
    assert_true(memcmp(&before, &fixture.host->request, sizeof(before)) != 0);
    assert_true(memcmp(blocks, fixture.host->blocks, bytes) != 0);
    hostapi_host_reset(fixture.host);
    assert_memory_equal(&before, &fixture.host->request, sizeof(before));
    assert_memory_equal(blocks, fixture.host->blocks, bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(calls_without_files_answer_by_descriptor),
        TEST(a_reset_forgets_the_request_wholly),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
