/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a worker's end of the key process. A value lives from its answer until its
 * operation ends, and is wiped then.
 */
#ifndef SKERRY_SERVER_WORLD_SECRETS_H
#define SKERRY_SERVER_WORLD_SECRETS_H

#include "server/world/world.h"

/* From now on the world's guests can ask for secrets. */
void secrets_open(struct world *world);

#endif
