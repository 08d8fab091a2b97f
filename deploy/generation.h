/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's generation: one number in one page that control writes and workers map.
 * It is increased after a commit, so whoever sees the new number finds the new catalog.
 */
#ifndef SKERRY_DEPLOY_GENERATION_H
#define SKERRY_DEPLOY_GENERATION_H

#include "deploy/deploy.h"

struct generation {
    _Atomic uint64_t *number; /* mapped; NULL when closed */
};

/* Control's side: makes the file if need be. */
NODISCARD enum status
generation_create(const char *data_dir, struct report *report, struct generation *ret_generation);
/* A worker's side: read-only. */
NODISCARD enum status
generation_open(const char *data_dir, struct report *report, struct generation *ret_generation);
void generation_close(struct generation *generation);
/* Control only. */
void generation_increase(struct generation *generation);
uint64_t generation_read(const struct generation *generation);

#endif
