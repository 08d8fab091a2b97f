/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server about itself.
 */
#include "rig.h"

static void server_tells_limits_numbers_and_health(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, HELLO, "abc");
    rig_get(&rig, "/v1/limits");
    assert_status(&rig, 200);
    json_t *module = json_object_get(json_object_get(rig.json, "limits"), "module");
    assert_int_equal(json_integer_value(json_object_get(module, "value")), 1000);
    rig_get(&rig, "/v1/stats");
    assert_status(&rig, 200);
    assert_int_equal(json_integer_value(json_object_get(rig.json, "functions")), 1);
    json_t *workers = json_object_get(rig.json, "workers");
    char *shown = json_dumps(workers, JSON_COMPACT);
    assert_string_equal(shown, "[{\"name\":\"skerry_x\",\"labels\":{\"worker\":\"0\"},\"value\":7},"
                               "{\"name\":\"skerry_y\",\"labels\":{},\"value\":0.5}]");
    free(shown);
    rig_get(&rig, "/healthz");
    assert_status(&rig, 200);
    rig_get(&rig, "/readyz");
    assert_status(&rig, 200);
    rig.ready = false;
    rig_get(&rig, "/readyz");
    assert_problem(&rig, 503, "not_ready");
    rig_get(&rig, "/metrics");
    assert_int_equal(rig.response.status, 200);
    assert_int_equal(buffer_append(&rig.response.body, "", 1), STATUS_OK);
    const char *text = (const char *)rig.response.body.data;
    assert_non_null(strstr(text, "\nskerry_functions 1\n"));
    assert_non_null(strstr(text, "\nskerry_builds_total{end=\"built\"} 5\n"));
    assert_non_null(strstr(text, "\nskerry_artifacts_total{event=\"damaged\"} 1\n"));
    assert_non_null(strstr(text, "\nskerry_artifacts_total{event=\"rebuild_failed\"} 3\n"));
    assert_non_null(strstr(text, "\nskerry_x{worker=\"0\"} 7\n"));
    rig_done(&rig);
}

static bool metrics_name_tenants(struct rig *rig, uint32_t verbs)
{
    rig->caller.verbs = verbs;
    rig_get(rig, "/metrics");
    assert_int_equal(rig->response.status, 200);
    assert_int_equal(buffer_append(&rig->response.body, "", 1), STATUS_OK);
    const char *text = (const char *)rig->response.body.data;
    assert_non_null(strstr(text, "\nskerry_x{worker=\"0\"} 7\n"));
    return strstr(text, "\nskerry_z{tenant=\"acme\"} 1\n") != NULL;
}

static void metrics_name_tenants_to_who_may_list_them(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    assert_false(metrics_name_tenants(&rig, 0));
    assert_true(metrics_name_tenants(&rig, RIG_READER));
    assert_true(metrics_name_tenants(&rig, API_VERBS_ALL));
    memcpy(rig.caller.tenant, "acme", 5);
    assert_false(metrics_name_tenants(&rig, API_VERBS_ALL));
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_tells_limits_numbers_and_health),
        cmocka_unit_test(metrics_name_tenants_to_who_may_list_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
