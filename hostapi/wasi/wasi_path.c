/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that name a path below a directory. Here a path becomes one that trees may see: it is there
 * in memory, not too long, UTF-8, without a NUL, and relative. Where it leads is the tree's.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

#define PATH_LOOKUP_FOLLOW 1u
#define PATH_OFLAGS        (WASI_OFLAG_CREAT | WASI_OFLAG_DIRECTORY | WASI_OFLAG_EXCL | WASI_OFLAG_TRUNC)
#define PATH_FDFLAGS                                                                               \
    (WASI_FDFLAG_APPEND | WASI_FDFLAG_DSYNC | WASI_FDFLAG_NONBLOCK | WASI_FDFLAG_RSYNC |           \
     WASI_FDFLAG_SYNC)
/* What makes a descriptor one that is written to. */
#define PATH_WRITES                                                                                \
    (WASI_RIGHT(FD_WRITE) | WASI_RIGHT(FD_ALLOCATE) | WASI_RIGHT(FD_FILESTAT_SET_SIZE))

/* What nobody has of a tree that cannot be written to. */
#define PATH_CHANGES                                                                               \
    (WASI_RIGHT(PATH_CREATE_DIRECTORY) | WASI_RIGHT(PATH_LINK_TARGET) |                            \
     WASI_RIGHT(PATH_LINK_SOURCE) | WASI_RIGHT(PATH_RENAME_SOURCE) |                               \
     WASI_RIGHT(PATH_RENAME_TARGET) | WASI_RIGHT(PATH_FILESTAT_SET_TIMES) |                        \
     WASI_RIGHT(PATH_SYMLINK) | WASI_RIGHT(PATH_REMOVE_DIRECTORY) | WASI_RIGHT(PATH_UNLINK_FILE))

/* A path in a guest's memory, copied: the guest may have another call's result land on it. */
struct path_arg {
    const struct wasi_mount *mount;
    const struct wasi_fd *row;
    struct wasi_place place;
    uint8_t text[WASI_PATH_BYTES_MAX];
};

static enum wasi_errno path_text(struct engine_host_call *call, uint32_t at, struct path_arg *arg)
{
    struct bytes text;
    if (!guest_mem_view(call->instance, call->slots[at].i32, call->slots[at + 1].i32, &text))
        return WASI_FAULT;
    if (text.count > WASI_PATH_BYTES_MAX)
        return WASI_NAMETOOLONG;
    hostcalls_charge_bytes(call, text.count);
    if (text.count == 0)
        return WASI_NOENT;
    if (memchr(text.data, '\0', text.count) != NULL || !bytes_is_utf8(text))
        return WASI_ILSEQ;
    memcpy(arg->text, text.data, text.count);
    arg->place.path = bytes_make(arg->text, text.count);
    return WASI_SUCCESS;
}

/* The directory of slot `fd_at` and the path that begins at slot `path_at`. */
static enum wasi_errno path_take(struct hostapi_host *host,
                                 struct engine_host_call *call,
                                 uint32_t fd_at,
                                 uint32_t path_at,
                                 uint64_t rights,
                                 struct path_arg *arg)
{
    enum wasi_errno error;
    arg->row = wasi_fd_node(host, call->slots[fd_at].i32, 0, WASI_NOTDIR, &error);
    if (arg->row == NULL)
        return error;
    if (arg->row->type != WASI_FILETYPE_DIRECTORY)
        return WASI_NOTDIR;
    arg->mount = wasi_fds_mount(&wasi_state(host)->fds, arg->row);
    if ((arg->row->rights & rights) != rights)
        return !arg->mount->writes && (rights & PATH_CHANGES) != 0 ? WASI_ROFS : WASI_NOTCAPABLE;
    arg->place.dir = arg->row->node;
    error = path_text(call, path_at, arg);
    return error == WASI_SUCCESS && arg->text[0] == '/' ? WASI_NOTCAPABLE : error;
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum wasi_errno path_open_flags(struct engine_host_call *call,
                                       const struct path_arg *arg,
                                       struct wasi_open *ret_wanted,
                                       struct wasi_fd *ret_row)
{
    const struct wasi_fd *dir = arg->row;
    uint64_t rights = call->slots[5].i64;
    *ret_wanted =
        (struct wasi_open){.oflags = call->slots[4].i32,
                           .fdflags = call->slots[7].i32,
                           .follow = (call->slots[1].i32 & PATH_LOOKUP_FOLLOW) != 0,
                           .reads = (rights & (WASI_RIGHT(FD_READ) | WASI_RIGHT(FD_READDIR))) != 0,
                           .writes = (rights & PATH_WRITES) != 0};
    if ((ret_wanted->oflags & ~PATH_OFLAGS) != 0 || (ret_wanted->fdflags & ~PATH_FDFLAGS) != 0 ||
        (ret_wanted->oflags & (WASI_OFLAG_CREAT | WASI_OFLAG_DIRECTORY)) ==
            (WASI_OFLAG_CREAT | WASI_OFLAG_DIRECTORY))
        return WASI_INVAL;
    if ((ret_wanted->oflags & WASI_OFLAG_DIRECTORY) != 0 && ret_wanted->writes)
        return WASI_ISDIR;
    if (!arg->mount->writes &&
        (ret_wanted->writes || (ret_wanted->oflags & (WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC)) != 0))
        return WASI_ROFS;
    uint64_t needed = WASI_RIGHT(PATH_OPEN);
    if ((ret_wanted->oflags & WASI_OFLAG_CREAT) != 0)
        needed |= WASI_RIGHT(PATH_CREATE_FILE);
    if ((ret_wanted->oflags & WASI_OFLAG_TRUNC) != 0)
        needed |= WASI_RIGHT(PATH_FILESTAT_SET_SIZE);
    if ((dir->rights & needed) != needed ||
        (ret_wanted->writes && (dir->inherited & PATH_WRITES & rights) == 0))
        return WASI_NOTCAPABLE;
    *ret_row = (struct wasi_fd){.kind = WASI_FD_NODE,
                                .of = dir->of,
                                .flags = (uint16_t)ret_wanted->fdflags,
                                .rights = rights & dir->inherited,
                                .inherited = call->slots[6].i64 & dir->inherited};
    return WASI_SUCCESS;
}

enum engine_outcome wasi_path_open(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg arg;
    struct wasi_open wanted;
    struct wasi_fd row;
    enum wasi_filetype type = WASI_FILETYPE_UNKNOWN;
    uint8_t *space;
    uint32_t fd;
    enum wasi_errno error = path_take(host, call, 0, 2, 0, &arg);
    if (error == WASI_SUCCESS)
        error = path_open_flags(call, &arg, &wanted, &row);
    if (error == WASI_SUCCESS && !guest_mem_space(call->instance, call->slots[8].i32, 4, &space))
        error = WASI_FAULT;
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = arg.mount;
    error = mount->tree->open(mount->context, &arg.place, &wanted, &row.node, &type);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    row.type = (uint8_t)type;
    row.rights &= wasi_fds_rights(type);
    error = wasi_fds_add(host, &row, &fd);
    if (error != WASI_SUCCESS) {
        if (row.node != 0)
            mount->tree->close(mount->context, row.node);
        return wasi_answer(call, error);
    }
    guest_mem_store_u32(space, fd);
    return wasi_answer(call, WASI_SUCCESS);
}

/* ---- what is there --------------------------------------------------------------------------- */

static enum engine_outcome
path_filestat(struct hostapi_host *host, struct engine_host_call *call, bool is_p0)
{
    struct path_arg arg;
    struct wasi_stat stat;
    uint8_t *space;
    enum wasi_errno error = path_take(host, call, 0, 2, WASI_RIGHT(PATH_FILESTAT_GET), &arg);
    if (error == WASI_SUCCESS &&
        !guest_mem_space(call->instance, call->slots[4].i32,
                         is_p0 ? WASI_FILESTAT_P0_BYTES : WASI_FILESTAT_BYTES, &space))
        error = WASI_FAULT;
    if (error == WASI_SUCCESS)
        error = arg.mount->tree->stat_at(arg.mount->context, &arg.place,
                                         (call->slots[1].i32 & PATH_LOOKUP_FOLLOW) != 0, &stat);
    if (error == WASI_SUCCESS)
        wasi_store_stat(space, &stat, is_p0);
    return wasi_answer(call, error);
}

enum engine_outcome wasi_path_filestat_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return path_filestat(host, call, false);
}

enum engine_outcome wasi_path_filestat_get_p0(struct hostapi_host *host,
                                              struct engine_host_call *call)
{
    return path_filestat(host, call, true);
}

enum engine_outcome wasi_path_readlink(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg arg;
    uint8_t *space;
    uint8_t *ret_count;
    size_t count = 0;
    enum wasi_errno error = path_take(host, call, 0, 1, WASI_RIGHT(PATH_READLINK), &arg);
    if (error == WASI_SUCCESS &&
        (!guest_mem_space(call->instance, call->slots[3].i32, call->slots[4].i32, &space) ||
         !guest_mem_space(call->instance, call->slots[5].i32, 4, &ret_count)))
        error = WASI_FAULT;
    if (error == WASI_SUCCESS && arg.mount->tree->read_link == NULL)
        error = WASI_INVAL; /* it has no links */
    if (error == WASI_SUCCESS && call->slots[4].i32 > 0)
        error = arg.mount->tree->read_link(arg.mount->context, &arg.place, space,
                                           call->slots[4].i32, &count);
    if (error == WASI_SUCCESS)
        guest_mem_store_u32(ret_count, (uint32_t)count);
    return wasi_answer(call, error);
}

/* ---- changes --------------------------------------------------------------------------------- */

enum engine_outcome wasi_path_filestat_set_times(struct hostapi_host *host,
                                                 struct engine_host_call *call)
{
    struct path_arg arg;
    const struct wasi_times times = {
        .atim_ns = call->slots[4].i64, .mtim_ns = call->slots[5].i64, .flags = call->slots[6].i32};
    enum wasi_errno error = path_take(host, call, 0, 2, WASI_RIGHT(PATH_FILESTAT_SET_TIMES), &arg);
    if (error == WASI_SUCCESS && !wasi_times_valid(&times))
        error = WASI_INVAL;
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = arg.mount;
    bool follow = (call->slots[1].i32 & PATH_LOOKUP_FOLLOW) != 0;
    return wasi_answer(call,
                       mount->tree->set_times_at == NULL
                           ? WASI_ROFS
                           : mount->tree->set_times_at(mount->context, &arg.place, follow, &times));
}

typedef enum wasi_errno path_change(void *tree, const struct wasi_place *place);

static enum engine_outcome path_change_one(struct engine_host_call *call,
                                           const struct path_arg *arg,
                                           enum wasi_errno error,
                                           path_change *change)
{
    if (error == WASI_SUCCESS)
        error = change == NULL ? WASI_ROFS : change(arg->mount->context, &arg->place);
    return wasi_answer(call, error);
}

enum engine_outcome wasi_path_create_directory(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    struct path_arg arg = {.mount = NULL};
    enum wasi_errno error = path_take(host, call, 0, 1, WASI_RIGHT(PATH_CREATE_DIRECTORY), &arg);
    return path_change_one(call, &arg, error,
                           arg.mount == NULL ? NULL : arg.mount->tree->make_directory);
}

enum engine_outcome wasi_path_remove_directory(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    struct path_arg arg = {.mount = NULL};
    enum wasi_errno error = path_take(host, call, 0, 1, WASI_RIGHT(PATH_REMOVE_DIRECTORY), &arg);
    return path_change_one(call, &arg, error,
                           arg.mount == NULL ? NULL : arg.mount->tree->remove_directory);
}

enum engine_outcome wasi_path_unlink_file(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg arg = {.mount = NULL};
    enum wasi_errno error = path_take(host, call, 0, 1, WASI_RIGHT(PATH_UNLINK_FILE), &arg);
    return path_change_one(call, &arg, error, arg.mount == NULL ? NULL : arg.mount->tree->unlink);
}

/* Both ends of a rename or a link are of one tree. */
static enum engine_outcome path_change_two(struct engine_host_call *call,
                                           const struct path_arg *from,
                                           const struct path_arg *to,
                                           enum wasi_errno (*change)(void *,
                                                                     const struct wasi_place *,
                                                                     const struct wasi_place *))
{
    if (from->mount != to->mount)
        return wasi_answer(call, WASI_XDEV);
    return wasi_answer(
        call, change == NULL ? WASI_ROFS : change(from->mount->context, &from->place, &to->place));
}

enum engine_outcome wasi_path_rename(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg from;
    struct path_arg to;
    enum wasi_errno error = path_take(host, call, 0, 1, WASI_RIGHT(PATH_RENAME_SOURCE), &from);
    if (error == WASI_SUCCESS)
        error = path_take(host, call, 3, 4, WASI_RIGHT(PATH_RENAME_TARGET), &to);
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    return path_change_two(call, &from, &to, from.mount->tree->rename);
}

/* To link what a symbolic link leads to could link what is outside. */
enum engine_outcome wasi_path_link(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg from;
    struct path_arg to;
    enum wasi_errno error = path_take(host, call, 0, 2, WASI_RIGHT(PATH_LINK_SOURCE), &from);
    if (error == WASI_SUCCESS)
        error = path_take(host, call, 4, 5, WASI_RIGHT(PATH_LINK_TARGET), &to);
    if (error == WASI_SUCCESS && (call->slots[1].i32 & PATH_LOOKUP_FOLLOW) != 0)
        error = WASI_INVAL;
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    return path_change_two(call, &from, &to, from.mount->tree->link);
}

/* The text of a link is not looked at before it is followed; an absolute one never can be. */
enum engine_outcome wasi_path_symlink(struct hostapi_host *host, struct engine_host_call *call)
{
    struct path_arg text;
    struct path_arg arg;
    enum wasi_errno error = path_take(host, call, 2, 3, WASI_RIGHT(PATH_SYMLINK), &arg);
    if (error == WASI_SUCCESS)
        error = path_text(call, 0, &text);
    if (error == WASI_SUCCESS && text.text[0] == '/')
        error = WASI_NOTCAPABLE;
    if (error != WASI_SUCCESS)
        return wasi_answer(call, error);
    const struct wasi_mount *mount = arg.mount;
    return wasi_answer(call,
                       mount->tree->symlink == NULL
                           ? WASI_ROFS
                           : mount->tree->symlink(mount->context, text.place.path, &arg.place));
}
