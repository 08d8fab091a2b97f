/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants in the store: made and suspended, and quotas, with what counts against them.
 */
#include "fixture.h"

#include <stdio.h>

#define MAP_BYTES (16ULL << 20)

static struct bytes text(const char *module)
{
    return bytes_of_text(module);
}

static struct store_tenant tenant_of(struct fixture *fixture, const char *name)
{
    struct store_tenant tenant;
    assert_int_equal(store_get_tenant(fixture->store, text(name), NULL, &tenant), STATUS_OK);
    return tenant;
}

static void bound(struct fixture *fixture, const struct deploy_tenant_limits *limits)
{
    assert_int_equal(store_set_limits(fixture->store, text("acme"), limits, NULL), STATUS_OK);
}

static void a_tenant_is_made_once_and_suspended_as_often_as_one_likes(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct deploy_tenant_limits limits = {.queue = 9, .stored = UINT64_C(1) << 40};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_suspend_tenant(fixture.store, text("acme"), true, NULL),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_create_tenant(fixture.store, text("acme"), NULL), STATUS_OK);
    assert_int_equal(store_create_tenant(fixture.store, text("acme"), NULL), STATUS_CONFLICT);
    bound(&fixture, &limits);
    assert_int_equal(store_suspend_tenant(fixture.store, text("acme"), true, NULL), STATUS_OK);
    assert_true(tenant_of(&fixture, "acme").suspended);
    /* The one leaves the other as it is. */
    bound(&fixture, &limits);
    assert_true(tenant_of(&fixture, "acme").suspended);
    const struct deploy_tenant_limits kept = tenant_of(&fixture, "acme").limits;
    assert_memory_equal(&kept, &limits, sizeof(limits));
    assert_int_equal(store_suspend_tenant(fixture.store, text("acme"), false, NULL), STATUS_OK);
    assert_false(tenant_of(&fixture, "acme").suspended);
    /* Nothing is left for the next of that name. */
    assert_int_equal(store_delete_tenant(fixture.store, text("acme"), NULL), STATUS_OK);
    assert_int_equal(store_create_tenant(fixture.store, text("acme"), NULL), STATUS_OK);
    assert_int_equal(tenant_of(&fixture, "acme").limits.stored, 0);
    fixture_done(&fixture);
}

static void functions_are_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    const struct deploy_tenant_limits limits = {.functions = 2};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    bound(&fixture, &limits);
    assert_int_equal(fixture_add(&fixture, "acme", "a", text("1"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "b", text("1"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "c", text("1"), &number), STATUS_QUOTA);
    assert_int_equal(fixture_add(&fixture, "acme", "b", text("2"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "beta", "c", text("1"), &number), STATUS_OK);
    const struct store_target target = fixture_target("acme", "a");
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "c", text("1"), &number), STATUS_OK);
    fixture_done(&fixture);
}

static void stored_bytes_are_those_of_all_versions(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    const struct deploy_tenant_limits limits = {.stored = 100};
    const struct store_target target = fixture_target("acme", "a");
    static char module[91];
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    memset(module, 'x', sizeof(module) - 1);
    bound(&fixture, &limits);
    assert_int_equal(fixture_add(&fixture, "acme", "a", text(module), &number), STATUS_OK);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 90);
    /* The same bytes again: kept once, and counted like others. */
    assert_int_equal(
        fixture_add_configured(&fixture, &target, text("01234567890"), text("c"), &number),
        STATUS_QUOTA);
    assert_int_equal(
        fixture_add_configured(&fixture, &target, text("012345678"), text("c"), &number),
        STATUS_OK);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 100);
    assert_int_equal(fixture_add(&fixture, "acme", "b", text("1"), &number), STATUS_QUOTA);
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 0);
    fixture_done(&fixture);
}

static void versions_that_were_there_before_are_counted_once(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "a", text("one"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "b", text("three"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acmf", "b", text("other"), &number), STATUS_OK);
    /* As an older server leaves it. */
    fixture_delete_raw(&fixture, "usage", text("acme"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 8);
    const struct store_target target = fixture_target("acme", "a");
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 5);
    fixture_done(&fixture);
}

static void fewer_versions_are_kept_of_a_tenant_that_may_have_fewer(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    struct store_function function;
    const struct deploy_tenant_limits limits = {.versions = 1};
    const struct store_target target = fixture_target("acme", "a");
    char module[8];
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    bound(&fixture, &limits);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(module, sizeof(module), "m%d", i);
        assert_int_equal(fixture_add(&fixture, "acme", "a", text(module), &number), STATUS_OK);
    }
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    /* The live one and the one before it. */
    assert_int_equal(function.record.version_count, 2);
    assert_int_equal(tenant_of(&fixture, "acme").stored_bytes, 4);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_is_made_once_and_suspended_as_often_as_one_likes),
        cmocka_unit_test(functions_are_counted),
        cmocka_unit_test(stored_bytes_are_those_of_all_versions),
        cmocka_unit_test(versions_that_were_there_before_are_counted_once),
        cmocka_unit_test(fewer_versions_are_kept_of_a_tenant_that_may_have_fewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
