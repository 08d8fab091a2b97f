/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks several servers at once, and answers with a line for each, the quickest first. Which they
 * are is the variable UPSTREAMS, URLs with blanks between.
 */
#include "skerry.h"

#define UPSTREAMS_MAX 8

static char upstreams[2048];
static char scratch[16384];

struct upstream {
    const char *url;
    uint32_t url_bytes;
};

static void say(const char *text, uint32_t bytes)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, bytes);
}

/* "URL: 200, 1234 bytes", or what went wrong. */
static void tell(const struct upstream *upstream, uint32_t fetch)
{
    int32_t status = skerry_fetch_status(fetch);
    say(upstream->url, upstream->url_bytes);
    skerry_say(": ");
    if (status < 0) {
        int32_t bytes = skerry_fetch_error(fetch, scratch, sizeof(scratch));
        if (bytes > 0 && (uint32_t)bytes <= sizeof(scratch))
            say(scratch, (uint32_t)bytes);
    } else {
        int32_t bytes;
        uint32_t total = 0;
        while ((bytes = skerry_fetch_read(fetch, scratch, sizeof(scratch))) > 0)
            total += (uint32_t)bytes;
        skerry_say_number(status);
        skerry_say(", ");
        skerry_say_number(total);
        skerry_say(" bytes");
    }
    skerry_say("\n");
}

static uint32_t split(int32_t bytes, struct upstream *found)
{
    uint32_t count = 0;
    for (int32_t at = 0; at < bytes && count < UPSTREAMS_MAX; at++) {
        int32_t end = at;
        while (end < bytes && upstreams[end] != ' ')
            end++;
        if (end > at)
            found[count++] = (struct upstream){upstreams + at, (uint32_t)(end - at)};
        at = end;
    }
    return count;
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    struct upstream asked[UPSTREAMS_MAX];
    uint32_t fetches[UPSTREAMS_MAX];
    uint32_t under_way = 0;
    int32_t bytes = skerry_env_get("UPSTREAMS", 9, upstreams, sizeof(upstreams));
    uint32_t count = bytes > (int32_t)sizeof(upstreams) ? 0 : split(bytes, asked);
    skerry_say_header("content-type", "text/plain");
    for (uint32_t i = 0; i < count; i++) {
        int32_t fetch = skerry_fetch_start("GET", 3, asked[i].url, asked[i].url_bytes, 0, 0, 0, 0,
                                           SKERRY_FETCH_FOLLOW, 5000);
        if (fetch < 0)
            continue;
        asked[under_way] = asked[i];
        fetches[under_way++] = (uint32_t)fetch;
    }
    while (under_way > 0) {
        int32_t ready = skerry_wait(fetches, under_way, -1);
        if (ready < 0)
            break;
        tell(&asked[ready], fetches[ready]);
        skerry_handle_close(fetches[ready]);
        under_way--;
        fetches[ready] = fetches[under_way];
        asked[ready] = asked[under_way];
    }
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
