/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of states and the door that every transition goes through.
 */
#include "server/request/request_states.h"

#include <stdio.h>

const struct request_state_row request_state_rows[REQUEST_STATE_COUNT] = {
#define REQUEST_STATE(name, text_, permit_, isolate_, waits_)                                      \
    [REQUEST_##name] = {.text = (text_),                                                           \
                        .permit = REQUEST_PERMIT_##permit_,                                        \
                        .isolate = (isolate_),                                                     \
                        .waits = REQUEST_WAITS_##waits_},
#include "server/request/request_states.def"
};

static const char *const request_arrows[REQUEST_STATE_COUNT][REQUEST_STATE_COUNT] = {
#define REQUEST_ARROW(from, to, cause) [REQUEST_##from][REQUEST_##to] = (cause),
#include "server/request/request_states.def"
};

const char *request_arrow_cause(enum request_state from, enum request_state to)
{
    ASSERT(from < REQUEST_STATE_COUNT && to < REQUEST_STATE_COUNT);
    return request_arrows[from][to];
}

void request_check_arrow(enum request_state from, enum request_state to)
{
    if (LIKELY(request_arrow_cause(from, to) != NULL))
        return;
    char text[128];
    (void)snprintf(text, sizeof(text), "a request that is %s became %s",
                   request_state_rows[from].text, request_state_rows[to].text);
    base_assert_failed(text, __FILE__, __LINE__);
}
