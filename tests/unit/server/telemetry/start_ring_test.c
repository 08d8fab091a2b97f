/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between worker and control, with a worker that does not keep to the rules.
 */
#include <stdio.h>
#include <stdlib.h>

#include "isolate/isolate.h"
#include "server/telemetry/start_ring.h"
#include "tests/support/unit.h"

#define SECOND UINT64_C(1000000000)
#define NOW    (1000 * SECOND)

static uint64_t now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static struct start_record make_record(uint32_t version)
{
    struct start_record record = {.ended_ns = NOW,
                                  .created_ns = 7,
                                  .version = version,
                                  .reason = ISOLATE_START_FIRST_REQUEST,
                                  .count = 1,
                                  .tenant = "acme",
                                  .function = "hello"};
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++)
        record.times.ns[i] = 1000 * (i + 1);
    return record;
}

static struct start_ring *make_ring(void)
{
    struct start_ring *ring = calloc(1, sizeof(*ring));
    assert_non_null(ring);
    now_ns = NOW;
    return ring;
}

static void write_versions(struct start_ring *ring, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct start_record record = make_record(first + i);
        start_ring_write(ring, &record);
    }
}

/* Reads all there is; returns how many records made sense, the last of which is `ret_last`. */
static uint32_t
read_all(const struct start_ring *ring, struct start_reader *reader, struct start_record *ret_last)
{
    uint32_t budget = UINT32_MAX;
    uint32_t count = 0;
    while (start_ring_read(ring, reader, &fake_clock, &budget, ret_last))
        count++;
    return count;
}

/* ---- histogram ------------------------------------------------------------------------------- */

static void records_are_read_once_and_in_order(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    assert_int_equal(read_all(ring, &reader, &record), 0);
    for (uint32_t round = 0; round < 3; round++) {
        uint32_t budget = START_RING_RECORDS;
        write_versions(ring, 1 + round * 3000, 3000);
        for (uint32_t i = 0; i < 3000; i++) {
            assert_true(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
            assert_int_equal(record.version, 1 + round * 3000 + i);
        }
        assert_false(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
        assert_int_equal(budget, START_RING_RECORDS - 3000);
    }
    assert_string_equal(record.tenant, "acme");
    assert_string_equal(record.function, "hello");
    assert_int_equal(record.times.ns[START_RUN], 6000);
    assert_int_equal(reader.lost + reader.refused, 0);
    free(ring);
}

static void what_was_written_over_is_counted(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    write_versions(ring, 1, START_RING_RECORDS + 5);
    assert_int_equal(read_all(ring, &reader, &record), START_RING_RECORDS);
    assert_int_equal(record.version, START_RING_RECORDS + 5);
    assert_int_equal(reader.lost, 5);
    write_versions(ring, 1, 2);
    assert_int_equal(read_all(ring, &reader, &record), 2);
    assert_int_equal(reader.lost, 5);
    free(ring);
}

static void no_more_is_read_at_once_than_the_budget(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    uint32_t budget = 2;
    write_versions(ring, 1, 3);
    assert_true(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
    assert_true(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
    assert_false(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
    budget = 1;
    assert_true(start_ring_read(ring, &reader, &fake_clock, &budget, &record));
    assert_int_equal(record.version, 3);
    free(ring);
}

static void a_record_under_the_pen_is_not_read(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    write_versions(ring, 1, 3);
    ring->records[1].sequence = 0;
    assert_int_equal(read_all(ring, &reader, &record), 2);
    assert_int_equal(reader.lost, 1);
    free(ring);
}

static void a_worker_that_died_writing_is_followed_where_it_ended(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    write_versions(ring, 1, 3);
    assert_int_equal(read_all(ring, &reader, &record), 3);
    /* It broke the seal of the fourth, and no more. */
    ring->records[3].sequence = 0;
    ring->records[3].version = 99;
    assert_int_equal(read_all(ring, &reader, &record), 0);
    write_versions(ring, 4, 1);
    assert_int_equal(read_all(ring, &reader, &record), 1);
    assert_int_equal(record.version, 4);
    assert_int_equal(reader.lost + reader.refused, 0);
    free(ring);
}

static void a_count_that_jumps_or_goes_back_costs_bounded_work(void **state)
{
    (void)state;
    static const uint64_t lies[] = {UINT64_MAX, UINT64_C(1) << 63, 0, UINT64_MAX - 1, 5};
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    write_versions(ring, 1, 3);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        uint32_t budget = START_RING_RECORDS;
        ring->written = lies[i];
        while (start_ring_read(ring, &reader, &fake_clock, &budget, &record))
            assert_true(start_record_valid(&record, now_ns));
        assert_int_equal(reader.read, lies[i]);
    }
    assert_int_equal(reader.refused, 3); /* so often it went back */
    /* An honest successor is heard again. */
    write_versions(ring, 77, 1);
    assert_int_equal(read_all(ring, &reader, &record), 1);
    assert_int_equal(record.version, 77);
    free(ring);
}

static void assert_refused(const struct start_record *record)
{
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record read;
    start_ring_write(ring, record);
    assert_int_equal(read_all(ring, &reader, &read), 0);
    assert_int_equal(reader.refused, 1);
    assert_int_equal(reader.lost, 0);
    free(ring);
}

static void what_no_worker_would_write_is_refused(void **state)
{
    (void)state;
    struct start_record good = make_record(1);
    assert_true(start_record_valid(&good, NOW));
    struct start_record warm = good;
    warm.reason = ISOLATE_START_WARM;
    warm.count = 100000;
    assert_true(start_record_valid(&warm, NOW));

    struct start_record bad[14];
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = good;
    bad[0].reason = ISOLATE_START_REASON_COUNT;
    bad[1].reason = UINT32_MAX;
    bad[2].count = 0;
    bad[3].count = 2; /* a cold start stands for itself */
    bad[4].version = 0;
    bad[5].ended_ns = NOW + 1;
    bad[6].ended_ns = NOW - 601 * SECOND;
    bad[7].times.ns[START_QUEUE] = 7201 * SECOND;
    bad[8].times.ns[START_RUN] = UINT64_MAX;
    bad[9].tenant[0] = '\0';
    memset(bad[10].tenant, 'a', sizeof(bad[10].tenant)); /* no end */
    bad[11].function[2] = '"';
    bad[12].function[0] = '\x1b';
    memset(bad[13].function, 0xff, sizeof(bad[13].function));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_refused(&bad[i]);
}

static void no_garbage_gets_past_the_checks(void **state)
{
    (void)state;
    struct start_ring *ring = make_ring();
    struct start_reader reader = {0};
    struct start_record record;
    uint8_t *data = (uint8_t *)ring;
    uint64_t random = 20;
    for (uint32_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(*ring); i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            data[i] = (uint8_t)(random >> 56);
        }
        uint32_t budget = START_RING_RECORDS;
        uint32_t before = budget;
        while (start_ring_read(ring, &reader, &fake_clock, &budget, &record))
            assert_true(start_record_valid(&record, now_ns));
        assert_true(budget <= before);
    }
    free(ring);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_once_and_in_order),
        cmocka_unit_test(what_was_written_over_is_counted),
        cmocka_unit_test(no_more_is_read_at_once_than_the_budget),
        cmocka_unit_test(a_record_under_the_pen_is_not_read),
        cmocka_unit_test(a_worker_that_died_writing_is_followed_where_it_ended),
        cmocka_unit_test(a_count_that_jumps_or_goes_back_costs_bounded_work),
        cmocka_unit_test(what_no_worker_would_write_is_refused),
        cmocka_unit_test(no_garbage_gets_past_the_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
