/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs that are written to now are open, at most LOG_OPEN_MAX of them; the one that was written to
 * the longest time ago is closed for another. A line is in memory until the tick's flush.
 */
#include "deploy/logs/log_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/data_dir.h"
#include "deploy/logs/log_file.h"

#define LOG_OPEN_MAX    64
#define LOG_TAIL_BYTES  16384             /* more than a line */
#define LOG_WAITS_BYTES ((size_t)4 << 20) /* of one log between two flushes */

struct log_open {
    struct list_link link; /* the one written to last first */
    int fd;
    uint64_t bytes; /* in the file */
    uint64_t last_id;
    uint32_t waiting_lines;
    struct buffer waiting;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

struct log_store {
    struct log_store_options options;
    int dir_fd;
    struct list open;
    uint32_t open_count;
    struct list watches;
    struct log_store_stats stats;
};

/* ---- one log --------------------------------------------------------------------------------- */

static struct log_name log_open_name(const struct log_open *open)
{
    return (struct log_name){.tenant = bytes_of_text(open->tenant),
                             .function = bytes_of_text(open->function)};
}

static void log_open_file(struct log_store *store, struct log_open *open)
{
    const struct log_name name = log_open_name(open);
    char path[LOG_FILE_PATH_BYTES];
    struct stat facts;
    (void)mkdirat(store->dir_fd, open->tenant, 0700);
    log_file_path(&name, 0, path);
    AUTO_CLOSE int fd = log_file_open(store->dir_fd, path, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0 || fstat(fd, &facts) != 0)
        return;
    open->bytes = (uint64_t)facts.st_size;
    open->fd = fd;
    fd = -1;
}

/* Does its name still mean that file? An operator may move one away, or remove it. */
static bool log_file_is_there(const struct log_store *store, const struct log_open *open)
{
    const struct log_name name = log_open_name(open);
    struct stat facts;
    struct stat named;
    char path[LOG_FILE_PATH_BYTES];
    log_file_path(&name, 0, path);
    return fstatat(store->dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(open->fd, &facts) == 0 && named.st_ino == facts.st_ino &&
           named.st_dev == facts.st_dev;
}

/* Leaves -1 if there is no file to write to. */
static void log_renew_file(struct log_store *store, struct log_open *open)
{
    if (open->fd >= 0 && log_file_is_there(store, open))
        return;
    if (open->fd >= 0)
        (void)close(open->fd);
    open->fd = -1;
    open->bytes = 0;
    log_open_file(store, open);
}

static void log_write_waiting(struct log_store *store, struct log_open *open)
{
    const struct log_name name = log_open_name(open);
    size_t count = open->waiting.count;
    if (count == 0)
        return;
    log_renew_file(store, open);
    ssize_t written = open->fd < 0 ? -1 : write(open->fd, open->waiting.data, count);
    if (written != (ssize_t)count)
        store->stats.lost += open->waiting_lines;
    open->bytes += written > 0 ? (uint64_t)written : 0;
    /* A part of a line would make nonsense of the next. */
    if (written > 0 && (size_t)written < count)
        (void)!write(open->fd, "\n", 1);
    open->waiting.count = 0;
    open->waiting_lines = 0;
    if (open->bytes < store->options.file_bytes_max)
        return;
    /* The next line opens a new one. */
    (void)close(open->fd);
    open->fd = -1;
    open->bytes = 0;
    log_file_rotate(store->dir_fd, &name, store->options.files_max);
}

static void log_open_close(struct log_store *store, struct log_open *open)
{
    log_write_waiting(store, open);
    if (open->fd >= 0)
        (void)close(open->fd);
    list_remove(&open->link);
    store->open_count--;
    buffer_done(&open->waiting);
    free(open);
}

/* The id of the last line that its files have. */
static uint64_t log_last_id(const struct log_store *store, const struct log_name *name)
{
    struct buffer text;
    struct bytes line;
    char path[LOG_FILE_PATH_BYTES];
    uint64_t id = 0;
    buffer_init(&text, LOG_TAIL_BYTES);
    for (uint32_t i = 0; i < 2 && id == 0; i++) {
        log_file_path(name, i, path);
        if (log_file_load(store->dir_fd, path, LOG_TAIL_BYTES, &text) != STATUS_OK)
            break;
        struct bytes rest = buffer_bytes(&text);
        if (log_text_last(&rest, &line))
            id = log_line_id(line);
    }
    buffer_done(&text);
    return id;
}

/* NULL: there is no memory. */
static struct log_open *log_find_open(struct log_store *store, const struct log_name *name)
{
    LIST_FOREACH(open, &store->open, struct log_open, link) {
        if (!bytes_equal_text(name->function, open->function) ||
            !bytes_equal_text(name->tenant, open->tenant))
            continue;
        list_remove(&open->link);
        list_prepend(&store->open, &open->link);
        return open;
    }
    struct log_open *open = calloc(1, sizeof(*open));
    if (open == NULL)
        return NULL;
    if (store->open_count == LOG_OPEN_MAX)
        log_open_close(store, LIST_LAST(&store->open, struct log_open, link));
    open->fd = -1;
    ASSERT(name->tenant.count < sizeof(open->tenant));
    ASSERT(name->function.count < sizeof(open->function));
    memcpy(open->tenant, name->tenant.data, name->tenant.count);
    memcpy(open->function, name->function.data, name->function.count);
    buffer_init(&open->waiting, LOG_WAITS_BYTES);
    open->last_id = log_last_id(store, name);
    list_prepend(&store->open, &open->link);
    store->open_count++;
    return open;
}

/* ---- appending ------------------------------------------------------------------------------- */

static void log_tell_watches(const struct log_store *store,
                             const struct log_open *open,
                             enum deploy_log_level level,
                             struct bytes line)
{
    struct list_link *next;
    for (struct list_link *link = list_first(&store->watches); link != NULL; link = next) {
        const struct log_watch *watch = CONTAINER_OF(link, struct log_watch, link);
        next = list_next(&store->watches, link); /* it may stop */
        if (level >= watch->level && strcmp(watch->function, open->function) == 0 &&
            strcmp(watch->tenant, open->tenant) == 0)
            watch->take(watch->context, open->last_id, line);
    }
}

void log_store_append(struct log_store *store,
                      const struct log_name *name,
                      enum deploy_log_level level,
                      struct bytes line)
{
    struct log_open *open = log_find_open(store, name);
    store->stats.lines++;
    if (open == NULL) {
        store->stats.lost++;
        return;
    }
    open->last_id = MAX(clock_realtime_ns(store->options.clock), open->last_id + 1);
    size_t before = open->waiting.count;
    ASSERT(line.count > 2 && line.data[0] == '{');
    if (buffer_printf(&open->waiting, "{\"id\":\"%" PRIu64 "\",", open->last_id) != STATUS_OK ||
        buffer_append(&open->waiting, line.data + 1, line.count - 1) != STATUS_OK ||
        buffer_append(&open->waiting, "\n", 1) != STATUS_OK) {
        open->waiting.count = before;
        store->stats.lost++;
        return;
    }
    open->waiting_lines++;
    log_tell_watches(store, open, level,
                     bytes_make(open->waiting.data + before, open->waiting.count - before));
}

void log_store_flush(struct log_store *store)
{
    LIST_FOREACH(open, &store->open, struct log_open, link) {
        log_write_waiting(store, open);
    }
}

struct log_store_stats log_store_stats(const struct log_store *store)
{
    return store->stats;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Lines found backwards, to be told forwards. */
struct log_found {
    struct buffer *texts; /* one for each file that was read, as long as the lines are needed */
    struct bytes *lines;
    uint32_t count;
};

/* False: there is no need to look at older ones. */
static bool
log_find_lines(const struct log_query *query, struct bytes text, struct log_found *found)
{
    struct bytes line;
    while (log_text_last(&text, &line)) {
        uint64_t id = log_line_id(line);
        if (id == 0 || log_line_level(line) < query->level)
            continue;
        if (id <= query->after || found->count == query->limit)
            return false;
        found->lines[found->count++] = line;
    }
    return true;
}

static enum status
log_find(const struct log_store *store, const struct log_query *query, struct log_found *found)
{
    char path[LOG_FILE_PATH_BYTES];
    for (uint32_t i = 0; i < store->options.files_max; i++) {
        log_file_path(&query->name, i, path);
        enum status status = log_file_load(store->dir_fd, path, UINT64_MAX, &found->texts[i]);
        if (status != STATUS_OK)
            return status;
        if (!log_find_lines(query, buffer_bytes(&found->texts[i]), found))
            break;
    }
    return STATUS_OK;
}

enum status log_store_read(struct log_store *store,
                           const struct log_query *query,
                           struct report *report,
                           log_take *take,
                           void *context)
{
    uint32_t files = store->options.files_max;
    ASSERT(query->limit <= LOG_QUERY_LIMIT_MAX);
    struct log_found found = {.texts = calloc(files, sizeof(*found.texts)),
                              .lines = calloc(query->limit + 1, sizeof(*found.lines))};
    enum status status = found.texts == NULL || found.lines == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint32_t i = 0; i < files && found.texts != NULL; i++)
        buffer_init(&found.texts[i], 2 * store->options.file_bytes_max + LOG_WAITS_BYTES);
    log_store_flush(store);
    if (status == STATUS_OK)
        status = log_find(store, query, &found);
    for (uint32_t i = found.count; i > 0 && status == STATUS_OK; i--)
        take(context, log_line_id(found.lines[i - 1]), found.lines[i - 1]);
    for (uint32_t i = 0; i < files && found.texts != NULL; i++)
        buffer_done(&found.texts[i]);
    free(found.texts);
    free(found.lines);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "the log cannot be read");
    return STATUS_OK;
}

bool log_store_has(struct log_store *store, const struct log_name *name)
{
    char path[LOG_FILE_PATH_BYTES];
    log_store_flush(store);
    for (uint32_t i = 0; i < store->options.files_max; i++) {
        log_file_path(name, i, path);
        if (faccessat(store->dir_fd, path, R_OK, 0) == 0)
            return true;
    }
    return false;
}

void log_store_watch(struct log_store *store, struct log_watch *watch)
{
    list_append(&store->watches, &watch->link);
}

void log_store_unwatch(struct log_watch *watch)
{
    list_remove(&watch->link);
}

/* ---- age ------------------------------------------------------------------------------------- */

/* Removes what nobody wrote to for too long: its last line is older than all that is kept. */
static void log_sweep_folder(const struct log_store *store, const char *tenant)
{
    struct stat facts;
    const struct dirent *entry;
    int fd = openat(store->dir_fd, tenant, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        base_auto_close(&fd);
        return;
    }
    uint64_t now_ns = clock_realtime_ns(store->options.clock);
    while ((entry = readdir(folder)) != NULL) {
        if (fstatat(fd, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode))
            continue;
        uint64_t last_ns = (uint64_t)facts.st_mtim.tv_sec * CLOCK_NS_PER_S;
        if (last_ns + store->options.age_ns_max < now_ns)
            (void)unlinkat(fd, entry->d_name, 0);
    }
    (void)closedir(folder);
    (void)unlinkat(store->dir_fd, tenant, AT_REMOVEDIR); /* if nothing is left */
}

void log_store_sweep(struct log_store *store)
{
    const struct dirent *entry;
    int fd = openat(store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        base_auto_close(&fd);
        return;
    }
    /* One that is open may be removed: it is opened again. */
    while (!list_is_empty(&store->open))
        log_open_close(store, LIST_LAST(&store->open, struct log_open, link));
    while ((entry = readdir(folder)) != NULL) {
        if (deploy_name_valid(bytes_of_text(entry->d_name)))
            log_sweep_folder(store, entry->d_name);
    }
    (void)closedir(folder);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum status log_store_open(const struct log_store_options *options,
                           struct report *report,
                           struct log_store **ret_store)
{
    char path[CONFIG_PATH_BYTES + 16];
    struct log_store *store = calloc(1, sizeof(*store));
    if (store == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    ASSERT(options->files_max > 0);
    store->options = *options;
    (void)snprintf(path, sizeof(path), "%s/" DATA_DIR_LOGS, options->data_dir);
    store->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (store->dir_fd < 0) {
        free(store);
        return report_errno(report, "cannot open %s", path);
    }
    *ret_store = store;
    return STATUS_OK;
}

void log_store_close(struct log_store *store)
{
    if (store == NULL)
        return;
    ASSERT(list_is_empty(&store->watches));
    while (!list_is_empty(&store->open))
        log_open_close(store, LIST_LAST(&store->open, struct log_open, link));
    (void)close(store->dir_fd);
    free(store);
}
