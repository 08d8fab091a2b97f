/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: three streams and nothing else. Where they lead is the setting's.
 *
 * A guest may renumber or close a stream; the table maps a stream to the guest's number.
 */
#include "hostapi/exchange.h"
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

enum wasi_filetype { WASI_FILETYPE_UNKNOWN = 0, WASI_FILETYPE_CHARACTER_DEVICE = 2 };

#define WASI_FDFLAG_APPEND             1u
#define WASI_FDFLAG_NONBLOCK           4u

#define WASI_RIGHT_FD_READ             (UINT64_C(1) << 1)
#define WASI_RIGHT_FD_FDSTAT_SET_FLAGS (UINT64_C(1) << 3)
#define WASI_RIGHT_FD_WRITE            (UINT64_C(1) << 6)
#define WASI_RIGHT_FD_FILESTAT_GET     (UINT64_C(1) << 21)
#define WASI_RIGHT_POLL_FD_READWRITE   (UINT64_C(1) << 27)

#define WASI_FDSTAT_BYTES              24
#define WASI_FILESTAT_BYTES            64
#define WASI_FILESTAT_P0_BYTES         56
#define WASI_FILESTAT_TYPE             16 /* offset, in both layouts */

/* Descriptors are non-negative in every libc. */
#define WASI_FD_MAX 0x7fffffffu

bool wasi_fd_stream(const struct hostapi_host *host, uint32_t fd, enum wasi_stream *ret_stream)
{
    if (fd > WASI_FD_MAX)
        return false;
    const struct wasi_state *state = wasi_state(host);
    for (uint32_t i = 0; i < WASI_STREAM_COUNT; i++) {
        if (state->fds[i] == fd) {
            *ret_stream = (enum wasi_stream)i;
            return true;
        }
    }
    return false;
}

enum engine_outcome wasi_refuse(struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t descriptor_index,
                                enum wasi_errno error)
{
    enum wasi_stream stream;
    if (error == WASI_NOTSOCK && host->options.snapshotting)
        return host_trap_frozen(call, "a function of the network");
    bool open = wasi_fd_stream(host, call->slots[descriptor_index].i32, &stream);
    return wasi_answer(call, open ? error : WASI_BADF);
}

enum engine_outcome wasi_fd_close(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    wasi_state(host)->fds[stream] = WASI_FD_CLOSED;
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_renumber(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_stream from;
    enum wasi_stream to;
    uint32_t number = call->slots[1].i32;
    if (!wasi_fd_stream(host, call->slots[0].i32, &from) || number > WASI_FD_MAX)
        return wasi_answer(call, WASI_BADF);
    if (wasi_fd_stream(host, number, &to) && to != from)
        wasi_state(host)->fds[to] = WASI_FD_CLOSED;
    wasi_state(host)->fds[from] = number;
    return wasi_answer(call, WASI_SUCCESS);
}

/* ---- what a stream is ------------------------------------------------------------------------ */

static enum wasi_filetype wasi_fd_filetype(const struct hostapi_host *host, enum wasi_stream stream)
{
    const struct wasi_setting *setting = host->family->setting;
    return setting->is_terminal != NULL && setting->is_terminal(stream)
               ? WASI_FILETYPE_CHARACTER_DEVICE
               : WASI_FILETYPE_UNKNOWN;
}

enum engine_outcome wasi_fd_fdstat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    uint8_t *space;
    if (!guest_mem_space(call->instance, call->slots[1].i32, WASI_FDSTAT_BYTES, &space))
        return wasi_answer(call, WASI_FAULT);
    memset(space, 0, WASI_FDSTAT_BYTES);
    space[0] = (uint8_t)wasi_fd_filetype(host, stream);
    guest_mem_store_u16(space + 2, wasi_state(host)->fd_flags[stream]);
    guest_mem_store_u64(space + 8,
                        (stream == WASI_STDIN ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE) |
                            WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET |
                            WASI_RIGHT_POLL_FD_READWRITE);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_fdstat_set_flags(struct hostapi_host *host,
                                             struct engine_host_call *call)
{
    enum wasi_stream stream;
    uint32_t flags = call->slots[1].i32;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    if ((flags & ~(WASI_FDFLAG_APPEND | WASI_FDFLAG_NONBLOCK)) != 0)
        return wasi_answer(call, WASI_NOTSUP);
    wasi_state(host)->fd_flags[stream] = (uint16_t)flags;
    return wasi_answer(call, WASI_SUCCESS);
}

static enum engine_outcome
wasi_fd_filestat(struct hostapi_host *host, struct engine_host_call *call, uint32_t bytes)
{
    enum wasi_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    uint8_t *space;
    if (!guest_mem_space(call->instance, call->slots[1].i32, bytes, &space))
        return wasi_answer(call, WASI_FAULT);
    memset(space, 0, bytes);
    space[WASI_FILESTAT_TYPE] = (uint8_t)wasi_fd_filetype(host, stream);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_filestat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_fd_filestat(host, call, WASI_FILESTAT_BYTES);
}

enum engine_outcome wasi_fd_filestat_get_p0(struct hostapi_host *host,
                                            struct engine_host_call *call)
{
    return wasi_fd_filestat(host, call, WASI_FILESTAT_P0_BYTES);
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

/* The vectors of fd_read and fd_write: arguments 1 and 2, and where the sum goes: 3. */
static enum wasi_errno wasi_fd_vectors(const struct hostapi_host *host,
                                       struct engine_host_call *call,
                                       struct guest_mem_iovecs *ret_iovecs)
{
    uint8_t *ret_sum;
    if (!host->request.resumed)
        hostcalls_charge_rows(call, MIN(call->slots[2].i32, (uint32_t)GUEST_MEM_IOVECS_MAX));
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
    if (!guest_mem_space(call->instance, call->slots[3].i32, 4, &ret_sum))
        return WASI_FAULT;
    return WASI_SUCCESS;
}

static enum engine_outcome
wasi_fd_answer_sum(struct engine_host_call *call, enum wasi_errno error, uint32_t sum)
{
    if (error == WASI_SUCCESS && !guest_mem_put_u32(call->instance, call->slots[3].i32, sum))
        error = WASI_FAULT;
    return wasi_answer(call, error);
}

enum engine_outcome wasi_fd_read(struct hostapi_host *host, struct engine_host_call *call)
{
    const struct wasi_setting *setting = host->family->setting;
    enum wasi_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream) || stream != WASI_STDIN)
        return wasi_answer(call, WASI_BADF);
    struct guest_mem_iovecs iovecs;
    enum wasi_errno error = wasi_fd_vectors(host, call, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    uint32_t count = 0;
    if (host->checkpoint.on_the_way)
        return host_trap(call,
                         "stdin was read before the checkpoint: no request is there yet; read "
                         "after it");
    if (iovecs.bytes > 0 && wasi_stdin_waits(host))
        return host_park_for_body(host);
    hostcalls_charge_bytes(call, MIN(iovecs.bytes, setting->stdin_bytes(host)));
    error = setting->read(host, call->instance, &iovecs, &count);
    return wasi_fd_answer_sum(call, error, count);
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
    if (host->request.exchange == NULL)
        return ENGINE_DONE;
    exchange_log_piece(host->request.exchange, stream == WASI_STDOUT ? "stdout" : "stderr", piece,
                       state->log_stream == stream);
    state->log_stream = stream;
    return ENGINE_DONE;
}

enum engine_outcome wasi_fd_sync(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_stream stream;
    const struct wasi_setting *setting = host->family->setting;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    if (stream != WASI_STDOUT || setting->flush == NULL)
        return wasi_answer(call, WASI_INVAL);
    enum engine_outcome outcome = setting->flush(host);
    return outcome == ENGINE_DONE ? wasi_answer(call, WASI_SUCCESS) : outcome;
}

enum engine_outcome wasi_fd_write(struct hostapi_host *host, struct engine_host_call *call)
{
    enum wasi_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream) || stream == WASI_STDIN)
        return wasi_answer(call, WASI_BADF);
    struct guest_mem_iovecs iovecs;
    enum wasi_errno error = wasi_fd_vectors(host, call, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    struct wasi_state *state = wasi_state(host);
    if (!host->request.resumed) {
        state->write_done = 0;
        hostcalls_charge_bytes(call, iovecs.bytes);
    }
    uint32_t done = state->write_done;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iovecs.count; i++) {
        struct bytes piece;
        if (!guest_mem_view(call->instance, iovecs.rows[i].address, iovecs.rows[i].count, &piece))
            return wasi_answer(call, WASI_FAULT);
        uint32_t skip = (uint32_t)MIN((size_t)(done - sum), piece.count);
        sum += skip;
        piece = bytes_make(piece.data + skip, piece.count - skip);
        uint32_t before = sum;
        enum engine_outcome outcome =
            host->family->setting->write(host, call, stream, piece, &sum, &error);
        state->write_done = sum;
        if (outcome != ENGINE_DONE)
            return outcome;
        done = MAX(done, sum);
        if (error != WASI_SUCCESS || sum - before < piece.count)
            break;
    }
    return wasi_fd_answer_sum(call, error, sum);
}
