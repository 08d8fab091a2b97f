/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fetch's pieces are put together: its head, its body up to a bound, and how it ended.
 */
#include "server/control/lines/egress_line.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/channel/fetch_messages.h"

/* Whose connections these are: no tenant's, since no tenant's name has a dot. */
#define EGRESS_LINE_POOL       "operator."
#define EGRESS_LINE_HEAD_BYTES 262144
#define EGRESS_LINE_AGENT      "user-agent\0skerry/" SKERRY_VERSION "\0"
#define EGRESS_LINE_TYPE_BYTES 128

struct egress_line_call {
    struct list_link link;
    uint64_t number;
    uint32_t status;
    bool has_head;
    struct buffer fields; /* of the answer */
    struct buffer body;
};

static void egress_line_free(struct egress_line *line, struct egress_line_call *call)
{
    list_remove(&call->link);
    line->count--;
    buffer_done(&call->fields);
    buffer_done(&call->body);
    free(call);
}

static struct egress_line_call *egress_line_find(const struct egress_line *line, uint64_t number)
{
    LIST_FOREACH(call, &line->calls, struct egress_line_call, link) {
        if (call->number == number)
            return call;
    }
    return NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool egress_line_write(const struct deploy_fetch *fetch, struct buffer *out)
{
    char fields[sizeof(EGRESS_LINE_AGENT) + sizeof("content-type") + EGRESS_LINE_TYPE_BYTES];
    size_t count = sizeof(EGRESS_LINE_AGENT) - 1;
    memcpy(fields, EGRESS_LINE_AGENT, count);
    if (fetch->type.count >= EGRESS_LINE_TYPE_BYTES)
        return false;
    if (fetch->type.count > 0) {
        memcpy(fields + count, "content-type", sizeof("content-type"));
        count += sizeof("content-type");
        memcpy(fields + count, fetch->type.data, fetch->type.count);
        count += fetch->type.count;
        fields[count++] = '\0';
    }
    const struct fetch_order order = {.tenant = bytes_of_text(EGRESS_LINE_POOL),
                                      .method = fetch->method,
                                      .url = fetch->url,
                                      .rules = &fetch->rule,
                                      .rule_count = 1,
                                      .deadline_us = fetch->deadline_us,
                                      .answer_bytes_max = DEPLOY_FETCHED_BODY_BYTES_MAX,
                                      .granted = FETCH_WINDOW_BYTES};
    return fetch_start_write(&order, bytes_make(fields, count), out);
}

bool egress_line_fetch(struct egress_line *line, const struct deploy_fetch *fetch, uint64_t number)
{
    struct buffer head;
    struct egress_line_call *call =
        line->count < EGRESS_LINE_CALLS_MAX ? calloc(1, sizeof(*call)) : NULL;
    if (call == NULL || fetch->body.count > DEPLOY_FETCH_BODY_BYTES_MAX) {
        free(call);
        return false;
    }
    buffer_init(&head, EGRESS_LINE_HEAD_BYTES);
    buffer_init(&call->fields, EGRESS_LINE_HEAD_BYTES);
    buffer_init(&call->body, DEPLOY_FETCHED_BODY_BYTES_MAX);
    call->number = number;
    list_append(&line->calls, &call->link);
    line->count++;
    bool sent = egress_line_write(fetch, &head);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_FETCH_START,
                                            .id = number,
                                            .head = buffer_bytes(&head),
                                            .body = fetch->body,
                                            .fd = -1};
    sent = sent && helpers_send(line->helpers, CHANNEL_EGRESS, &message);
    buffer_done(&head);
    if (!sent)
        egress_line_free(line, call);
    return sent;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void egress_line_end(struct egress_line *line,
                            struct egress_line_call *call,
                            const char *failure,
                            bool is_lost)
{
    const struct deploy_fetched fetched = {.failure = failure,
                                           .is_lost = is_lost,
                                           .status = call->status,
                                           .fields = buffer_bytes(&call->fields),
                                           .body = buffer_bytes(&call->body)};
    deploy_control_fetched(line->deploy, call->number, &fetched);
    egress_line_free(line, call);
}

static bool egress_line_on_head(void *context, const struct channel_frame *frame)
{
    struct egress_line_call *call = egress_line_find(context, frame->id);
    struct fetch_head head;
    struct bytes fields;
    if (call == NULL)
        return true;
    if (call->has_head || !fetch_head_read(frame->payload, &head, &fields))
        return false;
    call->has_head = true;
    call->status = head.status;
    return buffer_append(&call->fields, fields.data, fields.count) == STATUS_OK;
}

static bool egress_line_on_data(void *context, const struct channel_frame *frame)
{
    struct egress_line *line = context;
    struct egress_line_call *call = egress_line_find(line, frame->id);
    uint8_t room[sizeof(uint32_t)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    if (call == NULL)
        return true;
    if (buffer_append(&call->body, frame->payload.data, frame->payload.count) != STATUS_OK)
        return false;
    channel_put_u32(&writer, (uint32_t)frame->payload.count);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_FETCH_GRANT,
                                            .id = frame->id,
                                            .head = channel_written(&writer),
                                            .fd = -1};
    return helpers_send(line->helpers, CHANNEL_EGRESS, &message);
}

/* Bodies that are asked for go out whole. */
static bool egress_line_on_room(void *context, const struct channel_frame *frame)
{
    (void)context;
    (void)frame;
    return true;
}

static bool egress_line_on_done(void *context, const struct channel_frame *frame)
{
    struct egress_line *line = context;
    struct egress_line_call *call = egress_line_find(line, frame->id);
    struct fetch_result result;
    char more[FETCH_TEXT_BYTES];
    char text[2 * FETCH_TEXT_BYTES];
    if (call == NULL)
        return true;
    if (!fetch_result_read(frame->payload, &result, more))
        return false;
    (void)snprintf(text, sizeof(text), "%s%s%s", fetch_end_text(result.end),
                   more[0] == '\0' ? "" : ": ", more);
    egress_line_end(line, call, result.end == FETCH_END_DONE && call->has_head ? NULL : text,
                    result.end == FETCH_END_UNAVAILABLE);
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

bool egress_line_texts(struct egress_line *line, struct bytes name, uint64_t number)
{
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_TEXTS_ASK, .id = number, .body = name, .fd = -1};
    return helpers_send(line->helpers, CHANNEL_EGRESS, &message);
}

static bool egress_line_on_texts(void *context, const struct channel_frame *frame)
{
    const struct egress_line *line = context;
    struct channel_reader reader = channel_reader(frame->payload);
    enum status status = channel_get_u32(&reader);
    struct bytes list = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader))
        return false;
    deploy_control_texts(line->deploy, frame->id, status, list);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

void egress_line_lost(struct egress_line *line)
{
    while (!list_is_empty(&line->calls)) {
        struct egress_line_call *call = LIST_FIRST(&line->calls, struct egress_line_call, link);
        egress_line_end(line, call, "the process that asks other servers has ended", true);
    }
}

void egress_line_open(struct egress_line *line,
                      struct helpers *helpers,
                      struct deploy_control *deploy)
{
    *line = (struct egress_line){.helpers = helpers, .deploy = deploy};
    helpers_on(helpers, CHANNEL_MESSAGE_FETCH_HEAD, egress_line_on_head, line);
    helpers_on(helpers, CHANNEL_MESSAGE_FETCH_DATA, egress_line_on_data, line);
    helpers_on(helpers, CHANNEL_MESSAGE_FETCH_ROOM, egress_line_on_room, line);
    helpers_on(helpers, CHANNEL_MESSAGE_FETCH_DONE, egress_line_on_done, line);
    helpers_on(helpers, CHANNEL_MESSAGE_TEXTS_ARE, egress_line_on_texts, line);
}

void egress_line_close(struct egress_line *line)
{
    LIST_FOREACH(call, &line->calls, struct egress_line_call, link) {
        egress_line_free(line, call);
    }
}
