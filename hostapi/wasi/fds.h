/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's descriptors: a table of plain rows, which a checkpoint can save and restore.
 *
 *   0 1 2        streams, in the request's state itself: a guest that uses no files costs nothing
 *   3 ...        preopened directories, one for each mount, made when the first of them is asked
 * for then         what the guest opens: the lowest number that is free
 *
 * A row that leads to a node of a tree has its position and flags here; the tree has neither.
 */
#ifndef SKERRY_HOSTAPI_WASI_FDS_H
#define SKERRY_HOSTAPI_WASI_FDS_H

#include "hostapi/wasi/tree.h"

struct hostapi_host;

/* Descriptors of one guest; each costs its row, and what its tree needs. */
#define WASI_FDS_MAX    1024
#define WASI_MOUNTS_MAX 16

/* Rights of preview 1, bit by bit. */
enum wasi_right_bit {
    WASI_BIT_FD_DATASYNC,
    WASI_BIT_FD_READ,
    WASI_BIT_FD_SEEK,
    WASI_BIT_FD_FDSTAT_SET_FLAGS,
    WASI_BIT_FD_SYNC,
    WASI_BIT_FD_TELL,
    WASI_BIT_FD_WRITE,
    WASI_BIT_FD_ADVISE,
    WASI_BIT_FD_ALLOCATE,
    WASI_BIT_PATH_CREATE_DIRECTORY,
    WASI_BIT_PATH_CREATE_FILE,
    WASI_BIT_PATH_LINK_SOURCE,
    WASI_BIT_PATH_LINK_TARGET,
    WASI_BIT_PATH_OPEN,
    WASI_BIT_FD_READDIR,
    WASI_BIT_PATH_READLINK,
    WASI_BIT_PATH_RENAME_SOURCE,
    WASI_BIT_PATH_RENAME_TARGET,
    WASI_BIT_PATH_FILESTAT_GET,
    WASI_BIT_PATH_FILESTAT_SET_SIZE,
    WASI_BIT_PATH_FILESTAT_SET_TIMES,
    WASI_BIT_FD_FILESTAT_GET,
    WASI_BIT_FD_FILESTAT_SET_SIZE,
    WASI_BIT_FD_FILESTAT_SET_TIMES,
    WASI_BIT_PATH_SYMLINK,
    WASI_BIT_PATH_REMOVE_DIRECTORY,
    WASI_BIT_PATH_UNLINK_FILE,
    WASI_BIT_POLL_FD_READWRITE,
};
#define WASI_RIGHT(name) (UINT64_C(1) << WASI_BIT_##name)

enum wasi_stream { WASI_STDIN, WASI_STDOUT, WASI_STDERR, WASI_STREAM_COUNT };

enum wasi_fd_kind { WASI_FD_FREE, WASI_FD_STREAM, WASI_FD_NODE };

struct wasi_fd {
    uint8_t kind;       /* enum wasi_fd_kind */
    uint8_t type;       /* enum wasi_filetype; of a NODE */
    uint16_t flags;     /* WASI_FDFLAG_... */
    uint16_t of;        /* which stream, or which mount's tree */
    uint16_t preopened; /* 1: the root of that mount, under its name */
    uint64_t node;
    uint64_t offset;
    uint64_t rights;
    uint64_t inherited; /* what can be asked for below it */
};

_Static_assert(sizeof(struct wasi_fd) == 40, "no padding in a checkpoint");

/* A tree that a guest sees, and the name under which its root is preopened. */
struct wasi_mount {
    const struct wasi_tree *tree;
    void *context;
    struct bytes name; /* borrowed */
    bool writes;
};

struct wasi_mounts {
    struct wasi_mount rows[WASI_MOUNTS_MAX];
    uint32_t count;
};

struct wasi_fds {
    struct wasi_fd streams[WASI_STREAM_COUNT]; /* the first rows */
    struct wasi_fd *rows;                      /* those after them; in the request's arena */
    uint32_t count;                            /* of all rows */
    uint32_t capacity;
    const struct wasi_mounts *mounts; /* NULL: none yet, or none at all */
    bool mounted;                     /* the preopened ones are there */
};

void wasi_fds_init(struct wasi_fds *fds);
/* Closes all nodes. */
void wasi_fds_done(struct wasi_fds *fds);
/* The row of a descriptor, or NULL if it is not open. Valid until the next one is made. */
struct wasi_fd *wasi_fds_find(struct hostapi_host *host, uint32_t fd);
/* A row for a new descriptor, the lowest that is free. MFILE, NOMEM. */
enum wasi_errno
wasi_fds_add(struct hostapi_host *host, const struct wasi_fd *row, uint32_t *ret_fd);
void wasi_fds_close(struct hostapi_host *host, struct wasi_fd *row);
/* What can be done with something of that type. */
uint64_t wasi_fds_rights(enum wasi_filetype type);
/* The row becomes that of `to`, and what was there is closed; both are open, or BADF. */
enum wasi_errno wasi_fds_move(struct hostapi_host *host, uint32_t from, uint32_t to);
const struct wasi_mount *wasi_fds_mount(const struct wasi_fds *fds, const struct wasi_fd *row);
/* For a checkpoint: appends all rows; takes them back in a request that has the same mounts.
 * UNSUPPORTED: one leads to what a checkpoint cannot have. False: they are damaged. */
NODISCARD enum status wasi_fds_freeze(const struct hostapi_host *host, struct buffer *out);
NODISCARD bool wasi_fds_thaw(struct hostapi_host *host, struct bytes rows);

#endif
