/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greets in the words of its environment: function.yaml says which, and `skerry env set` others.
 */
#include "skerry.h"

static char uri[1024];
static char word[256];

static void say(const char *text, uint32_t bytes)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, bytes);
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t bytes = skerry_get_uri(uri, sizeof(uri));
    int32_t word_bytes = skerry_env_get("GREETING", 8, word, sizeof(word));
    if (bytes > sizeof(uri) || word_bytes > (int32_t)sizeof(word)) {
        skerry_set_status(414);
        return SKERRY_ANSWERED;
    }
    uint32_t end = 1; /* behind the leading slash */
    while (end < bytes && uri[end] != '?')
        end++;
    skerry_set_header(SKERRY_RESPONSE_HEADERS, "content-type", 12, "text/plain", 10);
    if (word_bytes > 0)
        say(word, (uint32_t)word_bytes);
    else
        say("Hello", 5);
    say(", ", 2);
    say(uri + 1, end - 1);
    say("!\n", 2);
    return SKERRY_ANSWERED;
}

/* Called only after SKERRY_NEXT, which this function never returns. */
SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
