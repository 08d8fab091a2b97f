/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A problem as JSON [RFC 9457]: the one shape in which both planes, and hosts on a guest's
 * behalf, say that something did not work.
 *
 *   {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_host",
 *    "detail":"...","hint":"...","offset":17,"request_id":"..."}
 *
 * `title` is the status's name; `code` is for machines and stays the same when words change. The
 * last three are there if they are known. Nothing is allocated.
 */
#ifndef SKERRY_ENGINE_BASE_PROBLEM_H
#define SKERRY_ENGINE_BASE_PROBLEM_H

#include "engine/base/bytes.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"
/* The least room for one: everything but the detail always fits. */
#define PROBLEM_ROOM_MIN 768

struct problem {
    uint32_t status;
    const char *code;       /* of ours, at most 64 bytes */
    const char *detail;     /* of anybody; cut if it does not fit */
    const char *hint;       /* what to do; cut at 256 bytes; NULL: none */
    uint64_t offset;        /* in the input; REPORT_OFFSET_NONE: none */
    const char *request_id; /* at most 64 bytes; NULL: none */
};

/* Writes it and a newline, no NUL, into `room` (at least PROBLEM_ROOM_MIN) bytes; how many. */
size_t problem_write(const struct problem *problem, char *out, size_t room);

#endif
