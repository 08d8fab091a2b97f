/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers "Hello, <path>!" in C without a libc. Static buffers are safe here: no two requests
 * ever share this memory, and each one finds it as the compiler laid it out.
 */
#include "skerry.h"

static char path[1024];

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t bytes;
    if (!skerry_path(path, sizeof(path), &bytes))
        return skerry_answer(414, "That is too long.\n");
    skerry_say_header("content-type", "text/plain");
    skerry_say("Hello, ");
    skerry_say(bytes > 1 ? path + 1 : "world");
    skerry_say("!\n");
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
