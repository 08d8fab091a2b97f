/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a WAGI command through its request, where it goes wrong: what `_routes` may name,
 * and what may come out of a command. No guest runs; its calls are made for it.
 */
#include "hostapi/wagi/wagi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static void print(const char *text)
{
    size_t count = strlen(text);
    memcpy(memory(100), text, count);
    put_iovec(0, 100, (uint32_t)count);
    expect(wasi_fd_write, 1, 0, 1, 64, WASI_SUCCESS);
}

static void assert_fault(enum hostapi_step step, enum hostapi_fault fault, const char *reason)
{
    assert_int_equal(step, HOSTAPI_FAULT);
    assert_int_equal(hostapi_fault(fixture.host), fault);
    if (strstr(fixture.report.text, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture.report.text, reason);
}

static void headers_without_an_empty_line_are_no_answer(void **state)
{
    (void)state;
    print("content-type: a/b\n");
    assert_fault(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FAULT_BAD_OUTPUT,
                 "stdout ended after 18 bytes without the empty line");
}

static void an_answer_of_a_command_that_failed_is_not_sent(void **state)
{
    (void)state;
    print("content-type: a/b\n\nbody");
    assert_fault(hostapi_family(HOSTAPI_KIND_WAGI)->exited(fixture.host, 3, &fixture.report),
                 HOSTAPI_FAULT_EXIT_STATUS, "ended with exit status 3");
}

/* As if the module exported `_routes`, which printed this and returned. */
static void route(const char *text)
{
    wagi_state(fixture.host)->routing = true;
    print(text);
    engine_call_cancel(fixture.machine);
}

static void a_route_leads_only_to_what_the_module_exports(void **state)
{
    (void)state;
    static const char longest[] =
        "/... eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\n";
    static const char *const bad[] = {"/... nothing\n", longest};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (i > 0) {
            calls_teardown(NULL);
            calls_setup(NULL);
        }
        route(bad[i]);
        assert_fault(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FAULT_BAD_OUTPUT,
                     "_routes names the entrypoint");
    }
}

static void a_name_goes_on_behind_a_nul(void **state)
{
    (void)state;
    assert_false(host_call_export(fixture.host, bytes_make("_start\0x", 8)));
    assert_false(host_call_export(fixture.host, bytes_make("_start", 5)));
}

static void a_path_that_does_not_fit_is_a_fault(void **state)
{
    (void)state;
    route("/... _start\n");
    while (arena_alloc(&fixture.exchange.arena, 64, 1) != NULL)
        ;
    while (arena_alloc(&fixture.exchange.arena, 1, 1) != NULL)
        ;
    assert_fault(hostapi_next(fixture.host, &fixture.report), HOSTAPI_FAULT_TRAP,
                 "no room for the route's path");
}

static void routes_must_return(void **state)
{
    (void)state;
    route("/... _start\n");
    assert_fault(hostapi_family(HOSTAPI_KIND_WAGI)->exited(fixture.host, 0, &fixture.report),
                 HOSTAPI_FAULT_TRAP, "proc_exit(0) in _routes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(headers_without_an_empty_line_are_no_answer),
        TEST(an_answer_of_a_command_that_failed_is_not_sent),
        TEST(a_route_leads_only_to_what_the_module_exports),
        TEST(a_name_goes_on_behind_a_nul),
        TEST(a_path_that_does_not_fit_is_a_fault),
        TEST(routes_must_return),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
