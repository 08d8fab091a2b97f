/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What versions' requests came to: added up by version, and bounded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "server/control/tallies.h"
#include "tests/support/unit.h"

static struct tally_record
make(const char *tenant, const char *function, uint32_t version, uint64_t answered)
{
    struct tally_record record = {.tally = {.answered = answered,
                                            .failed = 1,
                                            .total_ns = UINT64_C(1500000000),
                                            .run_ns = 7,
                                            .fuel = 100},
                                  .version = version};
    (void)snprintf(record.tenant, sizeof(record.tenant), "%s", tenant);
    (void)snprintf(record.function, sizeof(record.function), "%s", function);
    return record;
}

static void add(struct tallies *tallies, const char *function, uint32_t version, uint64_t answered)
{
    const struct tally_record record = make("acme", function, version, answered);
    tallies_add(tallies, &record);
}

static struct tallies *make_tallies(void)
{
    struct tallies *tallies = NULL;
    assert_int_equal(tallies_create(&clock_system, &tallies), STATUS_OK);
    return tallies;
}

/* How often the text is in what is printed. */
static uint32_t printed(const struct tallies *tallies, const char *text)
{
    struct buffer out;
    uint32_t count = 0;
    buffer_init(&out, 4U << 20);
    tallies_print(tallies, &out);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    for (const char *at = strstr((const char *)out.data, text); at != NULL;
         at = strstr(at + 1, text))
        count++;
    buffer_done(&out);
    return count;
}

#define LABELS(function, version)                                                                  \
    "{tenant=\"acme\",function=\"" function "\",version=\"" version "\"} "
#define OTHERS "{tenant=\"_other\",function=\"_other\",version=\"_other\"} "

static void each_version_has_a_row_in_each_family(void **state)
{
    (void)state;
    struct tallies *tallies = make_tallies();
    const struct tally_record elsewhere = make("other", "f", 1, 9);
    add(tallies, "f", 1, 2);
    add(tallies, "f", 2, 5);
    add(tallies, "f", 1, 3);
    tallies_add(tallies, &elsewhere);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" LABELS("f", "v1") "5\n"),
                     1);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" LABELS("f", "v2") "5\n"),
                     1);
    assert_int_equal(printed(tallies, "\nskerry_version_failures_total" LABELS("f", "v1") "2\n"),
                     1);
    assert_int_equal(
        printed(tallies, "\nskerry_version_seconds_total" LABELS("f", "v1") "3.000000000\n"), 1);
    assert_int_equal(
        printed(tallies, "\nskerry_version_run_seconds_total" LABELS("f", "v1") "0.000000014\n"),
        1);
    assert_int_equal(printed(tallies, "\nskerry_version_fuel_total" LABELS("f", "v1") "200\n"), 1);
    assert_int_equal(printed(tallies, "{tenant=\"other\",function=\"f\",version=\"v1\"} 9\n"), 1);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" OTHERS "0\n"), 1);
    assert_int_equal(printed(tallies, "# TYPE skerry_version_seconds_total counter\n"), 1);
    tallies_free(tallies);
}

static void what_is_over_the_limit_is_in_one_row(void **state)
{
    (void)state;
    struct tallies *tallies = make_tallies();
    char name[32];
    for (uint32_t i = 0; i < TALLIES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "g%u", i);
        add(tallies, name, 1, 1);
    }
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total{tenant=\"acme\""),
                     TALLIES_MAX);
    add(tallies, "g0", 1, 1); /* heard of again: g1 and g2 go */
    add(tallies, "new", 1, 4);
    add(tallies, "new", 2, 4);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total{tenant=\"acme\""),
                     TALLIES_MAX);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" LABELS("g0", "v1") "2\n"),
                     1);
    assert_int_equal(printed(tallies, LABELS("g1", "v1")), 0);
    assert_int_equal(printed(tallies, LABELS("g2", "v1")), 0);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" OTHERS "2\n"), 1);
    assert_int_equal(printed(tallies, "\nskerry_version_fuel_total" OTHERS "200\n"), 1);
    /* One that comes back begins anew, and drives out another. */
    add(tallies, "g1", 1, 1);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" LABELS("g1", "v1") "1\n"),
                     1);
    assert_int_equal(printed(tallies, "\nskerry_version_requests_total" OTHERS "3\n"), 1);
    tallies_free(tallies);
}

static void a_record_passes_through_a_ring_as_it_was(void **state)
{
    (void)state;
    struct record_ring *ring = calloc(1, sizeof(*ring));
    struct record_reader reader = {0};
    struct record record;
    struct tally_record read;
    uint64_t budget = UINT64_MAX;
    const struct tally_record good = make("acme", "f", 3, 5);
    struct deploy_catalog_entry entry = {.version = 3, .tenant = "acme", .function = "f"};
    assert_non_null(ring);
    tally_record_write(ring, &entry, &good.tally);
    assert_true(record_ring_read(ring, &reader, &budget, &record));
    assert_true(tally_record_read(&record, &read));
    assert_memory_equal(&read, &good, sizeof(good));
    free(ring);
}

static void a_record_that_is_none_is_refused(void **state)
{
    (void)state;
    const struct tally_record good = make("acme", "f", 3, 5);
    struct tally_record bad[] = {good, good, good, good, good};
    struct tally_record read;
    struct record record = {.type = RECORD_TALLY, .count = sizeof(good)};
    bad[0].tenant[0] = '"';
    memset(bad[1].function, 'f', sizeof(bad[1].function));
    bad[2].version = 0;
    bad[3].tally.answered = 0;
    bad[4].tally.failed = 6;
    memcpy(record.data, &good, sizeof(good));
    assert_true(tally_record_read(&record, &read));
    record.count--;
    assert_false(tally_record_read(&record, &read));
    record.count++;
    record.type = RECORD_LINE;
    assert_false(tally_record_read(&record, &read));
    record.type = RECORD_TALLY;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        memcpy(record.data, &bad[i], sizeof(bad[i]));
        assert_false(tally_record_read(&record, &read));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_version_has_a_row_in_each_family),
        cmocka_unit_test(what_is_over_the_limit_is_in_one_row),
        cmocka_unit_test(a_record_passes_through_a_ring_as_it_was),
        cmocka_unit_test(a_record_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
