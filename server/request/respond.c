/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers are put together here without allocation: numbers and short texts go into the
 * request's own buffers, which live until the carrier frees it.
 */
#include "server/request/respond.h"

#include <stdio.h>
#include <strings.h>

#include "engine/base/hex.h"
#include "engine/base/problem.h"
#include "server/request/account.h"
#include "server/request/chain.h"
#include "server/request/service.h"

void respond_make_id(struct request_service *service, char ret_id[REQUEST_ID_BYTES + 1])
{
    /* A bijection of the counter: no two alike, and no telling how many there were. */
    uint64_t word = service->id_seed + ++service->id_count * UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    word ^= word >> 31;
    hex_digits(word, ret_id);
    ret_id[REQUEST_ID_BYTES] = '\0';
}

/* ---- Server-Timing --------------------------------------------------------------------------- */

static char *respond_put(char *at, const char *text)
{
    size_t count = strlen(text);
    memcpy(at, text, count);
    return at + count;
}

/* Nanoseconds as milliseconds with three decimals; about a day at most. */
static char *respond_put_ms(char *at, uint64_t ns)
{
    uint64_t us = MIN(ns / 1000, UINT64_C(99999999999));
    uint32_t whole = (uint32_t)(us / 1000);
    uint32_t part = (uint32_t)(us % 1000);
    char digits[16];
    size_t count = 0;
    for (uint32_t ms = whole; ms > 0 || count == 0; ms /= 10)
        digits[count++] = (char)('0' + ms % 10);
    while (count > 0)
        *at++ = digits[--count];
    *at++ = '.';
    *at++ = (char)('0' + part / 100);
    *at++ = (char)('0' + part / 10 % 10);
    *at++ = (char)('0' + part % 10);
    return at;
}

static char *respond_put_phase(char *at, const char *name, uint64_t ns)
{
    at = respond_put(at, name);
    return respond_put_ms(at, ns);
}

/* A cold start's phases are all told; a warm one's would all be 0. */
static size_t respond_timing(const struct request *request, char *out)
{
    struct start_times times = account_times(request);
    char *at = respond_put_phase(out, "queue;dur=", times.ns[START_QUEUE]);
    if (!request->started)
        return (size_t)(at - out);
    at = respond_put_phase(at, ", start;dur=", request->start_ns);
    bool cold = request->start.reason != ISOLATE_START_WARM;
    at = respond_put(at, cold ? ";desc=\"cold:" : ";desc=\"");
    at = respond_put(at, isolate_start_reason_text(request->start.reason));
    at = respond_put(at, "\"");
    at = respond_put_phase(at, ", exec;dur=", request->run_ns);
    if (cold) {
        at = respond_put_phase(at, ", lookup;dur=", request->lookup_ns);
        at = respond_put_phase(at, ", load;dur=", request->start.load_ns);
        at = respond_put_phase(at, ", map;dur=", request->start.map_ns);
        at = respond_put_phase(at, ", restore;dur=", request->start.restore_ns);
    }
    ASSERT((size_t)(at - out) <= REQUEST_TIMING_BYTES);
    return (size_t)(at - out);
}

/* A chain's steps come after that; without room for them it stays as it is. */
static struct bytes respond_add_steps(struct request *request, struct bytes timing)
{
    char *text = arena_alloc(&request->http.arena, REQUEST_TIMING_BYTES + CHAIN_TIMING_BYTES, 1);
    if (text == NULL)
        return timing;
    memcpy(text, timing.data, timing.count);
    return bytes_make(text, timing.count + chain_timing(request, text + timing.count));
}

/* ---- the response ---------------------------------------------------------------------------- */

static void respond_add(struct request *request, const char *name, struct bytes value)
{
    struct request_response *response = &request->response;
    ASSERT(response->extra_count < REQUEST_EXTRAS_MAX);
    response->extras[response->extra_count++] =
        (struct http_header){.name = bytes_of_text(name), .value = value};
}

static void respond_add_problem(struct request *request, uint32_t status, const char *detail)
{
    struct request_response *response = &request->response;
    struct problem problem = {.status = status,
                              .code = request->code,
                              .detail = detail,
                              .offset = REPORT_OFFSET_NONE,
                              .request_id = request->id};
    size_t count = problem_write(&problem, request->problem, sizeof(request->problem));
    response->body = bytes_make(request->problem, count);
    respond_add(request, "content-type", bytes_of_text(PROBLEM_CONTENT_TYPE));
    respond_add(request, "x-content-type-options", bytes_of_text("nosniff"));
    if (request->retry_later)
        respond_add(request, "retry-after", bytes_of_text("1"));
}

/* Commands to a proxy in front of us, and what only the server may say. */
static const struct {
    const char *name;
    bool prefix; /* of names */
} respond_taken_out[] = {
    {"x-accel-", true},       {"x-skerry-", true},    {"x-request-id", false},
    {"server-timing", false}, {"x-sendfile", false},  {"x-lighttpd-send-", true},
    {"x-sendfile2", false},   {"x-litespeed-", true}, {"x-reproxy-", true},
};

static bool respond_may_say(struct bytes name)
{
    for (size_t i = 0; i < COUNT_OF(respond_taken_out); i++) {
        size_t count = strlen(respond_taken_out[i].name);
        bool long_enough = respond_taken_out[i].prefix ? name.count >= count : name.count == count;
        if (long_enough &&
            strncasecmp((const char *)name.data, respond_taken_out[i].name, count) == 0)
            return false;
    }
    return true;
}

/* A function's author who wants to know why finds it in the function's log. */
static void respond_filter(struct request *request)
{
    struct http_headers *headers = &request->http.response_headers;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct http_header *row = &headers->rows[i];
        if (respond_may_say(row->name)) {
            headers->rows[kept++] = *row;
            continue;
        }
        char text[96];
        int count = snprintf(text, sizeof(text), "the server dropped the header %.*s",
                             (int)MIN(row->name.count, (size_t)48), (const char *)row->name.data);
        http_exchange_log(&request->http, "warn", bytes_make(text, (size_t)count));
        request->service->metrics->guest_headers_dropped++;
    }
    headers->count = kept;
}

void respond_prepare(struct request *request, uint32_t status, const char *detail)
{
    struct request_response *response = &request->response;
    const struct directory_function *function = chain_function(request);
    response->status = status;
    response->extra_count = 0;
    response->is_coded = request->code == NULL && request->coding.is_on;
    respond_add(request, "x-request-id", bytes_make(request->id, REQUEST_ID_BYTES));
    respond_add(request, "x-skerry-version",
                function != NULL ? function->version : bytes_of_text("none"));
    struct bytes timing = bytes_make(request->timing, respond_timing(request, request->timing));
    if (UNLIKELY(request->chain != NULL))
        timing = respond_add_steps(request, timing);
    respond_add(request, "server-timing", timing);
    if (request->code != NULL) {
        respond_add_problem(request, status, detail);
        return;
    }
    respond_filter(request);
    response->guest_headers = request->http.response_headers;
    /* There is nothing to reset a form to [RFC 9110 15.3.6]. */
    if (status != 205)
        response->body = buffer_bytes(response->is_coded ? &request->coding.output
                                                         : &request->http.response_body);
}
