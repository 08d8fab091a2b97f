/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions: what is missing is told apart, lists come in order.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/store/digest.h"

#define MAP_BYTES (16ULL << 20)

static struct bytes text(const char *module)
{
    return bytes_of_text(module);
}

static void missing_things_are_told_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    struct store_version version;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    struct report report = REPORT_INIT;
    struct store_target target = fixture_target("nobody", "hello");
    assert_int_equal(store_get_function(fixture.store, &target, &report, &function),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "there is no tenant `nobody`");
    report = (struct report)REPORT_INIT;
    target = fixture_target("acme", "none");
    assert_int_equal(store_get_function(fixture.store, &target, &report, &function),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "tenant `acme` has no function `none`");
    report = (struct report)REPORT_INIT;
    target = fixture_target("acme", "hello");
    assert_int_equal(store_get_version(fixture.store, &target, 9, &report, &version),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no version v9");
    fixture_done(&fixture);
}

static bool visit_any(void *context, const struct store_tenant *tenant)
{
    (void)context;
    (void)tenant;
    return true;
}

static void what_the_store_would_not_write_is_damage(void **state)
{
    (void)state;
    char name[DEPLOY_NAME_BYTES + 9];
    struct fixture fixture;
    struct store_tenant tenant;
    struct report report = REPORT_INIT;
    uint32_t number;
    memset(name, 'a', sizeof(name));
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    assert_int_equal(store_get_tenant(fixture.store, text("acme"), NULL, &tenant), STATUS_OK);
    const struct bytes record = bytes_make(&tenant.record, sizeof(tenant.record));
    fixture_put_raw(&fixture, "tenant", bytes_make(name, sizeof(name)), record);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_list_tenants(fixture.store, bytes_of_text(""), visit_any, NULL, &report),
                     STATUS_CORRUPT);
    assert_non_null(strstr(report.text, "damaged"));
    fixture_put_raw(&fixture, "tenant", text("acme"), text("x"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_get_tenant(fixture.store, text("acme"), NULL, &tenant), STATUS_CORRUPT);
    fixture_done(&fixture);
}

static bool visit_count(void *context, const struct store_function *function)
{
    uint32_t *count = context;
    assert_string_equal(function->tenant, "acme");
    return ++*count < 2;
}

static bool visit_tenant_count(void *context, const struct store_tenant *tenant)
{
    uint32_t *count = context;
    assert_int_equal(tenant->record.function_count, *count == 0 ? 3 : 1);
    ++*count;
    return true;
}

static void lists_hold_one_tenant_in_order_and_page_on(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    uint32_t count = 0;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(fixture_add(&fixture, "acme", names[i], text("x"), &number), STATUS_OK);
    /* Sorts right behind, and starts with the same letters. */
    assert_int_equal(fixture_add(&fixture, "acme-2", "a", text("x"), &number), STATUS_OK);
    struct store_target after = fixture_target("acme", "");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 2);
    count = 0;
    after = fixture_target("acme", "b");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 1);
    after = fixture_target("nobody", "");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_NOT_FOUND);
    count = 0;
    assert_int_equal(
        store_list_tenants(fixture.store, bytes_of_text(""), visit_tenant_count, &count, NULL),
        STATUS_OK);
    assert_int_equal(count, 2);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_things_are_told_apart),
        cmocka_unit_test(what_the_store_would_not_write_is_damage),
        cmocka_unit_test(lists_hold_one_tenant_in_order_and_page_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
