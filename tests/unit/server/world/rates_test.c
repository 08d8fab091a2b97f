/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits of several workers, each with its own view of the same pages.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/world/rates.h"
#include "tests/support/unit.h"

#define WORKERS 3
#define HOUR    3600000

static struct {
    uint64_t now_ms;
    struct rates_page *pages[WORKERS];
    struct rates workers[WORKERS];
} stage;

static uint64_t now(void *context)
{
    (void)context;
    return stage.now_ms * CLOCK_NS_PER_MS;
}

static const struct clock stage_clock = {.monotonic_ns = now, .realtime_ns = now};

static int setup(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    stage.now_ms = UINT64_C(1000) * HOUR;
    for (uint32_t i = 0; i < WORKERS; i++) {
        stage.pages[i] = calloc(1, sizeof(*stage.pages[i]));
        assert_non_null(stage.pages[i]);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        stage.workers[i] =
            (struct rates){.clock = &stage_clock, .seed = 7, .own = stage.pages[i], .own_index = i};
        for (uint32_t j = 0; j < WORKERS; j++)
            stage.workers[i].pages[j + 10] = stage.pages[j];
        stage.workers[i].page_count = WORKERS + 10;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < WORKERS; i++)
        free(stage.pages[i]);
    return 0;
}

static int64_t
take(uint32_t worker, const char *tenant, const char *key, uint32_t limit, uint64_t window_ms)
{
    return rates_take(&stage.workers[worker], bytes_of_text(tenant), bytes_of_text(key), limit,
                      window_ms);
}

static void a_limit_is_one_for_all_workers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(take(i % WORKERS, "acme", "k", 10, HOUR), 9 - i);
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal(take(i, "acme", "k", 10, HOUR), -1);
    /* What was refused was not counted; another key, tenant or window is another counter. */
    assert_int_equal(take(0, "acme", "k", 11, HOUR), 0);
    assert_int_equal(take(0, "acme", "l", 10, HOUR), 9);
    assert_int_equal(take(0, "acmf", "k", 10, HOUR), 9);
    assert_int_equal(take(0, "acme", "k", 10, HOUR / 2), 9);
}

static void a_window_slides(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        assert_true(take(i % 2, "acme", "k", 100, 1000) >= 0);
    assert_int_equal(take(2, "acme", "k", 100, 1000), -1);
    stage.now_ms += 1000; /* the last window counts whole at first */
    assert_int_equal(take(2, "acme", "k", 100, 1000), -1);
    stage.now_ms += 250;                                   /* and then for three quarters */
    assert_int_equal(take(2, "acme", "k", 100, 1000), 25); /* each part rounded down */
    assert_int_equal(take(0, "acme", "k", 100, 1000), 24);
    stage.now_ms += 750;
    assert_int_equal(take(1, "acme", "k", 100, 1000), 97); /* two of the window before */
    stage.now_ms += 5000;
    assert_int_equal(take(1, "acme", "k", 100, 1000), 99);
}

/* More keys than there are places: each of them may be forgotten, but not be wrong for long. */
static void many_keys_take_places_of_their_own_tenant_first(void **state)
{
    (void)state;
    char key[16];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "v%u", i);
        assert_int_equal(take(0, "victim", key, 1, HOUR), 0);
    }
    for (uint32_t i = 0; i < 5 * RATES_SLOTS; i++) {
        (void)snprintf(key, sizeof(key), "a%u", i);
        assert_int_equal(take(0, "attacker", key, 1, HOUR), 0);
    }
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "v%u", i);
        kept += take(0, "victim", key, 1, HOUR) == -1;
    }
    assert_true(kept >= 98);
}

static void a_worker_that_lies_makes_a_limit_wrong_and_nothing_else(void **state)
{
    (void)state;
    (void)take(1, "acme", "k", 10, HOUR);
    memset(stage.pages[1], 0xff, sizeof(*stage.pages[1]));
    assert_int_equal(take(0, "acme", "k", 10, HOUR), 9);
    for (size_t i = 0; i < RATES_SLOTS; i++)
        stage.pages[1]->slots[i].key = stage.pages[0]->slots[i].key;
    int64_t left = take(0, "acme", "k", 10, HOUR);
    assert_true(left >= -1 && left < 10);
}

static void what_tenants_use_is_one_sum_that_no_guest_crowds_out(void **state)
{
    (void)state;
    char key[16];
    struct bytes acme = bytes_of_text("acme");
    for (uint32_t i = 0; i < WORKERS; i++)
        rates_quota_use(&stage.workers[i], acme, RATES_QUOTA_REQUESTS, 2);
    rates_quota_use(&stage.workers[0], acme, RATES_QUOTA_FUEL, 500);
    for (uint32_t i = 0; i < 5 * RATES_SLOTS; i++) {
        (void)snprintf(key, sizeof(key), "a%u", i);
        (void)take(0, "acme", key, 1, HOUR);
    }
    for (uint32_t i = 0; i < WORKERS; i++) {
        assert_int_equal(rates_quota_used(&stage.workers[i], acme, RATES_QUOTA_REQUESTS), 6);
        assert_int_equal(rates_quota_used(&stage.workers[i], acme, RATES_QUOTA_FUEL), 500);
    }
    struct bytes beta = bytes_of_text("beta");
    assert_int_equal(rates_quota_used(&stage.workers[0], beta, RATES_QUOTA_REQUESTS), 0);
    stage.now_ms += 2000;
    assert_int_equal(rates_quota_used(&stage.workers[0], acme, RATES_QUOTA_REQUESTS), 0);
    assert_int_equal(rates_quota_used(&stage.workers[0], acme, RATES_QUOTA_FUEL), 500);
    stage.now_ms += 18000;
    assert_int_equal(rates_quota_used(&stage.workers[0], acme, RATES_QUOTA_FUEL), 0);
    /* More than fits is the most that there is. */
    rates_quota_use(&stage.workers[0], acme, RATES_QUOTA_FUEL, UINT32_MAX);
    rates_quota_use(&stage.workers[0], acme, RATES_QUOTA_FUEL, 5);
    assert_int_equal(rates_quota_used(&stage.workers[0], acme, RATES_QUOTA_FUEL), UINT32_MAX);
}

static void without_pages_nothing_is_counted(void **state)
{
    (void)state;
    struct rates none = {.clock = &stage_clock};
    rates_quota_use(&none, bytes_of_text("acme"), RATES_QUOTA_FUEL, 5);
    assert_int_equal(rates_quota_used(&none, bytes_of_text("acme"), RATES_QUOTA_FUEL), 0);
}

UNIT
{
#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        STAGED(a_limit_is_one_for_all_workers),
        STAGED(a_window_slides),
        STAGED(many_keys_take_places_of_their_own_tenant_first),
        STAGED(what_tenants_use_is_one_sum_that_no_guest_crowds_out),
        STAGED(without_pages_nothing_is_counted),
        STAGED(a_worker_that_lies_makes_a_limit_wrong_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
