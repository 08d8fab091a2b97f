/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server says about one request, read from its Server-Timing header:
 *
 *   queue;dur=0.010, start;dur=0.021;desc="cold:first_request", exec;dur=0.060
 *
 * Names are whatever the server sends. `desc` of the entry `start` tells warm from cold
 * and why. Durations are milliseconds in the header and nanoseconds here. Entries that
 * do not parse end the reading of that header; what was read before them stays.
 */
#ifndef SKERRY_LOADTEST_SERVER_TIMING_H
#define SKERRY_LOADTEST_SERVER_TIMING_H

#include "engine/base/bytes.h"
#include "loadtest/limits.h"

enum server_timing_start {
    SERVER_TIMING_UNKNOWN, /* the server did not say */
    SERVER_TIMING_WARM,
    SERVER_TIMING_COLD,
    SERVER_TIMING_START_COUNT
};

struct server_timing_entry {
    char name[LOADTEST_TIMING_NAME_BYTES]; /* cut if longer */
    uint64_t duration_ns;
};

struct server_timing {
    enum server_timing_start start;
    char reason[LOADTEST_REASON_BYTES]; /* after "cold:"; "" if none; cut if longer */
    uint32_t entry_count;               /* only entries with a duration are kept */
    uint32_t dropped_count;             /* entries past LOADTEST_TIMING_ENTRIES_MAX */
    struct server_timing_entry entries[LOADTEST_TIMING_ENTRIES_MAX];
};

/* Starts with nothing known; cheap, because most of the struct stays untouched. */
void server_timing_init(struct server_timing *timing);
/* Reads one header value, adding to what earlier headers said. False if some of it did not
 * parse. */
bool server_timing_parse(struct server_timing *timing, struct bytes value);

#endif
