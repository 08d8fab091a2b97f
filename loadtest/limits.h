/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every bound of the load generator, in one place. What comes from the command line is
 * checked against these when it is parsed; what comes from the network when it arrives.
 */
#ifndef SKERRY_LOADTEST_LIMITS_H
#define SKERRY_LOADTEST_LIMITS_H

#define LOADTEST_CONNECTIONS_MAX      10000
#define LOADTEST_CONNECTING_MAX       128     /* connects under way at once before the start */
#define LOADTEST_RATE_MAX             1000000 /* requests per second */
#define LOADTEST_DURATION_US_MAX      3600000000ull
#define LOADTEST_TIMEOUT_US_MAX       3600000000ull
#define LOADTEST_FUNCTIONS_MAX        100000
#define LOADTEST_QUEUE_MAX            (1u << 20) /* requests due but without a free connection */
#define LOADTEST_BURST_MAX            10000      /* requests made due in one turn of the loop */

#define LOADTEST_URL_BYTES            2048
#define LOADTEST_HEADERS_MAX          64
#define LOADTEST_BODY_BYTES           (64u << 20) /* request body and --wasm file */
#define LOADTEST_REQUEST_BYTES        (LOADTEST_BODY_BYTES + (1u << 20))
#define LOADTEST_NAME_BYTES           64 /* tenant, as the server has it, with its NUL */
#define LOADTEST_PATH_BYTES           4096

#define LOADTEST_ANSWER_HEAD_BYTES    16384 /* status line and headers; also one read */
#define LOADTEST_ANSWER_HEADERS_MAX   128
#define LOADTEST_ANSWER_TRAILER_BYTES 8192
#define LOADTEST_ANSWER_INTERIM_MAX   8   /* 1xx answers before the final one */
#define LOADTEST_CHUNK_LINE_BYTES     256 /* chunk size with its extensions */
#define LOADTEST_ANSWER_BODY_BYTES    (1ull << 30)
#define LOADTEST_ANSWER_KEEP_BYTES    4096 /* what an error text is taken from */

#define LOADTEST_TIMING_ENTRIES_MAX   16 /* of one answer */
#define LOADTEST_TIMING_NAME_BYTES    24
#define LOADTEST_REASON_BYTES         32
#define LOADTEST_PHASES_MAX           16 /* different Server-Timing names in one run */
#define LOADTEST_REASONS_MAX          16 /* different reasons of cold starts in one run */

#endif
