/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting ticks without a beat. One that does not serve, because it is only starting or waits
 * for its start, becomes stalled like one that stands still, but never hung: nothing of it can
 * be ended that would help.
 */
#include "server/control/pulse.h"

#include "engine/base/macros.h"

#define PULSE_OWN_MS_MIN (PULSE_TICK_MS / 10) /* so that one that spins among many is found too */
#define PULSE_NS_PER_MS  1000000

static uint32_t pulse_own_ms(const struct pulse *pulse, uint64_t waited_ns)
{
    uint64_t waited_ms = (waited_ns - MIN(pulse->waited_ns, waited_ns)) / PULSE_NS_PER_MS;
    return PULSE_TICK_MS - (uint32_t)MIN(waited_ms, (uint64_t)PULSE_TICK_MS - PULSE_OWN_MS_MIN);
}

bool pulse_tick(struct pulse *pulse, bool serves, bool alone, uint64_t beats, uint64_t waited_ns)
{
    uint32_t hung_ms = PULSE_TICK_MS * (alone ? PULSE_ALONE_TICKS : PULSE_HUNG_TICKS);
    enum pulse_state before = pulse->state;
    bool beat = serves && beats != pulse->beats;
    pulse->beats = beats;
    pulse->quiet_ticks = beat ? 0 : pulse->quiet_ticks + 1;
    pulse->quiet_ms = beat ? 0 : pulse->quiet_ms + pulse_own_ms(pulse, waited_ns);
    pulse->waited_ns = waited_ns;
    if (pulse->quiet_ticks < PULSE_STALLED_TICKS)
        pulse->state = PULSE_WELL;
    else if (!serves)
        pulse->state = PULSE_STALLED;
    else if (pulse->quiet_ms < hung_ms)
        pulse->state = MAX(before, PULSE_STALLED); /* one that is given up remains so */
    else
        pulse->state = PULSE_HUNG;
    return pulse->state != before;
}
