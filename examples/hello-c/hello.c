/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers "Hello, <path>!" in C without a libc. Static buffers are safe here: no two requests
 * ever share this memory, and each one finds it as the compiler laid it out.
 */
#include "skerry.h"

static char uri[1024];

static void say(const char *text, uint32_t bytes)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, bytes);
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t bytes = skerry_get_uri(uri, sizeof(uri));
    if (bytes > sizeof(uri)) {
        skerry_set_status(414);
        return SKERRY_ANSWERED;
    }
    uint32_t end = 1; /* behind the leading slash */
    while (end < bytes && uri[end] != '?')
        end++;

    skerry_set_header(SKERRY_RESPONSE_HEADERS, "content-type", 12, "text/plain", 10);
    say("Hello, ", 7);
    if (end > 1)
        say(uri + 1, end - 1);
    else
        say("world", 5);
    say("!\n", 2);
    return SKERRY_ANSWERED;
}

/* Called only after SKERRY_NEXT, which this function never returns. */
SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
