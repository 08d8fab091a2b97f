/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aliases in the store.
 */
#include <stdio.h>

#include "deploy/store/store.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct store_target target;
static struct report report;

static int setup(void **state)
{
    (void)state;
    uint32_t version;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    target = fixture_target("acme", "api");
    for (int i = 0; i < 2; i++)
        assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &version),
                         STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static enum status set(const char *alias, uint32_t version)
{
    report = (struct report)REPORT_INIT;
    return store_set_alias(fixture.store, &target, bytes_of_text(alias), version, &report);
}

static bool print_alias(void *context, struct bytes alias, uint32_t version)
{
    return buffer_printf(context, "%.*s=%u ", (int)alias.count, (const char *)alias.data,
                         version) == STATUS_OK;
}

static void expect(const char *expected)
{
    struct buffer text;
    buffer_init(&text, 4096);
    assert_int_equal(store_list_aliases(fixture.store, &target, print_alias, &text, NULL),
                     STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    assert_string_equal((const char *)text.data, expected);
    buffer_done(&text);
}

static void an_alias_is_made_moved_and_removed(void **state)
{
    (void)state;
    assert_int_equal(set("stage", 1), STATUS_OK);
    assert_int_equal(set("live", 2), STATUS_OK);
    expect("live=2 stage=1 ");
    assert_int_equal(set("stage", 2), STATUS_OK);
    expect("live=2 stage=2 ");
    assert_int_equal(store_delete_alias(fixture.store, &target, bytes_of_text("live"), NULL),
                     STATUS_OK);
    expect("stage=2 ");
    assert_int_equal(store_delete_alias(fixture.store, &target, bytes_of_text("live"), &report),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no alias `live`");
}

static void an_alias_is_of_a_version_that_there_is(void **state)
{
    (void)state;
    assert_int_equal(set("stage", 3), STATUS_NOT_FOUND);
    target.function = bytes_of_text("none");
    assert_int_equal(set("stage", 1), STATUS_NOT_FOUND);
}

static void a_function_has_so_many_and_takes_them_with_it(void **state)
{
    (void)state;
    char alias[16];
    uint32_t count;
    for (int i = 0; i < STORE_ALIASES_MAX; i++) {
        (void)snprintf(alias, sizeof(alias), "a%d", i);
        assert_int_equal(set(alias, 1), STATUS_OK);
    }
    assert_int_equal(set("more", 1), STATUS_LIMIT);
    assert_int_equal(set("a1", 2), STATUS_OK);
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &count), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &count), STATUS_OK);
    expect("");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_alias_is_made_moved_and_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_alias_is_of_a_version_that_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_function_has_so_many_and_takes_them_with_it, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
