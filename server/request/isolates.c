/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of news, and what a worker does about one of them: at most one artifact is opened and
 * one isolate made in a turn.
 */
#include "server/request/isolates.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/telemetry/log.h"

#define ISOLATES_HEAR_MAX 16 /* messages at one time */
#define NO_ROOM_LOG_NS    CLOCK_NS_PER_S

/* ---- what they are made from ----------------------------------------------------------------- */

struct isolate_key isolates_key(const struct directory_function *function)
{
    const struct deploy_catalog_entry *entry = &function->entry;
    return (struct isolate_key){
        .function = function->key,
        .version = function->pool_version,
        .reuse = {.requests_max = entry->reuse_requests,
                  .age_max_ns = entry->reuse_us * CLOCK_NS_PER_US},
        .memory_max_bytes = function->limits.memory_bytes,
        .tenant_warm_max = entry->limits.pool,
        .tenant_memory_max_bytes = entry->limits.memory,
        .created_ns = entry->created_ns,
        .generation = function->generation,
    };
}

enum status
isolates_open(void *context, struct report *report, struct isolate_artifact **ret_artifact)
{
    const struct isolates_source *source = context;
    AUTO_CLOSE int fd = -1;
    enum status status =
        deploy_artifact_open(source->data_dir, source->function->entry.artifact_key, report, &fd);
    if (status != STATUS_OK)
        return status;
    status = isolate_artifact_open(fd, false, source->bases, report, ret_artifact);
    if (status == STATUS_OK && source->function->is_threaded)
        isolate_artifact_stay_threaded(*ret_artifact);
    return status;
}

/* A base's name is its artifact's key. */
enum status isolates_open_base(void *data_dir,
                               const uint8_t name[ENGINE_BASE_NAME_BYTES],
                               struct report *report,
                               int *ret_fd)
{
    _Static_assert(ENGINE_BASE_NAME_BYTES == DEPLOY_SHA256_BYTES, "a key is a name");
    return deploy_artifact_open(data_dir, name, report, ret_fd);
}

/* Thousands of requests may meet this in a second: one of them tells. */
static void isolates_no_room(struct isolates_owner *owner,
                             const struct directory_function *function,
                             enum status status,
                             const struct report *report)
{
    uint64_t now_ns = clock_monotonic_ns(owner->clock);
    owner->metrics->starts_failed++;
    if (owner->no_room_ns != 0 && now_ns - owner->no_room_ns < NO_ROOM_LOG_NS)
        return;
    owner->no_room_ns = now_ns;
    log_message("error", "start_failed", "%s: %s%s", function->key_text,
                report->text[0] != '\0' ? report->text : status_text(status),
                status == STATUS_NO_MEMORY
                    ? "; raise vm.max_map_count, or lower pool.total or limits.concurrency: "
                      "see `skerry doctor`"
                    : "");
}

enum status isolates_checkout(struct isolates_owner *owner,
                              const struct directory_function *function,
                              struct report *report,
                              struct isolate_start *ret_start,
                              struct isolate **ret_isolate)
{
    struct isolate_key key = isolates_key(function);
    struct isolates_source source = {
        .data_dir = owner->data_dir, .bases = owner->bases, .function = function};
    struct isolate_opener opener = {.open = isolates_open, .context = &source};
    enum status status =
        isolate_pool_checkout(owner->pool, &key, opener, report, ret_start, ret_isolate);
    if (UNLIKELY(status != STATUS_OK && !isolates_lack_artifact(status)))
        isolates_no_room(owner, function, status, report);
    return status;
}

void isolates_ask_rebuild(struct isolates_owner *owner,
                          const struct directory_function *function,
                          enum status why,
                          const struct report *report)
{
    struct metrics *metrics = owner->metrics;
    const char *event = "artifact_damaged";
    uint64_t *count = &metrics->artifacts_damaged;
    if (why == STATUS_NOT_FOUND) {
        event = "artifact_missing";
        count = &metrics->artifacts_missing;
    } else if (why == STATUS_STALE) {
        event = "artifact_stale";
        count = &metrics->artifacts_stale;
    }
    ++*count;
    log_message("warn", event, "%s: %s: asking for a rebuild", function->key_text, report->text);
    owner->want_artifact(owner->context, function->entry.artifact_key);
}

/* ---- news ------------------------------------------------------------------------------------ */

static bool isolates_is_name(const char name[DEPLOY_NAME_BYTES])
{
    size_t count = strnlen(name, DEPLOY_NAME_BYTES);
    return count < DEPLOY_NAME_BYTES && deploy_name_valid(bytes_make(name, count));
}

static void isolates_enqueue(struct isolates_queue *queue, const struct isolates_news *news)
{
    uint32_t last = (queue->first + queue->count - 1) % ISOLATES_NEWS_MAX;
    /* Deployed again before it was looked at. */
    if (queue->count > 0 && memcmp(&queue->news[last], news, sizeof(*news)) == 0)
        return;
    if (queue->count == ISOLATES_NEWS_MAX) {
        queue->first = (queue->first + 1) % ISOLATES_NEWS_MAX;
        queue->count--;
    }
    queue->news[(queue->first + queue->count) % ISOLATES_NEWS_MAX] = *news;
    queue->count++;
}

void isolates_hear(struct isolates_queue *queue, int fd)
{
    for (int i = 0; i < ISOLATES_HEAR_MAX; i++) {
        struct isolates_news news;
        ssize_t count = recv(fd, &news, sizeof(news), MSG_DONTWAIT);
        if (count <= 0)
            return;
        if (count == (ssize_t)sizeof(news) && isolates_is_name(news.tenant) &&
            isolates_is_name(news.function))
            isolates_enqueue(queue, &news);
    }
}

static struct route_name isolates_route_name(const char *text)
{
    struct route_name name = {.count = (uint8_t)strlen(text)};
    memcpy(name.text, text, name.count);
    return name;
}

static void isolates_forget(const struct isolates_news *news, const struct isolates_owner *owner)
{
    char key[2 * DEPLOY_NAME_BYTES];
    int count = snprintf(key, sizeof(key), "%s/%s", news->tenant, news->function);
    isolate_pool_forget(owner->pool, bytes_make(key, (size_t)count));
}

void isolates_take_news(struct isolates_queue *queue, const struct isolates_owner *owner)
{
    ASSERT(queue->count > 0);
    const struct isolates_news *news = &queue->news[queue->first];
    queue->first = (queue->first + 1) % ISOLATES_NEWS_MAX;
    queue->count--;
    struct route_target target = {.tenant = isolates_route_name(news->tenant),
                                  .function = isolates_route_name(news->function)};
    struct directory_function *function;
    enum status status = directory_find(owner->directory, &target, NULL, &function);
    if (status == STATUS_NOT_FOUND)
        isolates_forget(news, owner);
    if (status != STATUS_OK)
        return;
    struct isolate_key key = isolates_key(function);
    struct isolates_source source = {
        .data_dir = owner->data_dir, .bases = owner->bases, .function = function};
    (void)isolate_pool_renew(owner->pool, &key, (struct isolate_opener){isolates_open, &source});
    directory_release(function);
}
