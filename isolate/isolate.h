/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolates: an instance of a snapshot plus its host state, taken from a pool for one
 * request and put back byte for byte.
 *
 *               isolate_pool_checkout                    isolate_pool_return(FINISHED)
 *   WARM ---------------------------------> IN USE ----------------------------------> WARM
 *    ^  (reset was done on return)             |                                        |
 *    |                                         | trapped, out of budget, cancelled      | idle,
 *   COLD: artifact mapped, isolate made        v                                        v LRU
 *                                          DISCARDED                                 EVICTED
 *
 * An artifact is an engine image with a snapshot in a file, mapped read-only. Mapping it
 * is all there is to a cold start; memory is a private file mapping, so an isolate costs
 * only the pages it touches.
 *
 * One process, one thread. `server` gives the host side through isolate_host_ops.
 */
#ifndef SKERRY_ISOLATE_H
#define SKERRY_ISOLATE_H

#include "config/limits.h"
#include "engine/base/clock.h"
#include "engine/base/list.h"
#include "engine/engine.h"
#include "isolate/budget.h"

/* ---- artifact -------------------------------------------------------------------------------- */

struct isolate_artifact; /* reference counted */

/* The bases (engine.h) of a process's artifacts: each is mapped once, for as long as an artifact
 * refers to it. */
struct isolate_bases {
    struct list in_use; /* private; zero at first, and empty when all artifacts are closed */
    /* Opens the file of the base of that name. */
    enum status (*open)(void *context,
                        const uint8_t name[ENGINE_BASE_NAME_BYTES],
                        struct report *report,
                        int *ret_fd);
    void *context;
    /* Is native code to be run, theirs and that of artifacts without a base? It is not where it
     * cannot be mapped executable: then they run threaded. */
    bool runs_native;
    uint32_t native_refused; /* artifacts of which it could not be mapped so */
};

/*
 * Opens and maps an artifact file, with its base if it has one, which `bases` may not be NULL for.
 * STATUS_STALE for one of another engine build, or made on another base than there is (the caller
 * has it rebuilt), STATUS_CORRUPT if damaged, what the opener of bases says. The fd may be closed
 * afterwards.
 */
NODISCARD enum status isolate_artifact_open(int fd,
                                            bool verify_checksum,
                                            struct isolate_bases *bases,
                                            struct report *report,
                                            struct isolate_artifact **ret_artifact);
struct isolate_artifact *isolate_artifact_ref(struct isolate_artifact *artifact);
void isolate_artifact_unref(struct isolate_artifact *artifact);
const struct engine_module *isolate_artifact_module(const struct isolate_artifact *artifact);
/* Isolates made of it from now on run no native code, its base's neither. */
void isolate_artifact_stay_threaded(struct isolate_artifact *artifact);
/* Was its file, or its base's, removed or replaced by another of the same name? */
bool isolate_artifact_is_gone(const struct isolate_artifact *artifact);

/* ---- isolate --------------------------------------------------------------------------------- */

/* The host's side of an isolate, made once and used for all its requests. */
struct isolate_host_ops {
    /* Makes the host object and says how its imports link; called before the restore. */
    enum status (*create)(void *context,
                          const struct engine_module *module,
                          struct engine_linker *ret_linker,
                          void **ret_host);
    /* Forgets all that belongs to the last request; the instance goes back to its snapshot. */
    void (*reset)(void *host);
    /* The same, for an instance that goes on with the memory it has. */
    void (*keep)(void *host);
    void (*free)(void *host);
    void *context;
};

/*
 * A function's choice to find its memory as its last request left it: until the isolate served
 * `requests_max` or is `age_max_ns` old, counted from its first request; whichever comes
 * first, and 0 is no bound. {0, 0} and {1, 0} are pristine memory for every request.
 */
struct isolate_reuse {
    uint32_t requests_max;
    uint64_t age_max_ns;
};

struct isolate; /* private: parts.h */

/* `clock` tells how long mapping took; borrowed for the call. */
NODISCARD enum status isolate_create(struct isolate_artifact *artifact,
                                     const struct config_limits *limits,
                                     const struct isolate_host_ops *ops,
                                     const struct clock *clock,
                                     struct report *report,
                                     struct isolate **ret_isolate);
/* All three live as long as the isolate. */
struct engine_machine *isolate_machine(const struct isolate *isolate);
struct engine_instance *isolate_instance(const struct isolate *isolate);
void *isolate_host(const struct isolate *isolate); /* as its ops made it */
/* Back to the snapshot, byte for byte: memory, globals, tables, host state. False: it
 * cannot be (out of memory): free it. */
NODISCARD bool isolate_reset(struct isolate *isolate);
/* Gives the pages back that its next request would find, for page faults then: for one that was
 * reset and then waited long. False: as above. */
NODISCARD bool isolate_trim(struct isolate *isolate);
/* Before the next request of one that was trimmed. */
void isolate_wake(struct isolate *isolate);
/* Host state alone: for a guest that goes on with the memory it has. The machine must be idle. */
void isolate_keep(struct isolate *isolate);
/* Did its guest write so much (over 4 MiB of memory and heap) that to reset or to free it at once
 * would hold an event loop? */
bool isolate_is_worn(const struct isolate *isolate);
/* Gives back some pages of its memories and its heap, for good: for one that is to be freed, piece
 * by piece. False: none are left, and isolate_free is quick. */
bool isolate_shed(struct isolate *isolate);
/* Counts what it really uses (own pages of memories, heap, touched stack) against its tenant's
 * budget, which a reset does too but for the stack. True: it is more than was last counted. */
bool isolate_measure(struct isolate *isolate);
void isolate_free(struct isolate *isolate);

/* ---- pool ------------------------------------------------------------------------------------ */

struct isolate_pool;

struct isolate_pool_options {
    uint64_t memory_max_bytes;        /* of all that is counted; 0: no bound, like the next */
    uint64_t tenant_memory_max_bytes; /* of one tenant */
    uint32_t per_function_max;        /* warm isolates of one function, */
    uint32_t per_tenant_max;          /* of all functions of one tenant, */
    uint32_t total_max;               /* and in all */
    uint32_t artifacts_max;           /* mapped at once, each with a descriptor; 0: no bound */
    uint64_t idle_max_ns;
    uint64_t trim_ns;      /* a warm isolate that waited so long is trimmed */
    uint64_t ahead_max_ns; /* an isolate made ahead of a function's first request waits so long;
                              0: none is made */
    uint64_t began_ns;     /* wall clock: the first start of an older function says RESTART */
    const struct clock *clock;
    const struct config_limits *limits;
    struct isolate_host_ops ops;
};

/*
 * Why a start was cold:
 *   FIRST_REQUEST  this pool never saw the function, which was made since the pool was
 *   RESTART        this pool never saw the function, which is older than the pool
 *   NEW_VERSION    what it is made from changed since its last start
 *   POOL_EMPTY     all its isolates are in use
 *   EVICTED        its last isolate was given up: idle for too long, or others needed the room
 *   DISCARDED      its last isolate was: a request trapped, ran out of budget, was cancelled, or
 *                  wrote more memory than is worth resetting
 */
#define ISOLATE_START_REASONS(REASON)                                                              \
    REASON(WARM, "warm")                                                                           \
    REASON(FIRST_REQUEST, "first_request")                                                         \
    REASON(NEW_VERSION, "new_version")                                                             \
    REASON(POOL_EMPTY, "pool_empty")                                                               \
    REASON(EVICTED, "evicted")                                                                     \
    REASON(RESTART, "restart")                                                                     \
    REASON(DISCARDED, "discarded")

enum isolate_start_reason {
#define REASON(name, text) ISOLATE_START_##name,
    ISOLATE_START_REASONS(REASON)
#undef REASON
        ISOLATE_START_REASON_COUNT
};

const char *isolate_start_reason_text(enum isolate_start_reason reason);

/* How one checkout went; nanoseconds. */
struct isolate_start {
    enum isolate_start_reason reason;
    uint64_t load_ns;    /* open, map and check the artifact; 0 if this process had it mapped */
    uint64_t map_ns;     /* the isolate's own stack and memory; 0 when warm, like the next */
    uint64_t restore_ns; /* globals, tables, the host's state */
};

NODISCARD enum status isolate_pool_create(const struct isolate_pool_options *options,
                                          struct isolate_pool **ret_pool);
void isolate_pool_free(struct isolate_pool *pool); /* everything must have been returned */

/* Identifies one version of a function to the pool, and says how it is used. */
struct isolate_key {
    struct bytes function; /* "tenant/function" */
    struct bytes version;  /* whatever changes with what the isolate is made from */
    uint64_t created_ns;   /* wall clock: when the function was made */
    struct isolate_reuse reuse;
    uint64_t memory_max_bytes; /* linear memory, below limits.memory; 0: that. Of the version. */
    uint32_t tenant_warm_max;  /* warm isolates of all the tenant's functions; 0: per_tenant_max */
    uint64_t tenant_memory_max_bytes; /* what all of the tenant's may use; 0: the pool's bound */
    uint64_t generation;              /* the catalog's: when it changed, artifacts are looked at */
};

/* What all tenants use, and retired isolates still do. */
const struct isolate_budget *isolate_pool_budget(const struct isolate_pool *pool);

/* A tenant's memory in this pool: what its isolates use, warm or at work, and whatever else is
 * claimed of its budget. Reference counted. */
struct isolate_tenant;

/* The tenant of that name, with a reference; NULL: out of memory. The pool outlives it. */
struct isolate_tenant *isolate_pool_tenant(struct isolate_pool *pool, struct bytes name);
void isolate_tenant_unref(struct isolate_tenant *tenant);
struct isolate_budget *isolate_tenant_budget(struct isolate_tenant *tenant);
/*
 * Is its memory, or the worker's, spent even without isolates that only wait? Some of those are
 * evicted before this says so. Of the worker's, only who uses much has to give way: half of what
 * the tenant uses that uses most. Then no request of it may begin, and guests that grow must end.
 */
bool isolate_tenant_must_yield(struct isolate_tenant *tenant);

/* How to come by the artifact of a key. */
struct isolate_opener {
    enum status (*open)(void *context,
                        struct report *report,
                        struct isolate_artifact **ret_artifact);
    void *context;
};

/*
 * Gives a warm isolate of `key`, or makes one; `opener` is asked when this process has not
 * mapped the artifact yet. Older versions of the same function are dropped from the pool.
 */
NODISCARD enum status isolate_pool_checkout(struct isolate_pool *pool,
                                            const struct isolate_key *key,
                                            struct isolate_opener opener,
                                            struct report *report,
                                            struct isolate_start *ret_start,
                                            struct isolate **ret_isolate);
enum isolate_end {
    ISOLATE_DISCARDED, /* trapped, out of budget, cancelled */
    ISOLATE_FINISHED,  /* served its request */
    ISOLATE_GOES_ON,   /* ... and could serve the next with the memory it has */
};
/* Frees it, or keeps it if there is room: reset, unless it goes on by its function's choice. The
 * time is the caller's last reading of the monotonic clock, since its guest ended. */
void isolate_pool_return(struct isolate *isolate, enum isolate_end end, uint64_t now_ns);
/*
 * The function `key` was deployed or changed: what the pool has of another version is dropped,
 * and if nothing of it is warm or in use, one isolate is made ahead of its next request, if
 * there is room, and given back if none comes within ahead_max_ns. True if one was made. For
 * turns with nothing else to do.
 */
bool isolate_pool_renew(struct isolate_pool *pool,
                        const struct isolate_key *key,
                        struct isolate_opener opener);
/*
 * Does the next piece of what the pool has to do beside requests; for every turn of the loop.
 * About once a second it drops what was idle for too long. Else it frees a part of what is too
 * large to be freed at once; or, in a `quiet` turn, one with nothing else to do: makes one isolate
 * of a function that lately used more at once than it has; or trims a few that waited long. True:
 * there is more to do.
 */
bool isolate_pool_idle(struct isolate_pool *pool, uint64_t now_ns, bool quiet);
/* Forgets a function that was removed. */
void isolate_pool_forget(struct isolate_pool *pool, struct bytes function);

struct isolate_pool_stats {
    uint64_t starts[ISOLATE_START_REASON_COUNT];
    uint64_t discarded;
    uint64_t evicted;
    uint64_t trimmed;
    uint64_t prepared; /* made ahead of requests */
    uint32_t warm;     /* isolates waiting */
    uint32_t in_use;
    uint32_t functions; /* entries known */
};
struct isolate_pool_stats isolate_pool_stats(const struct isolate_pool *pool);

#endif
