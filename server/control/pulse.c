/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting ticks without a beat. One that does not serve, because it is only starting or waits
 * for its start, becomes stalled like one that stands still, but never hung: nothing of it can
 * be ended that would help.
 */
#include "server/control/pulse.h"

#include "engine/base/macros.h"

bool pulse_tick(struct pulse *pulse, bool serves, bool alone, uint64_t beats)
{
    uint32_t hung_ticks = alone ? PULSE_ALONE_TICKS : PULSE_HUNG_TICKS;
    enum pulse_state before = pulse->state;
    bool beat = serves && beats != pulse->beats;
    pulse->beats = beats;
    pulse->quiet_ticks = beat ? 0 : pulse->quiet_ticks + 1;
    if (pulse->quiet_ticks < PULSE_STALLED_TICKS)
        pulse->state = PULSE_WELL;
    else if (!serves)
        pulse->state = PULSE_STALLED;
    else if (pulse->quiet_ticks < hung_ticks)
        pulse->state = MAX(before, PULSE_STALLED); /* one that is given up remains so */
    else
        pulse->state = PULSE_HUNG;
    return pulse->state != before;
}
