/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI preview 1, all of its functions. Handlers in wasi_args.c, wasi_clock.c, wasi_fd.c,
 * wasi_file.c, wasi_path.c, wasi_poll.c and wasi_process.c; which import reaches which handler is
 * written in wasi.def. What files are is a tree's (tree.h), which of them there are the setting's.
 *
 * A handler answers with an errno in the first slot; a pointer out of range is FAULT and
 * never more than that. Layouts are those of wasi_snapshot_preview1; the _p0 variants are
 * wasi_unstable's, where it differs.
 *
 * Where arguments come from and streams lead to is the *setting* of the kind that uses WASI:
 *
 *              arguments        environment        stdin             stdout               stderr
 *   WAGI       CGI's            CGI's, function's  the request body  header block, body   the log
 *   http-wasm  function's name  function's         empty             the log              the log
 *   command    the command's    the command's      this process's    this process's       its
 */
#ifndef SKERRY_HOSTAPI_WASI_WASI_H
#define SKERRY_HOSTAPI_WASI_WASI_H

#include "hostapi/guest_mem.h"
#include "hostapi/host.h"
#include "hostapi/wasi/fds.h"

static inline enum engine_outcome wasi_answer(struct engine_host_call *call, enum wasi_errno error)
{
    call->slots[0].bits = error;
    return ENGINE_DONE;
}

/* ---- state ----------------------------------------------------------------------------------- */

/* Arguments or environment as the guest will read them; each gets a NUL there. */
struct wasi_texts {
    struct bytes *rows; /* borrowed: text and rows live in an arena */
    uint32_t count;
    uint32_t capacity;
    bool ready; /* built on first use */
};
/* Appends a text, which is borrowed; false: the arena is full. */
NODISCARD bool wasi_texts_add(struct arena *arena, struct wasi_texts *texts, struct bytes text);

/* The request's arguments, or its environment; NULL: the arena is full. */
const struct wasi_texts *wasi_args_texts(struct hostapi_host *host, bool environment);

/* What one request has of WASI. */
struct wasi_state {
    struct wasi_texts arguments;
    struct wasi_texts environment;
    struct wasi_fds fds;
    enum wasi_stream log_stream; /* whose line the log's end is, if it is not complete */
    uint64_t clock_run;          /* host->runs when the clocks were read; 0: not yet */
    uint64_t clock_ns[2];        /* realtime, monotonic, as the guest sees them in that run */
    uint64_t poll_base_ns;       /* poll_oneoff: monotonic time of the first call */
    uint64_t random_done;        /* random_get: bytes filled so far */
    uint32_t done;               /* of a read or write that is made again: bytes moved so far */
    uint64_t *secret_tickets;    /* in the exchange's arena; NULL: they were not asked for */
    bool secrets_joined;         /* to the exchange's environment */
};

static inline struct wasi_state *wasi_state(const struct hostapi_host *host)
{
    return host_state(host, HOSTAPI_KIND_WASI);
}

/* ---- settings -------------------------------------------------------------------------------- */

struct wasi_setting {
    /* False: no room. Called once for each request. */
    bool (*arguments)(struct hostapi_host *host, struct wasi_texts *ret_texts);
    bool (*environment)(struct hostapi_host *host, struct wasi_texts *ret_texts);
    /* A snapshot would freeze what each request has of its own of them: refused in the builder. */
    bool texts_are_requests;
    /* What stdin has left to give at once; for poll_oneoff and fd_read's price. */
    uint64_t (*stdin_bytes)(const struct hostapi_host *host);
    /* Has a reader of stdin to wait for more? NULL: never. */
    bool (*stdin_waits)(const struct hostapi_host *host);
    /* fd_read of stdin: fills vectors, each checked already. */
    enum wasi_errno (*read)(struct hostapi_host *host,
                            struct engine_instance *instance,
                            const struct guest_mem_iovecs *iovecs,
                            uint32_t *ret_count);
    /* fd_write of a piece; adds what was taken to `sum`. ENGINE_TRAPPED ends the guest, after
     * ENGINE_PENDING the call goes on with the rest; an error counts only if nothing was written
     * before it. */
    enum engine_outcome (*write)(struct hostapi_host *host,
                                 struct engine_host_call *call,
                                 enum wasi_stream stream,
                                 struct bytes piece,
                                 uint32_t *sum,
                                 enum wasi_errno *error);
    /* fd_sync of stdout, which may park; NULL: it is no file. */
    enum engine_outcome (*flush)(struct hostapi_host *host);
    bool (*is_terminal)(enum wasi_stream stream); /* NULL: none is */
    /* What files the guest has, as long as the request; NULL, or an answer of NULL: none. */
    const struct wasi_mounts *(*mounts)(struct hostapi_host *host);
    uint64_t (*cpu_ns)(void); /* NULL: fuel used, a nanosecond a unit */
};

extern const struct hostapi_family wasi_family;
/* This process's streams, and what hostapi_command_create was given. */
extern const struct wasi_setting wasi_command_setting;

static inline bool wasi_stdin_waits(const struct hostapi_host *host)
{
    const struct wasi_setting *setting = host->family->setting;
    return setting->stdin_waits != NULL && setting->stdin_waits(host);
}

/* What lasts as long as the request, or the command. */
static inline struct arena *wasi_arena(struct hostapi_host *host)
{
    return host->request.exchange == NULL ? &host->arena : &host->request.exchange->arena;
}

/* Adds them; the guest may write there. `reals` is as long as they are many, and lasts as long as
 * the mounts. */
void wasi_mount_dirs(const struct hostapi_dirs *dirs,
                     struct wasi_real *reals,
                     struct wasi_mounts *mounts);
/* The files of a request, for settings. */
const struct wasi_mounts *wasi_request_mounts(struct hostapi_host *host);

/* For settings without stdin, and those whose output goes to the guest's log. */
uint64_t wasi_stdin_none(const struct hostapi_host *host);
enum wasi_errno wasi_read_none(struct hostapi_host *host,
                               struct engine_instance *instance,
                               const struct guest_mem_iovecs *iovecs,
                               uint32_t *ret_count);
enum engine_outcome wasi_write_log(struct hostapi_host *host,
                                   struct engine_host_call *call,
                                   enum wasi_stream stream,
                                   struct bytes piece,
                                   uint32_t *sum,
                                   enum wasi_errno *error);

/* ---- handlers -------------------------------------------------------------------------------- */

/* HOSTCALL_REFUSED rows. */
enum engine_outcome wasi_refuse(struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t descriptor_index,
                                enum wasi_errno error);

typedef enum engine_outcome wasi_handler(struct hostapi_host *host, struct engine_host_call *call);
wasi_handler wasi_args_get, wasi_args_sizes_get, wasi_environ_get, wasi_environ_sizes_get;
wasi_handler wasi_clock_res_get, wasi_clock_time_get, wasi_random_get;
wasi_handler wasi_poll_oneoff, wasi_poll_oneoff_p0;
wasi_handler wasi_proc_exit, wasi_proc_raise, wasi_sched_yield;
wasi_handler wasi_fd_close, wasi_fd_read, wasi_fd_write, wasi_fd_renumber;
wasi_handler wasi_fd_fdstat_get, wasi_fd_fdstat_set_flags, wasi_fd_fdstat_set_rights;
wasi_handler wasi_fd_filestat_get, wasi_fd_filestat_get_p0;
wasi_handler wasi_fd_sync, wasi_fd_datasync;
wasi_handler wasi_fd_advise, wasi_fd_allocate, wasi_fd_filestat_set_size;
wasi_handler wasi_fd_filestat_set_times, wasi_fd_pread, wasi_fd_prestat_dir_name;
wasi_handler wasi_fd_prestat_get, wasi_fd_pwrite, wasi_fd_readdir, wasi_fd_seek;
wasi_handler wasi_fd_seek_p0, wasi_fd_tell;
wasi_handler wasi_path_create_directory, wasi_path_filestat_get, wasi_path_filestat_get_p0;
wasi_handler wasi_path_filestat_set_times, wasi_path_link, wasi_path_open, wasi_path_readlink;
wasi_handler wasi_path_remove_directory, wasi_path_rename, wasi_path_symlink;
wasi_handler wasi_path_unlink_file;

/* Writes a stat in the layout of preview 1, or of the one before it. */
#define WASI_FILESTAT_BYTES    64
#define WASI_FILESTAT_P0_BYTES 56
void wasi_store_stat(uint8_t *space, const struct wasi_stat *stat, bool is_p0);
/* Are no two of one time asked for, and no unknown flag? */
bool wasi_times_valid(const struct wasi_times *times);
/* Vectors of fd_read and its like: arguments 1 and 2. `sum_index`: the argument that says where the
 * sum goes. */
enum wasi_errno wasi_fd_vectors(const struct hostapi_host *host,
                                struct engine_host_call *call,
                                uint32_t sum_index,
                                struct guest_mem_iovecs *ret_iovecs);
enum engine_outcome wasi_fd_answer_sum(struct engine_host_call *call,
                                       uint32_t sum_index,
                                       enum wasi_errno error,
                                       uint32_t sum);
/* An open descriptor with all of these rights; NULL, and why not. */
struct wasi_fd *
wasi_fd_with(struct hostapi_host *host, uint32_t fd, uint64_t rights, enum wasi_errno *ret_error);
/* The same of a file or folder. `otherwise` is what a stream answers. */
struct wasi_fd *wasi_fd_node(struct hostapi_host *host,
                             uint32_t fd,
                             uint64_t rights,
                             enum wasi_errno otherwise,
                             enum wasi_errno *ret_error);
/* Leaves of the vectors what this turn of the call is to move. True: there is more. */
bool wasi_fd_cut(const struct hostapi_host *host, struct guest_mem_iovecs *iovecs);
/* The turn moved `count` bytes. The call is made again if it `goes_on`, else this is its answer. */
enum engine_outcome wasi_fd_end_turn(struct hostapi_host *host,
                                     struct engine_host_call *call,
                                     uint32_t sum_index,
                                     enum wasi_errno error,
                                     uint32_t count,
                                     bool goes_on);
/* Reads from, and writes to, a file, from `*offset` on, which is moved on. */
enum wasi_errno wasi_file_read(struct hostapi_host *host,
                               struct engine_host_call *call,
                               const struct wasi_fd *row,
                               const struct guest_mem_iovecs *iovecs,
                               uint64_t *offset,
                               uint32_t *ret_count);
enum wasi_errno wasi_file_write(struct hostapi_host *host,
                                struct engine_host_call *call,
                                const struct wasi_fd *row,
                                const struct guest_mem_iovecs *iovecs,
                                uint64_t *offset,
                                uint32_t *ret_count);

/* Are the function's secrets in the exchange's environment? COME: the call has to wait. */
enum wasi_secrets { WASI_SECRETS_THERE, WASI_SECRETS_COME, WASI_SECRETS_FAIL };
enum wasi_secrets wasi_secrets(struct hostapi_host *host);

/* Steps of the clocks 0 and 1, in nanoseconds. */
uint64_t wasi_clock_tick_ns(const struct hostapi_host *host);
/* When such a clock shows that a moment is over; UINT64_MAX: never. */
uint64_t wasi_clock_step_ns(const struct hostapi_host *host, uint64_t due_ns);
/* Random bytes from the system; false: it has none. */
NODISCARD bool wasi_random_fill(uint8_t *space, size_t count);
/* Clock ids 0..3; false for others. Also for poll_oneoff. */
NODISCARD bool wasi_clock_read(const struct hostapi_host *host,
                               struct engine_instance *instance,
                               uint32_t id,
                               uint64_t *ret_ns);

#endif
