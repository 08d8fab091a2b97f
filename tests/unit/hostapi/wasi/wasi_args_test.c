/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments and environment as a guest gets them, and where it may not have them.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

/* The same guest under a host of another kind, in the builder. */
static void be(enum hostapi_kind kind)
{
    struct hostapi_options options = {.kind = kind, .clock = &fixture.clock, .snapshotting = true};
    hostapi_host_free(fixture.host);
    assert_int_equal(hostapi_host_create(&options, &fixture.host), STATUS_OK);
}

static void expect_frozen(wasi_handler *handler, const char *name)
{
    assert_int_equal(call(handler, 0, 8, 0, 0), ENGINE_TRAPPED);
    assert_non_null(strstr(engine_machine_trap(fixture.machine).text, name));
}

static void arguments_are_written_with_pointers_and_nuls(void **state)
{
    (void)state;
    fixture.exchange.uri = bytes_of_text("/p?one=1&two");
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u32(0), 3);
    assert_int_equal(u32(4), 3 + 6 + 4);
    expect(wasi_args_get, 100, 200, 0, 0, WASI_SUCCESS);
    assert_int_equal(u32(100), 200);
    assert_int_equal(u32(104), 203);
    assert_int_equal(u32(108), 209);
    assert_memory_equal(memory(200), "/p\0one=1\0two", 13);
}

static void arguments_that_do_not_fit_are_a_fault_and_write_nothing(void **state)
{
    (void)state;
    memset(memory(0), 0x21, 64);
    expect(wasi_args_get, 0, PAGE_BYTES - 1, 0, 0, WASI_FAULT);
    expect(wasi_args_get, 0xfffffffe, 0, 0, 0, WASI_FAULT);
    expect(wasi_args_sizes_get, 0, PAGE_BYTES - 3, 0, 0, WASI_FAULT);
    expect(wasi_args_sizes_get, PAGE_BYTES - 3, 0, 0, 0, WASI_FAULT);
    assert_int_equal(u32(0), 0x21212121);
}

static void a_commands_arguments_and_environment_cannot_be_frozen_into_a_snapshot(void **state)
{
    (void)state;
    fixture.host->options.snapshotting = true;
    expect_frozen(wasi_args_sizes_get, "args_sizes_get was called while the snapshot is made");
    expect_frozen(wasi_args_get, "args_get was called while the snapshot is made");
    expect_frozen(wasi_environ_sizes_get, "environ_sizes_get was called");
    expect_frozen(wasi_environ_get, "environ_get was called");
    /* A handler finds none there: what a request's guest asks for is another. */
    be(HOSTAPI_KIND_HTTP_WASM);
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(0), 0);
    expect(wasi_args_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(0), 0);
}

static void the_environment_of_a_wagi_command_is_cgis(void **state)
{
    (void)state;
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    uint32_t bytes = u32(4);
    expect(wasi_environ_get, 1000, 4000, 0, 0, WASI_SUCCESS);
    assert_memory_equal(memory(u32(1000)), "REQUEST_METHOD=GET", 19);
    assert_int_equal(*memory(4000 + bytes - 1), 0);
    assert_int_equal(*memory(4000 + bytes), 0);
}

static void the_environment_of_a_handler_is_its_functions(void **state)
{
    (void)state;
    static const struct hostapi_variable pairs[] = {{{(const uint8_t *)"KEY=value", 9}, 3}};
    be(HOSTAPI_KIND_HTTP_WASM);
    fixture.host->request.exchange = &fixture.exchange;
    fixture.exchange.environment =
        (struct hostapi_environment){.pairs = pairs, .count = COUNT_OF(pairs)};
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_int_equal(u64(0), 1 | UINT64_C(10) << 32);
    expect(wasi_environ_get, 1000, 4000, 0, 0, WASI_SUCCESS);
    assert_memory_equal(memory(u32(1000)), "KEY=value", 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_written_with_pointers_and_nuls),
        TEST(arguments_that_do_not_fit_are_a_fault_and_write_nothing),
        TEST(a_commands_arguments_and_environment_cannot_be_frozen_into_a_snapshot),
        TEST(the_environment_of_a_wagi_command_is_cgis),
        TEST(the_environment_of_a_handler_is_its_functions),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
