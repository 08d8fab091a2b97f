/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks are sorted lists of paths with what stat(2) says of each; two of them are compared by
 * walking along both.
 */
#include "deploy/project/watch.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCH_EVENTS                                                                               \
    (IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO |            \
     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define WATCH_ROOM_FIRST 64
#define WATCH_READ_BYTES 16384

struct watch_file {
    char *path;
    struct timespec changed;
    off_t bytes;
    ino_t inode;
    bool output;
    uint8_t stale_rounds; /* builds in a row that it made stale */
};

enum watch_difference { WATCH_SAME, WATCH_NEW, WATCH_GONE, WATCH_CHANGED };

/* ---- a look ---------------------------------------------------------------------------------- */

static void watch_list_done(struct watch_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->rows[i].path);
    free(list->rows);
    *list = (struct watch_list){0};
}

static bool watch_list_add(struct watch_list *list, const char *path, const struct stat *facts)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? WATCH_ROOM_FIRST : 2 * list->room;
        struct watch_file *rows = reallocarray(list->rows, room, sizeof(*rows));
        if (rows == NULL)
            return false;
        list->rows = rows;
        list->room = room;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return false;
    list->rows[list->count++] = (struct watch_file){
        .path = copy, .changed = facts->st_mtim, .bytes = facts->st_size, .inode = facts->st_ino};
    return true;
}

static bool watch_is_source_name(const char *name)
{
    size_t count = strlen(name);
    return name[0] != '.' && name[0] != '#' && name[count - 1] != '~' &&
           strcmp(name, "target") != 0 && strcmp(name, "node_modules") != 0;
}

static int watch_order(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int watch_order_rows(const void *a, const void *b)
{
    return strcmp(((const struct watch_file *)a)->path, ((const struct watch_file *)b)->path);
}

/* One thing on the way. False: memory, or too many files. */
static bool watch_visit(struct project_watch *watch, FTS *walk, FTSENT *at, struct watch_list *list)
{
    bool skipped = at->fts_level > 0 && !watch_is_source_name(at->fts_name);
    if (skipped && at->fts_info == FTS_D)
        (void)fts_set(walk, at, FTS_SKIP);
    if (skipped)
        return true;
    /* Again and again: for a folder that is watched already, that changes nothing. */
    if (at->fts_info == FTS_D && watch->fd >= 0)
        (void)inotify_add_watch(watch->fd, at->fts_accpath, WATCH_EVENTS);
    if (at->fts_info != FTS_F)
        return true;
    return list->count < PROJECT_FILES_MAX && watch_list_add(list, at->fts_path, at->fts_statp);
}

/* False: memory ran out, or there are too many. What is there then is good as far as it goes. */
static bool watch_look(struct project_watch *watch, struct watch_list *ret_list)
{
    union {
        const char *given;
        char *wanted; /* fts changes it not */
    } root = {.given = watch->root};
    char *roots[] = {root.wanted, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, watch_order);
    bool whole = walk != NULL;
    FTSENT *at;
    *ret_list = (struct watch_list){0};
    while (whole && (at = fts_read(walk)) != NULL)
        whole = watch_visit(watch, walk, at, ret_list);
    if (walk != NULL)
        (void)fts_close(walk);
    if (ret_list->count > 0)
        qsort(ret_list->rows, ret_list->count, sizeof(*ret_list->rows), watch_order_rows);
    return whole;
}

static enum watch_difference watch_compare(const struct watch_file *old,
                                           const struct watch_file *new)
{
    if (old == NULL || new == NULL)
        return old == NULL ? WATCH_NEW : WATCH_GONE;
    bool same = old->inode == new->inode && old->bytes == new->bytes &&
                old->changed.tv_sec == new->changed.tv_sec &&
                old->changed.tv_nsec == new->changed.tv_nsec;
    return same ? WATCH_SAME : WATCH_CHANGED;
}

/* Calls `take` for each path of either list, with NULL where one lacks it. */
static void
watch_walk(struct project_watch *watch,
           struct watch_list *old,
           struct watch_list *new,
           void (*take)(struct project_watch *, struct watch_file *, struct watch_file *, void *),
           void *context)
{
    size_t i = 0;
    size_t j = 0;
    while (i < old->count || j < new->count) {
        int order = i == old->count   ? 1
                    : j == new->count ? -1
                                      : strcmp(old->rows[i].path, new->rows[j].path);
        take(watch, order > 0 ? NULL : &old->rows[i], order < 0 ? NULL : &new->rows[j], context);
        i += order <= 0;
        j += order >= 0;
    }
}

static void watch_name(struct project_watch *watch, const struct watch_file *file)
{
    if (watch->changed[0] != '\0')
        return;
    size_t root = strlen(watch->root);
    const char *path = file->path + (strncmp(file->path, watch->root, root) == 0 ? root : 0);
    path += strspn(path, "/");
    size_t count = MIN(strlen(path), sizeof(watch->changed) - 1);
    memcpy(watch->changed, path, count);
    watch->changed[count] = '\0';
}

/* ---- between builds -------------------------------------------------------------------------- */

static void watch_take_between(struct project_watch *watch,
                               struct watch_file *old,
                               struct watch_file *new,
                               void *context)
{
    bool *changed = context;
    enum watch_difference difference = watch_compare(old, new);
    if (old != NULL && new != NULL)
        new->output = old->output &&difference == WATCH_SAME;
    /* Outputs may be swept away. */
    if (difference == WATCH_SAME || (difference == WATCH_GONE && old->output))
        return;
    *changed = true;
    watch_name(watch, new != NULL ? new : old);
}

bool project_watch_scan(struct project_watch *watch)
{
    struct watch_list now;
    bool changed = false;
    watch->changed[0] = '\0';
    (void)watch_look(watch, &now);
    watch_walk(watch, &watch->files, &now, watch_take_between, &changed);
    watch_list_done(&watch->files);
    watch->files = now;
    return changed;
}

/* ---- while a build runs ---------------------------------------------------------------------- */

void project_watch_begin_build(struct project_watch *watch)
{
    struct watch_list now;
    (void)watch_look(watch, &now);
    for (size_t i = 0, j = 0; i < now.count && j < watch->files.count;) {
        int order = strcmp(now.rows[i].path, watch->files.rows[j].path);
        if (order == 0) {
            now.rows[i].output = watch->files.rows[j].output;
            now.rows[i].stale_rounds = watch->files.rows[j].stale_rounds;
        }
        i += order <= 0;
        j += order >= 0;
    }
    watch_list_done(&watch->before);
    watch->before = now;
}

static void watch_take_stale(struct project_watch *watch,
                             struct watch_file *old,
                             struct watch_file *new,
                             void *context)
{
    bool *stale = context;
    enum watch_difference difference = watch_compare(old, new);
    if (old == NULL || old->output || difference == WATCH_SAME ||
        old->stale_rounds >= PROJECT_STALE_ROUNDS)
        return;
    *stale = true;
    watch_name(watch, old);
}

bool project_watch_is_stale(struct project_watch *watch)
{
    struct watch_list now;
    bool stale = false;
    watch->changed[0] = '\0';
    if (!watch->built)
        return false;
    (void)watch_look(watch, &now);
    watch_walk(watch, &watch->before, &now, watch_take_stale, &stale);
    watch_list_done(&now);
    return stale;
}

static void watch_take_end(struct project_watch *watch,
                           struct watch_file *old,
                           struct watch_file *new,
                           void *context)
{
    bool *stale = context;
    bool changed = watch_compare(old, new) != WATCH_SAME;
    bool output = old != NULL && old->output;
    uint8_t rounds = old == NULL || !changed ? 0 : (uint8_t)(old->stale_rounds + 1);
    if (changed && (old == NULL || !watch->built || rounds > PROJECT_STALE_ROUNDS))
        output = true;
    if (changed && !output) {
        *stale = true;
        watch_name(watch, old);
    }
    if (new == NULL)
        return;
    new->output = output;
    new->stale_rounds = output ? 0 : rounds;
}

bool project_watch_end_build(struct project_watch *watch, bool whole)
{
    struct watch_list now;
    bool stale = false;
    watch->changed[0] = '\0';
    (void)watch_look(watch, &now);
    watch_walk(watch, &watch->before, &now, watch_take_end, &stale);
    watch_list_done(&watch->files);
    watch->files = now;
    watch->built = watch->built || whole;
    return stale;
}

/* ---- inotify --------------------------------------------------------------------------------- */

bool project_watch_drain(struct project_watch *watch, const char *name, bool was)
{
    _Alignas(struct inotify_event) char events[WATCH_READ_BYTES];
    bool writing = was;
    ssize_t count;
    while (watch->fd >= 0 && (count = read(watch->fd, events, sizeof(events))) > 0) {
        for (ssize_t at = 0; at < count;) {
            const struct inotify_event *event = (const void *)(events + at);
            at += (ssize_t)(sizeof(*event) + event->len);
            if (event->len == 0 || strcmp(event->name, name) != 0)
                continue;
            if ((event->mask & IN_MODIFY) != 0)
                writing = true;
            if ((event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE)) != 0)
                writing = false;
        }
    }
    return writing;
}

static void watch_listen(struct project_watch *watch, const char *root)
{
    char folder[4096];
    struct stat facts;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0 || stat(root, &facts) != 0 || S_ISDIR(facts.st_mode))
        return;
    /* A file is given another one's place by its folder. */
    const char *slash = strrchr(root, '/');
    size_t count = slash == NULL ? 1 : (size_t)(slash - root) + 1;
    if (count >= sizeof(folder))
        return;
    memcpy(folder, slash == NULL ? "." : root, count);
    folder[count] = '\0';
    (void)inotify_add_watch(watch->fd, folder, WATCH_EVENTS);
}

enum status project_watch_init(struct project_watch *watch, const char *root, struct report *report)
{
    *watch = (struct project_watch){.root = root, .fd = -1};
    if (access(root, R_OK) != 0)
        return report_errno(report, "cannot read %.300s", root);
    watch_listen(watch, root);
    if (!watch_look(watch, &watch->files)) {
        project_watch_done(watch);
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "%.300s: more than %d files are too many to watch", root,
                           PROJECT_FILES_MAX);
    }
    return STATUS_OK;
}

void project_watch_done(struct project_watch *watch)
{
    watch_list_done(&watch->files);
    watch_list_done(&watch->before);
    if (watch->fd >= 0)
        (void)close(watch->fd);
    watch->fd = -1;
}
