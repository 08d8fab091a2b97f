/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong tokens, counted by the address that they came from: ADMIN_FAILURES_MAX in
 * ADMIN_FAILURES_NS, then none from there is looked at until that time is over. Of an IPv6 address
 * the first 64 bits count, because the rest is its owner's to choose.
 *
 * The table is bounded: a new address takes the place of the one that failed longest ago.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_FAILURES_H
#define SKERRY_DEPLOY_DOOR_ADMIN_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define ADMIN_FAILURES_ROWS 256
#define ADMIN_FAILURES_MAX  20
#define ADMIN_FAILURES_NS   (60 * CLOCK_NS_PER_S)

struct sockaddr;

struct admin_failures {
    struct admin_failures_row {
        uint64_t address;
        uint64_t since_ns; /* when it was counted from */
        uint64_t last_ns;
        uint32_t count; /* 0: a free row */
    } rows[ADMIN_FAILURES_ROWS];
};

uint64_t admin_failures_key(const struct sockaddr *address);
bool admin_failures_are_many(const struct admin_failures *failures,
                             uint64_t address,
                             uint64_t now_ns);
void admin_failures_count(struct admin_failures *failures, uint64_t address, uint64_t now_ns);

#endif
