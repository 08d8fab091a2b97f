/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who kills workers again and again stays away from them; who was there once does not.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "server/control/deaths.h"
#include "tests/support/unit.h"

static uint64_t now_ns;

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static struct deaths *make(void)
{
    struct deaths *deaths;
    now_ns = 1000 * CLOCK_NS_PER_S;
    assert_int_equal(deaths_create(&fake_clock, NULL, &deaths), STATUS_OK);
    return deaths;
}

static struct vitals_key make_key(uint32_t version)
{
    return (struct vitals_key){
        .tenant = "acme", .function = "f", .created_ns = 5, .version = version};
}

static bool dies_of(struct deaths *deaths, uint32_t version)
{
    struct vitals_key key = make_key(version);
    return deaths_add(deaths, &key);
}

static void the_third_death_in_a_minute_is_one_too_many(void **state)
{
    (void)state;
    struct deaths *deaths = make();
    assert_false(dies_of(deaths, 1));
    assert_false(dies_of(deaths, 2));
    now_ns += 30 * CLOCK_NS_PER_S;
    assert_false(dies_of(deaths, 1));
    assert_int_equal(quarantine_count(deaths_page(deaths), now_ns), 0);
    now_ns += 30 * CLOCK_NS_PER_S;
    assert_true(dies_of(deaths, 1));
    assert_int_equal(quarantine_count(deaths_page(deaths), now_ns), 1);
    assert_int_equal(deaths_quarantined(deaths), 1);
    now_ns += DEATHS_QUARANTINE_NS;
    assert_int_equal(quarantine_count(deaths_page(deaths), now_ns), 0);
    deaths_free(deaths);
}

static void deaths_far_apart_are_nobodys_fault(void **state)
{
    (void)state;
    struct deaths *deaths = make();
    for (int i = 0; i < 20; i++) {
        assert_false(dies_of(deaths, 1));
        now_ns += 31 * CLOCK_NS_PER_S;
    }
    deaths_free(deaths);
}

static void after_its_quarantine_a_version_begins_anew(void **state)
{
    (void)state;
    struct deaths *deaths = make();
    assert_false(dies_of(deaths, 1) || dies_of(deaths, 1));
    assert_true(dies_of(deaths, 1));
    assert_false(dies_of(deaths, 1) || dies_of(deaths, 1));
    assert_true(dies_of(deaths, 1));
    assert_int_equal(quarantine_count(deaths_page(deaths), now_ns), 1);
    deaths_free(deaths);
}

static void many_deaths_of_many_versions_forget_the_oldest(void **state)
{
    (void)state;
    struct deaths *deaths = make();
    assert_false(dies_of(deaths, 1) || dies_of(deaths, 1));
    for (uint32_t i = 0; i < 1000; i++)
        assert_false(dies_of(deaths, 2 + i));
    assert_false(dies_of(deaths, 1));
    deaths_free(deaths);
}

static void nobody_else_can_write_the_page(void **state)
{
    (void)state;
    struct deaths *deaths = make();
    size_t bytes = sizeof(struct quarantine_page);
    assert_ptr_equal(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, deaths_fd(deaths), 0),
                     MAP_FAILED);
    assert_int_equal(errno, EPERM);
    struct quarantine_page *page = mmap(NULL, bytes, PROT_READ, MAP_SHARED, deaths_fd(deaths), 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    assert_int_equal(quarantine_count(page, 0), 0);
    assert_false(dies_of(deaths, 1) || dies_of(deaths, 1));
    assert_true(dies_of(deaths, 1));
    assert_int_equal(quarantine_count(page, 0), 1);
    assert_int_equal(munmap(page, bytes), 0);
    deaths_free(deaths);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_death_in_a_minute_is_one_too_many),
        cmocka_unit_test(deaths_far_apart_are_nobodys_fault),
        cmocka_unit_test(after_its_quarantine_a_version_begins_anew),
        cmocka_unit_test(many_deaths_of_many_versions_forget_the_oldest),
        cmocka_unit_test(nobody_else_can_write_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
