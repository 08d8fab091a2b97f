/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of roles. All of them are this program, under another verb.
 */
#include "server/control/roles.h"

#define ENVIRONMENT(...)                                                                           \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct role roles[ROLE_COUNT] = {
#define ROLE(id, verb_, restart_, oom_score_, fd_count_, environment_, paths_, opens, network,     \
             text_)                                                                                \
    [ROLE_##id] = {.spawn = {.verb = (verb_),                                                      \
                             .executable = SPAWN_EXECUTABLE,                                       \
                             .environment = environment_,                                          \
                             .oom_score = (oom_score_)},                                           \
                   .restart = ROLE_RESTART_##restart_,                                             \
                   .fd_count = (fd_count_),                                                        \
                   .paths = (paths_),                                                              \
                   .text = (text_)},
#include "server/control/roles.def"
};
