/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greets in the words of its environment: function.yaml says which, and `skerry env set` others.
 */
#include "skerry.h"

static char path[1024];
static char word[256];

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t bytes;
    int32_t word_bytes = skerry_env_get("GREETING", 8, word, sizeof(word) - 1);
    if (!skerry_path(path, sizeof(path), &bytes) || word_bytes >= (int32_t)sizeof(word))
        return skerry_answer(414, "That is too long.\n");
    skerry_say_header("content-type", "text/plain");
    skerry_say(word_bytes > 0 ? word : "Hello");
    skerry_say(", ");
    skerry_say(path + 1);
    skerry_say("!\n");
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
