/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: what is one, and who is in it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "config/config.h"
#include "tests/support/unit.h"

static bool contains(const char *net_text, const char *address)
{
    struct config_net net;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    assert_true(config_net_parse(net_text, &net));
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return config_net_contains(&net, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return config_net_contains(&net, (const struct sockaddr *)&v6);
}

static void a_network_has_the_addresses_of_its_prefix(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.1.2"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.168.4.0/22", "192.168.7.255"));
    assert_false(contains("192.168.4.0/22", "192.168.8.0"));
    assert_true(contains("127.0.0.1", "127.0.0.1"));
    assert_false(contains("127.0.0.1", "127.0.0.2"));
    assert_true(contains("0.0.0.0/0", "1.2.3.4"));
    assert_false(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("::/0", "1.2.3.4"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("::1", "::1"));
}

static void an_ipv4_peer_is_the_same_on_a_socket_for_both(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(contains("10.0.0.0/8", "::10.1.2.3"));
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "10.0.0.0/33", "10.0.0.0/",   "10.0.0.1/8",
                                      "10.0.0/8",   "::/129",      "::1/127",     "10.0.0.0/8 ",
                                      "10.0.0.0/x", "10.0.0.0/-1", "host/8",      "10.0.0.0/0008",
                                      "/8",         "[::1]",       "10.0.0.0/8/8"};
    struct config_net net = {.bits = 77};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(config_net_parse(bad[i], &net));
        assert_int_equal(net.bits, 77);
    }
}

static void only_what_is_listed_is_trusted(void **state)
{
    (void)state;
    struct config config = {0};
    struct sockaddr_in peer = {.sin_family = AF_INET};
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_int_equal(inet_pton(AF_INET, "10.1.1.1", &peer.sin_addr), 1);
    assert_false(config_trusts(&config, (const struct sockaddr *)&peer));
    assert_true(config_net_parse("192.168.0.0/16", &config.trusted_proxies[0]));
    assert_true(config_net_parse("10.1.0.0/16", &config.trusted_proxies[1]));
    config.trusted_proxy_count = 2;
    assert_true(config_trusts(&config, (const struct sockaddr *)&peer));
    assert_false(config_trusts(&config, (const struct sockaddr *)&local));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_the_addresses_of_its_prefix),
        cmocka_unit_test(an_ipv4_peer_is_the_same_on_a_socket_for_both),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(only_what_is_listed_is_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
