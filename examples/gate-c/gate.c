/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reverse proxy with a lock: whoever knows the token reaches the server that `origin` in
 * function.yaml names, and no caller more often than a hundred times a minute.
 */
#include "skerry.h"

#define PER_MINUTE 100
#define MINUTE_MS  60000

static const char bearer[] = "Bearer ";
static char sent[512];
static char token[256];

/* Takes as long for one wrong byte as for another. */
static int is_right(const char *text, const char *wanted, uint32_t bytes)
{
    volatile char difference = 0;
    for (uint32_t i = 0; i < bytes; i++)
        difference |= (char)(text[i] ^ wanted[i]);
    return difference == 0;
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    const uint32_t skipped = sizeof(bearer) - 1;
    uint32_t bytes = 0;
    int32_t token_bytes = skerry_secret_get("GATE_TOKEN", 10, token, sizeof(token));
    if (token_bytes <= 0 || token_bytes > (int32_t)sizeof(token))
        return skerry_answer(503, "There is no token yet.\n");
    if (!skerry_request_header("authorization", sent, sizeof(sent), &bytes) ||
        bytes != skipped + (uint32_t)token_bytes || memcmp(sent, bearer, skipped) != 0 ||
        !is_right(sent + skipped, token, (uint32_t)token_bytes)) {
        skerry_say_header("www-authenticate", "Bearer");
        return skerry_answer(401, "Who are you?\n");
    }
    if (skerry_rate_limit(token, (uint32_t)token_bytes, PER_MINUTE, MINUTE_MS) == SKERRY_LIMIT)
        return skerry_answer(429, "That was too often.\n");
    /* The token is for this door, and not for the server behind it. */
    skerry_remove_header(SKERRY_REQUEST_HEADERS, "authorization", 13);
    return SKERRY_NEXT;
}

SKERRY_NO_RESPONSE_HANDLER
