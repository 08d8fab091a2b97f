/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what worker and control say of the key-value store, as payloads.
 *
 *   KV_CHANGE  verb checks_version if_version expires_ns number tenant key, then the value
 *   KV_DONE    status version number
 */
#ifndef SKERRY_SERVER_CHANNEL_KV_MESSAGES_H
#define SKERRY_SERVER_CHANNEL_KV_MESSAGES_H

#include "hostapi/kv.h"
#include "server/channel/frames.h"

#define KV_MESSAGE_TENANT_MAX 63
#define KV_MESSAGE_FIXED      26 /* bytes of the numbers */
#define KV_MESSAGE_HEAD_BYTES                                                                      \
    (KV_MESSAGE_FIXED + 4 + KV_MESSAGE_TENANT_MAX + 4 + HOSTAPI_KV_KEY_BYTES_MAX)
#define KV_MESSAGE_BYTES_MAX (KV_MESSAGE_HEAD_BYTES + HOSTAPI_KV_VALUE_BYTES_MAX)
#define KV_ANSWER_BYTES      20

struct kv_message {
    enum hostapi_kv_verb verb;
    bool checks_version;
    uint64_t if_version;
    uint64_t expires_ns;
    int64_t number;
    struct bytes tenant;
    struct bytes key;
    struct bytes value; /* read only: it is sent as the frame's body */
};

struct kv_answer {
    enum hostapi_kv_status status;
    uint64_t version;
    int64_t number;
};

/* All but the value; views `head`. */
struct bytes kv_message_write(const struct kv_message *message,
                              uint8_t head[KV_MESSAGE_HEAD_BYTES]);
/* False: no worker of ours would say that. Views `payload`. */
bool kv_message_read(struct bytes payload, struct kv_message *ret_message);
struct bytes kv_answer_write(const struct kv_answer *answer, uint8_t text[KV_ANSWER_BYTES]);
bool kv_answer_read(struct bytes payload, struct kv_answer *ret_answer);

#endif
