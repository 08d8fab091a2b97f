/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: is a worker that should be serving getting anywhere?
 *
 *   WELL --no beat for PULSE_STALLED_TICKS--> STALLED --until PULSE_HUNG_TICKS--> HUNG
 *     ^                                          |
 *     +------------------- a beat ---------------+
 *
 * Others take the connections of one that stalls, whatever keeps it. It is only given up for time
 * that it could have used: while it waits for a processor, as on a machine that is busy with other
 * things, a tick counts a tenth.
 *
 * Where nobody is there to take its connections (`alone`), everybody waits for it, and it is given
 * up at PULSE_ALONE_TICKS.
 *
 * Time is counted in control's own ticks: when everything stood still (a suspended machine, a
 * stopped terminal), control did too, and nobody is blamed.
 */
#ifndef SKERRY_SERVER_CONTROL_PULSE_H
#define SKERRY_SERVER_CONTROL_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#define PULSE_TICK_MS       100
#define PULSE_STALLED_TICKS 20  /* 2 s */
#define PULSE_ALONE_TICKS   50  /* 5 s */
#define PULSE_HUNG_TICKS    100 /* 10 s */

enum pulse_state { PULSE_WELL, PULSE_STALLED, PULSE_HUNG };

struct pulse {
    enum pulse_state state;
    uint32_t quiet_ticks;
    uint32_t quiet_ms; /* of them, what it could have used */
    uint64_t beats;
    uint64_t waited_ns;
};

/* One tick has passed. `serves`: it was ready, and has not ended. `waited_ns`: how long it has ever
 * waited for a processor; 0: nobody knows. True: the state is another. */
bool pulse_tick(struct pulse *pulse, bool serves, bool alone, uint64_t beats, uint64_t waited_ns);

#endif
