/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers tell, taken to where it belongs; and a worker that tells nonsense.
 */
#include <stdio.h>
#include <stdlib.h>

#include "isolate/isolate.h"
#include "server/control/records.h"
#include "server/telemetry/log_record.h"
#include "tests/support/capture.h"
#include "tests/support/unit.h"

#define NOW (1000 * CLOCK_NS_PER_S)

struct rig {
    struct starts *starts;
    struct records *records;
    struct record_ring *rings[2];
    uint32_t lines;
    char last[256]; /* "tenant/function level line" */
};

static uint64_t rig_now(void *context)
{
    (void)context;
    return NOW;
}

static const struct clock rig_clock = {.monotonic_ns = rig_now, .realtime_ns = rig_now};

static void rig_line(void *context,
                     struct bytes tenant,
                     struct bytes function,
                     enum deploy_log_level level,
                     struct bytes line)
{
    struct rig *rig = context;
    rig->lines++;
    (void)snprintf(rig->last, sizeof(rig->last), "%.*s/%.*s %d %.*s", (int)tenant.count,
                   (const char *)tenant.data, (int)function.count, (const char *)function.data,
                   (int)level, (int)line.count, (const char *)line.data);
}

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){0};
    assert_int_equal(starts_create(4, &rig_clock, &rig->starts), STATUS_OK);
    const struct records_options options = {
        .clock = &rig_clock, .starts = rig->starts, .line = rig_line, .context = rig};
    assert_int_equal(records_create(&options, &rig->records), STATUS_OK);
    for (uint32_t i = 0; i < COUNT_OF(rig->rings); i++) {
        rig->rings[i] = calloc(1, sizeof(*rig->rings[i]));
        assert_non_null(rig->rings[i]);
        records_watch(rig->records, i + 4, rig->rings[i]);
    }
}

static void rig_done(struct rig *rig)
{
    records_free(rig->records);
    starts_free(rig->starts);
    for (uint32_t i = 0; i < COUNT_OF(rig->rings); i++)
        free(rig->rings[i]);
}

static struct start_record make_start(void)
{
    return (struct start_record){.ended_ns = NOW - 5,
                                 .created_ns = 7,
                                 .version = 1,
                                 .reason = ISOLATE_START_EVICTED,
                                 .count = 1,
                                 .tenant = "acme",
                                 .function = "f"};
}

static void rings_of_all_workers_end_in_one_history(void **state)
{
    (void)state;
    struct rig rig;
    struct buffer out;
    rig_init(&rig);
    struct start_record start = make_start();
    for (uint32_t i = 0; i < COUNT_OF(rig.rings); i++)
        start_record_write(rig.rings[i], &start);
    records_collect(rig.records);
    records_collect(rig.records);
    buffer_init(&out, 1 << 20);
    const struct starts_key key = {.tenant = "acme", .function = "f", .created_ns = 7};
    assert_int_equal(starts_print(rig.starts, &key, &out), STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    assert_non_null(strstr((const char *)out.data, "\"cold\":2,"));
    assert_non_null(strstr((const char *)out.data, "\"time\":\"1970-01-01T00:16:39.999999Z\""));
    assert_non_null(strstr((const char *)out.data, "\"worker\":5,"));
    buffer_done(&out);
    rig_done(&rig);
}

static void lines_of_logs_go_to_their_functions(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct deploy_catalog_entry entry = {.tenant = "acme", .function = "f"};
    log_record_write(rig.rings[1], &entry, DEPLOY_LOG_ERROR, bytes_of_text("{\"a\":1}\n"));
    records_collect(rig.records);
    assert_int_equal(rig.lines, 1);
    assert_string_equal(rig.last, "acme/f 3 {\"a\":1}");
    rig_done(&rig);
}

static void what_was_lost_and_what_made_no_sense_is_counted(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct start_record start = make_start();
    uint32_t written = 0;
    while (rig.rings[0]->written <= RECORD_RING_BYTES) {
        start_record_write(rig.rings[0], &start);
        written++;
    }
    records_collect(rig.records);
    start.reason = ISOLATE_START_REASON_COUNT;
    start_record_write(rig.rings[0], &start);
    const struct bytes nonsense = bytes_of_text("nonsense");
    record_ring_write(rig.rings[0], RECORD_LINE, &nonsense, 1);
    records_collect(rig.records);
    assert_int_equal(records_stats(rig.records).lost, written);
    assert_int_equal(records_stats(rig.records).refused, 2);
    assert_int_equal(starts_stats(rig.starts).lost, written);
    assert_int_equal(rig.lines, 0);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_of_all_workers_end_in_one_history),
        cmocka_unit_test(lines_of_logs_go_to_their_functions),
        cmocka_unit_test(what_was_lost_and_what_made_no_sense_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
