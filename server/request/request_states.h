/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the states of a request, from request_states.def.
 */
#ifndef SKERRY_SERVER_REQUEST_REQUEST_STATES_H
#define SKERRY_SERVER_REQUEST_REQUEST_STATES_H

#include <stdbool.h>

#include "engine/base/macros.h"

enum request_state {
#define REQUEST_STATE(name, text, permit, isolate, waits) REQUEST_##name,
#include "server/request/request_states.def"
    REQUEST_STATE_COUNT
};

enum request_wait {
    REQUEST_WAITS_NOTHING,
    REQUEST_WAITS_TIMER,
    REQUEST_WAITS_QUEUE,
    REQUEST_WAITS_EVENT,
    REQUEST_WAITS_TURN
};

/* What a request holds of those things that there are so many of. */
enum request_permit { REQUEST_PERMIT_NONE, REQUEST_PERMIT_RUN, REQUEST_PERMIT_PLACE };

struct request_state_row {
    const char *text;
    enum request_permit permit;
    bool isolate;
    enum request_wait waits;
};
extern const struct request_state_row request_state_rows[REQUEST_STATE_COUNT];
extern const char *const request_arrow_causes[REQUEST_STATE_COUNT][REQUEST_STATE_COUNT];

/* Why a request may go from one to the other; NULL: it may not. */
static inline const char *request_arrow_cause(enum request_state from, enum request_state to)
{
    ASSERT(from < REQUEST_STATE_COUNT && to < REQUEST_STATE_COUNT);
    return request_arrow_causes[from][to];
}

NORETURN void request_arrow_refused(enum request_state from, enum request_state to);

/* Ends the process if it may not: that would be a bug of ours. */
static inline void request_check_arrow(enum request_state from, enum request_state to)
{
    if (UNLIKELY(request_arrow_cause(from, to) == NULL))
        request_arrow_refused(from, to);
}

#endif
