/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how many connections each client address has, and a number of bytes for them
 * together. An IPv6 client owns a whole /64 and is counted by it; IPv4 in IPv6 is IPv4.
 */
#ifndef SKERRY_SERVER_FRONT_ADDRESSES_H
#define SKERRY_SERVER_FRONT_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESSES_BUCKETS 4096

struct addresses_key {
    uint64_t network; /* the first 64 bits, or the whole of IPv4 */
    bool is_v6;
};

struct addresses {
    struct addresses_entry *buckets[ADDRESSES_BUCKETS];
};

/* False: neither IPv4 nor IPv6, so there is nothing to count by. */
bool addresses_key_of(const struct sockaddr *address, struct addresses_key *ret_key);
/* 127.0.0.0/8 and ::1. */
bool addresses_is_loopback(const struct sockaddr *address);
/* One more; false: it has `max` already, or there is no memory, and nothing was counted. */
bool addresses_take(struct addresses *addresses, struct addresses_key key, uint64_t max);
/* One less, of those that were taken. */
void addresses_give(struct addresses *addresses, struct addresses_key key);
/* The caller's to count with, from 0; there until the last that was taken is given. */
uint64_t *addresses_bytes(struct addresses *addresses, struct addresses_key key);

#endif
