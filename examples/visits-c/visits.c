/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the visits of each path in the tenant's key-value store; "/stats" lists them. Nothing is
 * remembered in memory: each request finds it as the compiler laid it out.
 */
#include "skerry.h"

static const char prefix[] = "visits:";
#define PREFIX_BYTES (sizeof(prefix) - 1)

static char key[440] = "visits:";
static char keys[8192];

static void say(const char *text, uint32_t bytes)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, bytes);
}

/* Each key is its length in two bytes, and its bytes. */
static void say_all(void)
{
    int32_t count =
        skerry_kv_list(prefix, PREFIX_BYTES, "", 0, keys, sizeof(keys)); /* the first ones */
    for (int32_t at = 0; at + 2 <= count;) {
        uint32_t bytes = (unsigned char)keys[at] | (uint32_t)(unsigned char)keys[at + 1] << 8;
        char value[20];
        int32_t value_bytes = skerry_kv_get(keys + at + 2, bytes, value, sizeof(value), 0);
        say(keys + at + 2 + PREFIX_BYTES, bytes - PREFIX_BYTES);
        skerry_say(" ");
        if (value_bytes > 0)
            say(value, (uint32_t)value_bytes);
        skerry_say("\n");
        at += 2 + (int32_t)bytes;
    }
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t bytes = skerry_get_uri(key + PREFIX_BYTES, sizeof(key) - PREFIX_BYTES);
    if (bytes > sizeof(key) - PREFIX_BYTES) {
        skerry_set_status(414);
        return SKERRY_ANSWERED;
    }
    skerry_say_header("content-type", "text/plain");
    if (bytes == 6 && memcmp(key + PREFIX_BYTES, "/stats", 6) == 0) {
        say_all();
        return SKERRY_ANSWERED;
    }
    int64_t visits;
    int32_t error = skerry_kv_add(key, PREFIX_BYTES + bytes, 1, &visits);
    if (error < 0) {
        skerry_set_status(503);
        return SKERRY_ANSWERED;
    }
    skerry_say("visit ");
    skerry_say_number(visits);
    skerry_say(" of ");
    say(key + PREFIX_BYTES, bytes);
    skerry_say("\n");
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
