/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events: the time, once a second, for a minute. What was written goes out when the
 * function waits, so there is nothing to flush; while it waits, its isolate costs memory and no
 * CPU time.
 */
#include "skerry.h"

#define EVENTS   60
#define NS_PER_S 1000000000

static void say(const char *text, uint32_t bytes)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, bytes);
}

static void say_number(int64_t number)
{
    char digits[20];
    uint32_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    say(digits + at, (uint32_t)sizeof(digits) - at);
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    skerry_set_header(SKERRY_RESPONSE_HEADERS, "content-type", 12, "text/event-stream", 17);
    skerry_set_header(SKERRY_RESPONSE_HEADERS, "cache-control", 13, "no-store", 8);
    for (int i = 0; i < EVENTS; i++) {
        say("event: time\ndata: ", 18);
        say_number(skerry_time_now(0) / NS_PER_S);
        say("\n\n", 2);
        (void)skerry_wait(NULL, 0, 1000);
    }
    return SKERRY_ANSWERED;
}

/* Called only after SKERRY_NEXT, which this function never returns. */
SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
