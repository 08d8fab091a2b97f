/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: another program takes control's place, in the same process.
 *
 *   NONE --asked--> PREPARING: it builds its artifacts (server/prepare.h)
 *                       |--it fails, or thinks otherwise of what is shared--> FAILED
 *                       v
 *                   PAUSING: the admin API finishes what it has begun, and lets nobody in
 *                       |--that takes too long--> FAILED, all goes on
 *                       v
 *                   execve: sockets, lock and children stay (handover.h)
 *                       |--it cannot start--> execve of the program before: FAILED
 *                       v
 *                   STARTING: workers of the new program are started beside the old ones
 *                       |--they cannot start--> FAILED: the old ones serve on
 *                       v
 *                   DONE; the old workers and helpers end when their connections have
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_UPGRADE_H
#define SKERRY_SERVER_CONTROL_LIFE_UPGRADE_H

#include "server/control/life/adoption.h"
#include "server/control/log_drain.h"
#include "server/prepare.h"

struct supervisor;

enum upgrade_state {
    UPGRADE_NONE,
    UPGRADE_PREPARING,
    UPGRADE_PAUSING,
    UPGRADE_STARTING,
    UPGRADE_DONE,
    UPGRADE_FAILED,
    UPGRADE_STATE_COUNT,
};

struct upgrade {
    enum upgrade_state state;
    char **arguments; /* of this process; borrowed */
    char program[CONFIG_PATH_BYTES];
    char version[48];
    char text[REPORT_TEXT_BYTES];
    uint32_t built;
    uint32_t total;
    int program_fd; /* -1: none */
    int pid;        /* that prepares; 0: none */
    bool said_hello;
    bool is_ready;
    struct event *heard;
    size_t line_bytes;
    char line[PREPARE_LINE_BYTES];
    uint32_t ticks; /* since PAUSING began */
    bool leaves;    /* the loop was left for it */
    bool rolls;     /* workers of this program are being started */
};

/* For deploy_control_options; `context` is the supervisor. */
enum status upgrade_begin(void *context, const char *program, struct report *report);
void upgrade_tell(void *context, struct deploy_upgrade *ret_upgrade);
/* Ten times a second. */
void upgrade_tick(struct supervisor *supervisor);
/* True: it was the process that prepares. */
bool upgrade_child_exited(struct supervisor *supervisor, int pid);
/* After the loop was left for it; returns only if nothing could be executed. */
void upgrade_leave(struct supervisor *supervisor);
/* Control of the new program serves: its workers are to be started. */
void upgrade_arrived(struct supervisor *supervisor);
/* How that went. */
void upgrade_rolled(struct supervisor *supervisor, bool done);
void upgrade_free(struct upgrade *upgrade);

#endif
