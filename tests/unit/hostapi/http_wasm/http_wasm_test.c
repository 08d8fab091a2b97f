/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http-wasm ABI's rules, by a guest that does what its URI says (hostapi_rules.wat has
 * the letters), and initialisers, in the builder and deferred.
 */
#include "hostapi/guest_mem.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/http_wasm/letters.h"

static void a_handler_that_writes_nothing_answers_an_empty_200(void **state)
{
    (void)state;
    finish("/");
    assert_int_equal(letters_fixture.exchange.status, 200);
    assert_int_equal(letters_fixture.exchange.response_headers.count, 0);
    fixture_assert_body(&letters_fixture, "");
}

static void status_headers_and_body_are_what_the_guest_set(void **state)
{
    (void)state;
    finish("/shaw");
    assert_int_equal(letters_fixture.exchange.status, 418);
    assert_int_equal(letters_fixture.exchange.response_headers.count, 2);
    fixture_assert_header(&letters_fixture, "x-name", "value");
    fixture_assert_body(&letters_fixture, "body");
    finish("/aad");
    assert_int_equal(letters_fixture.exchange.response_headers.count, 0);
}

static void there_is_no_next_handler(void **state)
{
    (void)state;
    finish("//4");
    assert_int_equal(letters_fixture.exchange.status, 404);
    fixture_assert_header(&letters_fixture, "content-type", "application/problem+json");
    assert_non_null(strstr((const char *)letters_fixture.exchange.response_body.data,
                           "\"code\":\"no_next_handler\""));
}

/* ---- a next handler -------------------------------------------------------------------------- */

static bool answer_201(struct fixture *next)
{
    struct http_exchange *exchange = &next->exchange;
    assert_true(bytes_equal_text(exchange->uri, "/new?q"));
    assert_true(bytes_equal_text(exchange->method, "PATCH"));
    assert_true(bytes_equal_text(exchange->request_body, "body"));
    assert_non_null(http_headers_find(&exchange->request_headers, bytes_of_text("x-name")));
    exchange->status = 201;
    exchange->response_body.count = 0;
    assert_int_equal(buffer_append(&exchange->response_body, "its own", 7), STATUS_OK);
    return false;
}

static bool do_nothing(struct fixture *next)
{
    (void)next;
    return false;
}

static bool fail_itself(struct fixture *next)
{
    next->exchange.status = 500;
    return true;
}

static enum hostapi_step ask_next(const char *uri, bool (*next)(struct fixture *next))
{
    fixture_next_exchange(&letters_fixture, "GET", uri);
    letters_fixture.exchange.has_next = true;
    letters_fixture.next = next;
    return fixture_request(&letters_fixture);
}

static void the_next_handler_sees_the_request_as_the_guest_left_it(void **state)
{
    (void)state;
    assert_int_equal(ask_next("/umHW/", answer_201), HOSTAPI_FINISHED);
    assert_int_equal(letters_fixture.exchange.status, 201);
    fixture_assert_body(&letters_fixture, "its own");
}

static void what_the_guest_set_before_stays_where_the_next_handler_sets_nothing(void **state)
{
    (void)state;
    assert_int_equal(ask_next("/shw/", do_nothing), HOSTAPI_FINISHED);
    assert_int_equal(letters_fixture.exchange.status, 418);
    fixture_assert_header(&letters_fixture, "x-name", "value");
    fixture_assert_body(&letters_fixture, "body");
}

static void handle_response_may_replace_the_next_handlers_response(void **state)
{
    (void)state;
    assert_int_equal(ask_next("/fumHW/rshw", answer_201), HOSTAPI_FINISHED);
    assert_int_equal(letters_fixture.exchange.status, 418);
    fixture_assert_header(&letters_fixture, "x-name", "value");
    fixture_assert_body(&letters_fixture, "body");
}

static void handle_response_may_only_look_at_an_unbuffered_response(void **state)
{
    (void)state;
    static const char letters[] = "shadwr";
    for (const char *letter = letters; *letter != '\0'; letter++) {
        char uri[] = "//?";
        uri[2] = *letter;
        assert_int_equal(ask_next(uri, do_nothing), HOSTAPI_FAULT);
        assert_non_null(strstr(letters_fixture.report.text, "buffer_response"));
    }
}

/* This guest does not like it. */
static void handle_response_hears_that_the_next_handler_failed(void **state)
{
    (void)state;
    assert_int_equal(ask_next("//", fail_itself), HOSTAPI_FAULT);
    assert_non_null(strstr(letters_fixture.report.text, "unreachable"));
}

static void who_does_not_ask_for_the_next_handler_ends_there(void **state)
{
    (void)state;
    letters_fixture.nexts = 0;
    assert_int_equal(ask_next("/s", fail_itself), HOSTAPI_FINISHED);
    assert_int_equal(letters_fixture.nexts, 0);
    assert_int_equal(letters_fixture.exchange.status, 418);
}

/* ---- the rules ------------------------------------------------------------------------------- */

static void handle_response_may_change_a_buffered_response(void **state)
{
    (void)state;
    finish("/f/shw");
    assert_int_equal(letters_fixture.exchange.status, 418);
    fixture_assert_header(&letters_fixture, "x-name", "value");
    fixture_assert_body(&letters_fixture, "body");
    finish("/f/r");
    assert_int_equal(letters_fixture.exchange.status, 404);
}

static void handle_response_may_not_touch_an_unbuffered_response(void **state)
{
    (void)state;
    static const char letters[] = "shadwr";
    for (const char *letter = letters; *letter != '\0'; letter++) {
        char uri[] = "//?";
        uri[2] = *letter;
        fault(uri, "buffer_response");
    }
}

static void a_response_that_began_is_closed_to_changes(void **state)
{
    (void)state;
    fault("/ws", "the response began");
    fault("/wh", "the response began");
    finish("/fwsh");
    assert_int_equal(letters_fixture.exchange.status, 418);
}

static void features_last_for_one_request(void **state)
{
    (void)state;
    finish("/f/s");
    fault("//s", "buffer_response");
}

static void the_request_is_closed_to_changes_in_handle_response(void **state)
{
    (void)state;
    static const char letters[] = "umHW";
    for (const char *letter = letters; *letter != '\0'; letter++) {
        char uri[] = "/f/?";
        uri[3] = *letter;
        fault(uri, "the request cannot be changed");
    }
    fault("//q", "buffer_request");
}

static void method_uri_and_headers_of_the_request_can_be_set(void **state)
{
    (void)state;
    finish("/umH");
    assert_true(bytes_equal_text(letters_fixture.exchange.method, "PATCH"));
    assert_true(bytes_equal_text(letters_fixture.exchange.uri, "/new?q"));
    assert_non_null(
        http_headers_find(&letters_fixture.exchange.request_headers, bytes_of_text("x-name")));
    finish("/e");
    assert_true(bytes_equal_text(letters_fixture.exchange.uri, "/"));
}

static void what_is_no_method_uri_status_or_header_is_refused(void **state)
{
    (void)state;
    fault("/M", "not an HTTP method");
    fault("/U", "not an encoded path");
    fault("/S", "99 is not from 200 to 599");
    fault("/i", "value has a control byte");
}

static void pointers_outside_memory_end_the_guest(void **state)
{
    (void)state;
    fault("/o", "outside memory");
    fault("/p", "outside memory");
    fault("/L", "log: text of 2 bytes at 65535 is outside memory");
    fault("/D", "outside memory");
    assert_int_equal(hostapi_fault(letters_fixture.host), HOSTAPI_FAULT_TRAP);
}

static void debug_is_off_and_none_is_no_level_to_log_at(void **state)
{
    (void)state;
    finish("/l");
    fixture_assert_log(&letters_fixture, "warn value\n");
}

static void debug_is_kept_where_the_version_chose_it(void **state)
{
    (void)state;
    fixture_next_exchange(&letters_fixture, "GET", "/l");
    letters_fixture.exchange.debug_log = true;
    assert_int_equal(fixture_request(&letters_fixture), HOSTAPI_FINISHED);
    fixture_assert_log(&letters_fixture, "warn value\ndebug value\n");
}

static void a_handler_that_exits_is_at_fault(void **state)
{
    (void)state;
    fault("/x", "proc_exit(0)");
}

static void host_calls_burn_their_price_and_the_same_each_time(void **state)
{
    (void)state;
    finish("/");
    uint64_t before = engine_machine_fuel_used(letters_fixture.machine);
    finish("/w");
    uint64_t first = engine_machine_fuel_used(letters_fixture.machine) - before;
    finish("/w");
    assert_int_equal(engine_machine_fuel_used(letters_fixture.machine) - before, 2 * first);
    assert_true(first > 50);
}

static void get_config_answers_in_the_builder_and_in_each_request(void **state)
{
    (void)state;
    struct fixture configured;
    struct bytes wasm = fixture_guest("e2e_config");
    const struct hostapi_options options = {.snapshotting = true, .config = bytes_of_text("old")};
    assert_int_equal(fixture_begin(&configured, wasm, &options), ENGINE_DONE);
    configured.exchange.config = bytes_of_text("new");
    assert_int_equal(fixture_request(&configured), HOSTAPI_FINISHED);
    fixture_assert_body(&configured, "[old|new]");
    /* Without one it is empty, whatever the request before had. */
    fixture_next_exchange(&configured, "GET", "/");
    assert_int_equal(fixture_request(&configured), HOSTAPI_FINISHED);
    fixture_assert_body(&configured, "[old|]");
    fixture_end(&configured);
    fixture_unload(wasm);
}

static void an_initialiser_that_reads_the_clock_runs_in_each_request(void **state)
{
    (void)state;
    struct fixture deferred;
    struct bytes wasm = fixture_guest("hostapi_defer");
    assert_int_equal(fixture_begin(&deferred, wasm, NULL), ENGINE_DONE);
    assert_false(hostapi_begin_initialise(deferred.host, deferred.instance));
    assert_int_equal(fixture_request(&deferred), HOSTAPI_FINISHED);
    fixture_assert_body(&deferred, "17"); /* FIXTURE_REALTIME_NS ends on 7 seconds */
    deferred.now_ns = 2000000000;
    fixture_next_exchange(&deferred, "GET", "/");
    assert_int_equal(fixture_request(&deferred), HOSTAPI_FINISHED);
    fixture_assert_body(&deferred, "29"); /* not restored in between, so it counts on */
    /* Kept on purpose: it has run in this memory. */
    for (int i = 0; i < 2; i++) {
        fixture_keep_exchange(&deferred);
        deferred.now_ns += 1000000000;
        assert_int_equal(fixture_request(&deferred), HOSTAPI_FINISHED);
        fixture_assert_body(&deferred, "29");
    }
    fixture_end(&deferred);
    fixture_unload(wasm);
}

static void random_bytes_cannot_be_frozen_into_a_snapshot(void **state)
{
    (void)state;
    struct fixture frozen;
    struct bytes wasm = fixture_guest("hostapi_frozen");
    struct hostapi_options options = {.snapshotting = true};
    assert_int_equal(fixture_begin(&frozen, wasm, &options), ENGINE_DONE);
    assert_int_equal(fixture_initialise(&frozen), ENGINE_TRAPPED);
    struct engine_trap_info info = engine_machine_trap(frozen.machine);
    assert_int_equal(info.trap, TRAP_HOST);
    assert_non_null(strstr(info.text, "random_get was called while the snapshot is made"));
    fixture_end(&frozen);
    fixture_unload(wasm);
}

static void an_initialiser_without_the_outside_world_runs_in_the_builder(void **state)
{
    (void)state;
    struct fixture builder;
    struct bytes wasm = fixture_guest("e2e_init");
    struct hostapi_options options = {.snapshotting = true};
    assert_int_equal(fixture_begin(&builder, wasm, &options), ENGINE_DONE);
    assert_int_equal(fixture_initialise(&builder), ENGINE_DONE);
    assert_int_equal(fixture_request(&builder), HOSTAPI_FINISHED);
    fixture_assert_body(&builder, "start init\n");
    fixture_end(&builder);
    fixture_unload(wasm);
}

static void features_enabled_before_the_snapshot_hold_after_it(void **state)
{
    (void)state;
    struct fixture builder;
    struct fixture worker = {.now_ns = 0};
    struct bytes wasm = fixture_guest("hostapi_features");
    struct hostapi_options options = {.snapshotting = true};
    assert_int_equal(fixture_begin(&builder, wasm, &options), ENGINE_DONE);
    assert_int_equal(fixture_initialise(&builder), ENGINE_DONE);
    assert_int_equal(engine_snapshot(builder.instance, &builder.report, &worker.image), STATUS_OK);
    fixture_restore(&worker);
    assert_int_equal(fixture_request(&worker), HOSTAPI_FINISHED);
    assert_int_equal(worker.exchange.status, 418);
    fixture_end(&worker);
    fixture_end(&builder);
    fixture_unload(wasm);
}

static void while_it_is_initialised_a_guest_has_no_request(void **state)
{
    (void)state;
    static http_wasm_handler *const handlers[] = {
        http_wasm_get_method,        http_wasm_get_uri,          http_wasm_get_protocol_version,
        http_wasm_get_source_addr,   http_wasm_get_status_code,  http_wasm_set_method,
        http_wasm_set_uri,           http_wasm_set_status_code,  http_wasm_get_header_names,
        http_wasm_get_header_values, http_wasm_set_header_value, http_wasm_add_header_value,
        http_wasm_remove_header,     http_wasm_read_body,        http_wasm_write_body};
    for (size_t i = 0; i < COUNT_OF(handlers); i++)
        trap(handlers[i], 0, 8, 8, "no request while the guest is initialised");
}

static void put_text(const char *text)
{
    uint8_t *space;
    assert_true(
        guest_mem_space(letters_fixture.instance, LETTERS_FREE_ADDRESS, strlen(text) + 1, &space));
    memcpy(space, text, strlen(text) + 1);
}

static void a_uri_is_a_path_with_everything_odd_in_it_encoded(void **state)
{
    (void)state;
    static const char *const bad[] = {"x",     "http://x/", "/a b",     "/a\tb",
                                      "/a\nb", "/\x7f",     "/\xc3\xa9"};
    assert_int_equal(hostapi_begin(letters_fixture.host, letters_fixture.instance,
                                   &letters_fixture.exchange, &letters_fixture.report),
                     HOSTAPI_RUN);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        put_text(bad[i]);
        trap(http_wasm_set_uri, LETTERS_FREE_ADDRESS, (uint32_t)strlen(bad[i]), 0,
             "not an encoded path");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, letters_setup, letters_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_handler_that_writes_nothing_answers_an_empty_200),
        TEST(status_headers_and_body_are_what_the_guest_set),
        TEST(there_is_no_next_handler),
        TEST(the_next_handler_sees_the_request_as_the_guest_left_it),
        TEST(what_the_guest_set_before_stays_where_the_next_handler_sets_nothing),
        TEST(handle_response_may_replace_the_next_handlers_response),
        TEST(handle_response_may_only_look_at_an_unbuffered_response),
        TEST(handle_response_hears_that_the_next_handler_failed),
        TEST(who_does_not_ask_for_the_next_handler_ends_there),
        TEST(handle_response_may_change_a_buffered_response),
        TEST(handle_response_may_not_touch_an_unbuffered_response),
        TEST(a_response_that_began_is_closed_to_changes),
        TEST(features_last_for_one_request),
        TEST(the_request_is_closed_to_changes_in_handle_response),
        TEST(method_uri_and_headers_of_the_request_can_be_set),
        TEST(what_is_no_method_uri_status_or_header_is_refused),
        TEST(pointers_outside_memory_end_the_guest),
        TEST(debug_is_off_and_none_is_no_level_to_log_at),
        TEST(debug_is_kept_where_the_version_chose_it),
        TEST(a_handler_that_exits_is_at_fault),
        TEST(while_it_is_initialised_a_guest_has_no_request),
        TEST(a_uri_is_a_path_with_everything_odd_in_it_encoded),
        TEST(host_calls_burn_their_price_and_the_same_each_time),
        cmocka_unit_test(features_enabled_before_the_snapshot_hold_after_it),
        cmocka_unit_test(get_config_answers_in_the_builder_and_in_each_request),
        cmocka_unit_test(an_initialiser_that_reads_the_clock_runs_in_each_request),
        cmocka_unit_test(random_bytes_cannot_be_frozen_into_a_snapshot),
        cmocka_unit_test(an_initialiser_without_the_outside_world_runs_in_the_builder),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
