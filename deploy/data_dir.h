/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data directory as control holds it: ours (FORMAT), locked (LOCK), mode 0700.
 * Its layout is drawn in deploy.h.
 */
#ifndef SKERRY_DEPLOY_DATA_DIR_H
#define SKERRY_DEPLOY_DATA_DIR_H

#include "deploy/deploy.h"

#define DATA_DIR_FORMAT "skerry data 3\n"
/* It lacks only what is made when it is opened: manifests, variables, routes. */
#define DATA_DIR_FORMAT_BEFORE "skerry data 2\n"
#define DATA_DIR_STORE         "store"
#define DATA_DIR_KV            "kv"
#define DATA_DIR_LOGS          "logs"
#define DATA_DIR_ARTIFACTS     "artifacts"

struct data_dir {
    int fd;
    int lock_fd;
    int artifacts_fd;
    char path[CONFIG_PATH_BYTES];
};

/* Makes, checks and locks it. CONFLICT: not ours. BUSY: another server has it. */
NODISCARD enum status
data_dir_open(const char *path, struct report *report, struct data_dir *ret_dir);
/* The same of a program that this process was before: `lock_fd`, which is taken over, has the
 * lock. */
NODISCARD enum status
data_dir_adopt(const char *path, int lock_fd, struct report *report, struct data_dir *ret_dir);
/* If the folder of artifacts was removed or moved away while we held it, the one that has its name
 * now, or a new one, comes under the same descriptor: workers look by the name. */
NODISCARD enum status
data_dir_keep_artifacts(const struct data_dir *dir, struct report *report, bool *ret_made);
/* Gives up the lock. */
void data_dir_close(struct data_dir *dir);
/* Writes a small file so that after a crash it is there wholly or not at all. */
NODISCARD enum status data_dir_write_file(const struct data_dir *dir,
                                          const char *name,
                                          struct bytes text,
                                          struct report *report);

#endif
