/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What functions count: added up by name, and bounded.
 */
#include <stdio.h>
#include <stdlib.h>

#include "server/control/counters.h"
#include "tests/support/unit.h"

static void add(struct counters *counters, const char *function, const char *name, uint64_t amount)
{
    const struct deploy_catalog_entry entry = {.tenant = "acme"};
    struct deploy_catalog_entry of = entry;
    (void)snprintf(of.function, sizeof(of.function), "%s", function);
    const struct http_counter counter = {.name = bytes_of_text(name), .amount = amount};
    struct record_ring *ring = calloc(1, sizeof(*ring));
    struct record_reader reader = {0};
    struct record record;
    struct counter_record read;
    uint64_t budget = UINT64_MAX;
    assert_non_null(ring);
    counter_record_write(ring, &of, &counter);
    assert_true(record_ring_read(ring, &reader, &budget, &record));
    assert_true(counter_record_read(&record, &read));
    counters_add(counters, &read);
    free(ring);
}

static char *print(const struct counters *counters)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    counters_print(counters, &out);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    return (char *)out.data;
}

static void assert_prints(const struct counters *counters, const char *line)
{
    char *text = print(counters);
    if (strstr(text, line) == NULL)
        fail_msg("%s in %s", line, text);
    free(text);
}

static void counts_are_added_up_by_function_and_name(void **state)
{
    (void)state;
    struct counters *counters = NULL;
    assert_int_equal(counters_create(&counters), STATUS_OK);
    add(counters, "f", "hits", 2);
    add(counters, "g", "hits", 5);
    add(counters, "f", "hits", 3);
    add(counters, "f", "misses", 1);
    assert_prints(counters, "{tenant=\"acme\",function=\"f\",name=\"hits\"} 5\n");
    assert_prints(counters, "{tenant=\"acme\",function=\"f\",name=\"misses\"} 1\n");
    assert_prints(counters, "{tenant=\"acme\",function=\"g\",name=\"hits\"} 5\n");
    assert_prints(counters, "\nskerry_function_counter_lost_total 0\n");
    counters_free(counters);
}

static void what_has_too_many_names_is_lost_and_counted(void **state)
{
    (void)state;
    struct counters *counters = NULL;
    char name[33];
    assert_int_equal(counters_create(&counters), STATUS_OK);
    for (uint32_t i = 0; i < COUNTERS_OF_FUNCTION + 2; i++) {
        (void)snprintf(name, sizeof(name), "a_name_of_thirty_two_bytes_____%c", 'a' + (int)i);
        add(counters, "f", name, 7);
    }
    assert_prints(counters, "_____p\"} 7\n");
    assert_prints(counters, "\nskerry_function_counter_lost_total 14\n");
    add(counters, "f", "a_name_of_thirty_two_bytes_____a", 1);
    assert_prints(counters, "_____a\"} 8\n");
    for (uint32_t i = 0; i < COUNTERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "g%u", i);
        add(counters, name, "n", 1);
    }
    assert_prints(counters, "\nskerry_function_counter_lost_total 30\n");
    counters_free(counters);
}

static void a_record_that_is_none_is_refused(void **state)
{
    (void)state;
    struct counter_record good = {.amount = 1, .tenant = "acme", .function = "f", .name = "n"};
    struct counter_record bad[4] = {good, good, good, good};
    struct counter_record read;
    struct record record = {.type = RECORD_COUNTER, .count = sizeof(good)};
    bad[0].tenant[0] = '"';
    memset(bad[1].function, 'f', sizeof(bad[1].function));
    bad[2].name[0] = '"';
    memset(bad[3].name, 'n', sizeof(bad[3].name));
    memcpy(record.data, &good, sizeof(good));
    assert_true(counter_record_read(&record, &read));
    record.count--;
    assert_false(counter_record_read(&record, &read));
    record.count++;
    record.type = RECORD_LINE;
    assert_false(counter_record_read(&record, &read));
    record.type = RECORD_COUNTER;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        memcpy(record.data, &bad[i], sizeof(bad[i]));
        assert_false(counter_record_read(&record, &read));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_added_up_by_function_and_name),
        cmocka_unit_test(what_has_too_many_names_is_lost_and_counted),
        cmocka_unit_test(a_record_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
