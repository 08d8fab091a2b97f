/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1 as far as streams, clocks and random bytes go; no files yet. Handlers by
 * family in wasi_args.c, wasi_clock.c, wasi_fd.c, wasi_poll.c and wasi_process.c; which
 * import reaches which handler is written in hostcalls.def.
 *
 * A handler answers with an errno in the first slot; a pointer out of range is FAULT and
 * never more than that. Layouts are those of wasi_snapshot_preview1; the _p0 variants are
 * wasi_unstable's, where it differs.
 */
#ifndef SKERRY_HOSTAPI_WASI_WASI_H
#define SKERRY_HOSTAPI_WASI_WASI_H

#include "hostapi/guest_mem.h"
#include "hostapi/host.h"

/* The specification's numbers; only those that are answered have a name here. */
enum wasi_errno {
    WASI_SUCCESS = 0,
    WASI_AGAIN = 6,
    WASI_BADF = 8,
    WASI_FAULT = 21,
    WASI_FBIG = 22,
    WASI_INVAL = 28,
    WASI_IO = 29,
    WASI_NOMEM = 48,
    WASI_NOSPC = 51,
    WASI_NOTDIR = 54,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_OVERFLOW = 61,
    WASI_PIPE = 64,
    WASI_SPIPE = 70,
};

static inline enum engine_outcome wasi_answer(struct engine_host_call *call, enum wasi_errno error)
{
    call->slots[0].bits = error;
    return ENGINE_DONE;
}

/* The stream behind a guest's descriptor; false if it is not open. */
NODISCARD bool
wasi_fd_stream(const struct hostapi_host *host, uint32_t fd, enum host_stream *ret_stream);
/* HOSTCALL_REFUSED rows. */
enum engine_outcome wasi_refuse(struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t descriptor_index,
                                enum wasi_errno error);
/* What stdin has left to give; a command's stdin counts as one byte. */
uint64_t wasi_fd_stdin_bytes(const struct hostapi_host *host);

typedef enum engine_outcome wasi_handler(struct hostapi_host *host, struct engine_host_call *call);
wasi_handler wasi_args_get, wasi_args_sizes_get, wasi_environ_get, wasi_environ_sizes_get;
wasi_handler wasi_clock_res_get, wasi_clock_time_get, wasi_random_get;
wasi_handler wasi_poll_oneoff, wasi_poll_oneoff_p0;
wasi_handler wasi_proc_exit, wasi_proc_raise, wasi_sched_yield;
wasi_handler wasi_fd_close, wasi_fd_read, wasi_fd_write, wasi_fd_renumber;
wasi_handler wasi_fd_fdstat_get, wasi_fd_fdstat_set_flags;
wasi_handler wasi_fd_filestat_get, wasi_fd_filestat_get_p0;

/* Clock ids 0..3; false for others. Also for poll_oneoff. */
NODISCARD bool wasi_clock_read(const struct hostapi_host *host,
                               struct engine_instance *instance,
                               uint32_t id,
                               uint64_t *ret_ns);

#endif
