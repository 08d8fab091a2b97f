/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call for each change under way: it keeps the frame's bytes until the store has them.
 */
#include "server/control/kv_service.h"

#include <stdlib.h>

#include "server/channel/kv_messages.h"

struct kv_service {
    struct workers *workers;
    struct kv_queue *queue;
    size_t waiting_bytes[CONFIG_WORKER_SLOTS_MAX];
};

struct kv_service_call {
    struct kv_request request;
    struct kv_service *service;
    struct workers_caller caller;
    uint64_t id;
    size_t count;
    uint8_t payload[];
};

static void kv_service_answer(const struct kv_service *service,
                              const struct workers_caller *caller,
                              uint64_t id,
                              const struct kv_answer *answer)
{
    uint8_t text[KV_ANSWER_BYTES];
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_KV_DONE, .id = id, .head = kv_answer_write(answer, text), .fd = -1};
    /* Who is gone, or does not read what it asked for, does without. */
    (void)!workers_send(service->workers, caller, &message);
}

static enum hostapi_kv_status kv_service_status(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return HOSTAPI_KV_OK;
    case STATUS_NOT_FOUND:
        return HOSTAPI_KV_NOT_FOUND;
    case STATUS_CONFLICT:
        return HOSTAPI_KV_CONFLICT;
    case STATUS_LIMIT:
        return HOSTAPI_KV_LIMIT;
    case STATUS_INVALID:
        return HOSTAPI_KV_INVALID;
    case STATUS_FULL:
        return HOSTAPI_KV_FULL;
    default:
        return HOSTAPI_KV_UNAVAILABLE;
    }
}

static void kv_service_done(struct kv_request *request, enum status status)
{
    struct kv_service_call *call = CONTAINER_OF(request, struct kv_service_call, request);
    struct kv_service *service = call->service;
    const struct kv_change *change = &request->change;
    const struct kv_answer answer = {
        .status = kv_service_status(status != STATUS_OK ? status : change->status),
        .version = change->version,
        .number = change->number};
    kv_service_answer(service, &call->caller, call->id, &answer);
    service->waiting_bytes[call->caller.index] -= call->count;
    free(call);
}

static bool kv_service_read(const struct channel_frame *frame, struct kv_message *ret_message)
{
    return kv_message_read(frame->payload, ret_message) && deploy_name_valid(ret_message->tenant);
}

static void kv_service_fill(struct kv_change *change, const struct kv_message *message)
{
    static const enum kv_verb verbs[] = {
        [HOSTAPI_KV_PUT] = KV_PUT, [HOSTAPI_KV_DELETE] = KV_DELETE, [HOSTAPI_KV_ADD] = KV_ADD};
    *change = (struct kv_change){.verb = verbs[message->verb],
                                 .checks_version = message->checks_version,
                                 .if_version = message->if_version,
                                 .tenant = message->tenant,
                                 .key = message->key,
                                 .value = message->value,
                                 .expires_ns = message->expires_ns,
                                 .number = message->number};
}

/* NULL: there is no room for it. */
static struct kv_service_call *kv_service_keep(struct kv_service *service,
                                               const struct workers_caller *caller,
                                               const struct channel_frame *frame)
{
    size_t count = frame->payload.count;
    if (count > KV_SERVICE_BYTES_MAX - service->waiting_bytes[caller->index])
        return NULL;
    struct kv_service_call *call = malloc(sizeof(*call) + count);
    if (call == NULL)
        return NULL;
    *call = (struct kv_service_call){.request = {.done = kv_service_done},
                                     .service = service,
                                     .caller = *caller,
                                     .id = frame->id,
                                     .count = count};
    memcpy(call->payload, frame->payload.data, count);
    service->waiting_bytes[caller->index] += count;
    return call;
}

static bool kv_service_on_change(void *context,
                                 const struct workers_caller *caller,
                                 const struct channel_frame *frame)
{
    static const struct kv_answer full = {.status = HOSTAPI_KV_LIMIT};
    struct kv_service *service = context;
    struct kv_message message;
    if (!kv_service_read(frame, &message))
        return false;
    struct kv_service_call *call = kv_service_keep(service, caller, frame);
    if (call == NULL) {
        kv_service_answer(service, caller, frame->id, &full);
        return true;
    }
    /* Again, so that its views are into what is kept. */
    bool good = kv_message_read(bytes_make(call->payload, call->count), &message);
    ASSERT(good);
    kv_service_fill(&call->request.change, &message);
    if (!kv_queue_push(service->queue, &call->request))
        kv_service_done(&call->request, STATUS_LIMIT);
    return true;
}

enum status kv_service_create(struct workers *workers,
                              struct kv_queue *queue,
                              struct report *report,
                              struct kv_service **ret_service)
{
    struct kv_service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    service->workers = workers;
    service->queue = queue;
    workers_on(workers, CHANNEL_MESSAGE_KV_CHANGE, kv_service_on_change, service);
    *ret_service = service;
    return STATUS_OK;
}

void kv_service_free(struct kv_service *service)
{
    free(service);
}
