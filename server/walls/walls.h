/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the walls that each process puts up around itself, once it has what it needs
 * and before it touches a byte of anybody else's.
 *
 *   namespaces   an own user and ipc space, and a network in which nothing is
 *   landlock     of all files those that roles.def lets it open; no signals, no abstract sockets
 *   seccomp      the system calls of calls.def; any other ends the process, whose log says which
 *
 * All of them are for ordinary users, and none can be taken down again. Which there are is the
 * kernel's business; what to do without one is the operator's: `walls` in skerry.yaml.
 */
#ifndef SKERRY_SERVER_WALLS_WALLS_H
#define SKERRY_SERVER_WALLS_WALLS_H

#include "config/config.h"

enum walls_role {
#define ROLE(id, verb, restart, oom_score, fd_count, environment, paths, opens, network, text)     \
    WALLS_##id,
#include "server/control/roles.def"
    WALLS_CONTROL,
    WALLS_ROLE_COUNT
};

/* Can it reach others over the network? */
enum walls_network { WALLS_NO_NETWORK, WALLS_NETWORK };

struct walls_order {
    enum walls_role role;
    enum config_walls mode;
    const char *data_dir;
    const char *reads; /* a file or folder that it opens besides, wherever it is; NULL: none */
    bool has_filter;   /* of system calls: from a program that has executed this one */
};

/* OK, with what could not be put up in the log; under CONFIG_WALLS_REQUIRE that is UNSUPPORTED.
 * Without effect where the operator wants none. The process has one thread. */
NODISCARD enum status walls_raise(const struct walls_order *order, struct report *report);

/* What this machine has, for who asks before. */
struct walls_found {
    uint32_t landlock; /* its version; 0: none */
    bool seccomp;
};
struct walls_found walls_look(void);
/* Goes into new namespaces itself: for a process that has nothing else to do. */
bool walls_try_namespaces(void);
/* Is it a program that has to do without, because sanitizers need what walls forbid? */
bool walls_are_impossible(void);
/* The role's letter in calls.def. */
char walls_letter(enum walls_role role);

#endif
