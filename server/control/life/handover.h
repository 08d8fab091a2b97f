/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what one program of control leaves to the next, which takes its place in the
 * same process: a memory file of this struct, and the descriptors that it names.
 *
 *   old program:  handover_leave --execve--> new program: handover_find --> adopts copies of all
 *                      ^                          |
 *                      +---- handover_go_back <---+ it cannot start: the old one goes on
 *
 * The numbers are of descriptors that stay open until handover_done; who adopts one takes a copy,
 * so that what fails to start leaves all of it for the other program.
 *
 * Both programs have to mean the same by this struct, by what workers share with control and by
 * what they say to each other: handover_fingerprint is of all three. Of metrics alone they may
 * think differently (`metrics`).
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_HANDOVER_H
#define SKERRY_SERVER_CONTROL_LIFE_HANDOVER_H

#include "config/config.h"
#include "deploy/deploy.h"
#include "server/channel/tls_messages.h"
#include "server/telemetry/record_ring.h"

#define HANDOVER_HELPERS_MAX 4

struct handover_worker {
    int pid;
    int shared_fd;
    int news_fd;
    int lent_fd;
    int channel_fd;
    int log_fds[2];
    struct record_reader reader;
};
struct handover_helper {
    int pid; /* 0: no more follow */
    int channel_fd;
    int log_fds[2];
    char who[16];
};

struct handover {
    uint64_t magic;
    uint64_t fingerprint;
    uint64_t metrics;
    uint32_t workers;
    uint32_t listen_count;
    char listen[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_BYTES]; /* as the configuration had them */
    char addresses[CONFIG_LISTEN_MAX][CONFIG_ADDRESS_BYTES];
    bool is_tls[CONFIG_LISTEN_MAX];
    char isolation[CONFIG_LISTEN_MAX][CONFIG_ISOLATION_BYTES];
    uint32_t isolation_count;
    char data_dir[CONFIG_PATH_BYTES];
    char admin_socket[CONFIG_PATH_BYTES];
    char admin_listen[CONFIG_ADDRESS_BYTES];
    struct deploy_handover deploy;
    struct tls_ticket_key tickets[TLS_TICKET_KEYS];
    struct handover_helper helpers[HANDOVER_HELPERS_MAX];
    struct handover_worker worker[CONFIG_WORKERS_MAX];
    int listen_fds[CONFIG_WORKERS_MAX][CONFIG_LISTEN_MAX];
    int self_fd;                     /* of this memory file */
    int before_fd;                   /* of the program before */
    bool has_filter;                 /* walls/: it outlives the exec */
    bool went_back;                  /* the next program could not start: this is the one before */
    char program[CONFIG_PATH_BYTES]; /* that was to take over */
    char why[REPORT_TEXT_BYTES];     /* it could not */
};

uint64_t handover_fingerprint(void);
uint64_t handover_metrics(void);

/* Executes the program behind `fd`, by its name if it still has it; returns what failed. */
NODISCARD enum status handover_leave(
    struct handover *handover, int fd, const char *path, char **arguments, struct report *report);
/* What was left to this process; NULL: it begins. For handover_done. */
NODISCARD enum status handover_find(struct report *report, struct handover **ret_handover);
/* Executes the program before again; returns only if that fails, too. */
void handover_go_back(struct handover *handover, const char *why, char **arguments);
/* All of it was adopted. Accepts NULL. */
void handover_done(struct handover *handover);
/* A copy that is closed on exec; -1 of -1, or if there are no descriptors. */
int handover_copy(int fd);

#endif
