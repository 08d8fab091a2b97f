/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker left behind: whose guest ran, if any did, and how much of it is believed.
 */
#include <stdio.h>

#include "server/telemetry/vitals.h"
#include "tests/support/unit.h"

static struct deploy_catalog_entry entry_of(const char *function, uint32_t version)
{
    struct deploy_catalog_entry entry = {.tenant = "acme", .version = version, .created_ns = 7};
    (void)snprintf(entry.function, sizeof(entry.function), "%s", function);
    return entry;
}

static void only_while_a_guest_runs_somebody_is_accused(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_key key = {.version = 99};
    const struct deploy_catalog_entry entry = entry_of("hello", 3);
    assert_false(vitals_read(&vitals, &key));
    vitals_enter(&vitals, &entry);
    assert_true(vitals_read(&vitals, &key));
    assert_string_equal(key.tenant, "acme");
    assert_string_equal(key.function, "hello");
    assert_int_equal(key.version, 3);
    assert_int_equal(key.created_ns, 7);
    vitals_leave(&vitals);
    key.version = 99;
    assert_false(vitals_read(&vitals, &key));
    assert_int_equal(key.version, 99);
}

static void the_last_that_entered_is_the_one(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_key key;
    const struct deploy_catalog_entry first = entry_of("first", 1);
    const struct deploy_catalog_entry second = entry_of("second", 2);
    vitals_enter(&vitals, &first);
    vitals_enter(&vitals, &second);
    assert_true(vitals_read(&vitals, &key));
    assert_string_equal(key.function, "second");
    /* Two that entered are left once: the worker runs one guest at a time. */
    vitals_leave(&vitals);
    assert_false(vitals_read(&vitals, &key));
}

static void a_successor_is_not_accused_of_what_killed_the_one_before(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_key key;
    const struct deploy_catalog_entry entry = entry_of("hello", 3);
    vitals_clear(&vitals);
    assert_false(vitals_read(&vitals, &key));
    vitals_enter(&vitals, &entry);
    vitals_clear(&vitals);
    assert_false(vitals_read(&vitals, &key));
    vitals_clear(&vitals);
    assert_false(vitals_read(&vitals, &key));
    vitals_enter(&vitals, &entry);
    assert_true(vitals_read(&vitals, &key));
}

static void what_makes_no_sense_accuses_nobody(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_key key = {.version = 99};
    struct deploy_catalog_entry entry = entry_of("no name", 3);
    vitals_enter(&vitals, &entry);
    assert_false(vitals_read(&vitals, &key));
    entry = entry_of("", 3);
    vitals_enter(&vitals, &entry);
    assert_false(vitals_read(&vitals, &key));
    entry = entry_of("hello", 0);
    vitals_enter(&vitals, &entry);
    assert_false(vitals_read(&vitals, &key));
    /* A guest that broke out wrote over it: no name ends. */
    entry = entry_of("hello", 3);
    vitals_enter(&vitals, &entry);
    memset(vitals.key.function, 'x', sizeof(vitals.key.function));
    assert_false(vitals_read(&vitals, &key));
    assert_int_equal(key.version, 99);
}

static void keys_are_equal_in_all_their_parts(void **state)
{
    (void)state;
    const struct vitals_key key = {
        .tenant = "acme", .function = "hello", .created_ns = 7, .version = 3};
    struct vitals_key other = key;
    assert_true(vitals_key_equal(&key, &other));
    other.version = 4;
    assert_false(vitals_key_equal(&key, &other));
    other = key;
    other.created_ns = 8; /* removed, and made anew */
    assert_false(vitals_key_equal(&key, &other));
    other = key;
    other.tenant[0] = 'b';
    assert_false(vitals_key_equal(&key, &other));
    other = key;
    other.function[4] = 'a';
    assert_false(vitals_key_equal(&key, &other));
}

static void each_turn_is_a_beat_and_runs_are_none(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    const struct deploy_catalog_entry entry = entry_of("hello", 3);
    vitals_beat(&vitals);
    vitals_enter(&vitals, &entry);
    vitals_leave(&vitals);
    vitals_beat(&vitals);
    assert_int_equal(vitals.beats, 2);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_while_a_guest_runs_somebody_is_accused),
        cmocka_unit_test(the_last_that_entered_is_the_one),
        cmocka_unit_test(a_successor_is_not_accused_of_what_killed_the_one_before),
        cmocka_unit_test(what_makes_no_sense_accuses_nobody),
        cmocka_unit_test(keys_are_equal_in_all_their_parts),
        cmocka_unit_test(each_turn_is_a_beat_and_runs_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
