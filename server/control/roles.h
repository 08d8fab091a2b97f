/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the processes that control starts, from roles.def.
 */
#ifndef SKERRY_SERVER_CONTROL_ROLES_H
#define SKERRY_SERVER_CONTROL_ROLES_H

#include "deploy/deploy.h"
#include "engine/base/spawn.h"
#include "server/egress/egress.h"
#include "server/helper/helper.h"
#include "server/keys/keys.h"
#include "server/prepare.h"
#include "server/worker.h"

enum role_restart { ROLE_RESTART_NEVER, ROLE_RESTART_ALWAYS };

enum role_id {
#define ROLE(id, verb, restart, oom_score, fd_count, environment, paths, opens, network, text)     \
    ROLE_##id,
#include "server/control/roles.def"
    ROLE_COUNT
};

struct role {
    struct spawn_role spawn;
    enum role_restart restart;
    uint32_t fd_count; /* at least so many */
    const char *paths; /* "name:rights name:rights ..." */
    const char *text;
};

extern const struct role roles[ROLE_COUNT];

#endif
