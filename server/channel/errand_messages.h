/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what control and worker say of an errand, a request that control has a worker
 * make, as payloads.
 *
 *   ERRAND       wall_ms tenant function method path fields, then the body
 *   ERRAND_DONE  status version elapsed_us fuel code
 */
#ifndef SKERRY_SERVER_CHANNEL_ERRAND_MESSAGES_H
#define SKERRY_SERVER_CHANNEL_ERRAND_MESSAGES_H

#include "server/channel/frames.h"

#define ERRAND_NAME_MAX     63
#define ERRAND_FUNCTION_MAX (11 + 2 + ERRAND_NAME_MAX) /* with a version before it */
#define ERRAND_METHOD_MAX   16
#define ERRAND_PATH_MAX     2048
#define ERRAND_FIELDS_MAX   4096
#define ERRAND_BODY_MAX     65536
#define ERRAND_CODE_MAX     64
#define ERRAND_HEAD_BYTES                                                                          \
    (4 + 5 * 4 + ERRAND_NAME_MAX + ERRAND_FUNCTION_MAX + ERRAND_METHOD_MAX + ERRAND_PATH_MAX +     \
     ERRAND_FIELDS_MAX)
#define ERRAND_DONE_BYTES (4 + 4 + 8 + 8 + 4 + ERRAND_CODE_MAX)

struct errand_message {
    uint32_t wall_ms; /* it may take; 0: as any request */
    struct bytes tenant;
    struct bytes function; /* or one of its versions: "v3--hello" */
    struct bytes method;
    struct bytes path;
    struct bytes fields; /* "name" NUL "value" NUL, of its head */
    struct bytes body;   /* read only: it is sent as the frame's body */
};

struct errand_answer {
    uint32_t status;     /* of HTTP */
    uint32_t version;    /* of the function that answered; 0: none was found */
    uint64_t elapsed_us; /* from its coming in to its answer */
    uint64_t fuel;
    struct bytes code; /* of the problem; empty: its guest answered */
};

/* What does not fit would be nothing that control says, and end the worker that hears it. */
bool errand_message_fits(const struct errand_message *message);
/* All but the body; views `head`. The message fits. */
struct bytes errand_message_write(const struct errand_message *message,
                                  uint8_t head[ERRAND_HEAD_BYTES]);
/* False: control would not say that. Views `payload`. */
bool errand_message_read(struct bytes payload, struct errand_message *ret_message);
struct bytes errand_answer_write(const struct errand_answer *answer,
                                 uint8_t text[ERRAND_DONE_BYTES]);
bool errand_answer_read(struct bytes payload, struct errand_answer *ret_answer);

#endif
