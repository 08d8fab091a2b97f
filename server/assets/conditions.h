/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditional requests and ranges [RFC 9110 13, 14]: what of a file a client wants, by what it has.
 *
 *   If-Match, If-Unmodified-Since  --fails-->  412
 *   If-None-Match, If-Modified-Since  --holds-->  304
 *   Range, if If-Range holds  -->  206, or 416
 *
 * One range is answered. A request for several gets the whole: that is allowed, no browser asks for
 * it, and parts that overlap are an old way to make a server work.
 */
#ifndef SKERRY_SERVER_ASSETS_CONDITIONS_H
#define SKERRY_SERVER_ASSETS_CONDITIONS_H

#include "hostapi/hostapi.h"

enum conditions_verdict {
    CONDITIONS_WHOLE,
    CONDITIONS_PART,
    CONDITIONS_NOT_MODIFIED,
    CONDITIONS_FAILED,
    CONDITIONS_NO_RANGE, /* none of the file's */
};

struct conditions_file {
    struct bytes etag;  /* with its quotes; strong */
    int64_t modified_s; /* since 1970 */
    uint64_t size;
};

#define CONDITIONS_DATE_BYTES 32

/* PART: `ret_from` and `ret_count` are the range. Of a request that is no GET only the conditions
 * count. */
enum conditions_verdict conditions_judge(const struct http_headers *headers,
                                         bool is_get,
                                         const struct conditions_file *file,
                                         uint64_t *ret_from,
                                         uint64_t *ret_count);
/* A date of HTTP in one of its three forms [RFC 9110 5.6.7]. */
bool conditions_parse_date(struct bytes text, int64_t *ret_seconds);
/* In the form that is written today; the count is returned. */
size_t conditions_print_date(int64_t seconds, char ret_text[CONDITIONS_DATE_BYTES]);

#endif
