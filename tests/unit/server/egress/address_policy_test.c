/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: each form that a tenant could try, and what the policy says of it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "server/egress/address_policy.h"
#include "tests/support/unit.h"

static enum address_verdict class_of(const char *text)
{
    struct address_policy policy;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const char *why = NULL;
    assert_int_equal(address_policy_init(&policy, false), STATUS_OK);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_policy_class(&policy, (const struct sockaddr *)&v4, &why);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_policy_class(&policy, (const struct sockaddr *)&v6, &why);
}

static const struct {
    const char *text;
    enum address_verdict verdict;
} classes[] = {
    {"8.8.8.8", ADDRESS_PUBLIC},
    {"1.1.1.1", ADDRESS_PUBLIC},
    {"9.255.255.255", ADDRESS_PUBLIC},
    {"11.0.0.0", ADDRESS_PUBLIC},
    {"100.63.255.255", ADDRESS_PUBLIC},
    {"100.128.0.0", ADDRESS_PUBLIC},
    {"126.255.255.255", ADDRESS_PUBLIC},
    {"128.0.0.0", ADDRESS_PUBLIC},
    {"169.253.255.255", ADDRESS_PUBLIC},
    {"169.255.0.0", ADDRESS_PUBLIC},
    {"172.15.255.255", ADDRESS_PUBLIC},
    {"172.32.0.0", ADDRESS_PUBLIC},
    {"192.167.255.255", ADDRESS_PUBLIC},
    {"192.169.0.0", ADDRESS_PUBLIC},
    {"198.17.255.255", ADDRESS_PUBLIC},
    {"198.20.0.0", ADDRESS_PUBLIC},
    {"223.255.255.255", ADDRESS_PUBLIC},
    {"2606:4700::1", ADDRESS_PUBLIC},
    {"2a00:1450:4001::200e", ADDRESS_PUBLIC},
    {"2001:200::1", ADDRESS_PUBLIC},
    {"2001:4860:4860::8888", ADDRESS_PUBLIC},
    {"2003::1", ADDRESS_PUBLIC},
    {"127.0.0.1", ADDRESS_PRIVATE},
    {"127.0.0.0", ADDRESS_PRIVATE},
    {"127.1.2.3", ADDRESS_PRIVATE},
    {"127.255.255.255", ADDRESS_PRIVATE},
    {"10.0.0.0", ADDRESS_PRIVATE},
    {"10.255.255.255", ADDRESS_PRIVATE},
    {"172.16.0.0", ADDRESS_PRIVATE},
    {"172.31.255.255", ADDRESS_PRIVATE},
    {"192.168.0.0", ADDRESS_PRIVATE},
    {"192.168.255.255", ADDRESS_PRIVATE},
    {"169.254.0.0", ADDRESS_PRIVATE},
    {"169.254.1.1", ADDRESS_PRIVATE},
    {"169.254.255.255", ADDRESS_PRIVATE},
    {"100.64.0.0", ADDRESS_PRIVATE},
    {"100.127.255.255", ADDRESS_PRIVATE},
    {"198.18.0.0", ADDRESS_PRIVATE},
    {"198.19.255.255", ADDRESS_PRIVATE},
    {"::1", ADDRESS_PRIVATE},
    {"fc00::", ADDRESS_PRIVATE},
    {"fd12:3456::1", ADDRESS_PRIVATE},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE},
    {"fe80::1", ADDRESS_PRIVATE},
    {"febf:ffff::1", ADDRESS_PRIVATE},
    {"fec0::1", ADDRESS_PRIVATE},
    {"64:ff9b::8.8.8.8", ADDRESS_PRIVATE},
    {"64:ff9b::7f00:1", ADDRESS_PRIVATE},
    {"64:ff9b::10.0.0.1", ADDRESS_PRIVATE},
    {"64:ff9b:1::1", ADDRESS_PRIVATE},
    {"2002:808:808::1", ADDRESS_PRIVATE},
    {"2002:7f00:1::", ADDRESS_PRIVATE},
    {"2002:c0a8:101::1", ADDRESS_PRIVATE},
    {"::ffff:8.8.8.8", ADDRESS_PRIVATE},
    {"::ffff:127.0.0.1", ADDRESS_PRIVATE},
    {"::ffff:7f00:1", ADDRESS_PRIVATE},
    {"::ffff:10.0.0.1", ADDRESS_PRIVATE},
    {"::ffff:192.168.1.1", ADDRESS_PRIVATE},
    {"169.254.169.254", ADDRESS_NEVER},
    {"169.254.169.253", ADDRESS_NEVER},
    {"169.254.170.2", ADDRESS_NEVER},
    {"169.254.170.23", ADDRESS_NEVER},
    {"100.100.100.200", ADDRESS_NEVER},
    {"168.63.129.16", ADDRESS_NEVER},
    {"192.0.0.192", ADDRESS_NEVER},
    {"fd00:ec2::254", ADDRESS_NEVER},
    {"fd00:ec2::23", ADDRESS_NEVER},
    {"fd20:ce::254", ADDRESS_NEVER},
    {"::ffff:169.254.169.254", ADDRESS_NEVER},
    {"::ffff:a9fe:a9fe", ADDRESS_NEVER},
    {"64:ff9b::169.254.169.254", ADDRESS_NEVER},
    {"2002:a9fe:a9fe::1", ADDRESS_NEVER},
    {"::169.254.169.254", ADDRESS_NEVER},
    {"0.0.0.0", ADDRESS_NEVER},
    {"0.0.0.1", ADDRESS_NEVER},
    {"0.255.255.255", ADDRESS_NEVER},
    {"::ffff:0.0.0.0", ADDRESS_NEVER},
    {"192.0.0.1", ADDRESS_NEVER},
    {"192.0.2.1", ADDRESS_NEVER},
    {"198.51.100.1", ADDRESS_NEVER},
    {"203.0.113.255", ADDRESS_NEVER},
    {"192.88.99.1", ADDRESS_NEVER},
    {"224.0.0.1", ADDRESS_NEVER},
    {"239.255.255.255", ADDRESS_NEVER},
    {"240.0.0.1", ADDRESS_NEVER},
    {"254.1.1.1", ADDRESS_NEVER},
    {"255.255.255.255", ADDRESS_NEVER},
    {"::ffff:255.255.255.255", ADDRESS_NEVER},
    {"64:ff9b::224.0.0.1", ADDRESS_NEVER},
    {"::", ADDRESS_NEVER},
    {"::2", ADDRESS_NEVER},
    {"::127.0.0.1", ADDRESS_NEVER},
    {"::8.8.8.8", ADDRESS_NEVER},
    {"::ffff:0:8.8.8.8", ADDRESS_NEVER},
    {"100::1", ADDRESS_NEVER},
    {"2001::1", ADDRESS_NEVER},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", ADDRESS_NEVER},
    {"2001:2::1", ADDRESS_NEVER},
    {"2001:10::1", ADDRESS_NEVER},
    {"2001:20::1", ADDRESS_NEVER},
    {"2001:db8::1", ADDRESS_NEVER},
    {"3fff::1", ADDRESS_NEVER},
    {"ff02::1", ADDRESS_NEVER},
    {"ff0e::1", ADDRESS_NEVER},
    {"4000::1", ADDRESS_NEVER},
    {"5f00::1", ADDRESS_NEVER},
    {"1fff:ffff::1", ADDRESS_NEVER},
    {"fe00::1", ADDRESS_NEVER},
};

static void each_form_of_address_has_its_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (class_of(classes[i].text) != classes[i].verdict)
            fail_msg("%s: %d", classes[i].text, (int)class_of(classes[i].text));
    }
}

static bool allows(bool allow_private, const char *text)
{
    struct address_policy policy;
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *why = NULL;
    assert_int_equal(address_policy_init(&policy, allow_private), STATUS_OK);
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address_policy_allows(&policy, (const struct sockaddr *)&address, &why);
}

static void an_operator_can_allow_private_addresses_and_no_others(void **state)
{
    (void)state;
    assert_true(allows(false, "8.8.8.8"));
    assert_false(allows(false, "127.0.0.1"));
    assert_true(allows(true, "127.0.0.1"));
    assert_true(allows(true, "10.1.2.3"));
    assert_false(allows(true, "169.254.169.254"));
    assert_false(allows(true, "0.0.0.0"));
    assert_false(allows(true, "224.0.0.1"));
}

static void what_is_no_internet_address_is_never_allowed(void **state)
{
    (void)state;
    struct address_policy policy;
    const char *why = NULL;
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_int_equal(address_policy_init(&policy, true), STATUS_OK);
    assert_false(address_policy_allows(&policy, (const struct sockaddr *)&local, &why));
    assert_non_null(why);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_address_has_its_class),
        cmocka_unit_test(an_operator_can_allow_private_addresses_and_no_others),
        cmocka_unit_test(what_is_no_internet_address_is_never_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
