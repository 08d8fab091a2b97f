/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the pages in which workers count for rate limits (server/world/rates.h).
 * Control makes them, hands each worker its own to write and those of all others to read, and keeps
 * them for its successors: a worker that died leaves no limit behind that begins anew.
 */
#ifndef SKERRY_SERVER_CONTROL_RATES_PAGES_H
#define SKERRY_SERVER_CONTROL_RATES_PAGES_H

#include "server/control/workers.h"

struct rates_pages {
    uint32_t count;
    uint64_t seed;
    int fds[CONFIG_WORKER_SLOTS_MAX];      /* to write */
    int read_fds[CONFIG_WORKER_SLOTS_MAX]; /* the same, to read */
};

NODISCARD enum status
rates_pages_make(struct rates_pages *pages, uint32_t count, struct report *report);
/* Accepts zeros. */
void rates_pages_done(struct rates_pages *pages);
/* To a worker that begins. */
void rates_pages_welcome(const struct rates_pages *pages,
                         struct workers *workers,
                         const struct workers_caller *worker);

#endif
