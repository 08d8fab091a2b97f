/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When requests are due, decided before the run and never by the server's answers: that
 * is what makes an open loop. Pure arithmetic; the caller owns the timer.
 *
 * Fixed: request i is due at start + i / rate, computed from i, so that rounding does not
 * add up. Poisson: gaps are exponential with mean 1 / rate, from a seeded generator, so a
 * run can be repeated.
 */
#ifndef SKERRY_LOADTEST_PACER_H
#define SKERRY_LOADTEST_PACER_H

#include <stdbool.h>
#include <stdint.h>

struct pacer {
    uint64_t start_ns;
    uint64_t rate_millis; /* requests in 1,000 seconds */
    bool poisson;
    uint64_t index;   /* of the next request */
    uint64_t due_ns;  /* when it is due */
    double offset_ns; /* Poisson: of due_ns from start_ns */
    uint64_t random;
};

/* The first request is due at `start_ns`. */
void pacer_init(struct pacer *pacer, uint64_t start_ns, uint64_t rate_millis);
/* Makes the gaps random; call right after pacer_init. */
void pacer_make_poisson(struct pacer *pacer, uint64_t seed);
/* On to the next request. */
void pacer_advance(struct pacer *pacer);

#endif
