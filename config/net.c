/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as the operator writes them: "10.0.0.0/8", "2001:db8::/32", or one address.
 *
 * All of them are kept as IPv6, an IPv4 one as what maps to it, so that a peer of a socket that
 * speaks both is found whichever way it came.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "config/config.h"

#define NET_BITS       128
#define NET_V4_PREFIX  96 /* bits of ::ffff:0:0 */
#define NET_TEXT_BYTES 64

static void net_map_v4(const void *v4, uint8_t ret_address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(ret_address, prefix, sizeof(prefix));
    memcpy(ret_address + sizeof(prefix), v4, 4);
}

/* A number from 0 to `max` without anything before or behind it. */
static bool net_parse_bits(const char *text, uint32_t max, uint32_t *ret_bits)
{
    uint32_t bits = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && at - text < 3; at++)
        bits = bits * 10 + (uint32_t)(*at - '0');
    if (at == text || *at != '\0' || bits > max)
        return false;
    *ret_bits = bits;
    return true;
}

static bool net_bit(const uint8_t address[16], uint32_t bit)
{
    return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool config_net_parse(const char *text, struct config_net *ret_net)
{
    struct config_net net = {0};
    char address[NET_TEXT_BYTES];
    const char *slash = strchr(text, '/');
    size_t count = slash == NULL ? strlen(text) : (size_t)(slash - text);
    uint8_t v4[4];
    if (count >= sizeof(address))
        return false;
    memcpy(address, text, count);
    address[count] = '\0';
    bool is_v4 = inet_pton(AF_INET, address, v4) == 1;
    if (is_v4)
        net_map_v4(v4, net.address);
    else if (inet_pton(AF_INET6, address, net.address) != 1)
        return false;
    uint32_t skip = is_v4 ? NET_V4_PREFIX : 0;
    uint32_t bits = NET_BITS - skip;
    if (slash != NULL && !net_parse_bits(slash + 1, NET_BITS - skip, &bits))
        return false;
    net.bits = skip + bits;
    /* A bit behind the prefix is a slip: another network was meant, or one address. */
    for (uint32_t bit = net.bits; bit < NET_BITS; bit++) {
        if (net_bit(net.address, bit))
            return false;
    }
    *ret_net = net;
    return true;
}

bool config_net_contains(const struct config_net *net, const struct sockaddr *address)
{
    uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        net_map_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, bytes);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    } else {
        return false;
    }
    uint32_t whole = net->bits / 8;
    uint32_t rest = net->bits % 8;
    if (memcmp(bytes, net->address, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ net->address[whole]) >> (8 - rest) == 0;
}

static bool
net_any_contains(const struct config_net *nets, uint32_t count, const struct sockaddr *address)
{
    for (uint32_t i = 0; i < count; i++) {
        if (config_net_contains(&nets[i], address))
            return true;
    }
    return false;
}

bool config_trusts(const struct config *config, const struct sockaddr *address)
{
    return net_any_contains(config->trusted_proxies, config->trusted_proxy_count, address);
}

bool config_speaks_proxy(const struct config *config, const struct sockaddr *address)
{
    return net_any_contains(config->proxy_protocol, config->proxy_protocol_count, address);
}
