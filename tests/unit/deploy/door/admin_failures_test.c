/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures by address: how many, for how long, and what a table of 256 rows forgets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "deploy/door/admin_failures.h"
#include "tests/support/unit.h"

static void too_many_from_one_address_are_many_until_the_time_is_over(void **state)
{
    (void)state;
    struct admin_failures failures = {0};
    uint64_t now_ns = 5;
    for (int i = 0; i < ADMIN_FAILURES_MAX; i++) {
        assert_false(admin_failures_are_many(&failures, 7, now_ns));
        admin_failures_count(&failures, 7, now_ns++);
    }
    assert_true(admin_failures_are_many(&failures, 7, now_ns));
    assert_false(admin_failures_are_many(&failures, 8, now_ns));
    assert_true(admin_failures_are_many(&failures, 7, 5 + ADMIN_FAILURES_NS - 1));
    assert_false(admin_failures_are_many(&failures, 7, 5 + ADMIN_FAILURES_NS));
    /* And from there it counts anew. */
    admin_failures_count(&failures, 7, 5 + ADMIN_FAILURES_NS);
    assert_false(admin_failures_are_many(&failures, 7, 5 + ADMIN_FAILURES_NS));
}

static void a_full_table_forgets_the_address_that_failed_longest_ago(void **state)
{
    (void)state;
    struct admin_failures failures = {0};
    uint64_t now_ns = 1;
    for (uint64_t address = 1; address <= 2; address++) {
        for (int i = 0; i < ADMIN_FAILURES_MAX; i++)
            admin_failures_count(&failures, address, now_ns++);
    }
    for (uint64_t address = 3; address <= ADMIN_FAILURES_ROWS; address++)
        admin_failures_count(&failures, address, now_ns++);
    assert_true(admin_failures_are_many(&failures, 1, now_ns));
    admin_failures_count(&failures, 1000, now_ns++);
    assert_false(admin_failures_are_many(&failures, 1, now_ns));
    assert_true(admin_failures_are_many(&failures, 2, now_ns));
}

static uint64_t key_of(const char *text)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        return admin_failures_key((const struct sockaddr *)&six);
    assert_int_equal(inet_pton(AF_INET, text, &four.sin_addr), 1);
    return admin_failures_key((const struct sockaddr *)&four);
}

static void an_address_is_one_however_it_is_written(void **state)
{
    (void)state;
    assert_int_equal(key_of("127.0.0.1"), key_of("::ffff:127.0.0.1"));
    assert_int_not_equal(key_of("127.0.0.1"), key_of("127.0.0.2"));
    assert_int_equal(key_of("2001:db8::1"), key_of("2001:db8::ffff:2"));
    assert_int_not_equal(key_of("2001:db8::1"), key_of("2001:db8:0:1::1"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_from_one_address_are_many_until_the_time_is_over),
        cmocka_unit_test(a_full_table_forgets_the_address_that_failed_longest_ago),
        cmocka_unit_test(an_address_is_one_however_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
