/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files below artifacts/: `<key>-<build id>.art`, and `<run>-<serial>.tmp` while one is made.
 *
 * A file gets its lasting name only when it is complete and on disk. Artifacts are a
 * cache: any of them may be removed at any time, and is built again when asked for.
 *
 * Publishing gives a file its seal: a time of modification, in the past, that follows from its
 * name. Whatever writes to the file afterwards takes the seal away, and a file that came from
 * elsewhere or belongs under another name has none. Nothing without a seal is opened: it is
 * built again. That costs an open no more than the fstat it needs anyway; what a seal cannot
 * show, bytes that went bad on the disk, is looked for by the scrub.
 */
#ifndef SKERRY_DEPLOY_BUILD_ARTIFACTS_H
#define SKERRY_DEPLOY_BUILD_ARTIFACTS_H

#include <sys/stat.h>

#include "deploy/store/digest.h"

#define ARTIFACTS_NAME_BYTES 112

void artifacts_name(const uint8_t key[DEPLOY_SHA256_BYTES], char ret_name[ARTIFACTS_NAME_BYTES]);
/* A new temporary file in the folder `dir_fd`; `run` and `serial` make its name unique. */
NODISCARD enum status artifacts_create_temp(int dir_fd,
                                            uint64_t run,
                                            uint64_t serial,
                                            struct report *report,
                                            char ret_name[ARTIFACTS_NAME_BYTES],
                                            int *ret_fd);
void artifacts_remove_temp(int dir_fd, const char *name);
/* Gives a complete, fsynced temporary file its seal and its lasting name. */
NODISCARD enum status artifacts_publish(int dir_fd,
                                        const char *temp_name,
                                        const uint8_t key[DEPLOY_SHA256_BYTES],
                                        struct report *report);
void artifacts_remove(int dir_fd, const uint8_t key[DEPLOY_SHA256_BYTES]);

enum artifacts_sort {
    ARTIFACTS_ARTIFACT,  /* by its name one of this engine build */
    ARTIFACTS_TEMPORARY, /* of this run: somebody is writing it */
    ARTIFACTS_LITTER,    /* left over: of another run, of another build, or not ours */
};
/* By the name alone; for ARTIFACT also its key. */
enum artifacts_sort
artifacts_sort_name(const char *name, uint64_t run, uint8_t ret_key[DEPLOY_SHA256_BYTES]);
/*
 * Opens `path` below `dir_fd` as the artifact of `key`. NOT_FOUND if nothing is there; CORRUPT
 * if it is no regular file, cannot be opened, or has no seal; NO_MEMORY, IO: not its fault.
 */
NODISCARD enum status artifacts_open(int dir_fd,
                                     const char *path,
                                     const uint8_t key[DEPLOY_SHA256_BYTES],
                                     struct report *report,
                                     int *ret_fd);
/* Is it sealed, and less than `age_ns` old (so that another request for it came too late)? */
bool artifacts_is_fresh(int dir_fd,
                        const uint8_t key[DEPLOY_SHA256_BYTES],
                        uint64_t now_ns,
                        uint64_t age_ns);

#endif
