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

struct world {
    struct operations operations;
    struct peers peers;
    struct hostapi_world calls;  /* what guests reach; services fill it */
    struct kv_reader *kv_reader; /* kv.h */
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
