/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments: shares are set whole, undone whole, and keep their versions.
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
    for (int i = 0; i < 3; i++)
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

static struct records_deployment of_two(uint32_t one, uint32_t parts, uint32_t other)
{
    return (struct records_deployment){.shares = {{one, parts}, {other, DEPLOY_PARTS - parts}},
                                       .share_count = 2};
}

static enum status set(const struct records_deployment *deployment)
{
    report = (struct report)REPORT_INIT;
    return store_set_deployment(fixture.store, &target, deployment, &report);
}

/* "3:100 | 2:90 1:10", in hundredths; the previous one is behind the bar. */
static void expect(const char *expected)
{
    struct records_deployments found;
    char text[256];
    int used = 0;
    assert_int_equal(store_get_deployments(fixture.store, &target, NULL, &found), STATUS_OK);
    const struct records_deployment *both[] = {&found.current, &found.previous};
    for (size_t at = 0; at < COUNT_OF(both); at++) {
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%s", at == 0 ? "" : "| ");
        for (uint32_t i = 0; i < both[at]->share_count; i++)
            used += snprintf(text + used, sizeof(text) - (size_t)used, "%u:%u ",
                             both[at]->shares[i].version, both[at]->shares[i].parts / 100);
    }
    assert_string_equal(text, expected);
}

static void expect_active(uint32_t active, uint32_t previous)
{
    struct store_function function;
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, active);
    assert_int_equal(function.record.previous_version, previous);
}

static void the_largest_share_is_active_and_the_rest_in_order(void **state)
{
    (void)state;
    expect("3:100 | 2:100 ");
    const struct records_deployment canary = of_two(2, 9000, 3);
    assert_int_equal(set(&canary), STATUS_OK);
    expect("3:10 2:90 | 3:100 ");
    expect_active(2, 3);
    const struct records_deployment even = of_two(3, 5000, 1);
    assert_int_equal(set(&even), STATUS_OK);
    expect_active(1, 2);
    const struct records_deployment three = {.shares = {{1, 3000}, {3, 4000}, {2, 3000}},
                                             .share_count = 3};
    assert_int_equal(set(&three), STATUS_OK);
    expect("3:40 2:30 1:30 | 3:50 1:50 ");
    expect_active(3, 1);
}

static void rollback_brings_the_deployment_before_back(void **state)
{
    (void)state;
    const struct records_deployment canary = of_two(3, 1000, 2);
    assert_int_equal(set(&canary), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 1, NULL), STATUS_OK);
    expect("1:100 | 3:10 2:90 ");
    assert_int_equal(store_activate(fixture.store, &target, 0, NULL), STATUS_OK);
    expect("3:10 2:90 | 1:100 ");
    assert_int_equal(store_activate(fixture.store, &target, 0, NULL), STATUS_OK);
    expect("1:100 | 3:10 2:90 ");
    /* What changes nothing is nothing to go back to. */
    assert_int_equal(store_activate(fixture.store, &target, 1, NULL), STATUS_OK);
    expect("1:100 | 3:10 2:90 ");
}

static void what_are_no_shares_changes_nothing(void **state)
{
    (void)state;
    const struct {
        struct records_deployment deployment;
        enum status status;
    } rows[] = {
        {{.share_count = 0}, STATUS_INVALID},
        {{.share_count = DEPLOY_SHARES_MAX + 1}, STATUS_INVALID},
        {{.shares = {{1, DEPLOY_PARTS - 1}}, .share_count = 1}, STATUS_INVALID},
        {{.shares = {{1, DEPLOY_PARTS}, {2, 1}}, .share_count = 2}, STATUS_INVALID},
        {{.shares = {{1, 5000}, {1, 5000}}, .share_count = 2}, STATUS_INVALID},
        {{.shares = {{1, UINT32_MAX}, {2, DEPLOY_PARTS + 1}}, .share_count = 2}, STATUS_INVALID},
        {{.shares = {{9, DEPLOY_PARTS}}, .share_count = 1}, STATUS_NOT_FOUND},
        {{.shares = {{0, DEPLOY_PARTS}}, .share_count = 1}, STATUS_NOT_FOUND},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(set(&rows[i].deployment), rows[i].status);
    expect("3:100 | 2:100 ");
}

static void add(uint32_t parts, bool activate)
{
    const struct records_content content = {.kind = "wagi", .sha256 = {9}, .artifact_key = {9}};
    uint32_t version;
    const struct store_upload upload = {.target = target,
                                        .content = &content,
                                        .module = bytes_of_text("n"),
                                        .activate = activate,
                                        .parts = parts};
    assert_int_equal(store_add_version(fixture.store, &upload, NULL, &version), STATUS_OK);
}

static void an_upload_can_begin_with_a_share(void **state)
{
    (void)state;
    add(1000, true);
    expect("4:10 3:90 | 3:100 ");
    /* Another one takes its place. */
    add(500, true);
    expect("5:5 3:95 | 4:10 3:90 ");
    add(0, true);
    expect("6:100 | 5:5 3:95 ");
    /* The first version of all has nobody to share with. */
    target.function = bytes_of_text("new");
    add(1000, true);
    expect("1:100 | ");
    /* An old server has put another one live. */
    struct store_function function;
    add(0, false);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    function.record.active_version = 2;
    function.record.previous_version = 1;
    fixture_put_raw(&fixture, "function", bytes_of_text("acme/new"),
                    bytes_make(&function.record, sizeof(function.record)));
    fixture_open_store(&fixture, MAP_BYTES);
    expect("2:100 | 1:100 ");
}

static void what_is_in_use_is_kept(void **state)
{
    (void)state;
    struct store_version version;
    fixture.versions = 2;
    fixture_close_store(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    const struct records_deployment canary = of_two(3, 1000, 2);
    assert_int_equal(set(&canary), STATUS_OK);
    assert_int_equal(store_set_alias(fixture.store, &target, bytes_of_text("first"), 1, &report),
                     STATUS_OK);
    for (int i = 0; i < 4; i++)
        add(0, false);
    static const bool kept[] = {true, true, true, false, false, true, true};
    for (uint32_t i = 0; i < COUNT_OF(kept); i++)
        assert_int_equal(store_get_version(fixture.store, &target, i + 1, NULL, &version),
                         kept[i] ? STATUS_OK : STATUS_NOT_FOUND);
    assert_int_equal(store_delete_alias(fixture.store, &target, bytes_of_text("first"), NULL),
                     STATUS_OK);
    add(0, true);
    assert_int_equal(store_get_version(fixture.store, &target, 1, NULL, &version),
                     STATUS_NOT_FOUND);
    expect("8:100 | 3:10 2:90 ");
    uint32_t count;
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &count), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &count), STATUS_OK);
    expect("1:100 | ");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_largest_share_is_active_and_the_rest_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rollback_brings_the_deployment_before_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_are_no_shares_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(an_upload_can_begin_with_a_share, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_in_use_is_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
