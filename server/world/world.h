/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a worker's world, as its services see it. A service finds it from an owner
 * (world_of), puts its functions into `calls`, and handles what its peer says.
 */
#ifndef SKERRY_SERVER_WORLD_WORLD_H
#define SKERRY_SERVER_WORLD_WORLD_H

#include "hostapi/world.h"
#include "server/channel/fetch_messages.h"
#include "server/world/operations.h"
#include "server/world/peers.h"

struct kv_reader;

/*
 * Changes of the store that tenants have under way with control, whether or not somebody still
 * waits for them: a guest that starts some and closes their handles would fill the way to control
 * otherwise, and control's queue, for all others. Tenants share an account if their names meet in
 * the table.
 */
#define WORLD_KV_ACCOUNTS 1024
struct world_kv_account {
    uint32_t changes;
    size_t bytes;
};
struct world_kv {
    struct list left; /* those that nobody waits for */
    uint64_t seed;    /* of the names' hashes */
    struct world_kv_account accounts[WORLD_KV_ACCOUNTS];
};

struct world {
    struct operations operations;
    struct peers peers;
    struct hostapi_world calls;  /* what guests reach; services fill it */
    struct kv_reader *kv_reader; /* kv.h */
    struct world_kv kv;          /* changes under way */
    struct rates *rates;         /* rates.h */
    /* Counters of how fetches ended; borrowed. */
    uint64_t *fetch_ends[FETCH_END_COUNT];
};

/* `wake`: as operations_init has it. All of `loop` is borrowed. */
void world_init(struct world *world,
                void (*wake)(struct operations_owner *owner),
                const struct peers_loop *loop);
void world_done(struct world *world);

/* The world of whoever makes a call: `owner` is what a function of hostapi/world.h was given. */
static inline struct world *world_of(void *owner)
{
    struct operations *operations = ((struct operations_owner *)owner)->operations;
    return CONTAINER_OF(operations, struct world, operations);
}

#endif
