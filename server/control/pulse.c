/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting ticks without a beat. One that does not serve, because it is only starting or waits
 * for its start, becomes stalled like one that stands still, but never hung: nothing of it can
 * be ended that would help.
 */
#include "server/control/pulse.h"

bool pulse_tick(struct pulse *pulse, bool serves, uint64_t beats)
{
    enum pulse_state before = pulse->state;
    bool beat = serves && beats != pulse->beats;
    pulse->beats = beats;
    pulse->quiet_ticks = beat ? 0 : pulse->quiet_ticks + 1;
    if (pulse->quiet_ticks < PULSE_STALLED_TICKS)
        pulse->state = PULSE_WELL;
    else if (pulse->quiet_ticks < PULSE_HUNG_TICKS || !serves)
        pulse->state = PULSE_STALLED;
    else
        pulse->state = PULSE_HUNG;
    return pulse->state != before;
}
