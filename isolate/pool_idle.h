/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to isolate/: what pool.c tells pool_idle.c of, so that there is something to do in the
 * turns to come.
 */
#ifndef SKERRY_ISOLATE_POOL_IDLE_H
#define SKERRY_ISOLATE_POOL_IDLE_H

#include "isolate/pool_index.h"

/* One more of the entry's isolates came into use, or went. */
void pool_idle_note_demand(struct isolate_pool *pool, struct isolate_pool_entry *entry);
/* The entry's peak is forgotten by halves. */
void pool_idle_decay_demand(struct isolate_pool_entry *entry, uint64_t now_ns);

#endif
