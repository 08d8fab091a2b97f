/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each change has its record, written with it.
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

static bool visit_change(void *context, struct bytes json)
{
    struct buffer *out = context;
    assert_int_equal(buffer_append(out, json.data, json.count), STATUS_OK);
    assert_int_equal(buffer_append(out, "\n", 1), STATUS_OK);
    return true;
}

static void every_change_leaves_its_record_in_the_changelog(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    struct buffer out;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    buffer_init(&out, 1 << 16);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 1, NULL), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 8, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(store_list_changes(fixture.store, 0, visit_change, &out, NULL), STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    const char *log = (const char *)out.data;
    const char *delete = strstr(log, "\"serial\":3,\"time_ns\":1700000000000000000,"
                                     "\"action\":\"delete\"");
    const char *activate = strstr(log, "\"serial\":2,\"time_ns\":1700000000000000000,"
                                       "\"action\":\"activate\"");
    const char *deploy = strstr(log, "\"serial\":1,\"time_ns\":1700000000000000000,"
                                     "\"action\":\"deploy\"");
    assert_true(delete != NULL && activate != NULL && deploy != NULL);
    assert_true(delete < activate && activate < deploy);
    assert_null(strstr(log, "\"serial\":4"));
    buffer_done(&out);
    fixture_done(&fixture);
}

static void limits_of_a_tenant_are_kept_with_their_record_in_the_changelog(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_tenant tenant;
    uint32_t number;
    struct buffer out;
    const struct deploy_tenant_limits limits = {.cpu_share = 4, .queue = 9};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    buffer_init(&out, 1 << 16);
    assert_int_equal(store_set_limits(fixture.store, text("acme"), &limits, NULL), STATUS_OK);
    assert_int_equal(fixture.committed_count, 1);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_get_tenant(fixture.store, text("acme"), NULL, &tenant), STATUS_OK);
    assert_memory_equal(&tenant.limits, &limits, sizeof(limits));
    assert_int_equal(tenant.record.function_count, 1);
    assert_int_equal(store_list_changes(fixture.store, 0, visit_change, &out, NULL), STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    assert_non_null(strstr((const char *)out.data,
                           "\"action\":\"limits\",\"tenant\":\"acme\",\"limits\":{"
                           "\"cpu_share\":4,\"concurrency\":null,\"queue\":9,\"pool\":null,"));
    buffer_done(&out);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_leaves_its_record_in_the_changelog),
        cmocka_unit_test(limits_of_a_tenant_are_kept_with_their_record_in_the_changelog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
