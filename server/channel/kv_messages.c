/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the key-value store and what came of them, to bytes and back.
 */
#include "server/channel/kv_messages.h"

_Static_assert(KV_MESSAGE_BYTES_MAX == 1049113, "as messages.def says");

struct bytes kv_message_write(const struct kv_message *message, uint8_t head[KV_MESSAGE_HEAD_BYTES])
{
    struct channel_writer writer = channel_writer(head, KV_MESSAGE_HEAD_BYTES);
    channel_put_u8(&writer, (uint8_t)message->verb);
    channel_put_u8(&writer, message->checks_version);
    channel_put_u64(&writer, message->if_version);
    channel_put_u64(&writer, message->expires_ns);
    channel_put_u64(&writer, (uint64_t)message->number);
    channel_put_bytes(&writer, message->tenant);
    channel_put_bytes(&writer, message->key);
    return channel_written(&writer);
}

bool kv_message_read(struct bytes payload, struct kv_message *ret_message)
{
    struct channel_reader reader = channel_reader(payload);
    uint8_t verb = channel_get_u8(&reader);
    uint8_t checks = channel_get_u8(&reader);
    *ret_message =
        (struct kv_message){.verb = (enum hostapi_kv_verb)verb, .checks_version = checks != 0};
    ret_message->if_version = channel_get_u64(&reader);
    ret_message->expires_ns = channel_get_u64(&reader);
    ret_message->number = (int64_t)channel_get_u64(&reader);
    ret_message->tenant = channel_get_bytes(&reader, KV_MESSAGE_TENANT_MAX);
    ret_message->key = channel_get_bytes(&reader, HOSTAPI_KV_KEY_BYTES_MAX);
    ret_message->value = channel_get_rest(&reader);
    return channel_reader_ends(&reader) && verb <= HOSTAPI_KV_ADD && checks <= 1 &&
           ret_message->tenant.count > 0 && ret_message->key.count > 0 &&
           ret_message->value.count <= HOSTAPI_KV_VALUE_BYTES_MAX &&
           (verb == HOSTAPI_KV_PUT || ret_message->value.count == 0);
}

struct bytes kv_answer_write(const struct kv_answer *answer, uint8_t text[KV_ANSWER_BYTES])
{
    struct channel_writer writer = channel_writer(text, KV_ANSWER_BYTES);
    channel_put_u32(&writer, answer->status);
    channel_put_u64(&writer, answer->version);
    channel_put_u64(&writer, (uint64_t)answer->number);
    return channel_written(&writer);
}

bool kv_answer_read(struct bytes payload, struct kv_answer *ret_answer)
{
    struct channel_reader reader = channel_reader(payload);
    uint32_t status = channel_get_u32(&reader);
    ret_answer->status = (enum hostapi_kv_status)status;
    ret_answer->version = channel_get_u64(&reader);
    ret_answer->number = (int64_t)channel_get_u64(&reader);
    return channel_reader_ends(&reader) && status < HOSTAPI_KV_STATUS_COUNT;
}
