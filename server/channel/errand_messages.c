/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands as bytes: numbers first, then texts with their lengths.
 */
#include "server/channel/errand_messages.h"

bool errand_message_fits(const struct errand_message *message)
{
    return message->tenant.count <= ERRAND_NAME_MAX &&
           message->function.count <= ERRAND_FUNCTION_MAX &&
           message->method.count <= ERRAND_METHOD_MAX && message->path.count <= ERRAND_PATH_MAX &&
           message->fields.count <= ERRAND_FIELDS_MAX;
}

struct bytes errand_message_write(const struct errand_message *message,
                                  uint8_t head[ERRAND_HEAD_BYTES])
{
    struct channel_writer writer = channel_writer(head, ERRAND_HEAD_BYTES);
    channel_put_u32(&writer, message->wall_ms);
    channel_put_bytes(&writer, message->tenant);
    channel_put_bytes(&writer, message->function);
    channel_put_bytes(&writer, message->method);
    channel_put_bytes(&writer, message->path);
    channel_put_bytes(&writer, message->fields);
    return channel_written(&writer);
}

bool errand_message_read(struct bytes payload, struct errand_message *ret_message)
{
    struct channel_reader reader = channel_reader(payload);
    struct errand_message message = {.wall_ms = channel_get_u32(&reader)};
    message.tenant = channel_get_bytes(&reader, ERRAND_NAME_MAX);
    message.function = channel_get_bytes(&reader, ERRAND_FUNCTION_MAX);
    message.method = channel_get_bytes(&reader, ERRAND_METHOD_MAX);
    message.path = channel_get_bytes(&reader, ERRAND_PATH_MAX);
    message.fields = channel_get_bytes(&reader, ERRAND_FIELDS_MAX);
    message.body = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader) || message.body.count > ERRAND_BODY_MAX)
        return false;
    *ret_message = message;
    return true;
}

struct bytes errand_answer_write(const struct errand_answer *answer,
                                 uint8_t text[ERRAND_DONE_BYTES])
{
    struct channel_writer writer = channel_writer(text, ERRAND_DONE_BYTES);
    channel_put_u32(&writer, answer->status);
    channel_put_u32(&writer, answer->version);
    channel_put_u64(&writer, answer->elapsed_us);
    channel_put_u64(&writer, answer->fuel);
    channel_put_bytes(&writer, answer->code);
    return channel_written(&writer);
}

bool errand_answer_read(struct bytes payload, struct errand_answer *ret_answer)
{
    struct channel_reader reader = channel_reader(payload);
    struct errand_answer answer = {.status = channel_get_u32(&reader)};
    answer.version = channel_get_u32(&reader);
    answer.elapsed_us = channel_get_u64(&reader);
    answer.fuel = channel_get_u64(&reader);
    answer.code = channel_get_bytes(&reader, ERRAND_CODE_MAX);
    if (!channel_reader_ends(&reader) || answer.status < 100 || answer.status > 999)
        return false;
    *ret_answer = answer;
    return true;
}
