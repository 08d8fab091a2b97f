/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what workers and egress say to each other about a fetch, and its payloads.
 *
 *   worker                                                       egress
 *     | -- FETCH_START: struct fetch_order ------------------------> |
 *     | -- FETCH_BODY (within the window) -->      <-- FETCH_ROOM -- |   if its body follows
 *     | <------------------------- FETCH_HEAD: struct fetch_head --- |
 *     | <-- FETCH_DATA (within the window)      -- FETCH_GRANT ----> |
 *     | <------------------------- FETCH_DONE: struct fetch_result - |   or: FETCH_CANCEL -->
 *
 * FETCH_WINDOW_BYTES of each body may be under way before the other side gives room for more. After
 * FETCH_DONE, or FETCH_CANCEL, the id means nothing; what crosses on the way is dropped.
 * Headers are texts that end with NUL, name and value in turn.
 */
#ifndef SKERRY_SERVER_CHANNEL_FETCH_MESSAGES_H
#define SKERRY_SERVER_CHANNEL_FETCH_MESSAGES_H

#include "server/channel/frames.h"

#define FETCH_WINDOW_BYTES 65536u
#define FETCH_FIELDS_MAX   256u /* headers of a request or an answer */
#define FETCH_FIELDS_BYTES 65536u
#define FETCH_RULES_MAX    64u
#define FETCH_URL_BYTES    8192u
#define FETCH_TEXT_BYTES   300u
#define FETCH_BODY_LAST    1u /* flag of FETCH_BODY */

enum fetch_end {
#define FETCH_END(NAME, name, text) FETCH_END_##NAME,
#include "server/channel/fetch_ends.def"
    FETCH_END_COUNT
};
const char *fetch_end_name(enum fetch_end end);
const char *fetch_end_text(enum fetch_end end);

struct fetch_field {
    struct bytes name;
    struct bytes value;
};

struct fetch_order {
    struct bytes tenant; /* whose connections are used */
    struct bytes method;
    struct bytes url;
    const struct fetch_field *fields; /* those that belong to a connection are left out */
    uint32_t field_count;
    const struct bytes *rules; /* a manifest's `outbound` */
    uint32_t rule_count;
    struct bytes body; /* or how it begins; at most FETCH_WINDOW_BYTES */
    bool body_follows;
    uint32_t redirects_max; /* 0: a redirect is an answer like any other */
    uint64_t deadline_us;   /* from now to the answer's end */
    uint64_t answer_bytes_max;
    uint32_t granted;  /* bytes of the answer that may come at once */
    struct bytes loop; /* the value of CDN-Loop [RFC 8586], which no field says */
    bool is_operators; /* private addresses are allowed; not of the message: who sent it says so */
};

struct fetch_head {
    uint32_t status;
    uint32_t field_count;
    const struct fetch_field *fields; /* names in lower case */
    struct bytes url;                 /* where the answer comes from, after redirects */
};

struct fetch_result {
    enum fetch_end end;
    const char *text; /* more about it; "" if there is no more */
    uint64_t received_bytes;
    uint64_t sent_bytes;
    uint32_t hops;
    uint32_t connects; /* connections that had to be made */
};

/* Room for what is read: borrowed views of the payload. */
struct fetch_fields {
    uint32_t count;
    struct fetch_field rows[FETCH_FIELDS_MAX];
};
struct fetch_start {
    struct fetch_order order;
    struct fetch_fields fields;
    struct bytes rules[FETCH_RULES_MAX];
};
/* False: it is no list of headers, or too many. */
NODISCARD bool fetch_fields_read(struct bytes text, struct fetch_fields *ret_fields);

/* The part of the message before the body. `out` is emptied first; false: out of memory, or it is
 * larger than may be. `fields_text` stands for order->fields. */
NODISCARD bool
fetch_start_write(const struct fetch_order *order, struct bytes fields_text, struct buffer *out);
NODISCARD bool fetch_start_read(struct bytes payload, struct fetch_start *ret_start);
NODISCARD bool fetch_head_write(const struct fetch_head *head, struct buffer *out);
/* `ret_fields_text`: as they came, and checked. */
NODISCARD bool
fetch_head_read(struct bytes payload, struct fetch_head *ret_head, struct bytes *ret_fields_text);
#define FETCH_RESULT_BYTES (28 + 4 + FETCH_TEXT_BYTES)
struct bytes fetch_result_write(const struct fetch_result *result,
                                uint8_t room[FETCH_RESULT_BYTES]);
/* The text has its NUL. */
NODISCARD bool fetch_result_read(struct bytes payload,
                                 struct fetch_result *ret_result,
                                 char ret_text[FETCH_TEXT_BYTES]);

#endif
