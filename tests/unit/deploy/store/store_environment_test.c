/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's own variables.
 */
#include <stdio.h>

#include "deploy/store/store.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct report report;

static int setup(void **state)
{
    (void)state;
    uint32_t version;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &version), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static enum status set(const char *name, struct bytes value)
{
    const struct store_target target = fixture_target("acme", "api");
    report = (struct report)REPORT_INIT;
    return store_set_variable(fixture.store, &target, bytes_of_text(name), value, &report);
}

static void expect(const char *text, size_t count)
{
    struct buffer found;
    const struct store_target target = fixture_target("acme", "api");
    buffer_init(&found, DEPLOY_ENVIRONMENT_BYTES_MAX);
    assert_int_equal(store_get_environment(fixture.store, &target, &report, &found), STATUS_OK);
    assert_int_equal(found.count, count);
    if (count > 0)
        assert_memory_equal(found.data, text, count);
    buffer_done(&found);
}

static void variables_are_kept_by_name(void **state)
{
    (void)state;
    expect("", 0);
    assert_int_equal(set("B", bytes_of_text("2")), STATUS_OK);
    assert_int_equal(set("C", bytes_of_text("")), STATUS_OK);
    assert_int_equal(set("A", bytes_of_text("1=x")), STATUS_OK);
    assert_int_equal(set("AB", bytes_of_text("4")), STATUS_OK);
    expect("A=1=x\0AB=4\0B=2\0C=\0", 18);
    assert_int_equal(set("B", bytes_of_text("two")), STATUS_OK);
    expect("A=1=x\0AB=4\0B=two\0C=\0", 20);
    assert_int_equal(set("A", bytes_make(NULL, 0)), STATUS_OK);
    assert_int_equal(set("C", bytes_make(NULL, 0)), STATUS_OK);
    assert_int_equal(set("AB", bytes_make(NULL, 0)), STATUS_OK);
    assert_int_equal(set("AB", bytes_make(NULL, 0)), STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no variable `AB` of its own");
    expect("B=two\0", 6);
    assert_int_equal(set("B", bytes_make(NULL, 0)), STATUS_OK);
    expect("", 0);
}

static void they_outlive_a_version_and_go_with_the_function(void **state)
{
    (void)state;
    uint32_t count;
    const struct store_target target = fixture_target("acme", "api");
    assert_int_equal(set("A", bytes_of_text("1")), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("n"), &count), STATUS_OK);
    expect("A=1\0", 4);
    assert_int_equal(store_delete_function(fixture.store, &target, &report, &count), STATUS_OK);
    assert_int_equal(set("A", bytes_of_text("1")), STATUS_NOT_FOUND);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("n"), &count), STATUS_OK);
    expect("", 0);
}

static void their_count_and_bytes_are_bounded(void **state)
{
    (void)state;
    char name[16];
    char value[DEPLOY_VARIABLE_VALUE_BYTES_MAX];
    memset(value, 'x', sizeof(value));
    for (int i = 0; i < DEPLOY_ENVIRONMENT_COUNT_MAX; i++) {
        (void)snprintf(name, sizeof(name), "A%d", i);
        assert_int_equal(set(name, bytes_of_text("x")), STATUS_OK);
    }
    assert_int_equal(set("B", bytes_of_text("x")), STATUS_LIMIT);
    assert_non_null(strstr(report.text, "can be 128, with 32768 bytes in all"));
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof(name), "A%d", i);
        assert_int_equal(set(name, bytes_make(value, sizeof(value))), STATUS_OK);
    }
    assert_int_equal(set("A3", bytes_make(value, sizeof(value))), STATUS_LIMIT);
}

static void damage_is_told(void **state)
{
    (void)state;
    fixture_put_raw(&fixture, "env", bytes_of_text("acme/api"), bytes_of_text("no end"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(set("A", bytes_of_text("1")), STATUS_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(variables_are_kept_by_name),
        TEST(they_outlive_a_version_and_go_with_the_function),
        TEST(their_count_and_bytes_are_bounded),
        TEST(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
