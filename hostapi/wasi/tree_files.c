/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a version as a tree. There are only names of files; a folder is what some of them
 * begin with. So a node is a number that means the same in every process:
 *
 *   0                         the root
 *   1 + row                   a file
 *   FOLDER | row | bytes      the folder that is so much of that row's name
 *
 * At most one of the files is open in the system, the one that was read last.
 */
#include "hostapi/wasi/tree_files.h"

#include <errno.h>
#include <unistd.h>

#define FILES_FOLDER      (UINT64_C(1) << 63)
#define FILES_BYTES_BITS  16 /* of the part of a name that a folder is */
#define FILES_DEV         1
#define FILES_COOKIE_DOTS 2 /* cookies: 1 after `.`, 2 after `..`, then 2 + row */
/* The oldest that archives can have: what is in a list has no time. */
#define FILES_TIME_NS UINT64_C(315532800000000000)

_Static_assert(WASI_PATH_BYTES_MAX < 1 << FILES_BYTES_BITS, "a folder's name fits its number");

/* A folder's name is borrowed from a row; a file has its row. */
struct files_node {
    bool is_folder;
    uint32_t row;        /* of a folder: the first that it has */
    struct bytes folder; /* "a/b", "" for the root */
};

static int files_compare(struct bytes a, struct bytes b)
{
    size_t count = MIN(a.count, b.count);
    int order = count == 0 ? 0 : memcmp(a.data, b.data, count);
    return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

/* The first row whose name is not before that one. */
static uint32_t files_lower(const struct hostapi_files *files, struct bytes name)
{
    uint32_t low = 0;
    uint32_t high = files->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (files_compare(files->rows[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool files_begins(struct bytes name, struct bytes folder)
{
    return folder.count == 0 || (name.count > folder.count && name.data[folder.count] == '/' &&
                                 memcmp(name.data, folder.data, folder.count) == 0);
}

/* The first row that is in the folder `name`, which has room for a byte behind it; false: none is.
 */
static bool
files_find_folder(const struct hostapi_files *files, uint8_t *name, size_t count, uint32_t *ret_row)
{
    if (count == 0) {
        *ret_row = 0;
        return true;
    }
    name[count] = '/';
    *ret_row = files_lower(files, bytes_make(name, count + 1));
    return *ret_row < files->count &&
           files_begins(files->rows[*ret_row].name, bytes_make(name, count));
}

/* ---- numbers --------------------------------------------------------------------------------- */

static uint64_t files_number(const struct files_node *node)
{
    if (!node->is_folder)
        return 1 + (uint64_t)node->row;
    if (node->folder.count == 0)
        return 0;
    return FILES_FOLDER | (uint64_t)node->row << FILES_BYTES_BITS | node->folder.count;
}

/* False: the number is no node of this list's. */
static bool
files_node(const struct wasi_file_tree *tree, uint64_t number, struct files_node *ret_node)
{
    const struct hostapi_files *files = tree->files;
    bool is_folder = number == 0 || (number & FILES_FOLDER) != 0;
    if (number == 0) {
        *ret_node = (struct files_node){.is_folder = true};
        return true;
    }
    uint64_t row = is_folder ? (number & ~FILES_FOLDER) >> FILES_BYTES_BITS : number - 1;
    size_t count = number & ((UINT64_C(1) << FILES_BYTES_BITS) - 1);
    if (row >= files->count || (is_folder && count >= files->rows[row].name.count))
        return false;
    *ret_node = (struct files_node){.is_folder = is_folder, .row = (uint32_t)row};
    if (is_folder)
        ret_node->folder = bytes_make(files->rows[row].name.data, count);
    return true;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* A path on its way: what of it is known to be there. */
struct files_way {
    uint8_t name[WASI_PATH_BYTES_MAX + 1]; /* and a slash */
    size_t count;
    struct files_node node;
};

static enum wasi_errno files_up(const struct wasi_file_tree *tree, struct files_way *way)
{
    if (way->count == 0)
        return WASI_NOTCAPABLE;
    while (way->count > 0 && way->name[way->count - 1] != '/')
        way->count--;
    way->count -= way->count > 0 ? 1 : 0;
    bool found = files_find_folder(tree->files, way->name, way->count, &way->node.row);
    ASSERT(found);
    return WASI_SUCCESS;
}

static enum wasi_errno
files_step(const struct wasi_file_tree *tree, struct bytes segment, struct files_way *way)
{
    const struct hostapi_files *files = tree->files;
    if (!way->node.is_folder)
        return WASI_NOTDIR;
    if (bytes_equal_text(segment, "."))
        return WASI_SUCCESS;
    if (bytes_equal_text(segment, ".."))
        return files_up(tree, way);
    size_t begin = way->count + (way->count > 0 ? 1 : 0);
    if (segment.count > WASI_PATH_BYTES_MAX - begin)
        return WASI_NAMETOOLONG;
    if (way->count > 0)
        way->name[way->count] = '/';
    memcpy(way->name + begin, segment.data, segment.count);
    way->count = begin + segment.count;
    uint32_t row = files_lower(files, bytes_make(way->name, way->count));
    if (row < files->count &&
        bytes_equal(files->rows[row].name, bytes_make(way->name, way->count))) {
        way->node = (struct files_node){.row = row};
        return WASI_SUCCESS;
    }
    return files_find_folder(files, way->name, way->count, &way->node.row) ? WASI_SUCCESS
                                                                           : WASI_NOENT;
}

static enum wasi_errno files_walk(const struct wasi_file_tree *tree,
                                  const struct wasi_place *place,
                                  struct files_node *ret_node)
{
    struct files_way way = {.count = 0};
    struct bytes path = place->path;
    struct bytes segment;
    bool slash = path.count > 0 && path.data[path.count - 1] == '/';
    if (!files_node(tree, place->dir, &way.node) || !way.node.is_folder)
        return WASI_NOTDIR;
    way.count = way.node.folder.count;
    if (way.count > 0)
        memcpy(way.name, way.node.folder.data, way.count);
    while (wasi_next_segment(&path, &segment)) {
        enum wasi_errno error = files_step(tree, segment, &way);
        if (error != WASI_SUCCESS)
            return error;
    }
    if (slash && !way.node.is_folder)
        return WASI_NOTDIR;
    *ret_node = way.node;
    if (way.node.is_folder)
        ret_node->folder = way.count == 0
                               ? bytes_make(NULL, 0)
                               : bytes_make(tree->files->rows[way.node.row].name.data, way.count);
    return WASI_SUCCESS;
}

/* ---- the tree -------------------------------------------------------------------------------- */

static enum wasi_errno files_open(void *context,
                                  const struct wasi_place *place,
                                  const struct wasi_open *wanted,
                                  uint64_t *ret_node,
                                  enum wasi_filetype *ret_type)
{
    struct files_node node;
    enum wasi_errno error = files_walk(context, place, &node);
    if (error != WASI_SUCCESS)
        return error;
    if ((wanted->oflags & WASI_OFLAG_DIRECTORY) != 0 && !node.is_folder)
        return WASI_NOTDIR;
    *ret_node = files_number(&node);
    *ret_type = node.is_folder ? WASI_FILETYPE_DIRECTORY : WASI_FILETYPE_REGULAR_FILE;
    return WASI_SUCCESS;
}

static void files_close(void *context, uint64_t number)
{
    (void)context;
    (void)number;
}

static void files_describe(const struct wasi_file_tree *tree,
                           const struct files_node *node,
                           struct wasi_stat *ret_stat)
{
    *ret_stat = (struct wasi_stat){.dev = FILES_DEV,
                                   .ino = files_number(node) + 1,
                                   .nlink = 1,
                                   .size = node->is_folder ? 0 : tree->files->rows[node->row].size,
                                   .atim_ns = FILES_TIME_NS,
                                   .mtim_ns = FILES_TIME_NS,
                                   .ctim_ns = FILES_TIME_NS,
                                   .type = node->is_folder ? WASI_FILETYPE_DIRECTORY
                                                           : WASI_FILETYPE_REGULAR_FILE};
}

static enum wasi_errno files_stat(void *context, uint64_t number, struct wasi_stat *ret_stat)
{
    struct files_node node;
    if (!files_node(context, number, &node))
        return WASI_BADF;
    files_describe(context, &node, ret_stat);
    return WASI_SUCCESS;
}

static enum wasi_errno files_stat_at(void *context,
                                     const struct wasi_place *place,
                                     bool follow,
                                     struct wasi_stat *ret_stat)
{
    struct files_node node;
    (void)follow; /* there are no links */
    enum wasi_errno error = files_walk(context, place, &node);
    if (error == WASI_SUCCESS)
        files_describe(context, &node, ret_stat);
    return error;
}

static void files_forget(struct wasi_file_tree *tree)
{
    if (tree->open_row != 0)
        (void)close(tree->fd);
    tree->open_row = 0;
}

static enum wasi_errno files_read(void *context,
                                  uint64_t number,
                                  uint64_t offset,
                                  uint8_t *space,
                                  size_t count,
                                  size_t *ret_count)
{
    struct wasi_file_tree *tree = context;
    struct files_node node;
    *ret_count = 0;
    if (!files_node(tree, number, &node) || node.is_folder)
        return WASI_BADF;
    const struct hostapi_file *file = &tree->files->rows[node.row];
    if (offset >= file->size)
        return WASI_SUCCESS;
    if (tree->open_row != node.row + 1) {
        files_forget(tree);
        int fd = tree->files->open(tree->files->context, file);
        if (fd < 0)
            return wasi_errno_of(-fd);
        tree->fd = fd;
        tree->open_row = node.row + 1;
    }
    count = (size_t)MIN((uint64_t)count, file->size - offset);
    ssize_t got;
    do {
        got = pread(tree->fd, space, count, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return wasi_errno_of(errno);
    *ret_count = (size_t)got;
    return WASI_SUCCESS;
}

/* The entry that the row is in the folder, and the row after it. */
static struct wasi_entry files_entry(const struct wasi_file_tree *tree,
                                     struct bytes folder,
                                     uint32_t row,
                                     uint32_t *ret_next)
{
    uint8_t after[WASI_PATH_BYTES_MAX + 1];
    const struct hostapi_files *files = tree->files;
    struct bytes name = files->rows[row].name;
    size_t begin = folder.count + (folder.count > 0 ? 1 : 0);
    const uint8_t *slash = memchr(name.data + begin, '/', name.count - begin);
    size_t end = slash == NULL ? name.count : (size_t)(slash - name.data);
    struct files_node node = {.is_folder = slash != NULL, .row = row};
    *ret_next = row + 1;
    if (slash != NULL) {
        uint32_t first;
        memcpy(after, name.data, end);
        (void)files_find_folder(files, after, end, &first);
        node.row = first;
        node.folder = bytes_make(name.data, end);
        after[end] = '/' + 1;
        *ret_next = MAX(files_lower(files, bytes_make(after, end + 1)), row + 1);
    }
    return (struct wasi_entry){.next = FILES_COOKIE_DOTS + (uint64_t)*ret_next,
                               .ino = files_number(&node) + 1,
                               .type = node.is_folder ? WASI_FILETYPE_DIRECTORY
                                                      : WASI_FILETYPE_REGULAR_FILE,
                               .name = bytes_make(name.data + begin, end - begin)};
}

static enum wasi_errno files_list(void *context,
                                  uint64_t number,
                                  uint64_t cookie,
                                  bool (*visit)(void *visitor, const struct wasi_entry *entry),
                                  void *visitor)
{
    const struct wasi_file_tree *tree = context;
    struct files_node node;
    if (!files_node(tree, number, &node) || !node.is_folder)
        return WASI_NOTDIR;
    for (uint64_t i = cookie; i < FILES_COOKIE_DOTS; i++) {
        const struct wasi_entry dots = {.next = i + 1,
                                        .ino = files_number(&node) + 1,
                                        .type = WASI_FILETYPE_DIRECTORY,
                                        .name = bytes_of_text(i == 0 ? "." : "..")};
        if (!visit(visitor, &dots))
            return WASI_SUCCESS;
    }
    uint64_t from = cookie < FILES_COOKIE_DOTS ? 0 : cookie - FILES_COOKIE_DOTS;
    uint32_t row = (uint32_t)MIN(MAX(from, (uint64_t)node.row), (uint64_t)tree->files->count);
    while (row < tree->files->count && files_begins(tree->files->rows[row].name, node.folder)) {
        const struct wasi_entry entry = files_entry(tree, node.folder, row, &row);
        if (!visit(visitor, &entry))
            break;
    }
    return WASI_SUCCESS;
}

static void files_done(void *context)
{
    files_forget(context);
}

const struct wasi_tree wasi_files_tree = {
    .freezes = true,
    .open = files_open,
    .close = files_close,
    .stat = files_stat,
    .stat_at = files_stat_at,
    .read = files_read,
    .list = files_list,
    .done = files_done,
};
