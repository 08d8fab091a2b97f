/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash is FNV-1a with a last mixing step: it is the same everywhere, which hash.h does not
 * promise, and nobody gains anything by choosing where he falls.
 */
#include "server/request/names/split.h"

static uint64_t split_add(uint64_t hash, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.count; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(1099511628211);
    return hash;
}

/* splitmix64's last step: the low bits of FNV alone are poor for short texts. */
static uint64_t split_mix(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

/* Without its port. */
static struct bytes split_address(struct bytes address)
{
    size_t count = address.count;
    while (count > 0 && address.data[count - 1] != ':')
        count--;
    return count == 0 ? address : bytes_make(address.data, count - 1);
}

static struct bytes split_trim(struct bytes text)
{
    while (text.count > 0 && text.data[0] == ' ')
        text = bytes_make(text.data + 1, text.count - 1);
    while (text.count > 0 && text.data[text.count - 1] == ' ')
        text.count--;
    return text;
}

/* The value of `name` in one Cookie header; data NULL: it is not there [RFC 6265 4.2.1]. */
static struct bytes split_find_pair(struct bytes rest, struct bytes name)
{
    while (rest.count > 0) {
        const uint8_t *end = memchr(rest.data, ';', rest.count);
        size_t count = end == NULL ? rest.count : (size_t)(end - rest.data);
        struct bytes pair = split_trim(bytes_make(rest.data, count));
        if (pair.count > name.count && pair.data[name.count] == '=' &&
            memcmp(pair.data, name.data, name.count) == 0)
            return bytes_make(pair.data + name.count + 1, pair.count - name.count - 1);
        size_t taken = MIN(count + 1, rest.count);
        rest = bytes_make(rest.data + taken, rest.count - taken);
    }
    return bytes_make(NULL, 0);
}

static struct bytes split_find_cookie(const struct http_exchange *http, struct bytes name)
{
    const struct http_headers *headers = &http->request_headers;
    struct bytes value = bytes_make(NULL, 0);
    for (uint32_t i = 0; i < headers->count && value.data == NULL; i++) {
        if (bytes_equal_text(headers->rows[i].name, "cookie"))
            value = split_find_pair(headers->rows[i].value, name);
    }
    return value;
}

uint32_t split_choose(const struct deploy_catalog_entry *entry, const struct http_exchange *http)
{
    struct bytes cookie = bytes_of_text(entry->cookie);
    struct bytes client = cookie.count == 0 ? bytes_make(NULL, 0) : split_find_cookie(http, cookie);
    if (client.data == NULL)
        client = split_address(http->source_addr);
    uint64_t hash = split_add(UINT64_C(14695981039346656037), bytes_of_text(entry->tenant));
    hash = split_add(hash, bytes_make("/", 1));
    hash = split_add(hash, bytes_of_text(entry->function));
    hash = split_add(hash, bytes_make("\0", 1));
    uint32_t part = (uint32_t)(split_mix(split_add(hash, client)) % DEPLOY_PARTS);
    for (uint32_t i = 0; i < entry->share_count; i++) {
        if (part < entry->shares[i].parts)
            return entry->shares[i].version;
        part -= entry->shares[i].parts;
    }
    return entry->version; /* a damaged record: they are not all parts */
}
