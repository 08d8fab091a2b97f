/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table with chains: an entry lives as long as its address has a connection, so there are
 * never more of them than connections.
 */
#include "server/front/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/status.h"

#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

struct addresses_entry {
    struct addresses_entry *next;
    struct addresses_key key;
    uint64_t count;
    uint64_t bytes;
};

/* Family by family, without casting a pointer to what it may not point to. */
union addresses_any {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool addresses_v4(const struct sockaddr *address, uint32_t *ret_v4)
{
    union addresses_any copy;
    if (address->sa_family == AF_INET) {
        memcpy(&copy.v4, address, sizeof(copy.v4));
        *ret_v4 = ntohl(copy.v4.sin_addr.s_addr);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&copy.v6, address, sizeof(copy.v6));
    if (!IN6_IS_ADDR_V4MAPPED(&copy.v6.sin6_addr))
        return false;
    memcpy(ret_v4, copy.v6.sin6_addr.s6_addr + 12, sizeof(*ret_v4));
    *ret_v4 = ntohl(*ret_v4);
    return true;
}

bool addresses_key_of(const struct sockaddr *address, struct addresses_key *ret_key)
{
    uint32_t v4;
    union addresses_any copy;
    if (addresses_v4(address, &v4)) {
        *ret_key = (struct addresses_key){.network = v4};
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&copy.v6, address, sizeof(copy.v6));
    *ret_key = (struct addresses_key){.is_v6 = true};
    memcpy(&ret_key->network, copy.v6.sin6_addr.s6_addr, sizeof(ret_key->network));
    return true;
}

bool addresses_is_loopback(const struct sockaddr *address)
{
    uint32_t v4;
    union addresses_any copy;
    if (addresses_v4(address, &v4))
        return v4 >> 24 == IN_LOOPBACKNET;
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&copy.v6, address, sizeof(copy.v6));
    return IN6_IS_ADDR_LOOPBACK(&copy.v6.sin6_addr);
}

/* The link that leads to the entry, or to the end of its chain. */
static struct addresses_entry **addresses_find(struct addresses *addresses,
                                               struct addresses_key key)
{
    uint64_t hash = (key.network ^ key.is_v6) * HASH_FACTOR >> 32;
    struct addresses_entry **link = &addresses->buckets[hash % ADDRESSES_BUCKETS];
    while (*link != NULL &&
           ((*link)->key.network != key.network || (*link)->key.is_v6 != key.is_v6))
        link = &(*link)->next;
    return link;
}

bool addresses_take(struct addresses *addresses, struct addresses_key key, uint64_t max)
{
    struct addresses_entry **link = addresses_find(addresses, key);
    if (*link == NULL) {
        *link = calloc(1, sizeof(**link));
        if (*link == NULL)
            return false;
        (*link)->key = key;
    }
    if ((*link)->count >= max)
        return false;
    (*link)->count++;
    return true;
}

uint64_t *addresses_bytes(struct addresses *addresses, struct addresses_key key)
{
    struct addresses_entry *entry = *addresses_find(addresses, key);
    ASSERT(entry != NULL && entry->count > 0);
    return &entry->bytes;
}

void addresses_give(struct addresses *addresses, struct addresses_key key)
{
    struct addresses_entry **link = addresses_find(addresses, key);
    struct addresses_entry *entry = *link;
    ASSERT(entry != NULL && entry->count > 0);
    if (--entry->count > 0)
        return;
    *link = entry->next;
    free(entry);
}
