/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files a request sees: those of its version at `/`, and its scratch space at `/tmp` if it has
 * one; between them /dev/skerry. Made in the request's arena when the guest first asks. In the
 * builder there are all but the scratch space, in the same order, which a checkpoint counts on.
 */
#include "hostapi/wasi/tree_device.h"
#include "hostapi/wasi/tree_files.h"
#include "hostapi/wasi/wasi.h"

#define MOUNTS_FILES   "/"
#define MOUNTS_SCRATCH "/tmp"

struct request_mounts {
    struct wasi_mounts mounts;
    struct wasi_file_tree files;
    struct wasi_scratch scratch;
    struct wasi_real *reals; /* without a server */
};

void wasi_mount_dirs(const struct hostapi_dirs *dirs,
                     struct wasi_real *reals,
                     struct wasi_mounts *mounts)
{
    ASSERT(dirs->count <= HOSTAPI_DIRS_MAX && dirs->count <= WASI_MOUNTS_MAX - mounts->count);
    for (uint32_t i = 0; i < dirs->count; i++) {
        reals[i].root_fd = dirs->rows[i].fd;
        mounts->rows[mounts->count++] =
            (struct wasi_mount){.tree = &wasi_real_tree,
                                .context = &reals[i],
                                .name = bytes_of_text(dirs->rows[i].name),
                                .writes = true};
    }
}

const struct wasi_mounts *wasi_request_mounts(struct hostapi_host *host)
{
    struct http_exchange *exchange = host->request.exchange;
    const struct hostapi_files *files = exchange == NULL ? host->options.files : exchange->files;
    uint64_t scratch_bytes = exchange == NULL ? 0 : exchange->scratch_bytes;
    bool has_files = files != NULL && files->count > 0;
    const struct hostapi_dirs *dirs = &host->options.dirs;
    if (!has_files && scratch_bytes == 0 && dirs->count == 0 && !wasi_has_device(host))
        return NULL;
    struct request_mounts *made = ARENA_NEW(wasi_arena(host), struct request_mounts);
    if (made == NULL)
        return NULL;
    struct wasi_mounts *mounts = &made->mounts;
    if (dirs->count > 0) {
        made->reals = ARENA_ARRAY(wasi_arena(host), struct wasi_real, dirs->count);
        if (made->reals == NULL)
            return NULL;
        wasi_mount_dirs(dirs, made->reals, mounts);
    }
    if (has_files) {
        made->files.files = files;
        mounts->rows[mounts->count++] = (struct wasi_mount){
            .tree = &wasi_files_tree, .context = &made->files, .name = bytes_of_text(MOUNTS_FILES)};
    }
    wasi_device_mount(host, mounts);
    if (scratch_bytes > 0) {
        made->scratch.bytes_max = scratch_bytes;
        made->scratch.used_bytes = &exchange->scratch_used_bytes;
        /* The clocks that guests read go in steps, and so does this. */
        uint64_t step_ns = exchange->limits->clock_resolution * CLOCK_NS_PER_US;
        made->scratch.born_ns = clock_realtime_ns(host->options.clock) / step_ns * step_ns;
        mounts->rows[mounts->count++] = (struct wasi_mount){.tree = &wasi_scratch_tree,
                                                            .context = &made->scratch,
                                                            .name = bytes_of_text(MOUNTS_SCRATCH),
                                                            .writes = true};
    }
    return mounts;
}
