/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the key-value store as bytes, and bytes that are none.
 */
#include <string.h>

#include "server/channel/kv_messages.h"
#include "tests/support/unit.h"

static size_t write_put(uint8_t text[KV_MESSAGE_HEAD_BYTES + 16])
{
    const struct kv_message message = {.verb = HOSTAPI_KV_PUT,
                                       .checks_version = true,
                                       .if_version = 7,
                                       .expires_ns = 8,
                                       .number = -9,
                                       .tenant = bytes_of_text("acme"),
                                       .key = bytes_of_text("key")};
    struct bytes head = kv_message_write(&message, text);
    assert_true(
        channel_may_send(CHANNEL_MESSAGE_KV_CHANGE, CHANNEL_WORKER, CHANNEL_CONTROL, head.count));
    memcpy(text + head.count, "value", 5);
    return head.count + 5;
}

static void a_change_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t text[KV_MESSAGE_HEAD_BYTES + 16];
    struct kv_message message;
    assert_true(kv_message_read(bytes_make(text, write_put(text)), &message));
    assert_int_equal(message.verb, HOSTAPI_KV_PUT);
    assert_true(message.checks_version);
    assert_int_equal(message.if_version, 7);
    assert_int_equal(message.expires_ns, 8);
    assert_int_equal(message.number, -9);
    assert_true(bytes_equal_text(message.tenant, "acme"));
    assert_true(bytes_equal_text(message.key, "key"));
    assert_true(bytes_equal_text(message.value, "value"));
}

static void the_longest_change_has_room(void **state)
{
    (void)state;
    static const uint8_t zeros[HOSTAPI_KV_KEY_BYTES_MAX];
    uint8_t text[KV_MESSAGE_HEAD_BYTES];
    const struct kv_message message = {.verb = HOSTAPI_KV_DELETE,
                                       .tenant = bytes_make(zeros, KV_MESSAGE_TENANT_MAX),
                                       .key = bytes_make(zeros, HOSTAPI_KV_KEY_BYTES_MAX)};
    struct kv_message read;
    struct bytes head = kv_message_write(&message, text);
    assert_int_equal(head.count, KV_MESSAGE_HEAD_BYTES);
    assert_true(kv_message_read(head, &read));
    assert_true(channel_may_send(CHANNEL_MESSAGE_KV_CHANGE, CHANNEL_WORKER, CHANNEL_CONTROL,
                                 head.count + HOSTAPI_KV_VALUE_BYTES_MAX));
    assert_false(channel_may_send(CHANNEL_MESSAGE_KV_CHANGE, CHANNEL_WORKER, CHANNEL_CONTROL,
                                  head.count + HOSTAPI_KV_VALUE_BYTES_MAX + 1));
}

static void what_no_worker_would_say_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
    } lies[] = {
        {0, HOSTAPI_KV_ADD + 1}, /* no verb */
        {0, HOSTAPI_KV_DELETE},  /* with a value */
        {1, 2},
        {26, 0},   /* the tenant has no name */
        {26, 255}, /* it is longer than a name, and than all there is */
        {34, 0},   /* the key is empty */
        {36, 1},   /* it is longer than all there is */
    };
    uint8_t text[KV_MESSAGE_HEAD_BYTES + 16];
    struct kv_message message;
    size_t count = write_put(text);
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        (void)write_put(text);
        text[lies[i].at] = lies[i].byte;
        assert_false(kv_message_read(bytes_make(text, count), &message));
    }
    (void)write_put(text);
    for (size_t cut = 0; cut < count - 5; cut++)
        assert_false(kv_message_read(bytes_make(text, cut), &message));
}

static void an_answer_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t text[KV_ANSWER_BYTES];
    const struct kv_answer answer = {
        .status = HOSTAPI_KV_CONFLICT, .version = UINT64_MAX, .number = INT64_MIN};
    struct kv_answer read;
    struct bytes payload = kv_answer_write(&answer, text);
    assert_true(
        channel_may_send(CHANNEL_MESSAGE_KV_DONE, CHANNEL_CONTROL, CHANNEL_WORKER, payload.count));
    assert_true(kv_answer_read(payload, &read));
    assert_int_equal(read.status, HOSTAPI_KV_CONFLICT);
    assert_true(read.version == UINT64_MAX && read.number == INT64_MIN);
    text[0] = HOSTAPI_KV_STATUS_COUNT;
    assert_false(kv_answer_read(payload, &read));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_read_as_it_was_written),
        cmocka_unit_test(the_longest_change_has_room),
        cmocka_unit_test(what_no_worker_would_say_is_refused),
        cmocka_unit_test(an_answer_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
