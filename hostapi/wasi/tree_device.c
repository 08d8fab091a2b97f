/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of four files, to be read and never written:
 *
 *   checkpoint   the first read from its beginning is the call of checkpoint_v1: "1" and a newline
 *                if the request went on from there, "0" if nothing was frozen
 *   environ      the environment of this request, NAME=value and a NUL each
 *   stdin        the request's body, for programs that cannot open descriptor 0 again
 *   exit         reading it ends the guest at once, with status 0: what its program would still do
 *                to end is nobody's business, and not little
 *
 * Their sizes are said to be 0, like those of files that a system makes up: what they hold is only
 * known when they are read. Nodes are numbers, so a checkpoint can have them.
 */
#include "hostapi/wasi/tree_device.h"

#include "hostapi/hostcalls.h"

#define DEVICE_NAME "/dev/skerry"

enum device_node {
    DEVICE_ROOT,
    DEVICE_CHECKPOINT,
    DEVICE_ENVIRON,
    DEVICE_STDIN,
    DEVICE_EXIT,
    DEVICE_COUNT
};

static const char *const device_names[DEVICE_COUNT] = {
    [DEVICE_ROOT] = ".",          [DEVICE_CHECKPOINT] = "checkpoint",
    [DEVICE_ENVIRON] = "environ", [DEVICE_STDIN] = "stdin",
    [DEVICE_EXIT] = "exit",
};

bool wasi_device_is_stdin(struct hostapi_host *host, const struct wasi_fd *row)
{
    return row->kind == WASI_FD_NODE && row->node == DEVICE_STDIN &&
           wasi_fds_mount(&wasi_state(host)->fds, row)->tree == &wasi_device_tree;
}

enum engine_outcome wasi_device_before_read(struct hostapi_host *host,
                                            struct engine_host_call *call,
                                            const struct wasi_fd *row)
{
    static const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    const struct wasi_mount *mount = wasi_fds_mount(&wasi_state(host)->fds, row);
    if (mount->tree != &wasi_device_tree || row->offset > 0)
        return ENGINE_DONE;
    if (row->node == DEVICE_EXIT && !host->checkpoint.on_the_way)
        return engine_host_exit(call, 0);
    if (row->node == DEVICE_CHECKPOINT)
        return host_checkpoint(host, call, &host->request.went_on);
    /* A failure shows when it is read. */
    if (row->node == DEVICE_ENVIRON && wasi_secrets(host) == WASI_SECRETS_COME)
        return host_park(host, &wait, 1);
    return ENGINE_DONE;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static enum wasi_errno device_walk(const struct wasi_place *place, enum device_node *ret_node)
{
    enum device_node node = (enum device_node)place->dir;
    struct bytes path = place->path;
    struct bytes segment;
    while (wasi_next_segment(&path, &segment)) {
        if (node != DEVICE_ROOT)
            return WASI_NOTDIR;
        if (bytes_equal_text(segment, ".."))
            return WASI_NOTCAPABLE;
        while (node < DEVICE_COUNT && !bytes_equal_text(segment, device_names[node]))
            node++;
        if (node == DEVICE_COUNT)
            return WASI_NOENT;
    }
    *ret_node = node;
    return WASI_SUCCESS;
}

static enum wasi_filetype device_type(uint64_t node)
{
    return node == DEVICE_ROOT ? WASI_FILETYPE_DIRECTORY : WASI_FILETYPE_REGULAR_FILE;
}

static enum wasi_errno device_open(void *context,
                                   const struct wasi_place *place,
                                   const struct wasi_open *wanted,
                                   uint64_t *ret_node,
                                   enum wasi_filetype *ret_type)
{
    enum device_node node;
    (void)context;
    enum wasi_errno error = device_walk(place, &node);
    if (error == WASI_SUCCESS && (wanted->oflags & WASI_OFLAG_DIRECTORY) != 0 &&
        node != DEVICE_ROOT)
        error = WASI_NOTDIR;
    if (error != WASI_SUCCESS)
        return error;
    *ret_node = node;
    *ret_type = device_type(node);
    return WASI_SUCCESS;
}

static void device_close(void *context, uint64_t node)
{
    (void)context;
    (void)node;
}

static enum wasi_errno device_stat(void *context, uint64_t node, struct wasi_stat *ret_stat)
{
    (void)context;
    *ret_stat = (struct wasi_stat){.ino = node + 1, .nlink = 1, .type = device_type(node)};
    return WASI_SUCCESS;
}

static enum wasi_errno device_stat_at(void *context,
                                      const struct wasi_place *place,
                                      bool follow,
                                      struct wasi_stat *ret_stat)
{
    enum device_node node;
    (void)follow;
    enum wasi_errno error = device_walk(place, &node);
    return error == WASI_SUCCESS ? device_stat(context, node, ret_stat) : error;
}

static enum wasi_errno device_list(void *context,
                                   uint64_t node,
                                   uint64_t cookie,
                                   bool (*visit)(void *context, const struct wasi_entry *entry),
                                   void *visit_context)
{
    (void)context;
    if (node != DEVICE_ROOT)
        return WASI_NOTDIR;
    for (uint64_t i = cookie; i < DEVICE_COUNT; i++) {
        const struct wasi_entry entry = {.next = i + 1,
                                         .ino = i + 1,
                                         .type = device_type(i),
                                         .name = bytes_of_text(device_names[i])};
        if (!visit(visit_context, &entry))
            break;
    }
    return WASI_SUCCESS;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The part of `text`, which lies at `at` of a file, that is wanted from `offset` on: appended. */
static void
device_take(struct bytes text, uint64_t at, uint64_t offset, struct bytes space, size_t *count)
{
    uint64_t skip = offset + *count > at ? offset + *count - at : 0;
    if (skip >= text.count || *count == space.count)
        return;
    size_t some = MIN((size_t)(text.count - skip), space.count - *count);
    memcpy((uint8_t *)(uintptr_t)space.data + *count, text.data + skip, some);
    *count += some;
}

static enum wasi_errno device_read_environ(struct hostapi_host *host,
                                           uint64_t offset,
                                           struct bytes space,
                                           size_t *ret_count)
{
    const struct wasi_texts *texts = wasi_args_texts(host, true);
    uint64_t at = 0;
    if (wasi_secrets(host) != WASI_SECRETS_THERE)
        return WASI_IO;
    if (texts == NULL)
        return WASI_NOMEM;
    for (uint32_t i = 0; i < texts->count; i++) {
        device_take(texts->rows[i], at, offset, space, ret_count);
        at += texts->rows[i].count;
        device_take(bytes_make("", 1), at, offset, space, ret_count);
        at++;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno device_read(
    void *context, uint64_t node, uint64_t offset, uint8_t *space, size_t count, size_t *ret_count)
{
    struct hostapi_host *host = context;
    *ret_count = 0;
    if (node == DEVICE_STDIN)
        return WASI_SPIPE; /* only in its order, by fd_read */
    if (node == DEVICE_ENVIRON)
        return device_read_environ(host, offset, bytes_make(space, count), ret_count);
    if (node == DEVICE_EXIT)
        return WASI_SUCCESS; /* on the way to a checkpoint: nothing happens */
    device_take(bytes_of_text(host->request.went_on ? "1\n" : "0\n"), 0, offset,
                bytes_make(space, count), ret_count);
    return WASI_SUCCESS;
}

const struct wasi_tree wasi_device_tree = {
    .freezes = true,
    .open = device_open,
    .close = device_close,
    .stat = device_stat,
    .stat_at = device_stat_at,
    .read = device_read,
    .list = device_list,
};

bool wasi_has_device(const struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    return host->family->has_checkpoint &&
           (exchange == NULL ? host->options.wants_checkpoint : exchange->has_device);
}

void wasi_device_mount(struct hostapi_host *host, struct wasi_mounts *mounts)
{
    if (!wasi_has_device(host))
        return;
    ASSERT(mounts->count < WASI_MOUNTS_MAX);
    mounts->rows[mounts->count++] = (struct wasi_mount){
        .tree = &wasi_device_tree, .context = host, .name = bytes_of_text(DEVICE_NAME)};
}
