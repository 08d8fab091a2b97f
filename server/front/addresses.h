/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: how many connections each client address has, and an account of what they do
 * together. An IPv6 client owns a whole /64 and is counted by it; IPv4 in IPv6 is IPv4.
 *
 * Who ends his connections and comes back has the account that he had, for ADDRESSES_WINDOW_S.
 */
#ifndef SKERRY_SERVER_FRONT_ADDRESSES_H
#define SKERRY_SERVER_FRONT_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESSES_BUCKETS        4096
#define ADDRESSES_WINDOW_S       10   /* in which frames are counted */
#define ADDRESSES_REMEMBERED_MAX 8192 /* without a connection */

struct addresses_key {
    uint64_t network; /* the first 64 bits, or the whole of IPv4 */
    bool is_v6;
};

/* The caller's to count with; all zeros at first. */
struct addresses_account {
    uint64_t coming_bytes; /* of bodies that are not handed on */
    uint32_t since_s;      /* when the rest was counted from 0 */
    uint32_t strain;       /* frames that brought nothing */
    uint32_t resets;       /* of streams */
};

struct addresses {
    struct addresses_entry *buckets[ADDRESSES_BUCKETS];
    uint32_t remembered_count;
};

/* False: neither IPv4 nor IPv6, so there is nothing to count by. */
bool addresses_key_of(const struct sockaddr *address, struct addresses_key *ret_key);
/* 127.0.0.0/8 and ::1. */
bool addresses_is_loopback(const struct sockaddr *address);
/* One more; false: it has `max` already, or there is no memory, and nothing was counted. */
bool addresses_take(struct addresses *addresses, struct addresses_key key, uint64_t max);
/* One less, of those that were taken. */
void addresses_give(struct addresses *addresses, struct addresses_key key);
/* There until the last that was taken is given. */
struct addresses_account *addresses_account(struct addresses *addresses, struct addresses_key key);
/* Forgets who is gone, and did little lately. About once a second. */
void addresses_sweep(struct addresses *addresses, uint32_t now_s);

/* Counts frames anew if the window is over. */
static inline void addresses_turn(struct addresses_account *account, uint32_t now_s)
{
    if (now_s - account->since_s <= ADDRESSES_WINDOW_S)
        return;
    account->since_s = now_s;
    account->strain = account->resets = 0;
}

#endif
