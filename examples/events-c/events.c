/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: the time, once a second, for a minute. What was written goes out when the
 * function waits, so there is nothing to flush; while it waits, its isolate costs memory and no
 * CPU time.
 */
#include "skerry.h"

#define EVENTS   60
#define NS_PER_S 1000000000

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    skerry_say_header("content-type", "text/event-stream");
    skerry_say_header("cache-control", "no-store");
    for (int i = 0; i < EVENTS; i++) {
        skerry_say("event: time\ndata: ");
        skerry_say_number(skerry_time_now(0) / NS_PER_S);
        skerry_say("\n\n");
        (void)skerry_wait(NULL, 0, 1000);
    }
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
