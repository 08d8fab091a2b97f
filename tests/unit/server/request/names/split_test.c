/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which version a client gets: by its cookie or its address, and the same one each time.
 */
#include <stdio.h>

#include "server/request/names/split.h"
#include "tests/support/unit.h"

#define CLIENTS 2000

static struct deploy_catalog_entry entry = {.tenant = "acme",
                                            .function = "api",
                                            .version = 1,
                                            .shares = {{2, 2000}, {1, 8000}},
                                            .share_count = 2};

static uint32_t by_address(const char *address)
{
    const struct http_exchange http = {.source_addr = bytes_of_text(address)};
    return split_choose(&entry, &http);
}

static uint32_t by_cookie(const char *cookie)
{
    struct http_header rows[] = {{bytes_of_text("accept"), bytes_of_text("*/*")},
                                 {bytes_of_text("cookie"), bytes_of_text("other=1")},
                                 {bytes_of_text("cookie"), bytes_of_text(cookie)}};
    const struct http_exchange http = {.source_addr = bytes_of_text("127.0.0.1:1"),
                                       .request_headers = {.rows = rows, .count = COUNT_OF(rows)}};
    return split_choose(&entry, &http);
}

/* Which of so many addresses get version 2. */
static uint32_t count_newest(bool was[CLIENTS])
{
    uint32_t count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        char address[32];
        (void)snprintf(address, sizeof(address), "10.0.%d.%d:%d", i / 200, i % 200, i);
        bool is = by_address(address) == 2;
        /* Whoever had it goes on to have it. */
        assert_true(is || !was[i]);
        was[i] = is;
        count += is ? 1 : 0;
    }
    return count;
}

static void shares_are_about_as_large_as_they_say_and_only_grow(void **state)
{
    (void)state;
    static bool was[CLIENTS];
    for (uint32_t percent = 0; percent <= 100; percent += 20) {
        entry.shares[0].parts = percent * 100;
        entry.shares[1].parts = DEPLOY_PARTS - percent * 100;
        uint32_t count = count_newest(was);
        assert_in_range(count, CLIENTS * percent / 100 - MIN(percent, 1) * 80,
                        CLIENTS * percent / 100 + MIN(percent, 1) * 80);
    }
    entry.shares[0].parts = 2000;
    entry.shares[1].parts = 8000;
}

static void a_port_makes_no_other_client(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        char one[32];
        char other[32];
        (void)snprintf(one, sizeof(one), "[::%d]:80", i);
        (void)snprintf(other, sizeof(other), "[::%d]:65000", i);
        assert_int_equal(by_address(one), by_address(other));
    }
    (void)by_address("");
    (void)by_address("nothing");
}

static void a_cookie_goes_before_the_address(void **state)
{
    (void)state;
    uint32_t seen = 0;
    memcpy(entry.cookie, "id", 3);
    for (int i = 0; i < 50; i++) {
        char cookie[64];
        (void)snprintf(cookie, sizeof(cookie), "a=b; id=%d; xid=7", i);
        uint32_t version = by_cookie(cookie);
        (void)snprintf(cookie, sizeof(cookie), "xid=9;id=%d", i);
        assert_int_equal(by_cookie(cookie), version);
        seen |= version;
    }
    assert_int_equal(seen, 3);
    /* Without it, the address. */
    uint32_t version = by_cookie("nothing");
    static const char *const none[] = {"", ";", "=", "idle=1", "i=1", "id", "id2=1; ;;"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(by_cookie(none[i]), version);
    memset(entry.cookie, 0, sizeof(entry.cookie));
    assert_int_equal(by_cookie("id=1"), by_cookie("id=2"));
}

static void shares_that_are_damaged_lead_to_the_active_version(void **state)
{
    (void)state;
    struct deploy_catalog_entry damaged = entry;
    const struct http_exchange http = {.source_addr = bytes_of_text("127.0.0.1:1")};
    damaged.shares[0].parts = damaged.shares[1].parts = 0;
    assert_int_equal(split_choose(&damaged, &http), 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_about_as_large_as_they_say_and_only_grow),
        cmocka_unit_test(a_port_makes_no_other_client),
        cmocka_unit_test(a_cookie_goes_before_the_address),
        cmocka_unit_test(shares_that_are_damaged_lead_to_the_active_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
