/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what control hands to a worker it starts, and the worker's main.
 *
 * A worker is this same program with the hidden verb `worker`. Everything it needs comes
 * over descriptors with fixed numbers, so that nothing shows in its arguments.
 */
#ifndef SKERRY_SERVER_WORKER_H
#define SKERRY_SERVER_WORKER_H

#include <signal.h>

#include "config/config.h"
#include "deploy/deploy.h"
#include "server/telemetry/metrics.h"
#include "server/telemetry/quarantine.h"
#include "server/telemetry/record_ring.h"

#define WORKER_VERB "worker"
/* To a worker: another one serves in its place, so it ends when its connections have. */
#define WORKER_RETIRE_SIGNAL SIGUSR1
#define WORKER_BOOT_MAGIC    UINT64_C(0x736b776f726b6572)

enum worker_fd {
    WORKER_BOOT_FD = 3,       /* struct worker_boot, to be read from offset 0 */
    WORKER_SHARED_FD = 4,     /* struct worker_shared, to be mapped shared */
    WORKER_READY_FD = 5,      /* a byte when it accepts; then closed */
    WORKER_NEWS_FD = 6,       /* struct isolates_news, a message each */
    WORKER_QUARANTINE_FD = 7, /* struct quarantine_page, to be mapped shared, read-only */
    WORKER_LENT_FD = 8,       /* connections that another worker does not take: lending.h */
    WORKER_CHANNEL_FD = 9,    /* to control: all else that is said (server/channel/) */
    WORKER_LISTEN_FD = 10,    /* the first of the listening sockets that boot.listens says */
};

struct worker_boot {
    uint64_t magic;
    uint32_t index;
    uint32_t listen_count;           /* addresses in the configuration */
    bool listens[CONFIG_LISTEN_MAX]; /* those that are this worker's */
    bool access_log;
    struct config config;
};

/* Written by the worker, read by control, which keeps it for the next worker. */
struct worker_shared {
    struct lmdb_reading reading[LMDB_STORE_COUNT];
    struct vitals vitals;
    struct record_ring records;
    struct metrics metrics; /* last: an upgrade gets on without those of another program */
};

/* `skerry worker`; returns the exit status. */
int worker_main(void);

#endif
