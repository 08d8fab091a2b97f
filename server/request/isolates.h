/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a function's isolates are made from, for the pool, and the news by
 * which they are made before anybody asks for them.
 *
 *   control: commit, generation + 1 --> one message to each worker: this function changed
 *   worker:  queue --> a turn with nothing else to do: look it up, isolate_pool_renew
 *
 * News is a hint. What is lost (the queue is bounded, and so is the socket's buffer) costs one
 * cold start; what a request finds is decided by the catalog alone.
 */
#ifndef SKERRY_SERVER_REQUEST_ISOLATES_H
#define SKERRY_SERVER_REQUEST_ISOLATES_H

#include "isolate/isolate.h"
#include "server/request/names/directory.h"
#include "server/telemetry/metrics.h"

/* A message from control: whose isolates to look after. Both end with a NUL. */
struct isolates_news {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

#define ISOLATES_NEWS_MAX 64 /* that wait; a newer one takes the oldest one's place */

struct isolates_queue {
    uint32_t first;
    uint32_t count;
    struct isolates_news news[ISOLATES_NEWS_MAX];
};

/* The function's key in the pool; borrows from the function. */
struct isolate_key isolates_key(const struct directory_function *function);

struct isolates_source {
    const char *data_dir;
    struct isolate_bases *bases; /* isolates_open_base is their opener */
    const struct directory_function *function;
};
/* The pool's `open`; the context is a struct isolates_source. */
NODISCARD enum status
isolates_open(void *context, struct report *report, struct isolate_artifact **ret_artifact);

/* The opener of bases; the context is the data directory. */
NODISCARD enum status isolates_open_base(void *data_dir,
                                         const uint8_t name[ENGINE_BASE_NAME_BYTES],
                                         struct report *report,
                                         int *ret_fd);

/* Takes a bounded number of messages from the socket. */
void isolates_hear(struct isolates_queue *queue, int fd);

static inline bool isolates_has_news(const struct isolates_queue *queue)
{
    return queue->count > 0;
}

/* Whose they are: a worker. Everything is borrowed. */
struct isolates_owner {
    const char *data_dir;
    struct isolate_bases *bases;
    struct directory *directory;
    struct isolate_pool *pool;
    struct metrics *metrics;
    const struct clock *clock;
    /* Asks control for an artifact that is missing, damaged or stale; returns at once. One that is
     * not asked for is by the next request. */
    void (*want_artifact)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    void *context;
    uint64_t no_room_ns; /* when it was last logged that an isolate could not be made */
};

/* An isolate for a request. What cannot be made for want of room is counted and logged. */
NODISCARD enum status isolates_checkout(struct isolates_owner *owner,
                                        const struct directory_function *function,
                                        struct report *report,
                                        struct isolate_start *ret_start,
                                        struct isolate **ret_isolate);
/* There was no artifact to make one from, or none that can be used. */
static inline bool isolates_lack_artifact(enum status status)
{
    return status == STATUS_NOT_FOUND || status == STATUS_STALE || status == STATUS_CORRUPT;
}
/* Then: counts and logs why, and asks control to build it again. */
void isolates_ask_rebuild(struct isolates_owner *owner,
                          const struct directory_function *function,
                          enum status why,
                          const struct report *report);

/* Acts upon the oldest of the news. */
void isolates_take_news(struct isolates_queue *queue, const struct isolates_owner *owner);

#endif
