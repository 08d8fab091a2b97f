/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens in the store: whose they are, how many, when they were used, and with whom they go.
 */
#include "fixture.h"

#include <stdio.h>

#define MAP_BYTES (16ULL << 20)

static enum status add(struct fixture *fixture, uint32_t number, const char *tenant)
{
    struct store_token token = {.functions = bytes_make("f\0g", 4), .record = {.verbs = 2}};
    struct report report = REPORT_INIT;
    (void)snprintf(token.id, sizeof(token.id), "%016x", number);
    memcpy(token.record.tenant, tenant, strlen(tenant));
    return store_add_token(fixture->store, &token, &report);
}

static enum status get(struct fixture *fixture, const char *id, struct store_token *ret_token)
{
    struct report report = REPORT_INIT;
    return store_get_token(fixture->store, bytes_of_text(id), &report, NULL, ret_token);
}

static bool count_token(void *context, const struct store_token *token)
{
    uint32_t *count = context;
    assert_memory_equal(token->functions.data, "f\0g", 4);
    (*count)++;
    return true;
}

static uint32_t tokens(struct fixture *fixture, const char *after)
{
    uint32_t count = 0;
    assert_int_equal(
        store_list_tokens(fixture->store, bytes_of_text(after), count_token, &count, NULL),
        STATUS_OK);
    return count;
}

static void a_token_is_there_until_it_is_removed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_token token;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(add(&fixture, 1, ""), STATUS_OK);
    assert_int_equal(add(&fixture, 2, "acme"), STATUS_NOT_FOUND);
    assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_OK);
    assert_int_equal(token.record.created_ns, fixture.now_ns);
    assert_int_equal(get(&fixture, "0000000000000002", &token), STATUS_NOT_FOUND);
    assert_int_equal(get(&fixture, "1", &token), STATUS_NOT_FOUND);
    assert_int_equal(get(&fixture, "00000000000000011", &token), STATUS_NOT_FOUND);
    assert_int_equal(tokens(&fixture, ""), 1);
    assert_int_equal(tokens(&fixture, "0000000000000001"), 0);
    /* Somebody of one tenant removes nobody else's. */
    struct bytes id = bytes_of_text("0000000000000001");
    assert_int_equal(store_remove_token(fixture.store, bytes_of_text("acme"), id, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_remove_token(fixture.store, bytes_make("", 0), id, NULL), STATUS_OK);
    assert_int_equal(tokens(&fixture, ""), 0);
    fixture_done(&fixture);
}

static void tokens_go_with_their_tenant(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct deploy_tenant_limits limits = {0};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_set_limits(fixture.store, bytes_of_text("acme"), &limits, NULL),
                     STATUS_OK);
    assert_int_equal(store_set_limits(fixture.store, bytes_of_text("beta"), &limits, NULL),
                     STATUS_OK);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(add(&fixture, i, i == 1 ? "beta" : "acme"), STATUS_OK);
    assert_int_equal(store_delete_tenant(fixture.store, bytes_of_text("acme"), NULL), STATUS_OK);
    assert_int_equal(tokens(&fixture, ""), 1);
    fixture_done(&fixture);
}

static void a_tenant_has_so_many_and_no_more(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct deploy_tenant_limits limits = {0};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_set_limits(fixture.store, bytes_of_text("acme"), &limits, NULL),
                     STATUS_OK);
    for (uint32_t i = 0; i < STORE_TOKENS_PER_TENANT; i++)
        assert_int_equal(add(&fixture, i, "acme"), STATUS_OK);
    assert_int_equal(add(&fixture, STORE_TOKENS_PER_TENANT, "acme"), STATUS_LIMIT);
    assert_int_equal(add(&fixture, STORE_TOKENS_PER_TENANT, ""), STATUS_OK);
    fixture_done(&fixture);
}

static void when_it_was_used_is_written_down_once_in_a_while(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_token token;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(add(&fixture, 1, ""), STATUS_OK);
    uint32_t before = fixture.committed_count;
    assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_OK);
    for (int i = 0; i < 2 * STORE_TOKEN_USES_AT_ONCE; i++)
        store_use_token(fixture.store, &token);
    store_keep_token_uses(fixture.store);
    assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_OK);
    assert_int_equal(token.record.used_ns, fixture.now_ns);
    uint64_t used_ns = fixture.now_ns;
    fixture.now_ns += STORE_TOKEN_USE_STEP_NS - 1;
    store_use_token(fixture.store, &token);
    store_keep_token_uses(fixture.store);
    assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_OK);
    assert_int_equal(token.record.used_ns, used_ns);
    /* More of them than are remembered at once; and one that is gone is left alone. */
    fixture.now_ns += 1;
    for (uint32_t i = 0; i < STORE_TOKEN_USES_AT_ONCE + 3; i++) {
        (void)snprintf(token.id, sizeof(token.id), "%016x", i);
        store_use_token(fixture.store, &token);
    }
    store_keep_token_uses(fixture.store);
    assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_OK);
    assert_int_equal(token.record.used_ns, fixture.now_ns);
    assert_int_equal(tokens(&fixture, ""), 1);
    /* No change for anybody. */
    assert_int_equal(fixture.committed_count, before);
    fixture_done(&fixture);
}

static void a_record_of_the_wrong_size_is_damage(void **state)
{
    (void)state;
    const uint8_t large[sizeof(struct records_token) + STORE_TOKEN_NAMES_BYTES + 1] = {0};
    const struct bytes sizes[] = {
        bytes_make(large, sizeof(struct records_token) - 1),
        bytes_make(large, sizeof(large)),
    };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct fixture fixture;
        struct store_token token;
        fixture_init(&fixture);
        fixture_open_store(&fixture, MAP_BYTES);
        fixture_put_raw(&fixture, "token", bytes_of_text("0000000000000001"), sizes[i]);
        fixture_open_store(&fixture, MAP_BYTES);
        assert_int_equal(get(&fixture, "0000000000000001", &token), STATUS_CORRUPT);
        fixture_done(&fixture);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_there_until_it_is_removed),
        cmocka_unit_test(tokens_go_with_their_tenant),
        cmocka_unit_test(a_tenant_has_so_many_and_no_more),
        cmocka_unit_test(when_it_was_used_is_written_down_once_in_a_while),
        cmocka_unit_test(a_record_of_the_wrong_size_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
