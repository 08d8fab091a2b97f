/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are open: bytes at a position, positions, sizes, times, and what is in a folder.
 * Positions are the descriptor's; a tree is told where.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

#define FILE_OFFSET_MAX    ((uint64_t)INT64_MAX)
#define FILE_PRESTAT_BYTES 8
#define FILE_DIRENT_BYTES  24
#define FILE_ADVICE_MAX    5
#define FILE_FSTFLAGS                                                                              \
    (WASI_FSTFLAG_ATIM | WASI_FSTFLAG_ATIM_NOW | WASI_FSTFLAG_MTIM | WASI_FSTFLAG_MTIM_NOW)

static const struct wasi_mount *file_mount(struct hostapi_host *host, const struct wasi_fd *row)
{
    return wasi_fds_mount(&wasi_state(host)->fds, row);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

enum wasi_errno wasi_file_read(struct hostapi_host *host,
                               struct engine_host_call *call,
                               const struct wasi_fd *row,
                               const struct guest_mem_iovecs *iovecs,
                               uint64_t *offset,
                               uint32_t *ret_count)
{
    const struct wasi_mount *mount = file_mount(host, row);
    if (row->type == WASI_FILETYPE_DIRECTORY)
        return WASI_ISDIR;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        size_t count = iovecs->rows[i].count;
        size_t got = 0;
        uint8_t *space;
        if (count == 0)
            continue;
        if (!guest_mem_space(call->instance, iovecs->rows[i].address, count, &space))
            return WASI_FAULT;
        enum wasi_errno error =
            mount->tree->read(mount->context, row->node, *offset, space, count, &got);
        if (error != WASI_SUCCESS)
            return *ret_count > 0 ? WASI_SUCCESS : error;
        hostcalls_charge_bytes(call, got);
        *offset += got;
        *ret_count += (uint32_t)got;
        if (got < count)
            break;
    }
    return WASI_SUCCESS;
}

enum wasi_errno wasi_file_write(struct hostapi_host *host,
                                struct engine_host_call *call,
                                const struct wasi_fd *row,
                                const struct guest_mem_iovecs *iovecs,
                                uint64_t *offset,
                                uint32_t *ret_count)
{
    const struct wasi_mount *mount = file_mount(host, row);
    bool append = (row->flags & WASI_FDFLAG_APPEND) != 0;
    if (row->type == WASI_FILETYPE_DIRECTORY)
        return WASI_ISDIR;
    if (mount->tree->write == NULL)
        return WASI_ROFS;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        struct bytes piece;
        size_t put = 0;
        if (!guest_mem_view(call->instance, iovecs->rows[i].address, iovecs->rows[i].count, &piece))
            return WASI_FAULT;
        if (piece.count == 0)
            continue;
        if (!append && piece.count > FILE_OFFSET_MAX - *offset)
            return *ret_count > 0 ? WASI_SUCCESS : WASI_FBIG;
        enum wasi_errno error =
            mount->tree->write(mount->context, row->node, append, offset, piece, &put);
        if (error != WASI_SUCCESS)
            return *ret_count > 0 ? WASI_SUCCESS : error;
        *offset += put;
        *ret_count += (uint32_t)put;
        if (put < piece.count)
            break;
    }
    return WASI_SUCCESS;
}

/* pread and pwrite: at a position of their own. */
static enum engine_outcome
file_at(struct hostapi_host *host, struct engine_host_call *call, bool writes)
{
    struct guest_mem_iovecs iovecs;
    uint64_t offset = call->slots[3].i64;
    uint32_t count = 0;
    enum wasi_errno error;
    const struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32,
                     WASI_RIGHT(FD_SEEK) | (writes ? WASI_RIGHT(FD_WRITE) : WASI_RIGHT(FD_READ)),
                     WASI_SPIPE, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    error = wasi_fd_vectors(host, call, 4, &iovecs);
    if (error == WASI_SUCCESS && offset > FILE_OFFSET_MAX)
        error = WASI_INVAL;
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    bool more = wasi_fd_cut(host, &iovecs);
    offset += wasi_state(host)->done;
    if (writes)
        hostcalls_charge_bytes(call, iovecs.bytes);
    error = writes ? wasi_file_write(host, call, row, &iovecs, &offset, &count)
                   : wasi_file_read(host, call, row, &iovecs, &offset, &count);
    return wasi_fd_end_turn(host, call, 4, error, count, more && count == iovecs.bytes);
}

enum engine_outcome wasi_fd_pread(struct hostapi_host *host, struct engine_host_call *call)
{
    return file_at(host, call, false);
}

enum engine_outcome wasi_fd_pwrite(struct hostapi_host *host, struct engine_host_call *call)
{
    return file_at(host, call, true);
}

/* ---- positions ------------------------------------------------------------------------------- */

enum file_whence { FILE_SET, FILE_CUR, FILE_END, FILE_WHENCE_COUNT };

static enum wasi_errno
file_seek(struct hostapi_host *host, struct wasi_fd *row, int64_t delta, enum file_whence whence)
{
    struct wasi_stat stat;
    const struct wasi_mount *mount = file_mount(host, row);
    uint64_t base = whence == FILE_CUR ? row->offset : 0;
    if (row->type == WASI_FILETYPE_DIRECTORY)
        return WASI_BADF;
    if (whence == FILE_END) {
        enum wasi_errno error = mount->tree->stat(mount->context, row->node, &stat);
        if (error != WASI_SUCCESS)
            return error;
        base = stat.size;
    }
    bool back = delta < 0;
    uint64_t step = back ? 0 - (uint64_t)delta : (uint64_t)delta;
    if (back ? step > base : step > FILE_OFFSET_MAX - MIN(base, FILE_OFFSET_MAX))
        return WASI_INVAL;
    row->offset = back ? base - step : base + step;
    return WASI_SUCCESS;
}

/* To tell where one is takes less of a right than to go. */
static enum engine_outcome
file_seek_call(struct hostapi_host *host, struct engine_host_call *call, enum file_whence whence)
{
    enum wasi_errno error;
    uint8_t *space;
    int64_t delta = (int64_t)call->slots[1].i64;
    bool tells = whence == FILE_CUR && delta == 0;
    struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32, tells ? WASI_RIGHT(FD_TELL) : WASI_RIGHT(FD_SEEK),
                     WASI_SPIPE, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    if (whence >= FILE_WHENCE_COUNT)
        return wasi_answer(call, WASI_INVAL);
    if (!guest_mem_space(call->instance, call->slots[3].i32, 8, &space))
        return wasi_answer(call, WASI_FAULT);
    error = file_seek(host, row, delta, whence);
    if (error == WASI_SUCCESS)
        guest_mem_store_u64(space, row->offset);
    return wasi_answer(call, error);
}

enum engine_outcome wasi_fd_seek(struct hostapi_host *host, struct engine_host_call *call)
{
    uint32_t whence = call->slots[2].i32;
    return file_seek_call(
        host, call, whence < FILE_WHENCE_COUNT ? (enum file_whence)whence : FILE_WHENCE_COUNT);
}

enum engine_outcome wasi_fd_seek_p0(struct hostapi_host *host, struct engine_host_call *call)
{
    static const enum file_whence order[] = {FILE_CUR, FILE_END, FILE_SET};
    uint32_t whence = call->slots[2].i32;
    return file_seek_call(host, call, whence < COUNT_OF(order) ? order[whence] : FILE_WHENCE_COUNT);
}

enum engine_outcome wasi_fd_tell(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_errno error;
    const struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32, WASI_RIGHT(FD_TELL), WASI_SPIPE, &error);
    if (row != NULL && row->type == WASI_FILETYPE_DIRECTORY)
        error = WASI_BADF;
    else if (row != NULL && !guest_mem_put_u64(call->instance, call->slots[1].i32, row->offset))
        error = WASI_FAULT;
    return wasi_answer(call, error);
}

/* ---- sizes and times ------------------------------------------------------------------------- */

enum engine_outcome wasi_fd_advise(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_errno error;
    const struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32, WASI_RIGHT(FD_ADVISE), WASI_SPIPE, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    bool good = call->slots[1].i64 <= FILE_OFFSET_MAX &&
                call->slots[2].i64 <= FILE_OFFSET_MAX - call->slots[1].i64 &&
                call->slots[3].i32 <= FILE_ADVICE_MAX;
    return wasi_answer(call, good ? WASI_SUCCESS : WASI_INVAL);
}

enum engine_outcome wasi_fd_allocate(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_errno error;
    uint64_t offset = call->slots[1].i64;
    uint64_t count = call->slots[2].i64;
    const struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32, WASI_RIGHT(FD_ALLOCATE), WASI_SPIPE, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = file_mount(host, row);
    if (offset > FILE_OFFSET_MAX || count > FILE_OFFSET_MAX - offset || count == 0)
        return wasi_answer(call, WASI_INVAL);
    return wasi_answer(call, mount->tree->allocate == NULL
                                 ? WASI_NOTSUP
                                 : mount->tree->allocate(mount->context, row->node, offset, count));
}

enum engine_outcome wasi_fd_filestat_set_size(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    enum wasi_errno error;
    const struct wasi_fd *row = wasi_fd_node(host, call->slots[0].i32,
                                             WASI_RIGHT(FD_FILESTAT_SET_SIZE), WASI_INVAL, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = file_mount(host, row);
    if (call->slots[1].i64 > FILE_OFFSET_MAX)
        return wasi_answer(call, WASI_INVAL);
    return wasi_answer(call,
                       mount->tree->resize == NULL
                           ? WASI_ROFS
                           : mount->tree->resize(mount->context, row->node, call->slots[1].i64));
}

bool wasi_times_valid(const struct wasi_times *times)
{
    const uint32_t both_atim = WASI_FSTFLAG_ATIM | WASI_FSTFLAG_ATIM_NOW;
    const uint32_t both_mtim = WASI_FSTFLAG_MTIM | WASI_FSTFLAG_MTIM_NOW;
    return (times->flags & ~FILE_FSTFLAGS) == 0 && (times->flags & both_atim) != both_atim &&
           (times->flags & both_mtim) != both_mtim && times->atim_ns <= FILE_OFFSET_MAX &&
           times->mtim_ns <= FILE_OFFSET_MAX;
}

enum engine_outcome wasi_fd_filestat_set_times(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    enum wasi_errno error;
    const struct wasi_times times = {
        .atim_ns = call->slots[1].i64, .mtim_ns = call->slots[2].i64, .flags = call->slots[3].i32};
    const struct wasi_fd *row = wasi_fd_node(
        host, call->slots[0].i32, WASI_RIGHT(FD_FILESTAT_SET_TIMES), WASI_NOTSUP, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = file_mount(host, row);
    if (!wasi_times_valid(&times))
        return wasi_answer(call, WASI_INVAL);
    return wasi_answer(call, mount->tree->set_times == NULL
                                 ? WASI_ROFS
                                 : mount->tree->set_times(mount->context, row->node, &times));
}

/* ---- preopened directories ------------------------------------------------------------------- */

static const struct wasi_mount *file_prestat(struct hostapi_host *host, uint32_t fd)
{
    const struct wasi_fd *row = wasi_fds_find(host, fd);
    return row != NULL && row->kind == WASI_FD_NODE && row->preopened ? file_mount(host, row)
                                                                      : NULL;
}

enum engine_outcome wasi_fd_prestat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    uint8_t *space;
    const struct wasi_mount *mount = file_prestat(host, call->slots[0].i32);
    if (mount == NULL)
        return wasi_answer(call, WASI_BADF);
    if (!guest_mem_space(call->instance, call->slots[1].i32, FILE_PRESTAT_BYTES, &space))
        return wasi_answer(call, WASI_FAULT);
    guest_mem_store_u32(space, 0); /* a directory: there is nothing else */
    guest_mem_store_u32(space + 4, (uint32_t)mount->name.count);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_prestat_dir_name(struct hostapi_host *host,
                                             struct engine_host_call *call)
{
    uint8_t *space;
    const struct wasi_mount *mount = file_prestat(host, call->slots[0].i32);
    if (mount == NULL)
        return wasi_answer(call, WASI_BADF);
    if (call->slots[2].i32 < mount->name.count)
        return wasi_answer(call, WASI_NAMETOOLONG);
    if (!guest_mem_space(call->instance, call->slots[1].i32, mount->name.count, &space))
        return wasi_answer(call, WASI_FAULT);
    memcpy(space, mount->name.data, mount->name.count);
    return wasi_answer(call, WASI_SUCCESS);
}

/* ---- what is in a folder --------------------------------------------------------------------- */

/* The guest's buffer, as far as it is filled; the last entry may be cut. */
struct file_listing {
    uint8_t *space;
    size_t count;
    size_t used;
    struct engine_host_call *call;
};

static void file_list_put(struct file_listing *listing, const void *data, size_t count)
{
    size_t taken = MIN(count, listing->count - listing->used);
    if (taken > 0)
        memcpy(listing->space + listing->used, data, taken);
    listing->used += taken;
}

static bool file_list_entry(void *context, const struct wasi_entry *entry)
{
    struct file_listing *listing = context;
    uint8_t head[FILE_DIRENT_BYTES] = {0};
    guest_mem_store_u64(head, entry->next);
    guest_mem_store_u64(head + 8, entry->ino);
    guest_mem_store_u32(head + 16, (uint32_t)entry->name.count);
    head[20] = (uint8_t)entry->type;
    hostcalls_charge_rows(listing->call, 1);
    file_list_put(listing, head, sizeof(head));
    file_list_put(listing, entry->name.data, entry->name.count);
    return listing->used < listing->count;
}

enum engine_outcome wasi_fd_readdir(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_errno error;
    struct file_listing listing = {.count = call->slots[2].i32, .call = call};
    uint64_t cookie = call->slots[3].i64;
    const struct wasi_fd *row =
        wasi_fd_node(host, call->slots[0].i32, WASI_RIGHT(FD_READDIR), WASI_NOTDIR, &error);
    if (row == NULL)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = file_mount(host, row);
    if (row->type != WASI_FILETYPE_DIRECTORY)
        return wasi_answer(call, WASI_NOTDIR);
    if (!guest_mem_space(call->instance, call->slots[1].i32, listing.count, &listing.space))
        return wasi_answer(call, WASI_FAULT);
    if (cookie > FILE_OFFSET_MAX)
        return wasi_answer(call, WASI_INVAL);
    if (listing.count > 0)
        error = mount->tree->list(mount->context, row->node, cookie, file_list_entry, &listing);
    hostcalls_charge_bytes(call, listing.used);
    return wasi_fd_answer_sum(call, 4, error, (uint32_t)listing.used);
}
