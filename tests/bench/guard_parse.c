/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one request's head by our parser and by libh2o's, by turns, and prints the nanoseconds that
 * each took: "NAME OURS THEIRS". guard.py runs it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "server/front/http1_parse.h"

#define ROUNDS 41
#define TURNS  20000

/* libh2o's; its headers want more than its symbols. */
int phr_parse_request(const char *input,
                      size_t input_count,
                      const char **ret_method,
                      size_t *ret_method_count,
                      const char **ret_target,
                      size_t *ret_target_count,
                      int *ret_minor,
                      struct http1_field *fields,
                      size_t *field_count,
                      size_t seen_count);

static const struct {
    const char *name;
    const char *text;
} heads[] = {
    {"short", "GET / HTTP/1.1\r\nHost: hello.default.localhost:8080\r\n\r\n"},
    {"curl",
     "GET /world HTTP/1.1\r\nHost: hello.default.localhost:8080\r\nUser-Agent: curl/7.88.1\r\n"
     "Accept: */*\r\n\r\n"},
    {"browser",
     "GET /articles/2026/a-skerry-is-a-small-island?page=2 HTTP/1.1\r\nHost: www.example.com\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
     "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
     "Referer: https://www.example.com/articles/2026/\r\nConnection: keep-alive\r\n"
     "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; seen=4711\r\n"
     "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\n"
     "Priority: u=0, i\r\n\r\n"},
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

static double ours(struct bytes input)
{
    static const struct http1_rules rules = {.head_bytes_max = 65536, .body_bytes_max = 1 << 20};
    static struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head;
    uint64_t began_ns = now_ns();
    for (int i = 0; i < TURNS; i++) {
        if (http1_parse_head(input, 0, &rules, fields, &head) != HTTP1_COMPLETE)
            abort();
    }
    return (double)(now_ns() - began_ns) / TURNS;
}

static double theirs(struct bytes input)
{
    static struct http1_field fields[HTTP1_FIELDS_MAX];
    const char *method;
    const char *target;
    size_t counts[2];
    int minor;
    uint64_t began_ns = now_ns();
    for (int i = 0; i < TURNS; i++) {
        size_t field_count = HTTP1_FIELDS_MAX;
        if (phr_parse_request((const char *)input.data, input.count, &method, &counts[0], &target,
                              &counts[1], &minor, fields, &field_count, 0) <= 0)
            abort();
    }
    return (double)(now_ns() - began_ns) / TURNS;
}

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        double taken[2][ROUNDS];
        struct bytes input = bytes_of_text(heads[i].text);
        for (size_t round = 0; round < ROUNDS; round++) {
            taken[0][round] = ours(input);
            taken[1][round] = theirs(input);
        }
        qsort(taken[0], ROUNDS, sizeof(double), by_size);
        qsort(taken[1], ROUNDS, sizeof(double), by_size);
        (void)printf("%s %.1f %.1f\n", heads[i].name, taken[0][ROUNDS / 2], taken[1][ROUNDS / 2]);
    }
    return 0;
}
