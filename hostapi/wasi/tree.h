/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between WASI's calls and what files are: a *tree* of nodes, as a table of functions.
 *
 *   wasi_path.c, wasi_file.c --> struct wasi_tree --> tree_real.c      a directory of the system
 *                                                 --> tree_files.c     what a version brought
 *                                                 --> tree_scratch.c   memory of one request
 *
 * What reaches a tree was checked before: paths are relative, UTF-8 and without a NUL, and have at
 * most WASI_PATH_BYTES_MAX bytes; the descriptor has the right; offsets are below 2^63. A tree
 * never leaves its root, whatever a path says: NOTCAPABLE. Positions and flags are the
 * descriptor's, so that nodes can be named by a number; a number is good until `close`.
 *
 * A function that is NULL answers ROFS.
 */
#ifndef SKERRY_HOSTAPI_WASI_TREE_H
#define SKERRY_HOSTAPI_WASI_TREE_H

#include "engine/base/bytes.h"
#include "engine/base/macros.h"

#define WASI_PATH_BYTES_MAX    4096
#define WASI_SEGMENT_BYTES_MAX 255

enum wasi_errno {
#define ERRNO(NAME, number, host) WASI_##NAME = (number),
#include "hostapi/wasi/errno.def"
};

enum wasi_filetype {
    WASI_FILETYPE_UNKNOWN = 0,
    WASI_FILETYPE_BLOCK_DEVICE = 1,
    WASI_FILETYPE_CHARACTER_DEVICE = 2,
    WASI_FILETYPE_DIRECTORY = 3,
    WASI_FILETYPE_REGULAR_FILE = 4,
    WASI_FILETYPE_SOCKET_STREAM = 6,
    WASI_FILETYPE_SYMBOLIC_LINK = 7,
};

#define WASI_OFLAG_CREAT      1u
#define WASI_OFLAG_DIRECTORY  2u
#define WASI_OFLAG_EXCL       4u
#define WASI_OFLAG_TRUNC      8u

#define WASI_FDFLAG_APPEND    1u
#define WASI_FDFLAG_DSYNC     2u
#define WASI_FDFLAG_NONBLOCK  4u
#define WASI_FDFLAG_RSYNC     8u
#define WASI_FDFLAG_SYNC      16u

#define WASI_FSTFLAG_ATIM     1u
#define WASI_FSTFLAG_ATIM_NOW 2u
#define WASI_FSTFLAG_MTIM     4u
#define WASI_FSTFLAG_MTIM_NOW 8u

struct wasi_stat {
    uint64_t dev;
    uint64_t ino;
    uint64_t nlink;
    uint64_t size;
    uint64_t atim_ns;
    uint64_t mtim_ns;
    uint64_t ctim_ns;
    enum wasi_filetype type;
};

struct wasi_times {
    uint64_t atim_ns;
    uint64_t mtim_ns;
    uint32_t flags; /* WASI_FSTFLAG_..., no two of one time */
};

/* What path_open asks for. */
struct wasi_open {
    uint32_t oflags;
    uint32_t fdflags;
    bool follow; /* a symbolic link at the path's end */
    bool reads;
    bool writes;
};

struct wasi_entry {
    uint64_t next; /* cookie of what comes after it */
    uint64_t ino;
    enum wasi_filetype type;
    struct bytes name;
};

/* A place in a tree: a directory, and a path below it. */
struct wasi_place {
    uint64_t dir;
    struct bytes path;
};

struct wasi_tree {
    /* Nodes are the same numbers in every process, and need no `close`: a checkpoint can have them.
     */
    bool freezes;
    enum wasi_errno (*open)(void *tree,
                            const struct wasi_place *place,
                            const struct wasi_open *wanted,
                            uint64_t *ret_node,
                            enum wasi_filetype *ret_type);
    void (*close)(void *tree, uint64_t node); /* not of the root */
    enum wasi_errno (*stat)(void *tree, uint64_t node, struct wasi_stat *ret_stat);
    enum wasi_errno (*stat_at)(void *tree,
                               const struct wasi_place *place,
                               bool follow,
                               struct wasi_stat *ret_stat);
    /* At most `count` bytes; fewer: the end was there. */
    enum wasi_errno (*read)(void *tree,
                            uint64_t node,
                            uint64_t offset,
                            uint8_t *space,
                            size_t count,
                            size_t *ret_count);
    /* `*offset` is where, or where the end was if `append`. A short count is no error. */
    enum wasi_errno (*write)(void *tree,
                             uint64_t node,
                             bool append,
                             uint64_t *offset,
                             struct bytes data,
                             size_t *ret_count);
    /* From `cookie` on, 0 being the beginning, as long as `visit` says true. */
    enum wasi_errno (*list)(void *tree,
                            uint64_t node,
                            uint64_t cookie,
                            bool (*visit)(void *context, const struct wasi_entry *entry),
                            void *context);
    enum wasi_errno (*resize)(void *tree, uint64_t node, uint64_t bytes);
    enum wasi_errno (*allocate)(void *tree, uint64_t node, uint64_t offset, uint64_t bytes);
    enum wasi_errno (*sync)(void *tree, uint64_t node, bool data_only);
    enum wasi_errno (*set_flags)(void *tree, uint64_t node, uint32_t fdflags);
    enum wasi_errno (*set_times)(void *tree, uint64_t node, const struct wasi_times *times);
    enum wasi_errno (*set_times_at)(void *tree,
                                    const struct wasi_place *place,
                                    bool follow,
                                    const struct wasi_times *times);
    enum wasi_errno (*make_directory)(void *tree, const struct wasi_place *place);
    enum wasi_errno (*remove_directory)(void *tree, const struct wasi_place *place);
    enum wasi_errno (*unlink)(void *tree, const struct wasi_place *place);
    enum wasi_errno (*rename)(void *tree,
                              const struct wasi_place *from,
                              const struct wasi_place *to);
    enum wasi_errno (*link)(void *tree, const struct wasi_place *from, const struct wasi_place *to);
    enum wasi_errno (*symlink)(void *tree, struct bytes text, const struct wasi_place *place);
    enum wasi_errno (*read_link)(void *tree,
                                 const struct wasi_place *place,
                                 uint8_t *space,
                                 size_t count,
                                 size_t *ret_count);
    /* The request is over; all nodes were closed. NULL: there is nothing to end. */
    void (*done)(void *tree);
};

/* Takes the next segment off a path; empty ones are passed over, and `.` is one. False: there is
 * none left. */
bool wasi_next_segment(struct bytes *path, struct bytes *ret_segment);
/* Of the system's errno. */
enum wasi_errno wasi_errno_of(int error);

/* ---- a directory of the system --------------------------------------------------------------- */

extern const struct wasi_tree wasi_real_tree;

struct wasi_real {
    int root_fd; /* owned by whoever made it */
    bool walks;  /* openat2 is not there: every step of a path is taken alone */
};

#endif
