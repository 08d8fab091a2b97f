/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/door: changes that a client may send again, because it did not hear how the
 * first try went: with the same Idempotency-Key they are made once, and answered twice.
 *
 *   key --new--> under way --answered--> kept, with the answer, for a day or until others need room
 *                    |                       |-- the same request again: that answer
 *                    |                       '-- another request under that key: 422
 *                    '-- the same or another again: 409
 *
 * Kept in memory: a restart forgets them. What failed by the server's fault (5xx) is not kept.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_REPEATS_H
#define SKERRY_DEPLOY_DOOR_ADMIN_REPEATS_H

#include "deploy/api/api.h"
#include "engine/base/list.h"

#define ADMIN_REPEATS_MAX       1024
#define ADMIN_REPEATS_BODY_MAX  65536 /* of an answer that is kept */
#define ADMIN_REPEATS_BYTES_MAX (8U << 20)
#define ADMIN_REPEATS_AGE_NS    (86400 * CLOCK_NS_PER_S)
#define ADMIN_REPEATS_KEY_MAX   255

struct admin_repeat;
struct admin_repeats {
    struct list rows; /* the oldest first */
    uint32_t count;
    size_t bytes; /* of bodies */
};

/*
 * Looks the request's key up. True: it is to be handled, and *ret_repeat is to be ended (NULL: it
 * has no key). False: the response is complete.
 */
NODISCARD bool admin_repeats_begin(struct admin_repeats *repeats,
                                   const struct api_request *request,
                                   uint64_t now_ns,
                                   struct api_response *response,
                                   struct admin_repeat **ret_repeat);
/* `response` NULL: it was answered in a way that cannot be kept. */
void admin_repeats_end(struct admin_repeats *repeats,
                       struct admin_repeat *repeat,
                       const struct api_response *response);
void admin_repeats_done(struct admin_repeats *repeats);

#endif
