/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: places for requests that wait for something of their own. A worker has
 * `limits.parked` of them, and no tenant keeps more than half of them while others want one.
 *
 *   ask --> there is a place: TAKEN
 *       --> none is, but one tenant has more than half of them: that one's latest gives way; TAKEN
 *       --> FULL
 *
 * Knows no requests: who is parked is a link, and the caller finds what it is in.
 */
#ifndef SKERRY_SERVER_WORLD_PARKING_H
#define SKERRY_SERVER_WORLD_PARKING_H

#include "engine/base/list.h"

/* All zeros: nobody is parked. */
struct parking_tenant {
    struct list links; /* in the order in which they came */
    uint32_t count;
};

struct parking {
    uint32_t taken;
    uint32_t places;               /* as last asked with */
    struct parking_tenant *larger; /* who has more than half of all places; NULL: nobody */
};

enum parking_answer { PARKING_TAKEN, PARKING_FULL };

/*
 * A place for `link`, which is on no list. `ret_way` is who gives way for it: it has left already,
 * and has to be ended; NULL: nobody has to.
 */
enum parking_answer parking_ask(struct parking *parking,
                                struct parking_tenant *tenant,
                                uint32_t places,
                                struct list_link *link,
                                struct list_link **ret_way);
void parking_leave(struct parking *parking, struct parking_tenant *tenant, struct list_link *link);

#endif
