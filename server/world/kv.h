/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the key-value store as a worker has it: it reads by itself, and has control
 * make its changes.
 *
 *   start --KV_CHANGE--> control ... group, fsync ... --KV_DONE--> the ticket is ready
 */
#ifndef SKERRY_SERVER_WORLD_KV_H
#define SKERRY_SERVER_WORLD_KV_H

#include "deploy/kv/kv.h"
#include "server/world/world.h"

/* Guests of this world have the store from now on; `reader` is borrowed. */
void world_kv_provide(struct world *world, struct kv_reader *reader);

#endif
