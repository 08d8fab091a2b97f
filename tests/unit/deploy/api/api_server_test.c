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

/* ---- its own life ---------------------------------------------------------------------------- */

static struct rig life;
static struct deploy_reload reload;
static enum status reload_status;
static uint32_t drains;

static enum status
take_reload(void *context, struct deploy_reload *ret_reload, struct report *report)
{
    assert_ptr_equal(context, &life);
    *ret_reload = reload;
    return reload_status == STATUS_OK
               ? STATUS_OK
               : report_fail(report, reload_status, REPORT_OFFSET_NONE, "skerry.yaml:1:1: no");
}

static void take_drain(void *context)
{
    assert_ptr_equal(context, &life);
    drains++;
}

static void live(void)
{
    rig_init(&life);
    life.api.reload = take_reload;
    life.api.drain = take_drain;
    life.api.server = &life;
    reload_status = STATUS_OK;
    reload = (struct deploy_reload){.changed = ""};
}

static void post(const char *path)
{
    rig_send(&life, API_POST, path, bytes_of_text("{}"));
}

static void a_reload_says_what_it_changes(void **state)
{
    (void)state;
    live();
    post("/v1/reload");
    assert_status(&life, 200);
    assert_string_equal(text_of(&life, "status"), "unchanged");
    (void)strcpy(reload.changed, "limits.fuel, domain, ...");
    (void)strcpy(reload.restart, "listen");
    post("/v1/reload");
    assert_status(&life, 202);
    assert_string_equal(text_of(&life, "status"), "reloading");
    const json_t *changed = json_object_get(life.json, "changed");
    assert_int_equal(json_array_size(changed), 3);
    assert_string_equal(json_string_value(json_array_get(changed, 1)), "domain");
    assert_int_equal(json_array_size(json_object_get(life.json, "needs_restart")), 1);
    rig_done(&life);
}

static void a_reload_that_fails_says_why(void **state)
{
    (void)state;
    live();
    reload_status = STATUS_CONFIG;
    post("/v1/reload");
    assert_problem(&life, 422, "config");
    assert_string_equal(text_of(&life, "detail"), "skerry.yaml:1:1: no");
    reload_status = STATUS_BUSY;
    post("/v1/reload");
    assert_problem(&life, 503, "busy");
    life.api.reload = NULL;
    post("/v1/reload");
    assert_problem(&life, 503, "busy");
    post("/v1/reload?x=1");
    assert_problem(&life, 400, "bad_query");
    rig_done(&life);
}

static void a_drain_is_passed_on(void **state)
{
    (void)state;
    live();
    post("/v1/drain");
    assert_status(&life, 202);
    assert_int_equal(drains, 1);
    rig_done(&life);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_tells_limits_numbers_and_health),
        cmocka_unit_test(metrics_name_tenants_to_who_may_list_them),
        cmocka_unit_test(a_reload_says_what_it_changes),
        cmocka_unit_test(a_reload_that_fails_says_why),
        cmocka_unit_test(a_drain_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
