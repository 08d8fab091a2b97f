/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring between worker and control, with a worker that does not keep to the rules.
 */
#include <stdlib.h>
#include <string.h>

#include "server/telemetry/record_ring.h"
#include "tests/support/unit.h"

#define HEAD_BYTES 16 /* before each record */

static struct record_ring *make_ring(void)
{
    struct record_ring *ring = calloc(1, sizeof(*ring));
    assert_non_null(ring);
    return ring;
}

/* Records of `count` bytes, each all of one value that goes up. */
static void write_some(struct record_ring *ring, uint32_t records, uint32_t count)
{
    static uint8_t data[RECORD_BYTES_MAX];
    for (uint32_t i = 0; i < records; i++) {
        memset(data, (int)(uint8_t)(ring->serial + 1), count);
        const struct bytes parts[] = {bytes_make(data, count / 2),
                                      bytes_make(data + count / 2, count - count / 2)};
        record_ring_write(ring, RECORD_LINE, parts, COUNT_OF(parts));
    }
}

static uint32_t read_all(const struct record_ring *ring, struct record_reader *reader)
{
    struct record record;
    uint64_t budget = UINT64_MAX;
    uint32_t count = 0;
    /* A false may mean that something was left out. */
    uint64_t before;
    do {
        before = reader->read;
        for (; record_ring_read(ring, reader, &budget, &record); count++) {
            assert_true(record.type == RECORD_START || record.type == RECORD_LINE);
            assert_true(record.count <= RECORD_BYTES_MAX);
            for (uint32_t i = 0; i < record.count; i++)
                assert_int_equal(record.data[i], (uint8_t)reader->serial);
        }
    } while (before != reader->read);
    return count;
}

static void records_are_read_once_and_in_order(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    assert_int_equal(read_all(ring, &reader), 0);
    static const uint32_t counts[] = {0, 1, 7, 8, 9, 300, 4096, RECORD_BYTES_MAX};
    for (uint32_t round = 0; round < 400; round++) {
        for (size_t i = 0; i < COUNT_OF(counts); i++)
            write_some(ring, 1, counts[i]);
        assert_int_equal(read_all(ring, &reader), COUNT_OF(counts));
    }
    assert_true(ring->written > RECORD_RING_BYTES); /* it went around */
    assert_int_equal(reader.lost + reader.refused, 0);
    free(ring);
}

static void what_was_written_over_is_counted(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    const uint32_t fit = RECORD_RING_BYTES / (HEAD_BYTES + 1008);
    write_some(ring, fit, 1008);
    assert_int_equal(read_all(ring, &reader), fit);
    write_some(ring, fit + 1, 1008);
    assert_int_equal(read_all(ring, &reader), 0);
    write_some(ring, 2, 1008);
    assert_int_equal(read_all(ring, &reader), 2);
    assert_int_equal(reader.lost, fit + 1);
    assert_int_equal(reader.refused, 0);
    free(ring);
}

static void what_is_written_over_while_it_is_copied_is_not_believed(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    write_some(ring, 3, 100);
    /* The writer is about to come around: it has reserved what lies where the first one is. */
    ring->reserved = RECORD_RING_BYTES + 1;
    assert_int_equal(read_all(ring, &reader), 0);
    write_some(ring, 1, 100);
    assert_int_equal(read_all(ring, &reader), 1);
    assert_int_equal(reader.lost, 3);
    free(ring);
}

static void no_more_is_read_at_once_than_the_budget(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    struct record record;
    uint64_t budget = HEAD_BYTES + 1;
    write_some(ring, 3, 8);
    assert_true(record_ring_read(ring, &reader, &budget, &record));
    assert_false(budget != 0 && !record_ring_read(ring, &reader, &budget, &record));
    assert_int_equal(read_all(ring, &reader) > 0, true);
    assert_int_equal(reader.serial, 3);
    free(ring);
}

static void a_worker_that_died_writing_is_followed_where_it_ended(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    write_some(ring, 2, 64);
    ring->reserved += 64; /* it had begun a third */
    memset(ring->data + ring->written % RECORD_RING_BYTES, 0xff, 40);
    assert_int_equal(read_all(ring, &reader), 2);
    write_some(ring, 1, 64);
    assert_int_equal(read_all(ring, &reader), 1);
    assert_int_equal(reader.lost + reader.refused, 0);
    free(ring);
}

/* What a lie says, at an offset of the ring's second record. */
static void assert_refused(size_t offset, uint64_t value, size_t bytes)
{
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    write_some(ring, 1, 8);
    assert_int_equal(read_all(ring, &reader), 1);
    write_some(ring, 1, 8);
    memcpy(ring->data + HEAD_BYTES + 8 + offset, &value, bytes);
    assert_int_equal(read_all(ring, &reader), 0);
    assert_int_equal(reader.refused, 1);
    /* An honest successor is heard again. */
    write_some(ring, 1, 8);
    assert_int_equal(read_all(ring, &reader), 1);
    assert_int_equal(reader.refused, 1);
    free(ring);
}

static void what_no_worker_would_write_is_refused(void **state)
{
    (void)state;
    assert_refused(0, RECORD_BYTES_MAX + 1, 4);
    assert_refused(0, UINT32_MAX, 4);
    assert_refused(0, 17, 4); /* beyond what was written */
    assert_refused(4, RECORD_NONE, 4);
    assert_refused(4, RECORD_TYPE_COUNT, 4);
    assert_refused(8, 0, 8);
    assert_refused(8, 1, 8);
    assert_refused(8, UINT64_MAX, 8);
}

static void a_count_that_jumps_or_goes_back_costs_bounded_work(void **state)
{
    (void)state;
    static const uint64_t lies[] = {UINT64_MAX, UINT64_C(1) << 63, 0, UINT64_MAX - 1, 24};
    struct record_ring *ring = make_ring();
    struct record_reader reader = {0};
    write_some(ring, 3, 8);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        ring->written = lies[i];
        (void)read_all(ring, &reader);
        assert_int_equal(reader.read, lies[i]);
    }
    assert_true(reader.refused > 0);
    uint64_t refused = reader.refused;
    write_some(ring, 2, 8);
    (void)read_all(ring, &reader);
    write_some(ring, 2, 8);
    assert_int_equal(read_all(ring, &reader), 2);
    assert_true(reader.refused <= refused + 1);
    free(ring);
}

static void no_garbage_is_read_beyond_its_bounds(void **state)
{
    (void)state;
    struct record_ring *ring = make_ring();
    struct record record;
    uint64_t random = 20;
    for (uint32_t round = 0; round < 5; round++) {
        uint8_t *data = (uint8_t *)ring;
        for (size_t i = 0; i < sizeof(*ring); i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            data[i] = (uint8_t)(random >> 56) & (round < 3 ? 0xff : 0x0f);
        }
        for (uint32_t start = 0; start < 1000; start++) {
            struct record_reader reader = {.read = start * 8};
            uint64_t budget = RECORD_RING_BYTES;
            ring->written = RECORD_RING_BYTES;
            ring->reserved = RECORD_RING_BYTES;
            while (record_ring_read(ring, &reader, &budget, &record))
                assert_true(record.count <= RECORD_BYTES_MAX);
        }
    }
    free(ring);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read_once_and_in_order),
        cmocka_unit_test(what_was_written_over_is_counted),
        cmocka_unit_test(what_is_written_over_while_it_is_copied_is_not_believed),
        cmocka_unit_test(no_more_is_read_at_once_than_the_budget),
        cmocka_unit_test(a_worker_that_died_writing_is_followed_where_it_ended),
        cmocka_unit_test(what_no_worker_would_write_is_refused),
        cmocka_unit_test(a_count_that_jumps_or_goes_back_costs_bounded_work),
        cmocka_unit_test(no_garbage_is_read_beyond_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
