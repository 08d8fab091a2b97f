/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: workers that one program of control leaves and the next one adopts
 * (handover.h). They serve on as the first half until a roll retires them.
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_ADOPTION_H
#define SKERRY_SERVER_CONTROL_LIFE_ADOPTION_H

#include "server/control/life/handover.h"
#include "server/control/workers.h"

/* One half serves, all of it, and the other has no processes. */
bool workers_are_whole(const struct workers *workers);
/* False: something that was said to a worker has not left, or what it says is not all here. */
NODISCARD bool workers_settle(struct workers *workers);
/* Those that serve, to be left as they are. */
void workers_leave(const struct workers *workers, struct handover *handover);
/* Of workers that were created for that: `handover` as workers_options has it. */
NODISCARD enum status workers_adopt(struct workers *workers, struct report *report);
/* One of those that were adopted still runs. */
bool workers_have_adopted(const struct workers *workers);

#endif
