/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker leaves behind when it dies, and the page that keeps versions away from workers.
 */
#include <stdio.h>
#include <string.h>

#include "server/telemetry/quarantine.h"
#include "tests/support/unit.h"

static uint64_t now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static struct vitals_key make_key(const char *function, uint32_t version)
{
    struct vitals_key key = {.tenant = "acme", .created_ns = 5, .version = version};
    (void)snprintf(key.function, sizeof(key.function), "%s", function);
    return key;
}

static uint64_t until(const struct quarantine_page *page, const char *function, uint32_t version)
{
    struct deploy_catalog_entry entry = {.tenant = "acme", .created_ns = 5, .version = version};
    (void)snprintf(entry.function, sizeof(entry.function), "%s", function);
    return quarantine_until_ns(page, &entry, &fake_clock);
}

static void what_ran_is_told_only_while_it_runs(void **state)
{
    (void)state;
    struct vitals vitals = {0};
    struct vitals_key key;
    struct deploy_catalog_entry entry = {
        .tenant = "acme", .function = "f", .version = 3, .created_ns = 5};
    assert_false(vitals_read(&vitals, &key));
    vitals_enter(&vitals, &entry);
    assert_true(vitals_read(&vitals, &key));
    struct vitals_key expected = make_key("f", 3);
    assert_true(vitals_key_equal(&key, &expected));
    vitals_leave(&vitals);
    assert_false(vitals_read(&vitals, &key));
    vitals_enter(&vitals, &entry);
    vitals_enter(&vitals, &entry);
    vitals_clear(&vitals);
    assert_false(vitals_read(&vitals, &key));
}

static void nonsense_accuses_nobody(void **state)
{
    (void)state;
    struct vitals_key key;
    struct vitals vitals = {.runs = 1, .key = make_key("f", 0)};
    assert_false(vitals_read(&vitals, &key));
    vitals.key = make_key("../f", 1);
    assert_false(vitals_read(&vitals, &key));
    memset(vitals.key.tenant, 'a', sizeof(vitals.key.tenant));
    assert_false(vitals_read(&vitals, &key));
}

static void a_version_is_away_until_its_time_is_over(void **state)
{
    (void)state;
    static struct quarantine_page page;
    struct vitals_key key = make_key("f", 3);
    page = (struct quarantine_page){0};
    now_ns = 100;
    assert_int_equal(until(&page, "f", 3), 0);
    quarantine_put(&page, &key, 200);
    assert_int_equal(until(&page, "f", 3), 200);
    assert_int_equal(until(&page, "f", 4), 0);
    assert_int_equal(until(&page, "g", 3), 0);
    assert_int_equal(quarantine_count(&page, now_ns), 1);
    now_ns = 200;
    assert_int_equal(until(&page, "f", 3), 0);
    assert_int_equal(quarantine_count(&page, now_ns), 0);
}

static void a_row_that_is_being_written_is_in_nobodys_way(void **state)
{
    (void)state;
    static struct quarantine_page page;
    struct vitals_key key = make_key("f", 3);
    page = (struct quarantine_page){0};
    now_ns = 100;
    quarantine_put(&page, &key, 200);
    page.rows[0].sequence++;
    assert_int_equal(until(&page, "f", 3), 0);
}

static void a_full_page_gives_up_what_ends_the_soonest(void **state)
{
    (void)state;
    static struct quarantine_page page;
    page = (struct quarantine_page){0};
    now_ns = 100;
    for (uint32_t i = 0; i < QUARANTINE_ROWS; i++) {
        struct vitals_key key = make_key("f", i + 1);
        quarantine_put(&page, &key, 1000 + i);
    }
    struct vitals_key again = make_key("f", 1);
    quarantine_put(&page, &again, 5000);
    assert_int_equal(quarantine_count(&page, now_ns), QUARANTINE_ROWS);
    struct vitals_key more = make_key("g", 1);
    quarantine_put(&page, &more, 3000);
    assert_int_equal(quarantine_count(&page, now_ns), QUARANTINE_ROWS);
    assert_int_equal(until(&page, "g", 1), 3000);
    assert_int_equal(until(&page, "f", 1), 5000);
    assert_int_equal(until(&page, "f", 2), 0);
    /* A page that lies about its length is read no further than it goes. */
    page.count = UINT64_MAX;
    assert_int_equal(until(&page, "g", 2), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ran_is_told_only_while_it_runs),
        cmocka_unit_test(nonsense_accuses_nobody),
        cmocka_unit_test(a_version_is_away_until_its_time_is_over),
        cmocka_unit_test(a_row_that_is_being_written_is_in_nobodys_way),
        cmocka_unit_test(a_full_page_gives_up_what_ends_the_soonest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
