/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: three streams and nothing else.
 *
 *              stdin              stdout                       stderr
 *   WAGI       the request body   header block, then body      the log
 *   http-wasm  empty              the log                      the log
 *   command    this process's     this process's               this process's
 *
 * A guest may renumber or close a stream; the table maps a stream to the guest's number.
 */
#include <errno.h>
#include <unistd.h>

#include "hostapi/exchange.h"
#include "hostapi/hostcalls.h"
#include "hostapi/wagi/wagi.h"
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

bool wasi_fd_stream(const struct hostapi_host *host, uint32_t fd, enum host_stream *ret_stream)
{
    if (fd > WASI_FD_MAX)
        return false;
    for (uint32_t i = 0; i < HOST_STREAM_COUNT; i++) {
        if (host->request.fds[i] == fd) {
            *ret_stream = (enum host_stream)i;
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
    enum host_stream stream;
    if (error == WASI_NOTSOCK && host->options.snapshotting)
        return host_trap_frozen(call, "a function of the network");
    bool open = wasi_fd_stream(host, call->slots[descriptor_index].i32, &stream);
    return wasi_answer(call, open ? error : WASI_BADF);
}

enum engine_outcome wasi_fd_close(struct hostapi_host *host, struct engine_host_call *call)
{
    enum host_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    host->request.fds[stream] = HOST_FD_CLOSED;
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_renumber(struct hostapi_host *host, struct engine_host_call *call)
{
    enum host_stream from;
    enum host_stream to;
    uint32_t number = call->slots[1].i32;
    if (!wasi_fd_stream(host, call->slots[0].i32, &from) || number > WASI_FD_MAX)
        return wasi_answer(call, WASI_BADF);
    if (wasi_fd_stream(host, number, &to) && to != from)
        host->request.fds[to] = HOST_FD_CLOSED;
    host->request.fds[from] = number;
    return wasi_answer(call, WASI_SUCCESS);
}

/* ---- what a stream is ------------------------------------------------------------------------ */

static enum wasi_filetype wasi_fd_filetype(const struct hostapi_host *host, enum host_stream stream)
{
    if (host->is_command && isatty((int)stream))
        return WASI_FILETYPE_CHARACTER_DEVICE;
    return WASI_FILETYPE_UNKNOWN;
}

enum engine_outcome wasi_fd_fdstat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    enum host_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    uint8_t *space;
    if (!guest_mem_space(call->instance, call->slots[1].i32, WASI_FDSTAT_BYTES, &space))
        return wasi_answer(call, WASI_FAULT);
    memset(space, 0, WASI_FDSTAT_BYTES);
    space[0] = (uint8_t)wasi_fd_filetype(host, stream);
    guest_mem_store_u16(space + 2, host->request.fd_flags[stream]);
    guest_mem_store_u64(space + 8,
                        (stream == HOST_STDIN ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE) |
                            WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET |
                            WASI_RIGHT_POLL_FD_READWRITE);
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_fd_fdstat_set_flags(struct hostapi_host *host,
                                             struct engine_host_call *call)
{
    enum host_stream stream;
    uint32_t flags = call->slots[1].i32;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream))
        return wasi_answer(call, WASI_BADF);
    if ((flags & ~(WASI_FDFLAG_APPEND | WASI_FDFLAG_NONBLOCK)) != 0)
        return wasi_answer(call, WASI_NOTSUP);
    host->request.fd_flags[stream] = (uint16_t)flags;
    return wasi_answer(call, WASI_SUCCESS);
}

static enum engine_outcome
wasi_fd_filestat(struct hostapi_host *host, struct engine_host_call *call, uint32_t bytes)
{
    enum host_stream stream;
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

static struct bytes wasi_fd_stdin_rest(const struct hostapi_host *host)
{
    const struct host_request *request = &host->request;
    if (request->exchange == NULL || host->options.kind != HOSTAPI_KIND_WAGI)
        return bytes_make(NULL, 0);
    struct bytes body = request->exchange->request_body;
    if (body.count == 0)
        return body;
    uint64_t read = request->body_read[0];
    return bytes_make(body.data + read, body.count - read);
}

uint64_t wasi_fd_stdin_bytes(const struct hostapi_host *host)
{
    return host->is_command ? 1 : wasi_fd_stdin_rest(host).count;
}

static enum wasi_errno wasi_fd_errno(void)
{
    switch (errno) {
    case EAGAIN:
        return WASI_AGAIN;
    case EPIPE:
        return WASI_PIPE;
    case ENOSPC:
        return WASI_NOSPC;
    case EBADF:
        return WASI_BADF;
    default:
        return WASI_IO;
    }
}

/* One read(2) into the first vector that has room: a short read is a read. */
static enum wasi_errno wasi_fd_read_process(struct engine_instance *instance,
                                            const struct guest_mem_iovecs *iovecs,
                                            uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        uint8_t *space;
        if (iovecs->rows[i].count == 0)
            continue;
        if (!guest_mem_space(instance, iovecs->rows[i].address, iovecs->rows[i].count, &space))
            return WASI_FAULT;
        ssize_t got;
        do {
            got = read(STDIN_FILENO, space, iovecs->rows[i].count);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
            return wasi_fd_errno();
        *ret_count = (uint32_t)got;
        return WASI_SUCCESS;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno wasi_fd_read_body(struct hostapi_host *host,
                                         struct engine_instance *instance,
                                         const struct guest_mem_iovecs *iovecs,
                                         uint32_t *ret_count)
{
    *ret_count = 0;
    for (uint32_t i = 0; i < iovecs->count; i++) {
        struct bytes rest = wasi_fd_stdin_rest(host);
        size_t count = MIN(rest.count, (size_t)iovecs->rows[i].count);
        if (count == 0)
            continue;
        uint8_t *space;
        if (!guest_mem_space(instance, iovecs->rows[i].address, count, &space))
            return WASI_FAULT;
        memcpy(space, rest.data, count);
        host->request.body_read[0] += count;
        *ret_count += (uint32_t)count;
    }
    return WASI_SUCCESS;
}

/* The vectors of fd_read and fd_write: arguments 1 and 2, and where the sum goes: 3. */
static enum wasi_errno wasi_fd_vectors(struct engine_host_call *call,
                                       struct guest_mem_iovecs *ret_iovecs)
{
    uint8_t *ret_sum;
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
    enum host_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream) || stream != HOST_STDIN)
        return wasi_answer(call, WASI_BADF);
    struct guest_mem_iovecs iovecs;
    enum wasi_errno error = wasi_fd_vectors(call, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    uint32_t count = 0;
    hostcalls_charge_bytes(call, MIN(iovecs.bytes, wasi_fd_stdin_rest(host).count));
    if (host->is_command)
        error = wasi_fd_read_process(call->instance, &iovecs, &count);
    else
        error = wasi_fd_read_body(host, call->instance, &iovecs, &count);
    return wasi_fd_answer_sum(call, error, count);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* All of it, because few guests look at a short count; what was written before an error
 * is reported as written. */
static enum wasi_errno
wasi_fd_write_process(enum host_stream stream, struct bytes piece, uint32_t *sum)
{
    size_t done = 0;
    while (done < piece.count) {
        ssize_t put = write((int)stream, piece.data + done, piece.count - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return *sum > 0 ? WASI_SUCCESS : wasi_fd_errno();
        done += (size_t)put;
        *sum += (uint32_t)put;
    }
    return WASI_SUCCESS;
}

static void
wasi_fd_write_log(struct hostapi_host *host, enum host_stream stream, struct bytes piece)
{
    struct host_request *request = &host->request;
    if (request->exchange == NULL)
        return;
    exchange_log_piece(request->exchange, stream == HOST_STDOUT ? "stdout" : "stderr", piece,
                       request->log_stream == stream);
    request->log_stream = stream;
}

/* Writes one vector where the stream leads; ENGINE_TRAPPED ends the guest. */
static enum engine_outcome wasi_fd_write_piece(struct hostapi_host *host,
                                               struct engine_host_call *call,
                                               enum host_stream stream,
                                               struct bytes piece)
{
    if (stream == HOST_STDOUT && host->options.kind == HOSTAPI_KIND_WAGI &&
        host->request.exchange != NULL)
        return wagi_write(host, call, piece);
    wasi_fd_write_log(host, stream, piece);
    return ENGINE_DONE;
}

enum engine_outcome wasi_fd_write(struct hostapi_host *host, struct engine_host_call *call)
{
    enum host_stream stream;
    if (!wasi_fd_stream(host, call->slots[0].i32, &stream) || stream == HOST_STDIN)
        return wasi_answer(call, WASI_BADF);
    struct guest_mem_iovecs iovecs;
    enum wasi_errno error = wasi_fd_vectors(call, &iovecs);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    hostcalls_charge_bytes(call, iovecs.bytes);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < iovecs.count; i++) {
        struct bytes piece;
        if (!guest_mem_view(call->instance, iovecs.rows[i].address, iovecs.rows[i].count, &piece))
            return wasi_answer(call, WASI_FAULT);
        if (host->is_command) {
            uint32_t before = sum;
            error = wasi_fd_write_process(stream, piece, &sum);
            if (error != WASI_SUCCESS || sum - before < piece.count)
                break;
            continue;
        }
        enum engine_outcome outcome = wasi_fd_write_piece(host, call, stream, piece);
        if (outcome != ENGINE_DONE)
            return outcome;
        sum += (uint32_t)piece.count;
    }
    return wasi_fd_answer_sum(call, error, sum);
}
