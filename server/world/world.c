/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a world together.
 */
#include "server/world/world.h"

void world_init(struct world *world,
                void (*wake)(struct operations_owner *owner),
                const struct peers_loop *loop)
{
    operations_init(&world->operations, wake);
    peers_init(&world->peers, loop);
    world->calls = (struct hostapi_world){.operations = &operations_calls};
}

void world_done(struct world *world)
{
    peers_done(&world->peers);
    operations_done(&world->operations);
}
