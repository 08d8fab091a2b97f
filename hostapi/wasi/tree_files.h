/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trees of a request: what its version brought, and its scratch space.
 */
#ifndef SKERRY_HOSTAPI_WASI_TREE_FILES_H
#define SKERRY_HOSTAPI_WASI_TREE_FILES_H

#include "hostapi/files.h"
#include "hostapi/wasi/tree.h"

extern const struct wasi_tree wasi_files_tree;

struct wasi_file_tree {
    const struct hostapi_files *files; /* borrowed */
    int fd;                            /* of the file that was read last */
    uint32_t open_row;                 /* which that is, and 1; 0: none */
};

extern const struct wasi_tree wasi_scratch_tree;

struct scratch_node;

/* Zeroed but for `bytes_max`, `born_ns` and `used_bytes`, it is an empty folder. */
struct wasi_scratch {
    uint64_t bytes_max; /* of names, contents and what is kept of each */
    uint64_t bytes;
    uint64_t *used_bytes;       /* of all spaces of the request; borrowed, NULL: counted nowhere */
    uint64_t born_ns;           /* the time of whatever has none of its own */
    struct scratch_node *nodes; /* owned; by number, the first is the root */
    uint32_t count;
    uint32_t capacity;
};

#endif
