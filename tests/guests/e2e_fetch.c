/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks other servers. The path says how, the query is the URL:
 *   /get      and passes the answer on, with its x-origin
 *   /follow   the same, after redirects, and says where it came from in x-url
 *   /hold     starts, and waits for an hour
 *   /ten      ten at once; how many answered 200, and how often one had to be waited for
 *   /upload   the request's body in pieces of 10,000 bytes
 *   /many     one after the other, until one is refused; how many were not
 *   /none     asks nobody
 *   /loop     with the URL as its query: a URL of itself makes a circle
 */
#include "skerry.h"

static char uri[4096];
static char piece[20000];
static char number[16];

static uint32_t write_number(int32_t value)
{
    uint32_t at = sizeof(number);
    uint32_t rest = value < 0 ? (uint32_t)-value : (uint32_t)value;
    do {
        number[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        number[--at] = '-';
    skerry_write_body(SKERRY_RESPONSE_BODY, number + at, sizeof(number) - at);
    return at;
}

static void fail(int32_t error)
{
    skerry_set_status(502);
    write_number(error);
}

static void pass_on(int32_t fetch)
{
    int32_t count;
    if (fetch < 0) {
        fail(fetch);
        return;
    }
    skerry_set_status((uint32_t)skerry_fetch_status((uint32_t)fetch));
    count = skerry_fetch_header((uint32_t)fetch, "X-Origin", 8, 0, piece, sizeof(piece));
    if (count >= 0)
        skerry_set_header(SKERRY_RESPONSE_HEADERS, "x-origin", 8, piece, (uint32_t)count);
    count = skerry_fetch_url((uint32_t)fetch, piece, sizeof(piece));
    if (count >= 0)
        skerry_set_header(SKERRY_RESPONSE_HEADERS, "x-url", 5, piece, (uint32_t)count);
    while ((count = skerry_fetch_read((uint32_t)fetch, piece, sizeof(piece))) > 0)
        skerry_write_body(SKERRY_RESPONSE_BODY, piece, (uint32_t)count);
    if (count < 0)
        fail(count);
}

static int32_t start(const char *url, uint32_t bytes, uint32_t flags)
{
    static const char fields[] = "x-guest\0yes";
    return skerry_fetch_start("GET", 3, url, bytes, fields, sizeof(fields), 0, 0, flags, 0);
}

static void ten(const char *url, uint32_t bytes)
{
    uint32_t handles[10];
    uint32_t left = 10;
    int32_t good = 0;
    for (uint32_t i = 0; i < 10; i++)
        handles[i] = (uint32_t)start(url, bytes, 0);
    while (left > 0) {
        int32_t ready = skerry_wait(handles, left, 10000);
        if (ready < 0)
            break;
        good += skerry_fetch_status(handles[ready]) == 200;
        while (skerry_fetch_read(handles[ready], piece, sizeof(piece)) > 0)
            ;
        skerry_handle_close(handles[ready]);
        handles[ready] = handles[--left];
    }
    write_number(good);
}

static void upload(const char *url, uint32_t bytes)
{
    uint64_t got;
    int32_t fetch = skerry_fetch_start("PUT", 3, url, bytes, 0, 0, 0, 0, SKERRY_FETCH_BODY, 0);
    if (fetch < 0) {
        fail(fetch);
        return;
    }
    do {
        got = skerry_read_body(SKERRY_REQUEST_BODY, piece, 10000);
        for (uint32_t at = 0; at < (uint32_t)got;) {
            int32_t taken =
                skerry_fetch_body_write((uint32_t)fetch, piece + at, (uint32_t)got - at);
            if (taken < 0) {
                fail(taken);
                return;
            }
            at += (uint32_t)taken;
        }
    } while (got >> 32 == 0);
    skerry_fetch_body_end((uint32_t)fetch);
    int32_t status = skerry_fetch_status((uint32_t)fetch);
    if (status < 0)
        fail(status);
    else
        pass_on(fetch);
}

static void many(const char *url, uint32_t bytes)
{
    int32_t fetch;
    int32_t count = 0;
    while ((fetch = start(url, bytes, 0)) >= 0) {
        count++;
        skerry_handle_close((uint32_t)fetch);
    }
    write_number(count);
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    uint32_t count = skerry_get_uri(uri, sizeof(uri));
    uint32_t at = 0;
    while (at < count && uri[at] != '?')
        at++;
    const char *url = uri + at + 1;
    uint32_t bytes = count > at ? count - at - 1 : 0;
    skerry_enable_features(SKERRY_BUFFER_RESPONSE);
    switch (uri[1]) {
    case 'h':
        (void)start(url, bytes, 0);
        (void)skerry_wait(0, 0, 3600000);
        break;
    case 't':
        ten(url, bytes);
        break;
    case 'u':
        upload(url, bytes);
        break;
    case 'm':
        many(url, bytes);
        break;
    case 'n':
        skerry_write_body(SKERRY_RESPONSE_BODY, "hello\n", 6);
        break;
    case 'l':
        memcpy(piece, url, bytes);
        piece[bytes] = '?';
        memcpy(piece + bytes + 1, url, bytes);
        pass_on(skerry_fetch("GET", 3, piece, 2 * bytes + 1, 0, 0, 0, 0, 0, 0));
        break;
    default:
        pass_on(skerry_fetch("GET", 3, url, bytes, 0, 0, 0, 0,
                             uri[1] == 'f' ? SKERRY_FETCH_FOLLOW : 0, 0));
        break;
    }
    return SKERRY_ANSWERED;
}

SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
