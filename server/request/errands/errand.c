/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The carrier of requests that control asks for.
 *
 * Invariant: an errand's request is answered, always: its deadline is a request's. It frees itself
 * as it is answered; where control has gone by then, so does the worker.
 */
#include "server/request/errands/errand.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/channel/errand_messages.h"
#include "server/request/chain.h"
#include "server/request/request.h"
#include "server/request/service.h"

#define ERRANDS_MAX 256 /* under way in one worker; control asks for fewer */

struct errand {
    struct request request;
    uint64_t id;   /* of control's call */
    uint8_t *text; /* of its head and body; owned */
};

static const char errand_code_busy[] = "busy";
static const char errand_code_invalid[] = "invalid";

/* ---- the answer ------------------------------------------------------------------------------ */

static void errand_tell(struct request_service *service, uint64_t id, struct errand_answer *answer)
{
    uint8_t text[ERRAND_DONE_BYTES];
    answer->code.count = MIN(answer->code.count, (size_t)ERRAND_CODE_MAX);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_ERRAND_DONE,
                                            .id = id,
                                            .head = errand_answer_write(answer, text),
                                            .fd = -1};
    /* Control takes what it does not hear of for lost. */
    (void)!peers_send(&service->world.peers, CHANNEL_CONTROL, &message);
}

static void errand_refuse(struct request_service *service, uint64_t id, const char *code)
{
    struct errand_answer answer = {.status = 503, .code = bytes_of_text(code)};
    errand_tell(service, id, &answer);
}

static void errand_free(struct errand *errand)
{
    errand->request.service->errands--;
    operations_end_all(&errand->request.operations);
    request_end(&errand->request);
    free(errand->text);
    free(errand);
}

static void errand_send(struct request *request)
{
    struct errand *errand = CONTAINER_OF(request, struct errand, request);
    const struct directory_function *function = request->function;
    uint64_t elapsed_ns = request_now(request) - request->arrived_ns;
    struct errand_answer answer = {.status = request->response.status,
                                   .version = function == NULL ? 0 : function->entry.version,
                                   .elapsed_us = elapsed_ns / CLOCK_NS_PER_US,
                                   .fuel = request->fuel_used + chain_fuel_used(request)};
    if (request->code != NULL)
        answer.code = bytes_of_text(request->code);
    errand_tell(request->service, errand->id, &answer);
    errand_free(errand);
}

/* It never streams: nobody calls the others. */
static const struct request_carrier errand_carrier = {.send = errand_send, REQUEST_WITHOUT_CLIENT};

/* ---- the request ----------------------------------------------------------------------------- */

static struct bytes errand_next_text(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->data);
    struct bytes text = bytes_make(rest->data, count);
    size_t taken = MIN(count + 1, rest->count);
    *rest = bytes_make(rest->data + taken, rest->count - taken);
    return text;
}

static bool errand_add_headers(struct http_exchange *http, struct bytes rest)
{
    while (rest.count > 0) {
        struct bytes name = errand_next_text(&rest);
        struct bytes value = errand_next_text(&rest);
        if (http_headers_add(http, &http->request_headers, name, value) != STATUS_OK)
            return false;
    }
    return true;
}

/* As a client would write it: the version's own, if one is named. */
static bool errand_name_host(struct http_exchange *http,
                             const struct errand_message *message,
                             struct bytes domain)
{
    char host[ERRAND_FUNCTION_MAX + 1 + DEPLOY_NAME_BYTES + CONFIG_DOMAIN_BYTES];
    int count =
        snprintf(host, sizeof(host), "%.*s.%.*s.%.*s", (int)message->function.count,
                 (const char *)message->function.data, (int)message->tenant.count,
                 (const char *)message->tenant.data, (int)domain.count, (const char *)domain.data);
    struct bytes text = bytes_make(host, MIN((size_t)count, sizeof(host) - 1));
    const char *copy = arena_copy_text(&http->arena, text);
    if (copy == NULL)
        return false;
    http->authority = bytes_make(copy, text.count);
    return http_headers_add(http, &http->request_headers, bytes_of_text("host"), text) == STATUS_OK;
}

/* Its message views `errand->text`. */
static bool errand_fill(struct errand *errand, const struct errand_message *message)
{
    struct request *request = &errand->request;
    struct http_exchange *http = &request->http;
    request->is_errand = true;
    http->may_stream = false;
    http->protocol = bytes_of_text("HTTP/1.1");
    http->source_addr = bytes_of_text("127.0.0.1:0");
    http->method = message->method;
    http->request_body = message->body;
    request->path = message->path;
    if (message->wall_ms > 0)
        request->deadline_ns =
            MIN(request->deadline_ns,
                request->arrived_ns + (uint64_t)message->wall_ms * CLOCK_NS_PER_MS);
    return bytes_is_token(message->method) && message->path.count > 0 &&
           message->path.data[0] == '/' &&
           errand_name_host(http, message, request->service->domain) &&
           errand_add_headers(http, message->fields) &&
           route_set(&request->target, message->tenant, message->function, message->path, 0);
}

static struct errand *errand_create(struct request_service *service, struct bytes payload)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    uint8_t *text = malloc(payload.count + 1);
    if (errand == NULL || text == NULL ||
        !request_init(&errand->request, service, &errand_carrier)) {
        free(text);
        free(errand);
        return NULL;
    }
    memcpy(text, payload.data, payload.count);
    errand->text = text;
    service->errands++;
    return errand;
}

static bool errand_on_message(void *context, const struct channel_frame *frame)
{
    struct request_service *service = context;
    struct errand_message message;
    if (!errand_message_read(frame->payload, &message))
        return false;
    struct errand *errand =
        service->errands == ERRANDS_MAX ? NULL : errand_create(service, frame->payload);
    if (errand == NULL) {
        errand_refuse(service, frame->id, errand_code_busy);
        return true;
    }
    errand->id = frame->id;
    /* Again, so that its views are into what is kept. */
    bool good = errand_message_read(bytes_make(errand->text, frame->payload.count), &message);
    ASSERT(good);
    if (errand_fill(errand, &message)) {
        request_call(&errand->request);
        return true;
    }
    errand_refuse(service, frame->id, errand_code_invalid);
    errand_free(errand);
    return true;
}

void errand_open(struct request_service *service)
{
    peers_on(&service->world.peers, CHANNEL_MESSAGE_ERRAND, errand_on_message, service);
}
