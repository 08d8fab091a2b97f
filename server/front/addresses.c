/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table with chains: an entry lives as long as its address has a connection, and a little
 * longer if frames are in its account, so there are never more of them than connections and
 * ADDRESSES_REMEMBERED_MAX.
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
    uint64_t count; /* of connections */
    struct addresses_account account;
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
    if (max == 0 || (*link != NULL && (*link)->count >= max))
        return false;
    if (*link == NULL) {
        *link = calloc(1, sizeof(**link));
        if (*link == NULL)
            return false;
        (*link)->key = key;
    } else if ((*link)->count == 0) {
        addresses->remembered_count--;
    }
    (*link)->count++;
    return true;
}

struct addresses_account *addresses_account(struct addresses *addresses, struct addresses_key key)
{
    struct addresses_entry *entry = *addresses_find(addresses, key);
    ASSERT(entry != NULL && entry->count > 0);
    return &entry->account;
}

static void addresses_drop(struct addresses_entry **link)
{
    struct addresses_entry *entry = *link;
    *link = entry->next;
    free(entry);
}

static bool addresses_is_owing(const struct addresses_account *account)
{
    return account->strain > 0 || account->resets > 0;
}

void addresses_give(struct addresses *addresses, struct addresses_key key)
{
    struct addresses_entry **link = addresses_find(addresses, key);
    ASSERT(*link != NULL && (*link)->count > 0);
    if (--(*link)->count > 0)
        return;
    if (addresses_is_owing(&(*link)->account) &&
        addresses->remembered_count < ADDRESSES_REMEMBERED_MAX)
        addresses->remembered_count++;
    else
        addresses_drop(link);
}

static void
addresses_sweep_chain(struct addresses *addresses, struct addresses_entry **link, uint32_t now_s)
{
    while (*link != NULL) {
        if ((*link)->count == 0 && now_s - (*link)->account.since_s > ADDRESSES_WINDOW_S) {
            addresses->remembered_count--;
            addresses_drop(link);
        } else {
            link = &(*link)->next;
        }
    }
}

void addresses_sweep(struct addresses *addresses, uint32_t now_s)
{
    for (uint32_t i = 0; i < ADDRESSES_BUCKETS && addresses->remembered_count > 0; i++)
        addresses_sweep_chain(addresses, &addresses->buckets[i], now_s);
}
