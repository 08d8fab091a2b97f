/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's own: the doors to its families' blocks, and what a parked call waits for.
 */
#include "hostapi/host.h"
#include "hostapi/hostcalls.h"
#include "tests/support/aborts.h"
#include "tests/unit/hostapi/fixture.h"

static struct hostapi_host *host_of(enum hostapi_kind kind)
{
    const struct hostapi_options options = {.kind = kind, .clock = &clock_system};
    struct hostapi_host *host;
    assert_int_equal(hostapi_host_create(&options, &host), STATUS_OK);
    return host;
}

static void a_host_has_its_kinds_blocks_and_those_of_what_it_uses(void **state)
{
    (void)state;
    struct hostapi_host *handler = host_of(HOSTAPI_KIND_HTTP_WASM);
    uint8_t *own = host_state(handler, HOSTAPI_KIND_HTTP_WASM);
    uint8_t *used = host_state(handler, HOSTAPI_KIND_WASI);
    size_t own_bytes = hostapi_family(HOSTAPI_KIND_HTTP_WASM)->state_bytes;
    assert_true(used >= own + own_bytes);
    assert_true(used + hostapi_family(HOSTAPI_KIND_WASI)->state_bytes <=
                handler->blocks + handler->state_bytes);
    assert_true((uint8_t *)host_kept(handler, HOSTAPI_KIND_HTTP_WASM) >=
                handler->blocks + handler->state_bytes);
    hostapi_host_free(handler);
}

/* ---- what is said where no request has a log ----------------------------------------------------
 */

static void say_on(struct hostapi_host *host, const char *text)
{
    host_say_on(host, bytes_of_text(text));
}

static void of_what_is_said_bit_by_bit_the_last_lines_stay(void **state)
{
    (void)state;
    struct buffer said;
    struct hostapi_host *host = host_of(HOSTAPI_KIND_WAGI);
    say_on(host, "nobody listens");
    buffer_init(&said, 20);
    host->options.said = &said;
    say_on(host, "first\nsec");
    say_on(host, "ond\nthird\n");
    assert_true(bytes_equal_text(buffer_bytes(&said), "first\nsecond\nthird\n"));
    say_on(host, "4x");
    assert_true(bytes_equal_text(buffer_bytes(&said), "second\nthird\n4x"));
    say_on(host, "no newline in 20 bytes or more");
    assert_true(bytes_equal_text(buffer_bytes(&said), " in 20 bytes or more"));
    buffer_done(&said);
    hostapi_host_free(host);
}

/* ---- the doors ------------------------------------------------------------------------------- */

static void ask_for_state(void *host)
{
    (void)host_state(host, HOSTAPI_KIND_HTTP_WASM);
}

static void ask_for_kept(void *host)
{
    (void)host_kept(host, HOSTAPI_KIND_HTTP_WASM);
}

static void enter_a_call(void *host)
{
    struct engine_host_call call = {.context = host};
    (void)hostcalls_enter(&call, HOSTAPI_KIND_HTTP_WASM, 0);
}

static void begin_a_request(void *host)
{
    (void)hostapi_begin(host, NULL, NULL, NULL);
}

static void create_an_unknown_kind(void *host)
{
    (void)host;
    (void)host_of(HOSTAPI_KIND_UNKNOWN);
}

static void create_a_kind_past_the_last(void *host)
{
    (void)host;
    (void)host_of(HOSTAPI_KIND_COUNT);
}

static void use_what_is_no_host(void *context)
{
    struct hostapi_host *host = context;
    host->magic ^= 1;
    (void)host_state(host, HOSTAPI_KIND_WASI);
}

static bool host_aborts(void (*act)(void *host), enum hostapi_kind kind)
{
    struct hostapi_host *host = host_of(kind);
    bool aborted = aborts(act, host);
    hostapi_host_free(host);
    return aborted;
}

static void a_wrong_family_is_refused_at_its_door(void **state)
{
    (void)state;
    assert_true(host_aborts(ask_for_state, HOSTAPI_KIND_WAGI));
    assert_true(host_aborts(ask_for_kept, HOSTAPI_KIND_WAGI));
    assert_true(host_aborts(enter_a_call, HOSTAPI_KIND_WAGI));
    assert_true(host_aborts(begin_a_request, HOSTAPI_KIND_WASI));
    assert_true(host_aborts(create_an_unknown_kind, HOSTAPI_KIND_WAGI));
    assert_true(host_aborts(create_a_kind_past_the_last, HOSTAPI_KIND_WAGI));
    assert_true(host_aborts(use_what_is_no_host, HOSTAPI_KIND_WAGI));
    assert_false(host_aborts(ask_for_state, HOSTAPI_KIND_HTTP_WASM));
}

/* (module (func (export "other"))) */
static const uint8_t module_without_the_entry[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60,
    0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x07, 0x09, 0x01, 0x05, 'o',  't',
    'h',  'e',  'r',  0x00, 0x00, 0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b};

static void a_guest_without_its_kinds_entry_is_at_fault(void **state)
{
    (void)state;
    static const enum hostapi_kind kinds[] = {HOSTAPI_KIND_HTTP_WASM, HOSTAPI_KIND_WAGI};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct fixture fixture;
        const struct hostapi_options options = {.kind = kinds[i]};
        assert_int_equal(
            fixture_begin(&fixture,
                          bytes_make(module_without_the_entry, sizeof(module_without_the_entry)),
                          &options),
            ENGINE_DONE);
        assert_int_equal(
            hostapi_begin(fixture.host, fixture.instance, &fixture.exchange, &fixture.report),
            HOSTAPI_FAULT);
        assert_non_null(strstr(fixture.report.text, "does not export"));
        fixture_end(&fixture);
    }
}

/* ---- waits ----------------------------------------------------------------------------------- */

static void a_call_may_wait_for_any_of_several_moments_and_events(void **state)
{
    (void)state;
    struct hostapi_host *host = host_of(HOSTAPI_KIND_WAGI);
    const struct hostapi_wait waits[] = {
        {.kind = HOSTAPI_WAIT_EVENT},
        {.kind = HOSTAPI_WAIT_TIME, .until_ns = 900},
        {.kind = HOSTAPI_WAIT_EVENT},
        {.kind = HOSTAPI_WAIT_TIME, .until_ns = 500},
    };
    assert_int_equal(host_park(host, waits, COUNT_OF(waits)), ENGINE_PENDING);
    const struct hostapi_waits *parked = hostapi_waits(host);
    assert_int_equal(parked->count, COUNT_OF(waits));
    assert_true(hostapi_waits_for(parked, HOSTAPI_WAIT_EVENT));
    assert_int_equal(hostapi_waits_until_ns(parked), 500);
    assert_int_equal(host_park(host, waits, 1), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(parked), UINT64_MAX); /* an event alone */
    assert_int_equal(host_park_until(host, 5), ENGINE_PENDING);
    assert_false(hostapi_waits_for(hostapi_waits(host), HOSTAPI_WAIT_EVENT));
    assert_int_equal(host_take_turn(host), ENGINE_PENDING);
    assert_true(hostapi_waits_for(hostapi_waits(host), HOSTAPI_WAIT_TURN));
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(host)), 0);
    hostapi_host_free(host);
}

static void only_the_call_that_parked_goes_on_without_paying(void **state)
{
    (void)state;
    struct hostapi_host *host = host_of(HOSTAPI_KIND_WAGI);
    struct engine_host_call call = {.context = host};
    assert_int_equal(host_park_until(host, 0), ENGINE_PENDING);
    assert_ptr_equal(hostcalls_enter(&call, HOSTAPI_KIND_WASI, 1000), host);
    assert_true(host->request.resumed);
    /* It parked no more, whatever it answered: the next call is new. (This one comes back from a
     * guest's func that it called, and has paid too: there is no machine here.) */
    call.step = 1;
    (void)hostcalls_enter(&call, HOSTAPI_KIND_WASI, 1000);
    assert_false(host->request.resumed);
    hostapi_host_free(host);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_its_kinds_blocks_and_those_of_what_it_uses),
        cmocka_unit_test(of_what_is_said_bit_by_bit_the_last_lines_stay),
        cmocka_unit_test(a_wrong_family_is_refused_at_its_door),
        cmocka_unit_test(a_guest_without_its_kinds_entry_is_at_fault),
        cmocka_unit_test(a_call_may_wait_for_any_of_several_moments_and_events),
        cmocka_unit_test(only_the_call_that_parked_goes_on_without_paying),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
