/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a helper, a process that workers talk to directly and that does one thing for
 * them which they must not be able to do themselves. What all helpers have in common: one thread,
 * libevent's loop, a channel to control, and over that a channel to each worker.
 *
 *   control --PEER(worker, index, descriptor)--> a wire to that worker, instead of the one before
 *   worker  --frames--> ops->frame --helper_send--> worker
 *
 * A worker is not trusted: a frame that makes no sense ends its wire, and it gets a new one from
 * control when it asks.
 */
#ifndef SKERRY_SERVER_HELPER_HELPER_H
#define SKERRY_SERVER_HELPER_HELPER_H

#include "config/config.h"
#include "server/channel/channel.h"
#include "server/walls/walls.h"

#define HELPER_BOOT_MAGIC UINT64_C(0x736b68656c706572)

enum helper_fd {
    HELPER_BOOT_FD = 3,    /* struct helper_boot, to be read from offset 0 */
    HELPER_READY_FD = 4,   /* a byte when it serves; then closed */
    HELPER_CHANNEL_FD = 5, /* to control */
    HELPER_FD_END
};

struct helper_boot {
    uint64_t magic;
    struct config config;
};

struct event_base;
struct helper;

/* The caller that is control: it asks for itself what workers ask for guests. */
#define HELPER_CONTROL CONFIG_WORKER_SLOTS_MAX

/* One worker, for as long as its wire lasts; or control. */
struct helper_caller {
    uint32_t index;
    uint64_t wire; /* which of its wires, ever */
};

struct helper_ops {
    enum channel_end end;
    enum walls_role role;
    /* A file that it opens besides what its role does; NULL: none. */
    const char *(*reads)(const struct config *config);
    /* Before the first worker. The helper outlives all that is started. */
    enum status (*start)(void *context, struct helper *helper, struct report *report);
    /* Of a worker. False: it makes no sense. */
    bool (*frame)(void *context,
                  const struct helper_caller *caller,
                  const struct channel_frame *frame);
    /* Its wire ended: nobody waits for what it asked. */
    void (*gone)(void *context, const struct helper_caller *caller);
    /* Of control, but for PEER; NULL: nothing. */
    bool (*control)(void *context, const struct channel_frame *frame);
    void *context;
};

/* The process; returns its exit status. */
int helper_main(const struct helper_ops *ops);
struct event_base *helper_base(const struct helper *helper);
const struct config *helper_config(const struct helper *helper);
/* False: the caller is gone, or there is no room. */
NODISCARD bool helper_send(struct helper *helper,
                           const struct helper_caller *caller,
                           const struct channel_message *message);
/* To control. */
NODISCARD bool helper_tell(struct helper *helper, const struct channel_message *message);

#endif
