/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below artifacts/: `<key>-<build id>.art`, and `*.tmp` while one is made.
 *
 * A file gets its lasting name only when it is complete and on disk. Artifacts are a
 * cache: any of them may be removed at any time, and is built again when asked for.
 */
#ifndef SKERRY_DEPLOY_ARTIFACTS_H
#define SKERRY_DEPLOY_ARTIFACTS_H

#include "deploy/digest.h"

#define ARTIFACTS_NAME_BYTES 112
#define ARTIFACTS_BUILD_SOCK "build.sock"

void artifacts_name(const uint8_t key[DEPLOY_SHA256_BYTES], char ret_name[ARTIFACTS_NAME_BYTES]);
/* A new temporary file in the folder `dir_fd`; `serial` makes its name unique. */
NODISCARD enum status artifacts_create_temp(int dir_fd,
                                            uint64_t serial,
                                            struct report *report,
                                            char ret_name[ARTIFACTS_NAME_BYTES],
                                            int *ret_fd);
void artifacts_remove_temp(int dir_fd, const char *name);
/* Gives a complete, fsynced temporary file its lasting name. */
NODISCARD enum status artifacts_publish(int dir_fd,
                                        const char *temp_name,
                                        const uint8_t key[DEPLOY_SHA256_BYTES],
                                        struct report *report);
void artifacts_remove(int dir_fd, const uint8_t key[DEPLOY_SHA256_BYTES]);
/* Was it made less than `age_ns` ago (so that another request for it came too late)? */
bool artifacts_is_fresh(int dir_fd,
                        const uint8_t key[DEPLOY_SHA256_BYTES],
                        uint64_t now_ns,
                        uint64_t age_ns);
/* Removes temporary files, artifacts of other engine builds, and those nobody keeps. */
NODISCARD enum status artifacts_sweep(int dir_fd,
                                      bool (*keep)(void *context,
                                                   const uint8_t key[DEPLOY_SHA256_BYTES]),
                                      void *context,
                                      struct report *report);

#endif
