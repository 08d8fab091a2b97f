/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of descriptors. Rows after the streams are made when the first of them is asked for, in
 * the request's arena: most guests never do.
 */
#include "hostapi/wasi/fds.h"
#include "hostapi/wasi/wasi.h"

#define FDS_ROWS_FIRST 16
#define FDS_STREAM_RIGHTS                                                                          \
    (WASI_RIGHT(FD_FDSTAT_SET_FLAGS) | WASI_RIGHT(FD_FILESTAT_GET) | WASI_RIGHT(POLL_FD_READWRITE))
#define FDS_READ_RIGHTS                                                                            \
    (WASI_RIGHT(FD_READ) | WASI_RIGHT(FD_SEEK) | WASI_RIGHT(FD_TELL) | WASI_RIGHT(FD_ADVISE) |     \
     WASI_RIGHT(FD_FDSTAT_SET_FLAGS) | WASI_RIGHT(FD_FILESTAT_GET) | WASI_RIGHT(FD_SYNC) |         \
     WASI_RIGHT(FD_DATASYNC) | WASI_RIGHT(POLL_FD_READWRITE))
#define FDS_WRITE_RIGHTS                                                                           \
    (WASI_RIGHT(FD_WRITE) | WASI_RIGHT(FD_ALLOCATE) | WASI_RIGHT(FD_FILESTAT_SET_SIZE) |           \
     WASI_RIGHT(FD_FILESTAT_SET_TIMES))
#define FDS_LOOK_RIGHTS                                                                            \
    (WASI_RIGHT(PATH_OPEN) | WASI_RIGHT(FD_READDIR) | WASI_RIGHT(PATH_READLINK) |                  \
     WASI_RIGHT(PATH_FILESTAT_GET) | WASI_RIGHT(FD_FILESTAT_GET) | WASI_RIGHT(FD_SYNC) |           \
     WASI_RIGHT(FD_DATASYNC) | WASI_RIGHT(FD_FDSTAT_SET_FLAGS))
#define FDS_CHANGE_RIGHTS                                                                          \
    (WASI_RIGHT(PATH_CREATE_DIRECTORY) | WASI_RIGHT(PATH_CREATE_FILE) |                            \
     WASI_RIGHT(PATH_LINK_SOURCE) | WASI_RIGHT(PATH_LINK_TARGET) |                                 \
     WASI_RIGHT(PATH_RENAME_SOURCE) | WASI_RIGHT(PATH_RENAME_TARGET) |                             \
     WASI_RIGHT(PATH_FILESTAT_SET_SIZE) | WASI_RIGHT(PATH_FILESTAT_SET_TIMES) |                    \
     WASI_RIGHT(FD_FILESTAT_SET_TIMES) | WASI_RIGHT(PATH_SYMLINK) |                                \
     WASI_RIGHT(PATH_REMOVE_DIRECTORY) | WASI_RIGHT(PATH_UNLINK_FILE))

static struct wasi_fd *fds_row(struct wasi_fds *fds, uint32_t fd)
{
    return fd < WASI_STREAM_COUNT ? &fds->streams[fd] : &fds->rows[fd - WASI_STREAM_COUNT];
}

void wasi_fds_init(struct wasi_fds *fds)
{
    fds->count = WASI_STREAM_COUNT;
    for (uint16_t i = 0; i < WASI_STREAM_COUNT; i++)
        fds->streams[i] = (struct wasi_fd){
            .kind = WASI_FD_STREAM,
            .of = i,
            .rights =
                FDS_STREAM_RIGHTS | (i == WASI_STDIN ? WASI_RIGHT(FD_READ) : WASI_RIGHT(FD_WRITE))};
}

uint64_t wasi_fds_rights(enum wasi_filetype type)
{
    return type == WASI_FILETYPE_DIRECTORY ? FDS_LOOK_RIGHTS | FDS_CHANGE_RIGHTS
                                           : FDS_READ_RIGHTS | FDS_WRITE_RIGHTS;
}

const struct wasi_mount *wasi_fds_mount(const struct wasi_fds *fds, const struct wasi_fd *row)
{
    ASSERT(row->kind == WASI_FD_NODE && fds->mounts != NULL && row->of < fds->mounts->count);
    return &fds->mounts->rows[row->of];
}

static void fds_close(struct wasi_fds *fds, struct wasi_fd *row)
{
    if (row->kind == WASI_FD_NODE && row->node != 0) {
        const struct wasi_mount *mount = wasi_fds_mount(fds, row);
        mount->tree->close(mount->context, row->node);
    }
    *row = (struct wasi_fd){.kind = WASI_FD_FREE};
}

void wasi_fds_done(struct wasi_fds *fds)
{
    for (uint32_t i = 0; i < fds->count; i++) {
        if (fds_row(fds, i)->kind == WASI_FD_NODE)
            fds_close(fds, fds_row(fds, i));
    }
    for (uint32_t i = 0; fds->mounts != NULL && i < fds->mounts->count; i++) {
        const struct wasi_mount *mount = &fds->mounts->rows[i];
        if (mount->tree->done != NULL)
            mount->tree->done(mount->context);
    }
}

/* Room for `count` rows, which are free. */
static enum wasi_errno fds_grow(struct hostapi_host *host, uint32_t count)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    uint32_t wanted = count - WASI_STREAM_COUNT;
    if (count > WASI_FDS_MAX)
        return WASI_MFILE;
    if (wanted > fds->capacity) {
        uint32_t capacity = MIN(MAX(MAX(2 * fds->capacity, wanted), FDS_ROWS_FIRST), WASI_FDS_MAX);
        struct wasi_fd *rows = ARENA_ARRAY(wasi_arena(host), struct wasi_fd, capacity);
        if (rows == NULL)
            return WASI_NOMEM;
        if (fds->count > WASI_STREAM_COUNT)
            memcpy(rows, fds->rows, (fds->count - WASI_STREAM_COUNT) * sizeof(*rows));
        fds->rows = rows;
        fds->capacity = capacity;
    }
    for (uint32_t i = fds->count; i < count; i++)
        *fds_row(fds, i) = (struct wasi_fd){.kind = WASI_FD_FREE};
    fds->count = MAX(fds->count, count);
    return WASI_SUCCESS;
}

/* The roots of the mounts, from 3 on, once. Without memory there are none, as for a guest without
 * files. */
static void fds_mount(struct hostapi_host *host)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    const struct wasi_setting *setting = host->family->setting;
    if (fds->mounted)
        return;
    fds->mounted = true;
    fds->mounts = setting->mounts == NULL ? NULL : setting->mounts(host);
    if (fds->mounts == NULL ||
        fds_grow(host, WASI_STREAM_COUNT + fds->mounts->count) != WASI_SUCCESS)
        return;
    for (uint16_t i = 0; i < fds->mounts->count; i++) {
        bool writes = fds->mounts->rows[i].writes;
        uint64_t rights = FDS_LOOK_RIGHTS | (writes ? FDS_CHANGE_RIGHTS : 0);
        *fds_row(fds, WASI_STREAM_COUNT + i) = (struct wasi_fd){
            .kind = WASI_FD_NODE,
            .type = WASI_FILETYPE_DIRECTORY,
            .of = i,
            .preopened = 1,
            .rights = rights,
            .inherited = rights | FDS_READ_RIGHTS | (writes ? FDS_WRITE_RIGHTS : 0)};
    }
}

struct wasi_fd *wasi_fds_find(struct hostapi_host *host, uint32_t fd)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    if (fd >= WASI_STREAM_COUNT)
        fds_mount(host);
    if (fd >= fds->count)
        return NULL;
    struct wasi_fd *row = fds_row(fds, fd);
    return row->kind == WASI_FD_FREE ? NULL : row;
}

enum wasi_errno wasi_fds_add(struct hostapi_host *host, const struct wasi_fd *row, uint32_t *ret_fd)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    uint32_t fd = 0;
    while (fd < fds->count && fds_row(fds, fd)->kind != WASI_FD_FREE)
        fd++;
    if (fd == fds->count) {
        enum wasi_errno error = fds_grow(host, fd + 1);
        if (error != WASI_SUCCESS)
            return error;
    }
    *fds_row(fds, fd) = *row;
    *ret_fd = fd;
    return WASI_SUCCESS;
}

void wasi_fds_close(struct hostapi_host *host, struct wasi_fd *row)
{
    fds_close(&wasi_state(host)->fds, row);
}

enum wasi_errno wasi_fds_move(struct hostapi_host *host, uint32_t from, uint32_t to)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    struct wasi_fd *source = wasi_fds_find(host, from);
    struct wasi_fd *target = wasi_fds_find(host, to);
    if (source == NULL || target == NULL)
        return WASI_BADF;
    if (to == from)
        return WASI_SUCCESS;
    fds_close(fds, target);
    *target = *source;
    *source = (struct wasi_fd){.kind = WASI_FD_FREE};
    return WASI_SUCCESS;
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

enum status wasi_fds_freeze(const struct hostapi_host *host, struct buffer *out)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < fds->count && status == STATUS_OK; i++) {
        const struct wasi_fd *row = fds_row(fds, i);
        if (row->kind == WASI_FD_NODE && row->node != 0 && !wasi_fds_mount(fds, row)->tree->freezes)
            return STATUS_UNSUPPORTED;
        status = buffer_append(out, row, sizeof(*row));
    }
    return status;
}

static bool fds_row_is_good(const struct wasi_fds *fds, const struct wasi_fd *row)
{
    switch (row->kind) {
    case WASI_FD_FREE:
        return true;
    case WASI_FD_STREAM:
        return row->of < WASI_STREAM_COUNT;
    case WASI_FD_NODE:
        return fds->mounts != NULL && row->of < fds->mounts->count &&
               (row->node == 0 || fds->mounts->rows[row->of].tree->freezes);
    default:
        return false;
    }
}

bool wasi_fds_thaw(struct hostapi_host *host, struct bytes rows)
{
    struct wasi_fds *fds = &wasi_state(host)->fds;
    size_t count = rows.count / sizeof(struct wasi_fd);
    if (rows.count % sizeof(struct wasi_fd) != 0 || count < WASI_STREAM_COUNT ||
        count > WASI_FDS_MAX)
        return false;
    if (count > WASI_STREAM_COUNT) {
        fds_mount(host);
        if (fds_grow(host, (uint32_t)count) != WASI_SUCCESS)
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct wasi_fd *row = fds_row(fds, i);
        memcpy(row, rows.data + i * sizeof(*row), sizeof(*row));
        if (!fds_row_is_good(fds, row)) {
            *row = (struct wasi_fd){.kind = WASI_FD_FREE};
            return false;
        }
    }
    return true;
}
