/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logs of functions: what their guests wrote, and what became of them, one JSON object a line.
 *
 *   <data>/logs/<tenant>/<function>.ndjson     the newest; full at logs.size
 *                        <function>.ndjson.1   before it, and so on: logs.files in all
 *
 *   append --> a line with its id --> who follows
 *                    |
 *                    +-- flush --> the file, one write for all of a tick
 *
 * An id is the time of its line in nanoseconds, made unique and never going back within a
 * function: whoever has seen one may ask for what came after it. What cannot be written (a full
 * disk) is lost and counted: nobody waits for a log.
 */
#ifndef SKERRY_DEPLOY_LOGS_LOG_STORE_H
#define SKERRY_DEPLOY_LOGS_LOG_STORE_H

#include "deploy/deploy.h"
#include "engine/base/list.h"

struct log_store;

struct log_store_options {
    const char *data_dir;
    uint64_t file_bytes_max;
    uint32_t files_max; /* of one function, at least 1 */
    uint64_t age_ns_max;
    const struct clock *clock;
};

struct log_store_stats {
    uint64_t lines; /* appended ever */
    uint64_t lost;  /* could not be written */
};

NODISCARD enum status log_store_open(const struct log_store_options *options,
                                     struct report *report,
                                     struct log_store **ret_store);
/* Writes what waits. Accepts NULL. */
void log_store_close(struct log_store *store);

/* Whose log; both names are valid. */
struct log_name {
    struct bytes tenant;
    struct bytes function;
};

/* `line` is one JSON object of at least one member, without an `id` and without a newline. */
void log_store_append(struct log_store *store,
                      const struct log_name *name,
                      enum deploy_log_level level,
                      struct bytes line);
/* Ten times a second: files get what waits for them. */
void log_store_flush(struct log_store *store);
/* Now and then: files grow too old. */
void log_store_sweep(struct log_store *store);
struct log_store_stats log_store_stats(const struct log_store *store);

struct log_query {
    struct log_name name;
    enum deploy_log_level level; /* and more serious ones */
    uint64_t after;              /* ids above it */
    uint32_t limit;              /* the newest so many of them */
};
#define LOG_QUERY_LIMIT_MAX 10000

/* A line with its newline, valid during the call. */
typedef void log_take(void *context, uint64_t id, struct bytes line);
/* Oldest first; nothing for a function that has no log. */
NODISCARD enum status log_store_read(struct log_store *store,
                                     const struct log_query *query,
                                     struct report *report,
                                     log_take *take,
                                     void *context);

/* Is there any of it? */
bool log_store_has(struct log_store *store, const struct log_name *name);

/* Is called with each line that is appended; its owner's, who stops before it goes. */
struct log_watch {
    struct list_link link;
    const char *tenant;
    const char *function;
    enum deploy_log_level level;
    log_take *take;
    void *context;
};
void log_store_watch(struct log_store *store, struct log_watch *watch);
void log_store_unwatch(struct log_watch *watch);

#endif
