/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: all workers of this server, each a child with the memory it shares with
 * control, the socket over which it hears of changed functions, and a set of listeners.
 */
#ifndef SKERRY_SERVER_CONTROL_WORKERS_H
#define SKERRY_SERVER_CONTROL_WORKERS_H

#include "server/channel/channel.h"
#include "server/control/child.h"
#include "server/control/deaths.h"
#include "server/control/log_drain.h"
#include "server/control/records.h"
#include "server/control/sockets/listeners.h"
#include "server/worker.h"

struct handover;
struct workers;

/* One worker's process. */
struct workers_caller {
    uint32_t index;
    uint64_t run; /* which of all processes of workers; the next one has another */
};
/* Of a message of a worker, which is not trusted. False: it makes no sense, and the worker is
 * replaced. */
typedef bool workers_handler(void *context,
                             const struct workers_caller *caller,
                             const struct channel_frame *frame);

struct workers_options {
    struct event_base *base;
    const struct clock *clock;
    const struct config *config;
    const struct listeners *listeners; /* a set for each; borrowed */
    struct records *records;           /* theirs are watched by it; borrowed */
    struct log_drain *log;             /* takes their stderr; borrowed, outlives them */
    struct deaths *deaths;             /* hears of what they died of; borrowed */
    /* Whose workers are adopted, instead of starting some; borrowed. NULL: nobody's. */
    const struct handover *handover;
    void (*ready)(void *context); /* all of them are */
    /* What workers_roll began is over: others serve, or everything is as it was. */
    void (*rolled)(void *context, bool done);
    /* A worker's process was started; messages to it wait until it reads them. */
    void (*started)(void *context, const struct workers_caller *worker);
    /* That process has ended. */
    void (*ended)(void *context, const struct workers_caller *worker);
    void *context;
};

/* Starts none yet. */
NODISCARD enum status workers_create(const struct workers_options *options,
                                     struct report *report,
                                     struct workers **ret_workers);
/* After their processes have ended; accepts NULL. */
void workers_free(struct workers *workers);
void workers_start(struct workers *workers);
/* Starts a successor with that configuration, which is copied, for each of them. When all are ready
 * those that served are retired: they take no connections, and end when theirs have. If one of the
 * new ones cannot start, all are as they were; options.rolled hears of either. BUSY: that goes on
 * already, or is not over. */
NODISCARD enum status
workers_roll(struct workers *workers, const struct config *config, struct report *report);
/* No successors from now on. */
void workers_stop(struct workers *workers);
void workers_kill(const struct workers *workers, int number);
/* True if it was one of them. */
bool workers_child_exited(struct workers *workers, pid_t pid, int wait_status);
/* How many processes there are. */
uint32_t workers_running(const struct workers *workers);
/* All of them, and all get on. */
bool workers_are_ready(const struct workers *workers);
/* One of them could not be started time and again. */
bool workers_are_hopeless(const struct workers *workers);
/* Tells all of them that a function was changed. What finds no room is dropped: it saves a cold
 * start, no more. */
void workers_tell(const struct workers *workers, struct bytes tenant, struct bytes function);
/* What happens with messages of a type; one that nobody handles makes no sense. */
void workers_on(struct workers *workers,
                enum channel_type type,
                workers_handler *handle,
                void *context);
/* False: that process has ended, or there is no room. */
NODISCARD bool workers_send(struct workers *workers,
                            const struct workers_caller *to,
                            const struct channel_message *message);
/* The process in slot `index`, if it serves new requests and gets on. */
bool workers_serving(const struct workers *workers,
                     uint32_t index,
                     struct workers_caller *ret_worker);
/* The process that worker `index` is now; false: none. */
bool workers_find(const struct workers *workers, uint32_t index, struct workers_caller *ret_worker);
/* The oldest commit that one of them may read from; LMDB_NO_COMMIT: none does. */
uint64_t workers_oldest_reader(const struct workers *workers, enum lmdb_store store);
/* Ends those that read from a commit older than `before`: a read takes microseconds. */
void workers_end_readers(const struct workers *workers, enum lmdb_store store, uint64_t before);
/* A tick of the pulse: who stands still lends its connections to the others, and is ended when
 * that lasts. */
void workers_tick(struct workers *workers);
/* Connections that were passed on to another worker. */
uint64_t workers_lent(const struct workers *workers);
void workers_print_metrics(const struct workers *workers, struct buffer *out);

#endif
