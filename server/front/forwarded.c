/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list is walked from its end, over all lines of it, because each proxy adds at the end what it
 * has seen itself. What is no address ends the walk: nothing before it can be told from a forgery.
 */
#include "server/front/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define ELEMENTS_MAX 32 /* proxies in a row */

union forwarded_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Takes the last element off a list. */
static struct bytes forwarded_take_last(struct bytes *list)
{
    size_t at = list->count;
    while (at > 0 && list->data[at - 1] != ',')
        at--;
    struct bytes last = bytes_make(list->data + at, list->count - at);
    list->count = at > 0 ? at - 1 : 0;
    return bytes_trim(last);
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool forwarded_parse(struct bytes text, union forwarded_address *ret_address)
{
    char ip[INET6_ADDRSTRLEN];
    const uint8_t *colon = text.count > 0 ? memchr(text.data, ':', text.count) : NULL;
    const uint8_t *end = text.data + text.count;
    if (text.count > 0 && text.data[0] == '[') {
        text = bytes_make(text.data + 1, text.count - 1);
        end = memchr(text.data, ']', text.count);
    } else if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) == NULL) {
        end = colon;
    }
    size_t count = end != NULL ? (size_t)(end - text.data) : 0;
    if (count == 0 || count >= sizeof(ip))
        return false;
    memcpy(ip, text.data, count);
    ip[count] = '\0';
    memset(ret_address, 0, sizeof(*ret_address));
    ret_address->any.sa_family = AF_INET;
    if (inet_pton(AF_INET, ip, &ret_address->v4.sin_addr) == 1)
        return true;
    ret_address->any.sa_family = AF_INET6;
    return inet_pton(AF_INET6, ip, &ret_address->v6.sin6_addr) == 1;
}

size_t forwarded_client(const struct config *config,
                        const struct http_headers *headers,
                        char ret_client[CONFIG_ADDRESS_BYTES])
{
    size_t client_count = 0;
    uint32_t elements = 0;
    for (uint32_t i = headers->count; i > 0; i--) {
        const struct http_header *header = &headers->rows[i - 1];
        struct bytes list = header->value;
        if (!bytes_equal_nocase(header->name, bytes_of_text("x-forwarded-for")))
            continue;
        while (list.count > 0) {
            union forwarded_address address;
            if (elements++ == ELEMENTS_MAX ||
                !forwarded_parse(forwarded_take_last(&list), &address))
                return client_count;
            client_count = config_address_print(&address.any, ret_client);
            if (!config_trusts(config, &address.any))
                return client_count;
        }
    }
    return client_count;
}

bool forwarded_public_is_https(const struct config *config)
{
    return strncmp(config->public_url, "https:", 6) == 0;
}

bool forwarded_is_https(const struct config *config,
                        const struct http_headers *headers,
                        bool is_tls)
{
    const struct http_header *proto = NULL;
    for (uint32_t i = 0; i < headers->count; i++) {
        if (bytes_equal_nocase(headers->rows[i].name, bytes_of_text("x-forwarded-proto")))
            proto = &headers->rows[i];
    }
    if (proto == NULL)
        return is_tls || forwarded_public_is_https(config);
    struct bytes list = proto->value;
    return bytes_equal_nocase(forwarded_take_last(&list), bytes_of_text("https"));
}
