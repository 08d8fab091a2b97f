/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of changes, on control's loop.
 */
#include "deploy/kv/kv_queue.h"

#include <event2/event.h>
#include <stdlib.h>

#define KV_GROUP_BYTES   ((size_t)16 << 20)
#define KV_SWEEP_NEXT_US 1000 /* there is more to sweep */
#define KV_SWEEP_MS      1000
#define KV_TELL_NS       (10 * CLOCK_NS_PER_S)

struct kv_queue {
    struct kv_queue_options options;
    struct list waiting;
    uint32_t waiting_count;
    struct event *group_event; /* active: a group is due */
    struct event *sweep_event;
    uint64_t told_ns; /* when it was told that one failed; 0: never */
    struct kv_request *group[KV_GROUP_MAX];
    struct kv_change *changes[KV_GROUP_MAX];
};

/* The first that wait, off the list. */
static size_t kv_queue_take(struct kv_queue *queue)
{
    size_t count = 0;
    size_t bytes = 0;
    struct list_link *link;
    while (count < KV_GROUP_MAX && bytes < KV_GROUP_BYTES &&
           (link = list_first(&queue->waiting)) != NULL) {
        struct kv_request *request = CONTAINER_OF(link, struct kv_request, link);
        list_remove(link);
        queue->group[count] = request;
        queue->changes[count++] = &request->change;
        bytes += request->change.value.count;
    }
    queue->waiting_count -= (uint32_t)count;
    return count;
}

/* Whoever goes on writing to a full disk does not fill the log too. */
static void kv_queue_tell_failed(struct kv_queue *queue, const struct report *report)
{
    uint64_t now_ns = clock_monotonic_ns(queue->options.clock);
    if (queue->told_ns != 0 && now_ns - queue->told_ns < KV_TELL_NS)
        return;
    queue->told_ns = now_ns;
    queue->options.failed(queue->options.context, report);
}

static void kv_queue_on_group(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct kv_queue *queue = context;
    struct report report = REPORT_INIT;
    size_t count = kv_queue_take(queue);
    if (count == 0)
        return;
    enum status status = kv_store_apply(queue->options.store, queue->changes, count, &report);
    if (status != STATUS_OK)
        kv_queue_tell_failed(queue, &report);
    for (size_t i = 0; i < count; i++)
        queue->group[i]->done(queue->group[i], status);
    if (!list_is_empty(&queue->waiting))
        event_active(queue->group_event, 0, 0);
}

void kv_queue_flush(struct kv_queue *queue)
{
    while (!list_is_empty(&queue->waiting))
        kv_queue_on_group(-1, 0, queue);
}

static void kv_queue_on_sweep(evutil_socket_t fd, short events, void *context)
{
    (void)fd;
    (void)events;
    const struct kv_queue *queue = context;
    bool more = kv_store_sweep(queue->options.store);
    const struct timeval next = {.tv_sec = more ? 0 : KV_SWEEP_MS / 1000,
                                 .tv_usec = more ? KV_SWEEP_NEXT_US : 0};
    (void)event_add(queue->sweep_event, &next);
}

enum status kv_queue_create(const struct kv_queue_options *options,
                            struct report *report,
                            struct kv_queue **ret_queue)
{
    const struct timeval first = {.tv_sec = KV_SWEEP_MS / 1000};
    struct kv_queue *queue = calloc(1, sizeof(*queue));
    if (queue != NULL) {
        queue->options = *options;
        queue->group_event = event_new(options->base, -1, 0, kv_queue_on_group, queue);
        queue->sweep_event = event_new(options->base, -1, 0, kv_queue_on_sweep, queue);
    }
    if (queue == NULL || queue->group_event == NULL || queue->sweep_event == NULL ||
        event_add(queue->sweep_event, &first) != 0) {
        kv_queue_free(queue);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    *ret_queue = queue;
    return STATUS_OK;
}

void kv_queue_free(struct kv_queue *queue)
{
    if (queue == NULL)
        return;
    struct list_link *link;
    while ((link = list_first(&queue->waiting)) != NULL) {
        struct kv_request *request = CONTAINER_OF(link, struct kv_request, link);
        list_remove(link);
        request->done(request, STATUS_UNREACHABLE);
    }
    if (queue->group_event != NULL)
        event_free(queue->group_event);
    if (queue->sweep_event != NULL)
        event_free(queue->sweep_event);
    free(queue);
}

bool kv_queue_push(struct kv_queue *queue, struct kv_request *request)
{
    if (queue->waiting_count >= KV_QUEUE_MAX)
        return false;
    list_append(&queue->waiting, &request->link);
    if (queue->waiting_count++ == 0)
        event_active(queue->group_event, 0, 0);
    return true;
}
