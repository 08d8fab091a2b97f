/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets as environment variables, in a world whose vault answers as the test says.
 */
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

static struct {
    enum hostapi_look looks[3];
    int64_t results[3];
    uint32_t starts;
    uint32_t ends;
    uint32_t refused; /* starts of this number on */
    enum status start;
} vault;

static enum hostapi_look look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    assert_ptr_equal(owner, &vault);
    *ret_result = vault.results[ticket];
    return vault.looks[ticket];
}

static void end(void *owner, uint64_t ticket)
{
    (void)owner;
    assert_true(ticket < vault.starts);
    vault.ends++;
}

static enum status
start(const struct http_exchange *exchange, struct bytes name, uint64_t *ret_ticket)
{
    assert_ptr_equal(exchange->owner, &vault);
    assert_true(bytes_equal(name, exchange->secrets[vault.starts]));
    if (vault.starts == vault.refused)
        return vault.start;
    *ret_ticket = vault.starts++;
    return STATUS_OK;
}

static struct bytes pair(void *owner, uint64_t ticket)
{
    assert_ptr_equal(owner, &vault);
    static const char *const pairs[] = {"A=one", "B=two", "C="};
    return bytes_of_text(pairs[ticket]);
}

static int setup(void **state)
{
    static const struct hostapi_operations operations = {.look = look, .end = end};
    static const struct hostapi_secrets secrets = {.start = start, .pair = pair};
    static const struct hostapi_world world = {.operations = &operations, .secrets = &secrets};
    static struct bytes names[3];
    memset(&vault, 0, sizeof(vault));
    vault.refused = UINT32_MAX;
    assert_int_equal(calls_setup(state), 0);
    names[0] = bytes_of_text("A");
    names[1] = bytes_of_text("B");
    names[2] = bytes_of_text("C");
    fixture.exchange.world = &world;
    fixture.exchange.owner = &vault;
    fixture.exchange.secrets = names;
    fixture.exchange.secret_count = COUNT_OF(names);
    return 0;
}

static bool environment_has(const char *text)
{
    expect(wasi_environ_get, 1024, 4096, 0, 0, WASI_SUCCESS);
    return memmem(memory(4096), 4096, text, strlen(text) + 1) != NULL;
}

static void they_are_there_when_the_vault_has_answered_for_all(void **state)
{
    (void)state;
    assert_int_equal(call(wasi_environ_sizes_get, 0, 4, 0, 0), ENGINE_PENDING);
    assert_int_equal(vault.starts, 3);
    vault.looks[0] = vault.looks[2] = HOSTAPI_READY;
    assert_int_equal(call(wasi_environ_sizes_get, 0, 4, 0, 0), ENGINE_PENDING);
    vault.looks[1] = HOSTAPI_READY;
    vault.results[1] = STATUS_NOT_FOUND;
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS);
    assert_true(environment_has("A=one"));
    assert_true(environment_has("C="));
    assert_false(environment_has("B=two"));
    assert_int_equal(vault.starts, 3);
}

static void without_the_vault_there_is_no_environment(void **state)
{
    (void)state;
    assert_int_equal(call(wasi_environ_sizes_get, 0, 4, 0, 0), ENGINE_PENDING);
    vault.looks[0] = vault.looks[1] = vault.looks[2] = HOSTAPI_READY;
    vault.results[2] = STATUS_UNREACHABLE;
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_IO);
}

static void what_cannot_be_asked_for_fails_at_once(void **state)
{
    (void)state;
    vault.start = STATUS_UNREACHABLE;
    vault.refused = 2;
    expect(wasi_environ_get, 1024, 4096, 0, 0, WASI_IO);
    assert_int_equal(vault.ends, 2);
    /* Again: nothing is left of what failed. */
    vault.starts = vault.refused = 0;
    expect(wasi_environ_get, 1024, 4096, 0, 0, WASI_IO);
    fixture.exchange.world = NULL;
    expect(wasi_environ_get, 1024, 4096, 0, 0, WASI_IO);
    expect(wasi_environ_get, 1024, 4096, 0, 0, WASI_IO);
    assert_int_equal(vault.ends, 2);
    fixture_next_exchange(&fixture, "GET", "/");
    expect(wasi_environ_sizes_get, 0, 4, 0, 0, WASI_SUCCESS); /* it has none */
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(they_are_there_when_the_vault_has_answered_for_all),
        IN_WORLD(without_the_vault_there_is_no_environment),
        IN_WORLD(what_cannot_be_asked_for_fails_at_once),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
