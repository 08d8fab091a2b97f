/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: what each of them is, and reading and writing. A stream leads where the setting
 * says, a file to its tree (wasi_file.c).
 */
#include "hostapi/exchange.h"
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/tree_device.h"
#include "hostapi/wasi/wasi.h"

#define FD_FDSTAT_BYTES 24
#define FD_FLAGS_KNOWN                                                                             \
    (WASI_FDFLAG_APPEND | WASI_FDFLAG_DSYNC | WASI_FDFLAG_NONBLOCK | WASI_FDFLAG_RSYNC |           \
     WASI_FDFLAG_SYNC)
/* The others are decided when a file is opened. */
#define FD_FLAGS_SETTABLE (WASI_FDFLAG_APPEND | WASI_FDFLAG_NONBLOCK)

struct wasi_fd *
wasi_fd_with(struct hostapi_host *host, uint32_t fd, uint64_t rights, enum wasi_errno *ret_error)
{
    struct wasi_fd *row = wasi_fds_find(host, fd);
    bool may = row != NULL && (row->rights & rights) == rights;
    *ret_error = row == NULL ? WASI_BADF : may ? WASI_SUCCESS : WASI_NOTCAPABLE;
    return may ? row : NULL;
}

struct wasi_fd *wasi_fd_node(struct hostapi_host *host,
                             uint32_t fd,
                             uint64_t rights,
                             enum wasi_errno otherwise,
                             enum wasi_errno *ret_error)
{
    struct wasi_fd *row = wasi_fds_find(host, fd);
    if (row != NULL && row->kind != WASI_FD_NODE) {
        *ret_error = otherwise;
        return NULL;
    }
    return wasi_fd_with(host, fd, rights, ret_error);
}

enum engine_outcome wasi_refuse(struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t descriptor_index,
                                enum wasi_errno error)
{
    if (error == WASI_NOTSOCK && host->options.snapshotting)
        return host_trap_frozen(call, "a function of the network");
    bool open = wasi_fds_find(host, call->slots[descriptor_index].i32) != NULL;
    return wasi_answer(call, open ? error : WASI_BADF);
}

enum engine_outcome wasi_fd_close(struct hostapi_host *host, struct engine_host_call *call)
{
    struct wasi_fd *row = wasi_fds_find(host, call->slots[0].i32);
    if (row == NULL)
        return wasi_answer(call, WASI_BADF);
    wasi_fds_close(host, row);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_renumber(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_answer(call, wasi_fds_move(host, call->slots[0].i32, call->slots[1].i32));
}

/* ---- what a descriptor is -------------------------------------------------------------------- */

static enum wasi_filetype fd_type(const struct hostapi_host *host, const struct wasi_fd *row)
{
    const struct wasi_setting *setting = host->family->setting;
    if (row->kind == WASI_FD_NODE)
        return (enum wasi_filetype)row->type;
    return setting->is_terminal != NULL && setting->is_terminal((enum wasi_stream)row->of)
               ? WASI_FILETYPE_CHARACTER_DEVICE
               : WASI_FILETYPE_UNKNOWN;
}

enum engine_outcome wasi_fd_fdstat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct wasi_fd *row = wasi_fds_find(host, call->slots[0].i32);
    uint8_t *space;
    if (row == NULL)
        return wasi_answer(call, WASI_BADF);
    if (!guest_mem_space(call->instance, call->slots[1].i32, FD_FDSTAT_BYTES, &space))
        return wasi_answer(call, WASI_FAULT);
    memset(space, 0, FD_FDSTAT_BYTES);
    space[0] = (uint8_t)fd_type(host, row);
    guest_mem_store_u16(space + 2, row->flags);
    guest_mem_store_u64(space + 8, row->rights);
    guest_mem_store_u64(space + 16, row->inherited);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_fdstat_set_flags(struct hostapi_host *host,
                                             struct engine_host_call *call)
{
    enum wasi_errno error;
    uint32_t flags = call->slots[1].i32;
    struct wasi_fd *row =
        wasi_fd_with(host, call->slots[0].i32, WASI_RIGHT(FD_FDSTAT_SET_FLAGS), &error);
    if (row == NULL)
        return wasi_answer(call, error);
    if ((flags & ~FD_FLAGS_KNOWN) != 0)
        return wasi_answer(call, WASI_INVAL);
    if (((flags ^ row->flags) & ~FD_FLAGS_SETTABLE) != 0)
        return wasi_answer(call, WASI_NOTSUP);
    if (row->kind == WASI_FD_NODE) {
        const struct wasi_mount *mount = wasi_fds_mount(&wasi_state(host)->fds, row);
        if (mount->tree->set_flags != NULL)
            error = mount->tree->set_flags(mount->context, row->node, flags);
    }
    if (error == WASI_SUCCESS)
        row->flags = (uint16_t)flags;
    return wasi_answer(call, error);
}

/* Rights can only become fewer. */
enum engine_outcome wasi_fd_fdstat_set_rights(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    struct wasi_fd *row = wasi_fds_find(host, call->slots[0].i32);
    uint64_t rights = call->slots[1].i64;
    uint64_t inherited = call->slots[2].i64;
    if (row == NULL)
        return wasi_answer(call, WASI_BADF);
    if ((rights & ~row->rights) != 0 || (inherited & ~row->inherited) != 0)
        return wasi_answer(call, WASI_NOTCAPABLE);
    row->rights = rights;
    row->inherited = inherited;
    return wasi_answer(call, WASI_SUCCESS);
}

void wasi_store_stat(uint8_t *space, const struct wasi_stat *stat, bool is_p0)
{
    memset(space, 0, is_p0 ? WASI_FILESTAT_P0_BYTES : WASI_FILESTAT_BYTES);
    guest_mem_store_u64(space, stat->dev);
    guest_mem_store_u64(space + 8, stat->ino);
    space[16] = (uint8_t)stat->type;
    if (is_p0)
        guest_mem_store_u32(space + 20, (uint32_t)MIN(stat->nlink, (uint64_t)UINT32_MAX));
    else
        guest_mem_store_u64(space + 24, stat->nlink);
    uint8_t *rest = space + (is_p0 ? 24 : 32);
    guest_mem_store_u64(rest, stat->size);
    guest_mem_store_u64(rest + 8, stat->atim_ns);
    guest_mem_store_u64(rest + 16, stat->mtim_ns);
    guest_mem_store_u64(rest + 24, stat->ctim_ns);
}

static enum engine_outcome
fd_filestat(struct hostapi_host *host, struct engine_host_call *call, bool is_p0)
{
    enum wasi_errno error;
    uint8_t *space;
    struct wasi_stat stat = {0};
    const struct wasi_fd *row =
        wasi_fd_with(host, call->slots[0].i32, WASI_RIGHT(FD_FILESTAT_GET), &error);
    if (row == NULL)
        return wasi_answer(call, error);
    if (!guest_mem_space(call->instance, call->slots[1].i32,
                         is_p0 ? WASI_FILESTAT_P0_BYTES : WASI_FILESTAT_BYTES, &space))
        return wasi_answer(call, WASI_FAULT);
    stat.type = fd_type(host, row);
    if (row->kind == WASI_FD_NODE) {
        const struct wasi_mount *mount = wasi_fds_mount(&wasi_state(host)->fds, row);
        error = mount->tree->stat(mount->context, row->node, &stat);
    }
    if (error == WASI_SUCCESS)
        wasi_store_stat(space, &stat, is_p0);
    return wasi_answer(call, error);
}

enum engine_outcome wasi_fd_filestat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return fd_filestat(host, call, false);
}

enum engine_outcome wasi_fd_filestat_get_p0(struct hostapi_host *host,
                                            struct engine_host_call *call)
{
    return fd_filestat(host, call, true);
}

/* ---- reading --------------------------------------------------------------------------------- */

uint64_t wasi_stdin_none(const struct hostapi_host *host)
{
    (void)host;
    return 0;
}

enum wasi_errno wasi_read_none(struct hostapi_host *host,
                               struct engine_instance *instance,
                               const struct guest_mem_iovecs *iovecs,
                               uint32_t *ret_count)
{
    (void)host;
    (void)instance;
    (void)iovecs;
    *ret_count = 0;
    return WASI_SUCCESS;
}

enum wasi_errno wasi_fd_vectors(const struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t sum_index,
                                struct guest_mem_iovecs *ret_iovecs)
{
    uint8_t *ret_sum;
    if (!host->request.resumed) {
        wasi_state(host)->done = 0;
        hostcalls_charge_rows(call, MIN(call->slots[2].i32, (uint32_t)GUEST_MEM_IOVECS_MAX));
    }
    switch (guest_mem_iovecs(call->instance, call->slots[1].i32, call->slots[2].i32, ret_iovecs)) {
    case GUEST_MEM_OUTSIDE:
        return WASI_FAULT;
    case GUEST_MEM_TOO_MANY:
        return WASI_INVAL;
    case GUEST_MEM_OK:
        break;
    }
    if (ret_iovecs->bytes > UINT32_MAX)
        return WASI_INVAL;
    if (!guest_mem_space(call->instance, call->slots[sum_index].i32, 4, &ret_sum))
        return WASI_FAULT;
    return WASI_SUCCESS;
}

enum engine_outcome wasi_fd_answer_sum(struct engine_host_call *call,
                                       uint32_t sum_index,
                                       enum wasi_errno error,
                                       uint32_t sum)
{
    if (error == WASI_SUCCESS &&
        !guest_mem_put_u32(call->instance, call->slots[sum_index].i32, sum))
        error = WASI_FAULT;
    return wasi_answer(call, error);
}

bool wasi_fd_cut(const struct hostapi_host *host, struct guest_mem_iovecs *iovecs)
{
    /* Who runs alone takes no turns. */
    uint64_t left = host->request.exchange == NULL ? UINT64_MAX : HOSTAPI_TURN_BYTES;
    uint64_t behind = wasi_state(host)->done;
    bool more = iovecs->bytes - MIN(behind, iovecs->bytes) > left;
    iovecs->bytes = 0;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        uint32_t skip = (uint32_t)MIN(behind, (uint64_t)iovecs->rows[i].count);
        behind -= skip;
        iovecs->rows[i].address += skip;
        iovecs->rows[i].count = (uint32_t)MIN((uint64_t)iovecs->rows[i].count - skip, left);
        left -= iovecs->rows[i].count;
        iovecs->bytes += iovecs->rows[i].count;
    }
    return more;
}

enum engine_outcome wasi_fd_end_turn(struct hostapi_host *host,
                                     struct engine_host_call *call,
                                     uint32_t sum_index,
                                     enum wasi_errno error,
                                     uint32_t count,
                                     bool goes_on)
{
    struct wasi_state *state = wasi_state(host);
    state->done += count;
    if (goes_on && error == WASI_SUCCESS)
        return host_take_turn(host);
    return wasi_fd_answer_sum(call, sum_index, state->done > 0 ? WASI_SUCCESS : error, state->done);
}

/* Why a descriptor that may not be read, or written to, is not: libcs know these words for it. */
static enum wasi_errno fd_refusal(struct hostapi_host *host, uint32_t fd)
{
    const struct wasi_fd *row = wasi_fds_find(host, fd);
    bool is_folder =
        row != NULL && row->kind == WASI_FD_NODE && row->type == WASI_FILETYPE_DIRECTORY;
    return is_folder ? WASI_ISDIR : WASI_BADF;
}

static enum engine_outcome fd_read_stream(struct hostapi_host *host,
                                          struct engine_host_call *call,
                                          struct guest_mem_iovecs *iovecs)
{
    const struct wasi_setting *setting = host->family->setting;
    uint32_t count = 0;
    bool more = wasi_fd_cut(host, iovecs);
    if (host->checkpoint.on_the_way)
        return host_trap(call,
                         "stdin was read before the checkpoint: no request is there yet; read "
                         "after it");
    if (iovecs->bytes > 0 && wasi_state(host)->done == 0 && wasi_stdin_waits(host))
        return host_park_for_body(host);
    hostcalls_charge_bytes(call, MIN(iovecs->bytes, setting->stdin_bytes(host)));
    enum wasi_errno error = setting->read(host, call->instance, iovecs, &count);
    return wasi_fd_end_turn(host, call, 3, error, count, more && count == iovecs->bytes);
}

enum engine_outcome wasi_fd_read(struct hostapi_host *host, struct engine_host_call *call)
{
    struct guest_mem_iovecs iovecs;
    uint32_t count = 0;
    enum wasi_errno error;
    struct wasi_fd *row = wasi_fd_with(host, call->slots[0].i32, WASI_RIGHT(FD_READ), &error);
    if (row == NULL)
        return wasi_answer(call, fd_refusal(host, call->slots[0].i32));
    error = wasi_fd_vectors(host, call, 3, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    if (row->kind == WASI_FD_STREAM || wasi_device_is_stdin(host, row))
        return fd_read_stream(host, call, &iovecs);
    enum engine_outcome outcome = wasi_device_before_read(host, call, row);
    if (outcome != ENGINE_DONE)
        return outcome;
    bool more = wasi_fd_cut(host, &iovecs);
    error = wasi_file_read(host, call, row, &iovecs, &row->offset, &count);
    return wasi_fd_end_turn(host, call, 3, error, count, more && count == iovecs.bytes);
}

/* ---- writing --------------------------------------------------------------------------------- */

enum engine_outcome wasi_write_log(struct hostapi_host *host,
                                   struct engine_host_call *call,
                                   enum wasi_stream stream,
                                   struct bytes piece,
                                   uint32_t *sum,
                                   enum wasi_errno *error)
{
    struct wasi_state *state = wasi_state(host);
    (void)call;
    *error = WASI_SUCCESS;
    *sum += (uint32_t)piece.count;
    if (host->request.exchange == NULL) {
        if (stream == WASI_STDERR)
            host_say_on(host, piece);
        return ENGINE_DONE;
    }
    exchange_log_piece(host->request.exchange, stream == WASI_STDOUT ? "stdout" : "stderr", piece,
                       state->log_stream == stream);
    state->log_stream = stream;
    return ENGINE_DONE;
}

static enum engine_outcome
fd_sync(struct hostapi_host *host, struct engine_host_call *call, bool data_only)
{
    enum wasi_errno error;
    const struct wasi_setting *setting = host->family->setting;
    const struct wasi_fd *row = wasi_fds_find(host, call->slots[0].i32);
    if (row != NULL && row->kind == WASI_FD_STREAM) {
        if (row->of != WASI_STDOUT || setting->flush == NULL)
            return wasi_answer(call, WASI_INVAL);
        enum engine_outcome outcome = setting->flush(host);
        return outcome == ENGINE_DONE ? wasi_answer(call, WASI_SUCCESS) : outcome;
    }
    row = wasi_fd_with(host, call->slots[0].i32,
                       data_only ? WASI_RIGHT(FD_DATASYNC) : WASI_RIGHT(FD_SYNC), &error);
    if (row != NULL) {
        const struct wasi_mount *mount = wasi_fds_mount(&wasi_state(host)->fds, row);
        if (mount->tree->sync != NULL)
            error = mount->tree->sync(mount->context, row->node, data_only);
    }
    return wasi_answer(call, error);
}

enum engine_outcome wasi_fd_sync(struct hostapi_host *host, struct engine_host_call *call)
{
    return fd_sync(host, call, false);
}

enum engine_outcome wasi_fd_datasync(struct hostapi_host *host, struct engine_host_call *call)
{
    return fd_sync(host, call, true);
}

/* `iovecs` is what this turn is to write; TRAPPED and PENDING as the setting's write. */
static enum engine_outcome fd_write_stream(struct hostapi_host *host,
                                           struct engine_host_call *call,
                                           enum wasi_stream stream,
                                           const struct guest_mem_iovecs *iovecs,
                                           bool more)
{
    struct wasi_state *state = wasi_state(host);
    enum wasi_errno error = WASI_SUCCESS;
    bool goes_on = more;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        struct bytes piece;
        if (!guest_mem_view(call->instance, iovecs->rows[i].address, iovecs->rows[i].count, &piece))
            return wasi_answer(call, WASI_FAULT);
        uint32_t before = state->done;
        enum engine_outcome outcome =
            host->family->setting->write(host, call, stream, piece, &state->done, &error);
        if (outcome != ENGINE_DONE)
            return outcome;
        goes_on = more && state->done - before == piece.count;
        if (error != WASI_SUCCESS || state->done - before < piece.count)
            break;
    }
    return wasi_fd_end_turn(host, call, 3, error, 0, goes_on);
}

enum engine_outcome wasi_fd_write(struct hostapi_host *host, struct engine_host_call *call)
{
    struct guest_mem_iovecs iovecs;
    uint32_t count = 0;
    enum wasi_errno error;
    struct wasi_fd *row = wasi_fd_with(host, call->slots[0].i32, WASI_RIGHT(FD_WRITE), &error);
    if (row == NULL)
        return wasi_answer(call, fd_refusal(host, call->slots[0].i32));
    error = wasi_fd_vectors(host, call, 3, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    if (!host->request.resumed)
        hostcalls_charge_bytes(call, iovecs.bytes);
    /* What goes to the log is not looked at past limits.log. */
    bool is_log = row->kind == WASI_FD_STREAM &&
                  (row->of != WASI_STDOUT || host->family->setting->flush == NULL);
    bool more = !is_log && wasi_fd_cut(host, &iovecs);
    if (row->kind == WASI_FD_STREAM)
        return fd_write_stream(host, call, (enum wasi_stream)row->of, &iovecs, more);
    error = wasi_file_write(host, call, row, &iovecs, &row->offset, &count);
    return wasi_fd_end_turn(host, call, 3, error, count, more && count == iovecs.bytes);
}
