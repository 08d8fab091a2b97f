/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses as the operator writes them: "ADDR:PORT" or "[v6]:PORT", numeric only (no
 * name is ever resolved at start), with an optional "http://" before and "/" after; where requests
 * are listened for, "https://" as well.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "config/config.h"

#define ADDRESS_SCHEME "http://"
#define ADDRESS_TLS    "https://"

static bool address_port(const char *text, uint16_t *ret_port)
{
    uint32_t port = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && at - text < 5; at++)
        port = port * 10 + (uint32_t)(*at - '0');
    if (at == text || *at != '\0' || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool config_address_normalise(const char *text, char ret_address[CONFIG_ADDRESS_BYTES])
{
    if (strncmp(text, ADDRESS_SCHEME, strlen(ADDRESS_SCHEME)) == 0)
        text += strlen(ADDRESS_SCHEME);
    size_t count = strlen(text);
    if (count > 0 && text[count - 1] == '/')
        count--;
    if (count >= CONFIG_ADDRESS_BYTES)
        return false;
    char address[CONFIG_ADDRESS_BYTES];
    memcpy(address, text, count);
    address[count] = '\0';
    struct config_address parsed;
    if (!config_address_parse(address, &parsed))
        return false;
    memcpy(ret_address, address, count + 1);
    return true;
}

const char *config_listen_address(const char *listen, bool *ret_is_tls)
{
    *ret_is_tls = strncmp(listen, ADDRESS_TLS, strlen(ADDRESS_TLS)) == 0;
    return listen + (*ret_is_tls ? strlen(ADDRESS_TLS) : 0);
}

bool config_speaks_tls(const struct config *config)
{
    bool is_tls = false;
    for (uint32_t i = 0; i < config->listen_count && !is_tls; i++)
        (void)config_listen_address(config->listen[i], &is_tls);
    return is_tls;
}

bool config_listen_normalise(const char *text, char ret_listen[CONFIG_ADDRESS_BYTES])
{
    bool is_tls;
    char address[CONFIG_ADDRESS_BYTES];
    if (!config_address_normalise(config_listen_address(text, &is_tls), address) ||
        (is_tls && strlen(address) + strlen(ADDRESS_TLS) >= CONFIG_ADDRESS_BYTES))
        return false;
    (void)snprintf(ret_listen, CONFIG_ADDRESS_BYTES, "%s%s", is_tls ? ADDRESS_TLS : "", address);
    return true;
}

bool config_address_parse(const char *text, struct config_address *ret_address)
{
    struct config_address address = {0};
    char host[CONFIG_ADDRESS_BYTES];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return false;
    if (!address_port(colon + 1, &address.port))
        return false;
    size_t count = (size_t)(colon - text);
    bool brackets = count >= 2 && text[0] == '[' && text[count - 1] == ']';
    if (brackets) {
        text++;
        count -= 2;
    }
    memcpy(host, text, count);
    host[count] = '\0';
    if (brackets) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address.storage;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(address.port);
        address.length = sizeof(*v6);
        if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
            return false;
        address.loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address.storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        address.length = sizeof(*v4);
        if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
            return false;
        address.loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
    }
    *ret_address = address;
    return true;
}

size_t config_address_print(const struct sockaddr *address, char ret_text[CONFIG_ADDRESS_BYTES])
{
    char ip[INET6_ADDRSTRLEN];
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    int count = 0;
    ret_text[0] = '\0';
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof(v4));
        if (inet_ntop(AF_INET, &v4.sin_addr, ip, sizeof(ip)) != NULL)
            count = snprintf(ret_text, CONFIG_ADDRESS_BYTES, "%s:%u", ip, ntohs(v4.sin_port));
    } else if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof(v6));
        if (inet_ntop(AF_INET6, &v6.sin6_addr, ip, sizeof(ip)) != NULL)
            count = snprintf(ret_text, CONFIG_ADDRESS_BYTES, "[%s]:%u", ip, ntohs(v6.sin6_port));
    }
    return (size_t)MAX(count, 0);
}
