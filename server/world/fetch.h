/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a worker's end of fetches. Each is an operation, a call that egress answers,
 * and what came of the answer and was not read yet: at most FETCH_WINDOW_BYTES of its body, because
 * more is granted only as the guest reads.
 */
#ifndef SKERRY_SERVER_WORLD_FETCH_H
#define SKERRY_SERVER_WORLD_FETCH_H

#include "server/telemetry/metrics.h"
#include "server/world/world.h"

/* Makes the world provide fetches, and count how they end. */
void world_fetch_init(struct world *world, struct metrics *metrics);

#endif
