/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: who is behind a name. A cache of catalog lookups, and the state that
 * a worker keeps for each tenant that is busy.
 *
 *   names --> directory_function (version, hash; from one catalog generation) --> tenant
 *
 * A cached function is used only while the catalog's generation is the one it was read in:
 * a deploy that was acknowledged is seen by the next request. Requests hold references, so
 * that a function may leave the cache while they run.
 *
 * A version that is asked for by itself is a function of its own here, with isolates of its own:
 * two versions at once would take turns to drive each other's out.
 *
 * Tenants without references are freed by directory_sweep, never in between: the scheduler
 * may still be accounting a slice.
 */
#ifndef SKERRY_SERVER_REQUEST_NAMES_DIRECTORY_H
#define SKERRY_SERVER_REQUEST_NAMES_DIRECTORY_H

#include "deploy/deploy.h"
#include "hostapi/hostapi.h"
#include "isolate/isolate.h"
#include "server/assets/site.h"
#include "server/request/guest_log.h"
#include "server/request/names/route.h"
#include "server/request/turns/admission.h"
#include "server/request/turns/scheduler.h"
#include "server/telemetry/tally.h"
#include "server/world/parking.h"

#define DIRECTORY_POOL_VERSION_BYTES (DEPLOY_SHA256_BYTES + 21)

struct directory_tenant {
    struct directory_tenant *next; /* in its bucket */
    uint32_t references;           /* functions in the cache or in use */
    struct admission_tenant admission;
    struct parking_tenant parking;
    struct guest_log_bucket log;
    uint64_t fuel_owed;    /* used, and too little to be counted yet */
    uint64_t unread_bytes; /* of answers that clients have not read yet */
    struct scheduler_tenant schedule;
    struct isolate_tenant *memory; /* a reference; NULL: not asked for yet */
    uint64_t hash;
    struct bytes name; /* in name_text */
    char name_text[ROUTE_LABEL_BYTES];
};

struct directory_function {
    uint32_t references;
    uint64_t generation;
    uint64_t hash;
    uint64_t used;       /* the directory's clock: for replacement */
    bool is_new;         /* the last directory_find read it from the catalog */
    uint32_t warm_count; /* not taken yet; then it is in the list, referenced */
    struct directory_function *warm_next;
    bool bounded;       /* its tenant has quotas: see quota.h */
    bool is_share;      /* one of several versions that clients get: canaries hear of it */
    struct tally tally; /* not taken yet; then it is in that list, referenced */
    struct directory_function *tally_next;
    struct directory_tenant *tenant;
    struct arena arena;         /* what the entry points to */
    struct isolate_claim claim; /* on its tenant's memory, for the arena; see directory_count */
    struct deploy_catalog_entry entry;
    struct hostapi_environment environment; /* the entry's */
    const struct site *site;                /* its assets; NULL: it has none */
    struct hostapi_files files;             /* the same */
    const char *data_dir;                   /* where what is in them is; borrowed */
    struct deploy_function_limits limits;   /* its manifest's; so are these */
    bool is_threaded;                       /* it is to run no native code */
    struct deploy_texts steps;
    struct bytes origin;          /* the same */
    struct deploy_texts outbound; /* the same */
    struct deploy_texts secrets;  /* the same */
    struct bytes pool_version;    /* in pool_version_data: what tells isolates apart */
    struct bytes key;             /* "tenant/function", "tenant/function@v3", in key_text */
    struct bytes name;            /* "function", of it */
    struct bytes version;         /* "v3", in version_text */
    struct bytes label;           /* "function", "v3--function": as it was asked for */
    char version_text[16];
    char key_text[2 * ROUTE_LABEL_BYTES + 16];
    char label_text[ROUTE_LABEL_BYTES];
    uint8_t pool_version_data[DIRECTORY_POOL_VERSION_BYTES];
};

struct directory;

/* The catalog is borrowed and outlives it, and so does the path of the data directory; the share is
 * that of a tenant without its own. */
NODISCARD enum status directory_create(struct deploy_catalog *catalog,
                                       const char *data_dir,
                                       uint32_t cpu_share,
                                       struct directory **ret_directory);
void directory_free(struct directory *directory);
/* What `target` names, with a reference: the active version of a function or, if there is none of
 * that name, with "v3--" or "alias--" before it the version that is meant. */
NODISCARD enum status directory_find(struct directory *directory,
                                     const struct route_target *target,
                                     struct report *report,
                                     struct directory_function **ret_function);
/* A version of a function; with a reference. NOT_FOUND: it is gone. */
NODISCARD enum status directory_find_version(struct directory *directory,
                                             const struct directory_function *of,
                                             uint32_t version,
                                             struct directory_function **ret_function);
/* Counts what is known of the function as memory of its tenant's, once that has an account. */
void directory_count(struct directory_function *function);
/* Lets go of the tenant's functions that nobody uses; what is counted of them is counted no more.
 */
void directory_shed(struct directory *directory, const struct directory_tenant *tenant);
/* One reference more. */
void directory_retain(struct directory_function *function);
void directory_release(struct directory_function *function);
/* The catalog's, now. */
uint64_t directory_generation(const struct directory *directory);
/* One more warm start. */
void directory_count_warm(struct directory *directory, struct directory_function *function);
/* Hands out what was counted since the last time, function by function, and forgets it. */
void directory_take_warm(struct directory *directory,
                         void (*take)(void *context,
                                      const struct directory_function *function,
                                      uint32_t count),
                         void *context);
/* What an answer, or several, came to. */
void directory_tally(struct directory *directory,
                     struct directory_function *function,
                     const struct tally *more);
/* Hands out what was added up since the last time, and forgets it. `take` NULL: only that. */
void directory_take_tallies(struct directory *directory,
                            void (*take)(void *context, const struct directory_function *function),
                            void *context);
/* Frees tenants that nothing refers to; not from inside a slice. */
void directory_sweep(struct directory *directory);

#endif
