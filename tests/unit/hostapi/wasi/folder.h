/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder below /tmp that a WASI command sees as `/`, as descriptor 3, for tests of files:
 *
 *   /tmp/.../outside           a file, which nothing may lead to
 *   /tmp/.../root              the folder
 *               /file          "0123456789"
 *               /dir/deep      a file, "deep"
 *               /up            -> ..                        and others that lead out
 *               /abs           -> /tmp/.../outside
 *               /in            -> dir/deep
 *               /loop          -> loop
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_WASI_FOLDER_H
#define SKERRY_TESTS_UNIT_HOSTAPI_WASI_FOLDER_H

#include "tests/unit/hostapi/wasi/calls.h"

#define FOLDER_FD      3u
#define FOLDER_PATH_AT 1024u /* where paths are in memory */
#define FOLDER_ALL     (~UINT64_C(0))

struct folder {
    char path[64];
    int fd; /* of root */
};

extern struct folder folder;

int folder_setup(void **state);
int folder_teardown(void **state);
/* Puts a path into memory, at FOLDER_PATH_AT and `at` bytes more; its length. */
uint64_t put_path(const char *path);
/* Opens below descriptor 3 and follows links; the descriptor, of which the test is sure. */
uint32_t open_path(const char *path, uint32_t oflags, uint64_t rights, uint32_t fdflags);
/* The same, of which it is not. */
enum wasi_errno
try_open(uint32_t dir, const char *path, uint32_t lookup, uint32_t oflags, uint64_t rights);
/* What there is of files outside stayed as it was. */
void assert_outside_is_whole(void);

#endif
