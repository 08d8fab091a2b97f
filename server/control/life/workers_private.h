/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/control/: the slots of workers, for the files that start and lead them.
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_WORKERS_PRIVATE_H
#define SKERRY_SERVER_CONTROL_LIFE_WORKERS_PRIVATE_H

#include "server/control/pulse.h"
#include "server/control/sockets/lending.h"
#include "server/control/workers.h"
#include "server/helper/wire.h"

struct workers_one {
    struct workers *workers;
    uint32_t slot;
    struct child child; /* its index is the same in both halves */
    int shared_fd;
    const struct worker_shared *shared; /* mapped; the worker writes */
    int news_fd;                        /* to tell it of changed functions; -1: it does not run */
    int lent_fd;                        /* to pass it connections of others; -1: the same */
    struct wire wire;                   /* all else that is said; not open: the same */
    uint64_t run;
    struct log_drain_pipe *log; /* its stderr; the drain's */
    struct pulse pulse;
    size_t shared_bytes;    /* of `shared` */
    bool is_adopted;        /* the process is of the program that was here before */
    bool is_foreign;        /* ... and counts otherwise: its metrics are not ours */
    struct lending lending; /* of its own connections, while it does not take them */
};

struct workers {
    struct workers_options options;
    uint32_t next_taker; /* where the search for one begins */
    uint64_t runs;       /* processes ever */
    struct {
        workers_handler *handle;
        void *context;
    } handlers[CHANNEL_TYPE_COUNT];
    struct config configs[2]; /* of each half */
    uint32_t half;            /* that serves */
    bool rolling;             /* the other one is starting */
    uint32_t count;           /* slots */
    struct workers_one each[];
};

static inline uint32_t workers_half_of(const struct workers_one *one)
{
    return one->slot / (one->workers->count / 2);
}

/* For child_ops.start; `context` is the slot. */
NODISCARD enum status
workers_start_one(void *context, int ready_fd, struct report *report, pid_t *ret_pid);
/* Its memory, which control reads, and the log that it writes; again if it was let go of. */
NODISCARD enum status workers_prepare(struct workers_one *one, struct report *report);
/* Maps the memory behind shared_fd. */
NODISCARD enum status workers_map(struct workers_one *one, struct report *report);
/* What is said to the process in that slot, and heard from it. */
NODISCARD enum status workers_open_wire(struct workers_one *one, int fd, struct report *report);
void workers_close_channels(struct workers_one *one);

#endif
