/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world that answers what the fuzzer likes: at once, later, never, or with any error that the
 * service may answer. It holds host calls to what its functions may be given.
 */
#ifndef SKERRY_TESTS_FUZZ_HOSTCALLS_WORLD_H
#define SKERRY_TESTS_FUZZ_HOSTCALLS_WORLD_H

#include "hostapi/hostapi.h"
#include "tests/fuzz/choices.h"

/* More than a request may have, so that one that loses a ticket is seen to. */
#define WORLD_OPERATIONS_MAX (HOSTAPI_OPERATIONS_MAX * 2)

enum world_kind { WORLD_KV, WORLD_FETCH, WORLD_SECRET };

struct world_operation {
    uint64_t ticket; /* HOSTAPI_TICKET_NONE: the row is free */
    enum world_kind kind;
    bool ready;
    bool over; /* it is not known any more, as after its other side died */
    struct bytes key;
    uint8_t key_data[HOSTAPI_KV_KEY_BYTES_MAX];
    struct hostapi_kv_result result;
    struct hostapi_fetch_view view; /* FETCH: calls of siblings too */
    uint32_t pieces;                /* of data, that are still to come */
    enum status status;             /* SECRET */
};

struct fuzz_world {
    struct hostapi_world calls;
    struct choices *choices;
    uint64_t tickets; /* given ever */
    struct world_operation operations[WORLD_OPERATIONS_MAX];
};

void fuzz_world_make(struct fuzz_world *world, struct choices *choices);
/* Some of what is under way comes to an end; all of it. */
void fuzz_world_step(struct fuzz_world *world);
void fuzz_world_finish(struct fuzz_world *world);
/* The request is over, and with it all that it began. */
void fuzz_world_forget(struct fuzz_world *world);
uint32_t fuzz_world_open(const struct fuzz_world *world);
uint32_t fuzz_world_under_way(const struct fuzz_world *world);

#endif
