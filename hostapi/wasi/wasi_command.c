/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WASI command without a server: its streams are this process's, its arguments and
 * environment those that hostapi_command_create was given.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "hostapi/wasi/wasi.h"

struct wasi_command {
    struct wasi_texts arguments;
    struct wasi_texts environment;
    struct wasi_mounts mounts;
    struct wasi_real dirs[HOSTAPI_DIRS_MAX]; /* of the mounts */
};

_Static_assert(HOSTAPI_DIRS_MAX <= WASI_MOUNTS_MAX, "each directory is a mount");

static bool wasi_command_texts(struct hostapi_host *host,
                               const char *const *texts,
                               uint32_t count,
                               struct wasi_texts *ret_texts)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!wasi_texts_add(&host->arena, ret_texts, bytes_of_text(texts[i])))
            return false;
    }
    return true;
}

enum status hostapi_command_create(const struct hostapi_command *command,
                                   struct hostapi_host **ret_host)
{
    struct hostapi_options options = {.kind = HOSTAPI_KIND_WASI, .clock = command->clock};
    struct hostapi_host *host;
    enum status status = host_create(&wasi_family, &options, &host);
    if (status != STATUS_OK)
        return status;
    struct wasi_command *own = ARENA_NEW(&host->arena, struct wasi_command);
    if (own == NULL ||
        !wasi_command_texts(host, command->arguments, command->argument_count, &own->arguments) ||
        !wasi_command_texts(host, command->environment, command->environment_count,
                            &own->environment)) {
        hostapi_host_free(host);
        return STATUS_NO_MEMORY;
    }
    wasi_mount_dirs(&command->dirs, own->dirs, &own->mounts);
    host->command = own;
    *ret_host = host;
    return STATUS_OK;
}

/* ---- the setting ----------------------------------------------------------------------------- */

static bool wasi_command_arguments(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    if (host->command != NULL)
        *ret_texts = host->command->arguments;
    return true;
}

static bool wasi_command_environment(struct hostapi_host *host, struct wasi_texts *ret_texts)
{
    if (host->command != NULL)
        *ret_texts = host->command->environment;
    return true;
}

/* How much waits there is not looked at: something may. */
static uint64_t wasi_command_stdin_bytes(const struct hostapi_host *host)
{
    (void)host;
    return 1;
}

static const struct wasi_mounts *wasi_command_mounts(struct hostapi_host *host)
{
    return host->command == NULL ? NULL : &host->command->mounts;
}

/* One read(2) into the first vector that has room: a short read is a read. */
static enum wasi_errno wasi_command_read(struct hostapi_host *host,
                                         struct engine_instance *instance,
                                         const struct guest_mem_iovecs *iovecs,
                                         uint32_t *ret_count)
{
    (void)host;
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
            return wasi_errno_of(errno);
        *ret_count = (uint32_t)got;
        return WASI_SUCCESS;
    }
    return WASI_SUCCESS;
}

/* All of it, because few guests look at a short count; what was written before an error
 * is reported as written. */
static enum engine_outcome wasi_command_write(struct hostapi_host *host,
                                              struct engine_host_call *call,
                                              enum wasi_stream stream,
                                              struct bytes piece,
                                              uint32_t *sum,
                                              enum wasi_errno *error)
{
    (void)host;
    (void)call;
    *error = WASI_SUCCESS;
    size_t done = 0;
    while (done < piece.count) {
        ssize_t put = write((int)stream, piece.data + done, piece.count - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            *error = *sum > 0 ? WASI_SUCCESS : wasi_errno_of(errno);
            break;
        }
        done += (size_t)put;
        *sum += (uint32_t)put;
    }
    return ENGINE_DONE;
}

static bool wasi_command_is_terminal(enum wasi_stream stream)
{
    return isatty((int)stream) != 0;
}

static uint64_t wasi_command_cpu_ns(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * CLOCK_NS_PER_S + (uint64_t)used.tv_nsec;
}

const struct wasi_setting wasi_command_setting = {
    .arguments = wasi_command_arguments,
    .environment = wasi_command_environment,
    .stdin_bytes = wasi_command_stdin_bytes,
    .read = wasi_command_read,
    .write = wasi_command_write,
    .is_terminal = wasi_command_is_terminal,
    .mounts = wasi_command_mounts,
    .cpu_ns = wasi_command_cpu_ns,
};
