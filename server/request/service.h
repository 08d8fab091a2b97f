/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: all that the requests of one worker share, and the worker's turns.
 *
 * A request reaches the rest of the worker by three sets of functions: names (the directory),
 * isolates (the pool) and guests (engine and host). Tests put their own there.
 */
#ifndef SKERRY_SERVER_REQUEST_SERVICE_H
#define SKERRY_SERVER_REQUEST_SERVICE_H

#include "config/config.h"
#include "server/request/encoder.h"
#include "server/request/guest.h"
#include "server/request/isolates.h"
#include "server/request/turns/timers.h"
#include "server/telemetry/quarantine.h"
#include "server/telemetry/start_record.h"
#include "server/world/world.h"

struct request_names {
    /* The function's active version, or the one that is named, with a reference. */
    enum status (*find)(void *context,
                        const struct route_target *target,
                        struct report *report,
                        struct directory_function **ret_function);
    /* Another version of a function, with a reference; NOT_FOUND: it is gone. */
    enum status (*find_version)(void *context,
                                const struct directory_function *of,
                                uint32_t version,
                                struct directory_function **ret_function);
    /* A host that has routes, lent until the next call; NOT_FOUND for others. */
    enum status (*find_host)(void *context,
                             struct bytes authority,
                             struct report *report,
                             const struct deploy_host **ret_host);
    /* Lets go of what is known of the tenant's functions that nobody uses. */
    void (*shed)(void *context, const struct directory_tenant *tenant);
    void (*retain)(struct directory_function *function);  /* one reference more */
    void (*release)(struct directory_function *function); /* may be NULL */
    /* Another one: what was found then may be found no more. */
    uint64_t (*generation)(void *context);
    void *context;
};

struct request_isolates {
    /* isolates_lack_artifact(status): ask for a rebuild and try again. */
    enum status (*checkout)(void *context,
                            const struct directory_function *function,
                            struct report *report,
                            struct isolate_start *ret_start,
                            struct isolate **ret_isolate);
    void (*give_back)(struct isolate *isolate, enum isolate_end end, uint64_t now_ns);
    /* Tells who has to know that an artifact is missing, stale or damaged. */
    void (*rebuild)(void *context,
                    const struct directory_function *function,
                    enum status why,
                    const struct report *report);
    void *context;
};

struct request_memory {
    /* Whose account `tenant` is, with a reference; NULL: nothing is counted. */
    struct isolate_tenant *(*find)(void *context, struct bytes tenant);
    bool (*must_yield)(struct isolate_tenant *tenant); /* not NULL's */
    /* Looks at what it really uses. True: that is more than before. */
    bool (*measure)(struct isolate *isolate);
    void *context;
};

struct request_service {
    const struct config *config;
    uint32_t worker; /* which of config->workers this is */
    struct config_descriptors descriptors;
    const struct clock *clock;
    struct metrics *metrics;
    struct record_ring *records; /* where control reads of starts and of what guests log */
    struct vitals *vitals;       /* where it reads what runs */
    const struct quarantine_page *quarantine;
    struct deploy_catalog *catalog;
    struct directory *directory;
    struct hosts *hosts;
    struct isolate_pool *pool;
    struct isolate_bases bases;
    struct request_names names;
    struct request_isolates isolates;
    struct request_memory memory;
    const struct guest_ops *guests;
    struct isolates_owner owner;
    struct guest_log guest_log;
    struct isolates_queue news; /* functions that control says have changed */
    struct scheduler scheduler;
    struct parking parking;
    struct world world;     /* what requests have under way outside, and who answers */
    struct peers_loop loop; /* of the world's channels; set by who makes the service */
    struct timers timers;
    struct encoders encoders;
    struct list streams;         /* requests whose answer goes out in pieces */
    uint64_t streams_generation; /* of the catalog, when they were looked through */
    uint64_t drained_ns;         /* when the last stream must have ended; 0: no drain */
    struct bytes domain;
    uint64_t id_seed;
    uint64_t id_count;
    uint64_t turn_requests; /* metrics->requests at the last turn */
    uint64_t heard_ns;      /* when this turn of the loop began; 0: it waits for something to do */
    uint64_t answered;      /* requests ever that were answered or cancelled */
    uint64_t pieces;        /* of answers, ever handed to carriers */
    bool settles;           /* this turn has only to go on with what was sent in it */
    uint32_t in_flight;     /* requests begun and not yet answered or cancelled */
    uint32_t errands;       /* those of them that control asked for */
    bool access_log;
};

/* What is borrowed must be set: clock, config, catalog, and the pages shared with control; and how
 * many descriptors there are for what. */
NODISCARD enum status request_service_init(struct request_service *service, struct report *report);
void request_service_done(struct request_service *service);
/* Timers and one turn of the scheduler; then at most so many microseconds may pass. */
uint64_t request_service_turn(struct request_service *service);
/* A socket has something to do: if the loop waited, its turn begins. */
static inline void request_service_heard(struct request_service *service, uint64_t now_ns)
{
    if (service->heard_ns == 0)
        service->heard_ns = now_ns;
}
/* About once a second. */
void request_service_sweep(struct request_service *service);

#endif
