/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to isolate/: what an isolate is made of.
 *
 * Others hold one by pointer and reach its machine, instance and host by the accessors of
 * isolate.h. What stands in `place` is the pool's: isolate.c neither reads nor writes it.
 */
#ifndef SKERRY_ISOLATE_PARTS_H
#define SKERRY_ISOLATE_PARTS_H

#include "engine/base/list.h"
#include "isolate/budget.h"
#include "isolate/isolate.h"

/* What one takes before its guest writes, and when it was trimmed: docs/density.md. */
#define ISOLATE_FLAT_BYTES    32768
#define ISOLATE_TRIMMED_BYTES 8192

/* A memory with more changed pages is dropped by the kernel instead of copied: it costs page
 * faults in the next request, but gives a warm isolate's private memory back (4 MiB). */
#define ISOLATE_COPY_PAGES_MAX 1024

/* Where an isolate is in its pool, and what it waits for there. */
struct isolate_place {
    struct isolate_pool *pool; /* borrowed; NULL outside a pool */
    struct isolate_pool_entry *entry;
    struct list_link link; /* of its entry's warm list, or of the pool's retired list */
    uint64_t idle_since_ns;
    struct isolate_reuse reuse; /* of the request that has it */
    uint64_t first_use_ns;      /* when the first of the requests that `served` counts came */
    bool trimmed;               /* has no pages of its own */
};

struct isolate {
    uint64_t magic;
    struct engine_machine *machine;    /* owned */
    struct engine_instance *instance;  /* owned by machine */
    void *host;                        /* owned through the ops */
    struct isolate_host_ops ops;       /* of whoever made it */
    struct isolate_artifact *artifact; /* a reference */
    struct isolate_place place;
    struct isolate_claim claim; /* what it uses, as was last measured */
    uint32_t served;            /* requests since its memory was the snapshot's */
    uint64_t shed_bytes;        /* of its memories, one after another, then of its heap */
    uint64_t reset_count;       /* in its life */
    uint64_t map_ns;            /* what mapping its stack and memory took */
};

#endif
