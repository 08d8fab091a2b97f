/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of a request.
 */
#include "server/request/account.h"
#include "tests/unit/server/request/stage.h"

static const char *line_of(struct stage *stage, uint32_t index)
{
    stage_log_begin();
    stage_end(stage, index);
    return stage_log_take();
}

static void it_says_whose_how_and_how_long(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    stage_begin(stage, 0);
    const char *log = line_of(stage, 0);
    assert_int_equal(stage_log_count(log, "\"event\":\"access\""), 1);
    static const char *const parts[] = {
        "\"tenant\":\"acme\",\"function\":\"hello\",\"version\":\"v3\"",
        "\"method\":\"GET\",\"host\":\"hello.acme.test\",\"path\":\"/\",\"status\":200,\"bytes\":0",
        "\"fuel\":5000,\"start\":\"first_request\",\"start_us\":0,\"queue_us\":0",
        "\"lookup_us\":0,\"load_us\":0,\"map_us\":0,\"restore_us\":0,\"run_us\":1}",
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        assert_non_null(strstr(log, parts[i]));
}

static void a_refused_one_has_its_code_and_no_start(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    stage->find_status = STATUS_NOT_FOUND;
    stage_begin(stage, 0);
    const char *log = line_of(stage, 0);
    assert_non_null(strstr(log, "\"status\":404"));
    assert_non_null(strstr(log, "\"code\":\"unknown_function\"}"));
    assert_null(strstr(log, "\"tenant\""));
    assert_null(strstr(log, "\"start\""));
    assert_null(strstr(log, "\"load_us\""));
}

static void a_warm_one_has_no_phases_of_a_cold_start(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    struct request *request = stage_begin(stage, 0);
    request->start.reason = ISOLATE_START_WARM;
    const char *log = line_of(stage, 0);
    assert_non_null(strstr(log, "\"start\":\"warm\""));
    assert_null(strstr(log, "\"load_us\""));
    assert_non_null(strstr(log, "\"run_us\""));
}

static void a_lookup_takes_time_if_it_read_the_catalog(void **state)
{
    struct stage *stage = *state;
    stage->find_takes_ns = 5000;
    stage->function.is_new = true;
    assert_int_equal(stage_begin(stage, 0)->lookup_ns, 5000);
    stage->find_takes_ns = 0;
    stage->function.is_new = false;
    assert_int_equal(stage_begin(stage, 1)->lookup_ns, 0);
}

static void a_long_path_is_cut_and_bytes_are_escaped(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    static char path[3000];
    memset(path, '"', sizeof(path) - 1);
    path[0] = '/';
    stage->find_status = STATUS_NOT_FOUND;
    stage->path = path;
    stage_begin(stage, 0);
    const char *log = line_of(stage, 0);
    assert_int_equal(stage_log_count(log, "\"event\":\"access\""), 1);
    assert_true(strlen(log) < 1024 * 2 + 600);
}

static void nobody_asked_for_it(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage, 0);
    assert_string_equal(line_of(stage, 0), "");
}

static void a_line_that_cannot_be_written_is_counted(void **state)
{
    struct stage *stage = *state;
    stage->service.access_log = true;
    uint32_t lines = 0;
    stage_log_begin();
    for (; stage->metrics.log_dropped == 0 && lines < 10000; lines++) {
        stage_begin(stage, 0);
        stage_end(stage, 0);
    }
    assert_int_equal(stage->metrics.log_dropped, 1);
    assert_int_equal(stage_log_count(stage_log_take(), "\"access\""), lines - 1);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(it_says_whose_how_and_how_long),
        STAGED(a_refused_one_has_its_code_and_no_start),
        STAGED(a_warm_one_has_no_phases_of_a_cold_start),
        STAGED(a_lookup_takes_time_if_it_read_the_catalog),
        STAGED(a_long_path_is_cut_and_bytes_are_escaped),
        STAGED(nobody_asked_for_it),
        STAGED(a_line_that_cannot_be_written_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
