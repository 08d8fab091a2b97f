/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's log over the API: which lines, in which form, and whether more is to come.
 */
#include "rig.h"

#define LOGS HELLO "/logs"

static void say(struct rig *rig, enum deploy_log_level level, const char *line)
{
    const struct log_name name = {.tenant = bytes_of_text("default"),
                                  .function = bytes_of_text("hello")};
    log_store_append(rig->logs, &name, level, bytes_of_text(line));
}

static void assert_body(struct rig *rig, const char *target, const char *type, const char *body)
{
    rig_get(rig, target);
    if (rig->response.status != 200)
        fail_msg("%s: %d", target, rig->response.status);
    assert_string_equal(rig->response.content_type, type);
    assert_int_equal(buffer_append(&rig->response.body, "", 1), STATUS_OK);
    assert_string_equal((const char *)rig->response.body.data, body);
}

static void begin(struct rig *rig)
{
    rig_init(rig);
    rig->fixture.now_ns = 1700000000000000000;
    rig_put(rig, HELLO, "module");
    say(rig, DEPLOY_LOG_INFO, "{\"level\":\"info\"}");
    say(rig, DEPLOY_LOG_ERROR, "{\"level\":\"error\"}");
}

static void lines_are_given_as_they_are_or_as_events(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    assert_body(&rig, LOGS, "application/x-ndjson",
                "{\"id\":\"1700000000000000000\",\"level\":\"info\"}\n"
                "{\"id\":\"1700000000000000001\",\"level\":\"error\"}\n");
    assert_false(rig.response.follow.wanted);
    assert_body(&rig, LOGS "?level=warn&follow=1", "application/x-ndjson",
                "{\"id\":\"1700000000000000001\",\"level\":\"error\"}\n");
    assert_true(rig.response.follow.wanted);
    assert_false(rig.response.follow.events);
    assert_int_equal(rig.response.follow.level, DEPLOY_LOG_WARN);
    assert_string_equal(rig.response.follow.function, "hello");
    rig.accept = bytes_of_text("text/event-stream");
    rig.last_event_id = bytes_of_text("1700000000000000000");
    assert_body(&rig, LOGS, "text/event-stream",
                "id: 1700000000000000001\n"
                "data: {\"id\":\"1700000000000000001\",\"level\":\"error\"}\n\n");
    assert_true(rig.response.follow.wanted && rig.response.follow.events);
    rig_done(&rig);
}

static void a_log_begins_where_it_is_asked_to(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig);
    rig.fixture.now_ns += 10 * CLOCK_NS_PER_S;
    say(&rig, DEPLOY_LOG_INFO, "{\"late\":1}");
    static const char last[] = "{\"id\":\"1700000010000000000\",\"late\":1}\n";
    assert_body(&rig, LOGS "?since=5s", "application/x-ndjson", last);
    assert_body(&rig, LOGS "?limit=1", "application/x-ndjson", last);
    assert_body(&rig, LOGS "?after=1700000000000000001", "application/x-ndjson", last);
    assert_body(&rig, LOGS "?after=1700000010000000000", "application/x-ndjson", "");
    assert_body(&rig, LOGS "?since=1h&level=error", "application/x-ndjson",
                "{\"id\":\"1700000000000000001\",\"level\":\"error\"}\n"
                "{\"id\":\"1700000010000000000\",\"late\":1}\n");
    rig_done(&rig);
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const char *const targets[] = {
        LOGS "?level=loud",  LOGS "?level=",
        LOGS "?since=soon",  LOGS "?since=",
        LOGS "?after=x",     LOGS "?after=-1",
        LOGS "?limit=no",    LOGS "?limit=10001",
        LOGS "?follow=some", LOGS "?after=99999999999999999999",
        LOGS "?lines=1",
    };
    struct rig rig;
    begin(&rig);
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        rig_get(&rig, targets[i]);
        assert_problem(&rig, 400, "bad_query");
    }
    rig_get(&rig, "/v1/tenants/default/functions/nobody/logs");
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_DELETE, HELLO, bytes_make(NULL, 0));
    rig_get(&rig, LOGS); /* what is gone may have failed */
    assert_int_equal(rig.response.status, 200);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_given_as_they_are_or_as_events),
        cmocka_unit_test(a_log_begins_where_it_is_asked_to),
        cmocka_unit_test(what_is_wrong_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
