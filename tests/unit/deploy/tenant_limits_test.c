/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's limits as JSON: what is shown can be sent back, and what is wrong is named.
 */
#include <stdio.h>

#include "deploy/tenant_limits.h"
#include "tests/support/unit.h"

static enum status parse(const char *text, struct report *report, struct deploy_tenant_limits *ret)
{
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    *report = (struct report)REPORT_INIT;
    enum status status = tenant_limits_from_json(object, report, ret);
    json_decref(object);
    return status;
}

static void what_is_shown_can_be_sent_back(void **state)
{
    (void)state;
    const struct deploy_tenant_limits limits = {
        .cpu_share = 100, .queue = 7, .native = CONFIG_CHOICE_OFF};
    struct deploy_tenant_limits read;
    struct report report = REPORT_INIT;
    json_t *object = tenant_limits_to_json(&limits);
    assert_int_equal(json_object_size(object), tenant_limits_row_count);
    assert_true(json_is_null(json_object_get(object, "pool")));
    assert_int_equal(tenant_limits_from_json(object, &report, &read), STATUS_OK);
    assert_memory_equal(&read, &limits, sizeof(read));
    json_decref(object);
}

static void what_is_left_out_is_not_set(void **state)
{
    (void)state;
    struct deploy_tenant_limits limits;
    struct report report;
    assert_int_equal(parse("{\"concurrency\":5}", &report, &limits), STATUS_OK);
    const struct deploy_tenant_limits expected = {.concurrency = 5};
    assert_memory_equal(&limits, &expected, sizeof(limits));
}

static void each_limit_takes_its_range_and_nothing_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0",    "-1", "1125899906842625", "1.0", "\"5\"",
                                        "true", "[]"};
    struct deploy_tenant_limits limits;
    struct report report;
    char text[128];
    for (size_t i = 0; i < tenant_limits_row_count; i++) {
        const struct tenant_limits_row *row = &tenant_limits_rows[i];
        uint64_t minimum;
        uint64_t maximum;
        tenant_limits_range(row, &minimum, &maximum);
        const long long bounds[] = {(long long)minimum, (long long)maximum, (long long)maximum + 1};
        for (size_t j = 0; j < COUNT_OF(bounds) && row->unit != CONFIG_UNIT_CHOICE; j++) {
            (void)snprintf(text, sizeof(text), "{\"%s\":%lld}", row->name, bounds[j]);
            assert_int_equal(parse(text, &report, &limits), j < 2 ? STATUS_OK : STATUS_INVALID);
        }
        for (size_t j = 0; j < COUNT_OF(wrong); j++) {
            (void)snprintf(text, sizeof(text), "{\"%s\":%s}", row->name, wrong[j]);
            assert_int_equal(parse(text, &report, &limits), STATUS_INVALID);
            assert_non_null(strstr(report.text, row->name));
        }
    }
    assert_int_equal(parse("[]", &report, &limits), STATUS_INVALID);
}

static void a_choice_is_a_word(void **state)
{
    (void)state;
    struct deploy_tenant_limits limits;
    struct report report;
    assert_int_equal(parse("{\"native\":\"off\"}", &report, &limits), STATUS_OK);
    assert_int_equal(limits.native, CONFIG_CHOICE_OFF);
    assert_int_equal(parse("{\"native\":\"auto\"}", &report, &limits), STATUS_OK);
    assert_int_equal(limits.native, CONFIG_CHOICE_AUTO);
    assert_int_equal(parse("{\"native\":\"no\"}", &report, &limits), STATUS_INVALID);
    assert_non_null(strstr(report.text, "`native` is none of auto, off, on"));
}

static void unknown_member_is_answered_with_the_nearest(void **state)
{
    (void)state;
    struct deploy_tenant_limits limits = {.pool = 3};
    struct report report;
    assert_int_equal(parse("{\"pool\":4,\"concurency\":5}", &report, &limits), STATUS_INVALID);
    assert_string_equal(report.text, "there is no limit `concurency` of a tenant: did you mean "
                                     "`concurrency`?");
    assert_int_equal(limits.pool, 3);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_shown_can_be_sent_back),
        cmocka_unit_test(what_is_left_out_is_not_set),
        cmocka_unit_test(each_limit_takes_its_range_and_nothing_else),
        cmocka_unit_test(a_choice_is_a_word),
        cmocka_unit_test(unknown_member_is_answered_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
