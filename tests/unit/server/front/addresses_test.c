/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections are counted by address: IPv6 by its network, IPv4 in IPv6 as IPv4.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "server/front/addresses.h"
#include "tests/support/unit.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        memcpy(&storage, &v4, sizeof(v4));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        memcpy(&storage, &v6, sizeof(v6));
    }
    return storage;
}

static struct addresses_key key_of(const char *text)
{
    struct sockaddr_storage storage = address_of(text);
    struct addresses_key key;
    assert_true(addresses_key_of((const struct sockaddr *)&storage, &key));
    return key;
}

static bool is_loopback(const char *text)
{
    struct sockaddr_storage storage = address_of(text);
    return addresses_is_loopback((const struct sockaddr *)&storage);
}

static void an_address_has_as_many_as_it_may_have(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    struct addresses_key one = key_of("192.0.2.1");
    assert_true(addresses_take(addresses, one, 2));
    assert_true(addresses_take(addresses, one, 2));
    assert_false(addresses_take(addresses, one, 2));
    assert_true(addresses_take(addresses, key_of("192.0.2.2"), 2));
    addresses_give(addresses, one);
    assert_true(addresses_take(addresses, one, 2));
    addresses_give(addresses, one);
    addresses_give(addresses, one);
    addresses_give(addresses, key_of("192.0.2.2"));
    free(addresses);
}

static void a_network_of_ipv6_is_one_address(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    assert_true(addresses_take(addresses, key_of("2001:db8:1:2::1"), 1));
    assert_false(addresses_take(addresses, key_of("2001:db8:1:2:ffff:ffff::9"), 1));
    assert_true(addresses_take(addresses, key_of("2001:db8:1:3::1"), 1));
    addresses_give(addresses, key_of("2001:db8:1:2::7"));
    addresses_give(addresses, key_of("2001:db8:1:3::7"));
    free(addresses);
}

static void ipv4_in_ipv6_is_ipv4(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    assert_true(addresses_take(addresses, key_of("::ffff:192.0.2.1"), 1));
    assert_false(addresses_take(addresses, key_of("192.0.2.1"), 1));
    assert_true(addresses_take(addresses, key_of("::c000:201"), 1));
    addresses_give(addresses, key_of("192.0.2.1"));
    addresses_give(addresses, key_of("::c000:201"));
    free(addresses);
}

static void many_addresses_are_told_apart_and_leave_nothing(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    for (uint32_t i = 0; i < 20000; i++)
        assert_true(addresses_take(addresses, (struct addresses_key){.network = i}, 1));
    for (uint32_t i = 0; i < 20000; i++) {
        assert_false(addresses_take(addresses, (struct addresses_key){.network = i}, 1));
        addresses_give(addresses, (struct addresses_key){.network = i});
    }
    for (uint32_t i = 0; i < ADDRESSES_BUCKETS; i++)
        assert_null(addresses->buckets[i]);
    free(addresses);
}

static void bytes_are_an_addresss_as_long_as_it_has_a_connection(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    struct addresses_key one = key_of("192.0.2.1");
    struct addresses_key two = key_of("192.0.2.2");
    assert_true(addresses_take(addresses, one, 2) && addresses_take(addresses, two, 2));
    addresses_account(addresses, one)->coming_bytes += 7;
    assert_true(addresses_take(addresses, one, 2));
    assert_int_equal(addresses_account(addresses, one)->coming_bytes, 7);
    assert_int_equal(addresses_account(addresses, two)->coming_bytes, 0);
    addresses_give(addresses, one);
    assert_int_equal(addresses_account(addresses, one)->coming_bytes, 7);
    addresses_give(addresses, one);
    assert_true(addresses_take(addresses, one, 2));
    assert_int_equal(addresses_account(addresses, one)->coming_bytes, 0);
    addresses_give(addresses, one);
    addresses_give(addresses, two);
    free(addresses);
}

static void who_comes_back_within_the_window_has_his_account(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    struct addresses_key one = key_of("192.0.2.1");
    assert_true(addresses_take(addresses, one, 1));
    addresses_turn(addresses_account(addresses, one), 1000);
    addresses_account(addresses, one)->resets = 7;
    addresses_give(addresses, one);
    addresses_sweep(addresses, 1000 + ADDRESSES_WINDOW_S);
    assert_true(addresses_take(addresses, one, 1));
    assert_false(addresses_take(addresses, one, 1));
    assert_int_equal(addresses->remembered_count, 0);
    addresses_turn(addresses_account(addresses, one), 1000 + ADDRESSES_WINDOW_S);
    assert_int_equal(addresses_account(addresses, one)->resets, 7);
    addresses_turn(addresses_account(addresses, one), 1001 + ADDRESSES_WINDOW_S);
    assert_int_equal(addresses_account(addresses, one)->resets, 0);
    /* A clean one is forgotten at once. */
    addresses_give(addresses, one);
    assert_int_equal(addresses->remembered_count, 0);
    assert_true(addresses_take(addresses, one, 1));
    addresses_account(addresses, one)->strain = 1;
    addresses_give(addresses, one);
    assert_int_equal(addresses->remembered_count, 1);
    addresses_sweep(addresses, 1002 + 2 * ADDRESSES_WINDOW_S);
    assert_int_equal(addresses->remembered_count, 0);
    for (uint32_t i = 0; i < ADDRESSES_BUCKETS; i++)
        assert_null(addresses->buckets[i]);
    free(addresses);
}

static void so_many_are_remembered_and_no_more(void **state)
{
    (void)state;
    struct addresses *addresses = calloc(1, sizeof(*addresses));
    for (uint64_t i = 0; i < ADDRESSES_REMEMBERED_MAX + 10; i++) {
        struct addresses_key key = {.network = i, .is_v6 = true};
        assert_true(addresses_take(addresses, key, 1));
        addresses_account(addresses, key)->strain = 1;
        addresses_give(addresses, key);
    }
    assert_int_equal(addresses->remembered_count, ADDRESSES_REMEMBERED_MAX);
    addresses_sweep(addresses, 1 + ADDRESSES_WINDOW_S);
    assert_int_equal(addresses->remembered_count, 0);
    assert_false(addresses_take(addresses, key_of("192.0.2.1"), 0));
    free(addresses);
}

static void loopback_is_known_in_each_form(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1") && is_loopback("127.9.9.9") && is_loopback("::1"));
    assert_true(is_loopback("::ffff:127.0.0.1"));
    assert_false(is_loopback("128.0.0.1") || is_loopback("::2") || is_loopback("192.0.2.1"));
}

/* Bytes that look like one of the other families do not count. */
static void a_socket_without_an_address_has_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sockaddr_storage storage = address_of(texts[i]);
        struct addresses_key key;
        storage.ss_family = AF_UNIX;
        assert_false(addresses_is_loopback((const struct sockaddr *)&storage));
        assert_false(addresses_key_of((const struct sockaddr *)&storage, &key));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_as_many_as_it_may_have),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(ipv4_in_ipv6_is_ipv4),
        cmocka_unit_test(many_addresses_are_told_apart_and_leave_nothing),
        cmocka_unit_test(bytes_are_an_addresss_as_long_as_it_has_a_connection),
        cmocka_unit_test(who_comes_back_within_the_window_has_his_account),
        cmocka_unit_test(so_many_are_remembered_and_no_more),
        cmocka_unit_test(loopback_is_known_in_each_form),
        cmocka_unit_test(a_socket_without_an_address_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
