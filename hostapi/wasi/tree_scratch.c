/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch space of a request: folders and files in memory, of bounded size, gone with the
 * request. There are no links, and so no way that leads out but `..`.
 *
 * A node is its place in an array. One that was removed while a descriptor leads to it stays until
 * that is closed, without a name.
 */
#include <stdlib.h>

#include "hostapi/wasi/tree_files.h"

#define SCRATCH_DEV         2
#define SCRATCH_ROOT        0
#define SCRATCH_NONE        UINT32_MAX
#define SCRATCH_NODES_MAX   65536
#define SCRATCH_COOKIE_DOTS 2 /* cookies: 1 after `.`, 2 after `..`, then 2 + node */
#define SCRATCH_GROWTH      4096

struct scratch_node {
    uint8_t *data; /* owned, as the next */
    uint8_t *name;
    uint64_t size;
    uint64_t capacity;
    uint64_t atim_ns;
    uint64_t mtim_ns;
    uint32_t parent; /* NONE: removed */
    uint32_t opens;
    uint16_t name_bytes;
    bool is_used;
    bool is_folder;
};

static uint64_t scratch_left(const struct wasi_scratch *scratch)
{
    return scratch->bytes_max - MIN(scratch->bytes, scratch->bytes_max);
}

static struct scratch_node *scratch_node(const struct wasi_scratch *scratch, uint64_t number)
{
    ASSERT(number < scratch->count && scratch->nodes[number].is_used);
    return &scratch->nodes[number];
}

/* What a node and its name take of the space. */
static uint64_t scratch_price(size_t name_bytes)
{
    return sizeof(struct scratch_node) + name_bytes;
}

/* Modulo 2^64: less is counted as a large amount more. */
static void scratch_count(struct wasi_scratch *scratch, uint64_t more)
{
    scratch->bytes += more;
    if (scratch->used_bytes != NULL)
        *scratch->used_bytes += more;
}

static void scratch_drop(struct wasi_scratch *scratch, struct scratch_node *node)
{
    scratch_count(scratch, -(node->capacity + scratch_price(node->name_bytes)));
    free(node->data);
    free(node->name);
    *node = (struct scratch_node){.is_used = false};
}

static enum wasi_errno scratch_reserve(struct wasi_scratch *scratch)
{
    if (scratch->count < scratch->capacity)
        return WASI_SUCCESS;
    uint32_t capacity = MAX(2 * scratch->capacity, 16);
    if (capacity > SCRATCH_NODES_MAX)
        return WASI_NOSPC;
    struct scratch_node *nodes = reallocarray(scratch->nodes, capacity, sizeof(*nodes));
    if (nodes == NULL)
        return WASI_NOMEM;
    scratch->nodes = nodes;
    scratch->capacity = capacity;
    return WASI_SUCCESS;
}

/* The root is made with the first call that needs it. */
static enum wasi_errno scratch_begin(struct wasi_scratch *scratch)
{
    if (scratch->count > 0)
        return WASI_SUCCESS;
    enum wasi_errno error = scratch_reserve(scratch);
    if (error != WASI_SUCCESS)
        return error;
    scratch->nodes[scratch->count++] = (struct scratch_node){.atim_ns = scratch->born_ns,
                                                             .mtim_ns = scratch->born_ns,
                                                             .parent = SCRATCH_ROOT,
                                                             .is_used = true,
                                                             .is_folder = true};
    return WASI_SUCCESS;
}

static enum wasi_errno scratch_add(struct wasi_scratch *scratch,
                                   uint32_t parent,
                                   struct bytes name,
                                   bool is_folder,
                                   uint32_t *ret_number)
{
    if (name.count > WASI_SEGMENT_BYTES_MAX)
        return WASI_NAMETOOLONG;
    if (scratch_price(name.count) > scratch_left(scratch))
        return WASI_NOSPC;
    uint32_t number = 0;
    while (number < scratch->count && scratch->nodes[number].is_used)
        number++;
    enum wasi_errno error = number == scratch->count ? scratch_reserve(scratch) : WASI_SUCCESS;
    uint8_t *copy = error == WASI_SUCCESS ? malloc(name.count) : NULL;
    if (copy == NULL)
        return error == WASI_SUCCESS ? WASI_NOMEM : error;
    memcpy(copy, name.data, name.count);
    scratch->nodes[number] = (struct scratch_node){.name = copy,
                                                   .name_bytes = (uint16_t)name.count,
                                                   .atim_ns = scratch->born_ns,
                                                   .mtim_ns = scratch->born_ns,
                                                   .parent = parent,
                                                   .is_used = true,
                                                   .is_folder = is_folder};
    scratch->count = MAX(scratch->count, number + 1);
    scratch_count(scratch, scratch_price(name.count));
    *ret_number = number;
    return WASI_SUCCESS;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* Where a path's last segment is, or would be. */
struct scratch_way {
    uint32_t folder;
    struct bytes name; /* empty: the path is the folder itself */
    uint32_t node;     /* NONE: nothing is there */
    bool slash;
};

static uint32_t
scratch_child(const struct wasi_scratch *scratch, uint32_t folder, struct bytes name)
{
    for (uint32_t i = 1; i < scratch->count; i++) {
        const struct scratch_node *node = &scratch->nodes[i];
        if (node->is_used && node->parent == folder &&
            bytes_equal(bytes_make(node->name, node->name_bytes), name))
            return i;
    }
    return SCRATCH_NONE;
}

/* Goes into what the last segment named, which has to be a folder. */
static enum wasi_errno scratch_enter(const struct wasi_scratch *scratch, struct scratch_way *way)
{
    if (way->node == SCRATCH_NONE)
        return WASI_NOENT;
    if (!scratch->nodes[way->node].is_folder)
        return WASI_NOTDIR;
    way->folder = way->node;
    way->name = bytes_make(NULL, 0);
    return WASI_SUCCESS;
}

static enum wasi_errno
scratch_walk(struct wasi_scratch *scratch, const struct wasi_place *place, struct scratch_way *way)
{
    struct bytes path = place->path;
    struct bytes segment;
    enum wasi_errno error = scratch_begin(scratch);
    if (error != WASI_SUCCESS)
        return error;
    *way = (struct scratch_way){.folder = (uint32_t)place->dir,
                                .node = (uint32_t)place->dir,
                                .slash = path.count > 0 && path.data[path.count - 1] == '/'};
    if (scratch->nodes[way->folder].parent == SCRATCH_NONE)
        return WASI_NOENT;
    while (error == WASI_SUCCESS && wasi_next_segment(&path, &segment)) {
        error = scratch_enter(scratch, way);
        if (error != WASI_SUCCESS || bytes_equal_text(segment, "."))
            continue;
        if (bytes_equal_text(segment, "..")) {
            error = way->folder == SCRATCH_ROOT ? WASI_NOTCAPABLE : WASI_SUCCESS;
            way->folder = way->node = scratch->nodes[way->folder].parent;
            continue;
        }
        way->name = segment;
        way->node = scratch_child(scratch, way->folder, segment);
    }
    if (error == WASI_SUCCESS && way->slash && way->node != SCRATCH_NONE &&
        !scratch->nodes[way->node].is_folder)
        error = WASI_NOTDIR;
    return error;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Room for so many bytes; what is new is zeros. */
static enum wasi_errno
scratch_grow(struct wasi_scratch *scratch, struct scratch_node *node, uint64_t size)
{
    if (size > node->capacity) {
        uint64_t most = node->capacity + scratch_left(scratch);
        if (size > most)
            return WASI_NOSPC;
        uint64_t capacity = MIN(MAX(2 * node->capacity, ALIGN_UP(size, SCRATCH_GROWTH)), most);
        uint8_t *data = realloc(node->data, capacity);
        if (data == NULL)
            return WASI_NOMEM;
        memset(data + node->capacity, 0, capacity - node->capacity);
        scratch_count(scratch, capacity - node->capacity);
        node->data = data;
        node->capacity = capacity;
    }
    node->size = MAX(node->size, size);
    return WASI_SUCCESS;
}

static enum wasi_errno scratch_resize(void *tree, uint64_t number, uint64_t bytes)
{
    struct scratch_node *node = scratch_node(tree, number);
    if (node->is_folder)
        return WASI_ISDIR;
    if (bytes < node->size)
        memset(node->data + bytes, 0, node->size - bytes);
    node->size = MIN(node->size, bytes);
    return scratch_grow(tree, node, bytes);
}

static enum wasi_errno
scratch_allocate(void *tree, uint64_t number, uint64_t offset, uint64_t bytes)
{
    struct scratch_node *node = scratch_node(tree, number);
    return node->is_folder ? WASI_ISDIR : scratch_grow(tree, node, offset + bytes);
}

static enum wasi_errno scratch_read(
    void *tree, uint64_t number, uint64_t offset, uint8_t *space, size_t count, size_t *ret_count)
{
    const struct scratch_node *node = scratch_node(tree, number);
    *ret_count = (size_t)MIN((uint64_t)count, node->size - MIN(offset, node->size));
    if (*ret_count > 0)
        memcpy(space, node->data + offset, *ret_count);
    return WASI_SUCCESS;
}

static enum wasi_errno scratch_write(void *tree,
                                     uint64_t number,
                                     bool append,
                                     uint64_t *offset,
                                     struct bytes data,
                                     size_t *ret_count)
{
    struct scratch_node *node = scratch_node(tree, number);
    uint64_t at = append ? node->size : *offset;
    if (data.count > UINT64_MAX / 2 - MIN(at, UINT64_MAX / 2))
        return WASI_FBIG;
    enum wasi_errno error = scratch_grow(tree, node, at + data.count);
    if (error != WASI_SUCCESS)
        return error;
    memcpy(node->data + at, data.data, data.count);
    *offset = at;
    *ret_count = data.count;
    return WASI_SUCCESS;
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum wasi_errno scratch_open(void *tree,
                                    const struct wasi_place *place,
                                    const struct wasi_open *wanted,
                                    uint64_t *ret_node,
                                    enum wasi_filetype *ret_type)
{
    struct wasi_scratch *scratch = tree;
    struct scratch_way way;
    bool creates = (wanted->oflags & WASI_OFLAG_CREAT) != 0;
    enum wasi_errno error = scratch_walk(scratch, place, &way);
    if (error != WASI_SUCCESS)
        return error;
    if (way.node == SCRATCH_NONE) {
        error = !creates ? WASI_NOENT : way.slash ? WASI_ISDIR : WASI_SUCCESS;
        if (error == WASI_SUCCESS)
            error = scratch_add(scratch, way.folder, way.name, false, &way.node);
    } else if (creates && (wanted->oflags & WASI_OFLAG_EXCL) != 0) {
        error = WASI_EXIST;
    }
    if (error != WASI_SUCCESS)
        return error;
    struct scratch_node *node = scratch_node(scratch, way.node);
    if (node->is_folder && (wanted->writes || creates))
        return WASI_ISDIR;
    if (!node->is_folder && (wanted->oflags & WASI_OFLAG_DIRECTORY) != 0)
        return WASI_NOTDIR;
    if ((wanted->oflags & WASI_OFLAG_TRUNC) != 0 && !node->is_folder)
        (void)scratch_resize(scratch, way.node, 0);
    node->opens++;
    *ret_node = way.node;
    *ret_type = node->is_folder ? WASI_FILETYPE_DIRECTORY : WASI_FILETYPE_REGULAR_FILE;
    return WASI_SUCCESS;
}

static void scratch_close(void *tree, uint64_t number)
{
    struct scratch_node *node = scratch_node(tree, number);
    node->opens -= node->opens > 0 ? 1 : 0;
    if (node->opens == 0 && node->parent == SCRATCH_NONE)
        scratch_drop(tree, node);
}

static enum wasi_errno scratch_stat(void *tree, uint64_t number, struct wasi_stat *ret_stat)
{
    enum wasi_errno error = scratch_begin(tree);
    if (error != WASI_SUCCESS)
        return error;
    const struct scratch_node *node = scratch_node(tree, number);
    *ret_stat = (struct wasi_stat){.dev = SCRATCH_DEV,
                                   .ino = number + 1,
                                   .nlink = node->parent == SCRATCH_NONE ? 0 : 1,
                                   .size = node->size,
                                   .atim_ns = node->atim_ns,
                                   .mtim_ns = node->mtim_ns,
                                   .ctim_ns = node->mtim_ns,
                                   .type = node->is_folder ? WASI_FILETYPE_DIRECTORY
                                                           : WASI_FILETYPE_REGULAR_FILE};
    return WASI_SUCCESS;
}

static enum wasi_errno
scratch_stat_at(void *tree, const struct wasi_place *place, bool follow, struct wasi_stat *ret_stat)
{
    struct scratch_way way;
    (void)follow; /* there are no links */
    enum wasi_errno error = scratch_walk(tree, place, &way);
    if (error == WASI_SUCCESS && way.node == SCRATCH_NONE)
        error = WASI_NOENT;
    return error == WASI_SUCCESS ? scratch_stat(tree, way.node, ret_stat) : error;
}

static void scratch_set(const struct wasi_scratch *scratch,
                        struct scratch_node *node,
                        const struct wasi_times *times)
{
    if ((times->flags & (WASI_FSTFLAG_ATIM | WASI_FSTFLAG_ATIM_NOW)) != 0)
        node->atim_ns = (times->flags & WASI_FSTFLAG_ATIM) != 0 ? times->atim_ns : scratch->born_ns;
    if ((times->flags & (WASI_FSTFLAG_MTIM | WASI_FSTFLAG_MTIM_NOW)) != 0)
        node->mtim_ns = (times->flags & WASI_FSTFLAG_MTIM) != 0 ? times->mtim_ns : scratch->born_ns;
}

static enum wasi_errno
scratch_set_times(void *tree, uint64_t number, const struct wasi_times *times)
{
    enum wasi_errno error = scratch_begin(tree);
    if (error == WASI_SUCCESS)
        scratch_set(tree, scratch_node(tree, number), times);
    return error;
}

static enum wasi_errno scratch_set_times_at(void *tree,
                                            const struct wasi_place *place,
                                            bool follow,
                                            const struct wasi_times *times)
{
    struct scratch_way way;
    (void)follow;
    enum wasi_errno error = scratch_walk(tree, place, &way);
    if (error == WASI_SUCCESS && way.node == SCRATCH_NONE)
        error = WASI_NOENT;
    if (error == WASI_SUCCESS)
        scratch_set(tree, scratch_node(tree, way.node), times);
    return error;
}

/* ---- names ----------------------------------------------------------------------------------- */

static enum wasi_errno scratch_list(void *tree,
                                    uint64_t number,
                                    uint64_t cookie,
                                    bool (*visit)(void *context, const struct wasi_entry *entry),
                                    void *context)
{
    struct wasi_scratch *scratch = tree;
    enum wasi_errno error = scratch_begin(scratch);
    if (error != WASI_SUCCESS)
        return error;
    for (uint64_t i = cookie; i < SCRATCH_COOKIE_DOTS; i++) {
        const struct wasi_entry dots = {.next = i + 1,
                                        .ino = number + 1,
                                        .type = WASI_FILETYPE_DIRECTORY,
                                        .name = bytes_of_text(i == 0 ? "." : "..")};
        if (!visit(context, &dots))
            return WASI_SUCCESS;
    }
    uint64_t from = cookie < SCRATCH_COOKIE_DOTS ? 0 : cookie - SCRATCH_COOKIE_DOTS;
    for (uint64_t i = MAX(from, (uint64_t)1); i < scratch->count; i++) {
        const struct scratch_node *node = &scratch->nodes[i];
        if (!node->is_used || node->parent != number)
            continue;
        const struct wasi_entry entry = {.next = SCRATCH_COOKIE_DOTS + i + 1,
                                         .ino = i + 1,
                                         .type = node->is_folder ? WASI_FILETYPE_DIRECTORY
                                                                 : WASI_FILETYPE_REGULAR_FILE,
                                         .name = bytes_make(node->name, node->name_bytes)};
        if (!visit(context, &entry))
            break;
    }
    return WASI_SUCCESS;
}

static enum wasi_errno scratch_make_directory(void *tree, const struct wasi_place *place)
{
    struct scratch_way way;
    uint32_t number;
    enum wasi_errno error = scratch_walk(tree, place, &way);
    if (error == WASI_SUCCESS && way.node != SCRATCH_NONE)
        error = WASI_EXIST;
    return error == WASI_SUCCESS ? scratch_add(tree, way.folder, way.name, true, &number) : error;
}

static bool scratch_is_empty(const struct wasi_scratch *scratch, uint32_t folder)
{
    for (uint32_t i = 1; i < scratch->count; i++) {
        if (scratch->nodes[i].is_used && scratch->nodes[i].parent == folder)
            return false;
    }
    return true;
}

static void scratch_remove(struct wasi_scratch *scratch, uint32_t number)
{
    struct scratch_node *node = &scratch->nodes[number];
    node->parent = SCRATCH_NONE;
    if (node->opens == 0)
        scratch_drop(scratch, node);
}

/* What a path names by its last segment, and of which kind; else why it cannot be removed. */
static enum wasi_errno scratch_find(struct wasi_scratch *scratch,
                                    const struct wasi_place *place,
                                    bool is_folder,
                                    uint32_t *ret_number)
{
    struct scratch_way way;
    enum wasi_errno error = scratch_walk(scratch, place, &way);
    if (error != WASI_SUCCESS)
        return error;
    if (way.node == SCRATCH_NONE)
        return WASI_NOENT;
    if (scratch->nodes[way.node].is_folder != is_folder)
        return is_folder ? WASI_NOTDIR : WASI_ISDIR;
    if (way.name.count == 0)
        return WASI_INVAL;
    *ret_number = way.node;
    return WASI_SUCCESS;
}

static enum wasi_errno scratch_remove_directory(void *tree, const struct wasi_place *place)
{
    uint32_t number;
    enum wasi_errno error = scratch_find(tree, place, true, &number);
    if (error == WASI_SUCCESS && !scratch_is_empty(tree, number))
        error = WASI_NOTEMPTY;
    if (error == WASI_SUCCESS)
        scratch_remove(tree, number);
    return error;
}

static enum wasi_errno scratch_unlink(void *tree, const struct wasi_place *place)
{
    uint32_t number;
    enum wasi_errno error = scratch_find(tree, place, false, &number);
    if (error == WASI_SUCCESS)
        scratch_remove(tree, number);
    return error;
}

/* May `from` take the place that `to` names? */
static enum wasi_errno scratch_check_rename(const struct wasi_scratch *scratch,
                                            const struct scratch_way *from,
                                            const struct scratch_way *to)
{
    if (from->node == SCRATCH_NONE)
        return WASI_NOENT;
    if (from->name.count == 0 || to->name.count == 0)
        return WASI_BUSY;
    bool is_folder = scratch->nodes[from->node].is_folder;
    for (uint32_t at = to->folder; is_folder && at != SCRATCH_ROOT;
         at = scratch->nodes[at].parent) {
        if (at == from->node)
            return WASI_INVAL;
    }
    if (to->node == SCRATCH_NONE)
        return to->slash && !is_folder ? WASI_NOTDIR : WASI_SUCCESS;
    if (to->node == from->node)
        return WASI_SUCCESS; /* [POSIX rename]: nothing is done, be it empty or not */
    if (is_folder != scratch->nodes[to->node].is_folder)
        return is_folder ? WASI_NOTDIR : WASI_ISDIR;
    return is_folder && !scratch_is_empty(scratch, to->node) ? WASI_NOTEMPTY : WASI_SUCCESS;
}

static enum wasi_errno
scratch_rename(void *tree, const struct wasi_place *from_place, const struct wasi_place *to_place)
{
    struct wasi_scratch *scratch = tree;
    struct scratch_way from;
    struct scratch_way to;
    enum wasi_errno error = scratch_walk(scratch, from_place, &from);
    if (error == WASI_SUCCESS)
        error = scratch_walk(scratch, to_place, &to);
    if (error == WASI_SUCCESS)
        error = scratch_check_rename(scratch, &from, &to);
    if (error != WASI_SUCCESS || from.node == to.node)
        return error;
    struct scratch_node *node = &scratch->nodes[from.node];
    if (to.name.count > WASI_SEGMENT_BYTES_MAX)
        return WASI_NAMETOOLONG;
    uint64_t more = to.name.count > node->name_bytes ? to.name.count - node->name_bytes : 0;
    uint8_t *name = more > scratch_left(scratch) ? NULL : malloc(to.name.count);
    if (name == NULL)
        return WASI_NOSPC;
    memcpy(name, to.name.data, to.name.count);
    if (to.node != SCRATCH_NONE)
        scratch_remove(scratch, to.node);
    free(node->name);
    scratch_count(scratch, (uint64_t)to.name.count - node->name_bytes);
    node->name = name;
    node->name_bytes = (uint16_t)to.name.count;
    node->parent = to.folder;
    return WASI_SUCCESS;
}

static enum wasi_errno
scratch_link(void *tree, const struct wasi_place *from, const struct wasi_place *to)
{
    (void)tree;
    (void)from;
    (void)to;
    return WASI_NOTSUP;
}

static enum wasi_errno
scratch_symlink(void *tree, struct bytes text, const struct wasi_place *place)
{
    (void)tree;
    (void)text;
    (void)place;
    return WASI_NOTSUP;
}

static void scratch_done(void *tree)
{
    struct wasi_scratch *scratch = tree;
    for (uint32_t i = 0; i < scratch->count; i++) {
        free(scratch->nodes[i].data);
        free(scratch->nodes[i].name);
    }
    free(scratch->nodes);
    scratch_count(scratch, -scratch->bytes);
    *scratch =
        (struct wasi_scratch){.bytes_max = scratch->bytes_max, .used_bytes = scratch->used_bytes};
}

const struct wasi_tree wasi_scratch_tree = {
    .open = scratch_open,
    .close = scratch_close,
    .stat = scratch_stat,
    .stat_at = scratch_stat_at,
    .read = scratch_read,
    .write = scratch_write,
    .list = scratch_list,
    .resize = scratch_resize,
    .allocate = scratch_allocate,
    .set_times = scratch_set_times,
    .set_times_at = scratch_set_times_at,
    .make_directory = scratch_make_directory,
    .remove_directory = scratch_remove_directory,
    .unlink = scratch_unlink,
    .rename = scratch_rename,
    .link = scratch_link,
    .symlink = scratch_symlink,
    .done = scratch_done,
};
