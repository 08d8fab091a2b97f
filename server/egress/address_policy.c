/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of addresses, and what it says of one.
 */
#include "server/egress/address_policy.h"

#include <netinet/in.h>
#include <string.h>

struct address_line {
    const char *net;
    enum address_verdict verdict;
    uint32_t carried_at;
    const char *text;
};

static const struct address_line address_lines[] = {
#define ADDRESS_NET(net, verdict, text) {net, ADDRESS_##verdict, 0, text},
#define ADDRESS_CARRIER(net, at, text)  {net, ADDRESS_PRIVATE, at, text},
#include "server/egress/addresses.def"
};
_Static_assert(COUNT_OF(address_lines) <= ADDRESS_ROWS_MAX, "room for each row");

static const char address_mapped[] = "an IPv4 address written as IPv6";
static const char address_unknown[] = "no address of the Internet";

enum status address_policy_init(struct address_policy *policy, bool allow_private)
{
    policy->allow_private = allow_private;
    policy->row_count = 0;
    for (size_t i = 0; i < COUNT_OF(address_lines); i++) {
        const struct address_line *line = &address_lines[i];
        struct address_row *row = &policy->rows[policy->row_count++];
        row->verdict = line->verdict;
        row->carried_at = line->carried_at;
        row->text = line->text;
        if (!config_net_parse(line->net, &row->net))
            return STATUS_CONFIG;
    }
    return STATUS_OK;
}

/* Of the IPv4 address in an IPv6 one: what it is itself, but not better than private. */
static enum address_verdict address_carried(const struct address_policy *policy,
                                            const uint8_t v4[4],
                                            const char *carrier,
                                            const char **ret_text)
{
    struct sockaddr_in inner = {.sin_family = AF_INET};
    memcpy(&inner.sin_addr, v4, 4);
    enum address_verdict verdict =
        address_policy_class(policy, (const struct sockaddr *)&inner, ret_text);
    if (verdict == ADDRESS_PUBLIC)
        *ret_text = carrier;
    return MAX(verdict, ADDRESS_PRIVATE);
}

enum address_verdict address_policy_class(const struct address_policy *policy,
                                          const struct sockaddr *address,
                                          const char **ret_text)
{
    const uint8_t *v6 = NULL;
    if (address->sa_family == AF_INET6)
        v6 = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    if (v6 != NULL && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)v6))
        return address_carried(policy, v6 + 12, address_mapped, ret_text);
    for (uint32_t i = 0; i < policy->row_count; i++) {
        const struct address_row *row = &policy->rows[i];
        if (!config_net_contains(&row->net, address))
            continue;
        if (row->carried_at != 0 && v6 != NULL)
            return address_carried(policy, v6 + row->carried_at, row->text, ret_text);
        *ret_text = row->text;
        return row->verdict;
    }
    *ret_text = address_unknown;
    return ADDRESS_NEVER;
}

bool address_policy_allows(const struct address_policy *policy,
                           const struct sockaddr *address,
                           const char **ret_text)
{
    switch (address_policy_class(policy, address, ret_text)) {
    case ADDRESS_PUBLIC:
        return true;
    case ADDRESS_PRIVATE:
        return policy->allow_private;
    case ADDRESS_NEVER:
        break;
    }
    return false;
}
