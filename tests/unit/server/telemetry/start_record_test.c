/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker tells of a start, and what none would.
 */
#include <stdlib.h>

#include "isolate/isolate.h"
#include "server/telemetry/start_record.h"
#include "tests/support/unit.h"

#define NOW (1000 * CLOCK_NS_PER_S)

static struct start_record make_start(void)
{
    struct start_record start = {.ended_ns = NOW,
                                 .created_ns = 7,
                                 .version = 1,
                                 .reason = ISOLATE_START_FIRST_REQUEST,
                                 .count = 1,
                                 .tenant = "acme",
                                 .function = "hello"};
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++)
        start.times.ns[i] = 1000 * (i + 1);
    return start;
}

/* Through a ring. */
static bool passes(const struct start_record *start, struct start_record *ret_start)
{
    struct record_ring *ring = calloc(1, sizeof(*ring));
    struct record_reader reader = {0};
    struct record record;
    uint64_t budget = UINT64_MAX;
    assert_non_null(ring);
    start_record_write(ring, start);
    assert_true(record_ring_read(ring, &reader, &budget, &record));
    assert_int_equal(record.type, RECORD_START);
    bool passes = start_record_read(&record, NOW, ret_start);
    record.count--;
    assert_false(start_record_read(&record, NOW, ret_start));
    free(ring);
    return passes;
}

static void what_a_worker_writes_is_read_as_it_was(void **state)
{
    (void)state;
    struct start_record start = make_start();
    struct start_record read;
    assert_true(passes(&start, &read));
    assert_memory_equal(&start, &read, sizeof(start));
    start.reason = ISOLATE_START_WARM;
    start.count = 100000;
    assert_true(passes(&start, &read));
}

static void what_no_worker_would_write_is_refused(void **state)
{
    (void)state;
    struct start_record read;
    struct start_record bad[14];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = make_start();
    bad[0].reason = ISOLATE_START_REASON_COUNT;
    bad[1].reason = UINT32_MAX;
    bad[2].count = 0;
    bad[3].count = 2; /* a cold start stands for itself */
    bad[4].version = 0;
    bad[5].ended_ns = NOW + 1;
    bad[6].ended_ns = NOW - 601 * CLOCK_NS_PER_S;
    bad[7].times.ns[START_QUEUE] = 7201 * CLOCK_NS_PER_S;
    bad[8].times.ns[START_RUN] = UINT64_MAX;
    bad[9].tenant[0] = '\0';
    memset(bad[10].tenant, 'a', sizeof(bad[10].tenant)); /* no end */
    bad[11].function[2] = '"';
    bad[12].function[0] = '\x1b';
    memset(bad[13].function, 0xff, sizeof(bad[13].function));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(passes(&bad[i], &read));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_worker_writes_is_read_as_it_was),
        cmocka_unit_test(what_no_worker_would_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
