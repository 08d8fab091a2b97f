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

const char *const request_arrow_causes[REQUEST_STATE_COUNT][REQUEST_STATE_COUNT] = {
#define REQUEST_ARROW(from, to, cause) [REQUEST_##from][REQUEST_##to] = (cause),
#include "server/request/request_states.def"
};

void request_arrow_refused(enum request_state from, enum request_state to)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "a request that is %s became %s",
                   request_state_rows[from].text, request_state_rows[to].text);
    base_assert_failed(text, __FILE__, __LINE__);
}
