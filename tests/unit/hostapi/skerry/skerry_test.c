/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What calls of the native API have in common: errors, and secrets, which use all of it.
 */
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static struct {
    enum hostapi_look look;
    int64_t result;
    enum status start;
    uint32_t starts;
    uint32_t ends;
    const char *value;
} vault;

static enum hostapi_look look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    assert_ptr_equal(owner, &vault);
    assert_int_equal(ticket, 7);
    *ret_result = vault.result;
    return vault.look;
}

static void end(void *owner, uint64_t ticket)
{
    assert_ptr_equal(owner, &vault);
    assert_int_equal(ticket, 7);
    vault.ends++;
}

static enum status
start(const struct http_exchange *exchange, struct bytes name, uint64_t *ret_ticket)
{
    assert_ptr_equal(exchange->owner, &vault);
    assert_true(bytes_equal_text(name, "KEY"));
    vault.starts++;
    *ret_ticket = 7;
    return vault.start;
}

static struct bytes value(void *owner, uint64_t ticket)
{
    assert_ptr_equal(owner, &vault);
    assert_int_equal(ticket, 7);
    return bytes_of_text(vault.value);
}

static int setup(void **state)
{
    static const struct hostapi_operations operations = {.look = look, .end = end};
    static const struct hostapi_secrets secrets = {.start = start, .value = value};
    static const struct hostapi_world world = {.operations = &operations, .secrets = &secrets};
    memset(&vault, 0, sizeof(vault));
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &world;
    fixture.exchange.owner = &vault;
    memcpy(memory(0), "KEY", 3);
    return 0;
}

static enum engine_outcome get(uint32_t room)
{
    return call(skerry_secret_get, 0, 3, 100, room);
}

static void expect_get(uint32_t room, int32_t answer)
{
    assert_int_equal(get(room), ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, answer);
}

static void a_secret_comes_when_the_vault_has_answered(void **state)
{
    (void)state;
    vault.value = "hush";
    assert_int_equal(get(10), ENGINE_PENDING);
    assert_int_equal(get(10), ENGINE_PENDING); /* woken by something else */
    vault.look = HOSTAPI_READY;
    expect_get(10, 4);
    assert_memory_equal(memory(100), "hush", 4);
    assert_int_equal(vault.starts, 1);
    assert_int_equal(vault.ends, 1);
}

static void one_that_has_no_room_is_not_written(void **state)
{
    (void)state;
    vault.value = "hush";
    vault.look = HOSTAPI_READY;
    assert_int_equal(get(3), ENGINE_PENDING);
    expect_get(3, 4);
    assert_int_equal(*memory(100), 0);
    assert_int_equal(vault.ends, 1);
}

static void what_goes_wrong_is_told_as_an_error(void **state)
{
    (void)state;
    vault.look = HOSTAPI_READY;
    vault.result = STATUS_NOT_FOUND;
    assert_int_equal(get(10), ENGINE_PENDING);
    expect_get(10, SKERRY_NOT_FOUND);
    vault.result = STATUS_UNREACHABLE;
    assert_int_equal(get(10), ENGINE_PENDING);
    expect_get(10, SKERRY_UNAVAILABLE);
    assert_int_equal(vault.ends, 2);
    assert_int_equal(get(10), ENGINE_PENDING);
    vault.look = HOSTAPI_OVER;
    expect_get(10, SKERRY_CANCELLED);
    vault.start = STATUS_INVALID;
    expect_get(10, SKERRY_INVALID);
    fixture.exchange.world = NULL;
    expect_get(10, SKERRY_UNAVAILABLE);
}

static void a_pointer_outside_memory_or_the_builder_end_the_guest(void **state)
{
    (void)state;
    assert_int_equal(call(skerry_secret_get, PAGE_BYTES - 1, 2, 0, 0), ENGINE_TRAPPED);
    assert_int_equal(call(skerry_secret_get, 0, 3, 1, PAGE_BYTES), ENGINE_TRAPPED);
    fixture.host->options.snapshotting = true;
    assert_int_equal(get(10), ENGINE_TRAPPED);
    fixture.host->options.snapshotting = false;
    assert_int_equal(vault.starts, 0);
}

static void statuses_have_errors(void **state)
{
    (void)state;
    assert_int_equal(skerry_error(STATUS_FULL), SKERRY_LIMIT);
    assert_int_equal(skerry_error(STATUS_CONFLICT), SKERRY_CONFLICT);
    assert_int_equal(skerry_error(STATUS_DENIED), SKERRY_DENIED);
    assert_int_equal(skerry_error(STATUS_TIMEOUT), SKERRY_TIMEOUT);
    assert_int_equal(skerry_error(STATUS_CORRUPT), SKERRY_FAILED);
    for (enum status status = STATUS_OK + 1; status < 25; status++)
        assert_true(skerry_error(status) < 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

/* Guests are compiled against these for as long as there is a version 1. */
static const struct {
    const char *name;
    const char *signature;
} promised[] = {
    {"call_start_v1", "iiiiiiiiii:i"},
    {"call_v1", "iiiiiiiiii:i"},
    {"checkpoint", ":i"},
    {"checkpoint_v1", ":i"},
    {"counter_add_v1", "iiI:i"},
    {"crypto_v1", "iiiii:i"},
    {"env_get_v1", "iiii:i"},
    {"fetch_body_end_v1", "i:i"},
    {"fetch_body_write_v1", "iii:i"},
    {"fetch_error_v1", "iii:i"},
    {"fetch_header_v1", "iiiiii:i"},
    {"fetch_headers_v1", "iii:i"},
    {"fetch_read_v1", "iii:i"},
    {"fetch_start_v1", "iiiiiiiiiI:i"},
    {"fetch_status_v1", "i:i"},
    {"fetch_url_v1", "iii:i"},
    {"fetch_v1", "iiiiiiiiiI:i"},
    {"handle_close_v1", "i:i"},
    {"kv_add_start_v1", "iiI:i"},
    {"kv_add_v1", "iiIi:i"},
    {"kv_delete_start_v1", "iiI:i"},
    {"kv_delete_v1", "iiI:i"},
    {"kv_finish_v1", "ii:i"},
    {"kv_get_v1", "iiiii:i"},
    {"kv_list_heads_v1", "iiiiiii:i"},
    {"kv_list_v1", "iiiiii:i"},
    {"kv_put_start_v1", "iiiiII:i"},
    {"kv_put_v1", "iiiiII:I"},
    {"log_v1", "iiiii:i"},
    {"random_v1", "ii:i"},
    {"rate_limit_v1", "iiiI:i"},
    {"request_info_v1", "iii:i"},
    {"response_flush_v1", ":i"},
    {"secret_get_v1", "iiii:i"},
    {"time_now_v1", "i:I"},
    {"wait_v1", "iiI:i"},
};

static void a_call_keeps_the_type_that_it_was_published_with(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(promised); i++) {
        const struct engine_import_desc import = {.module_name = bytes_of_text("skerry"),
                                                  .name = bytes_of_text(promised[i].name)};
        const struct hostcalls_row *row = NULL;
        enum hostcalls_answer answer =
            hostcalls_look(&import, hostapi_family(HOSTAPI_KIND_HTTP_WASM), &row);
        assert_true(answer == HOSTCALLS_FOUND || answer == HOSTCALLS_OTHER_TYPE);
        assert_string_equal(row->signature, promised[i].signature);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_secret_comes_when_the_vault_has_answered),
        IN_WORLD(one_that_has_no_room_is_not_written),
        IN_WORLD(what_goes_wrong_is_told_as_an_error),
        IN_WORLD(a_pointer_outside_memory_or_the_builder_end_the_guest),
        cmocka_unit_test(statuses_have_errors),
        cmocka_unit_test(a_call_keeps_the_type_that_it_was_published_with),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
