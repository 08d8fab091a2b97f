/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Member by member. Each text but the detail has a bound, so that what is kept free for the end
 * is a sum of constants; the detail gets what is left.
 */
#include "engine/base/problem.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/http_status.h"
#include "engine/base/json.h"

#define PROBLEM_HINT_BYTES 256 /* escaped */
#define PROBLEM_HEAD_BYTES 256 /* up to the detail */
#define PROBLEM_TAIL_BYTES 160 /* after it: quotes, offset, request_id, newline */

_Static_assert(PROBLEM_HEAD_BYTES + PROBLEM_HINT_BYTES + PROBLEM_TAIL_BYTES < PROBLEM_ROOM_MIN,
               "whatever the texts are, they fit");

/* Escaped, at most `max` bytes of it; how many. */
static size_t problem_put_text(const char *text, char *out, size_t max)
{
    return json_escape(bytes_of_text(text), out, max, NULL);
}

size_t problem_write(const struct problem *problem, char *out, size_t room)
{
    ASSERT(room >= PROBLEM_ROOM_MIN);
    int head = snprintf(out, PROBLEM_HEAD_BYTES,
                        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                        "\"code\":\"%.64s\",\"detail\":\"",
                        http_status_text(problem->status), problem->status, problem->code);
    ASSERT(head > 0 && head < PROBLEM_HEAD_BYTES);
    size_t count = (size_t)head;
    size_t hint_max = problem->hint != NULL ? PROBLEM_HINT_BYTES : 0;
    count += problem_put_text(problem->detail, out + count,
                              room - count - hint_max - PROBLEM_TAIL_BYTES);
    char *end = out + room;
    char *at = out + count;
    *at++ = '"';
    if (problem->hint != NULL) {
        at += snprintf(at, (size_t)(end - at), ",\"hint\":\"");
        at += problem_put_text(problem->hint, at, hint_max);
        *at++ = '"';
    }
    if (problem->offset != REPORT_OFFSET_NONE)
        at += snprintf(at, (size_t)(end - at), ",\"offset\":%" PRIu64, problem->offset);
    if (problem->request_id != NULL)
        at += snprintf(at, (size_t)(end - at), ",\"request_id\":\"%.64s\"", problem->request_id);
    ASSERT(end - at > 2);
    *at++ = '}';
    *at++ = '\n';
    return (size_t)(at - out);
}
