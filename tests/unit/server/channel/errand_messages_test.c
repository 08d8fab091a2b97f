/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errands as bytes, and bytes that are none.
 */
#include <string.h>

#include "server/channel/errand_messages.h"
#include "tests/support/unit.h"

static const uint8_t zeros[ERRAND_BODY_MAX + 1];

static void an_errand_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t text[ERRAND_HEAD_BYTES];
    const struct errand_message message = {.wall_ms = 5,
                                           .tenant = bytes_of_text("acme"),
                                           .function = bytes_of_text("v3--hello"),
                                           .method = bytes_of_text("POST"),
                                           .path = bytes_of_text("/tick"),
                                           .fields = bytes_make("a\0b\0", 4)};
    struct errand_message read;
    assert_true(errand_message_read(errand_message_write(&message, text), &read));
    assert_int_equal(read.wall_ms, 5);
    assert_true(bytes_equal_text(read.tenant, "acme"));
    assert_true(bytes_equal_text(read.function, "v3--hello"));
    assert_true(bytes_equal_text(read.method, "POST"));
    assert_true(bytes_equal_text(read.path, "/tick"));
    assert_int_equal(read.fields.count, 4);
    assert_int_equal(read.body.count, 0);
}

static void the_longest_errand_has_room_and_no_longer_one(void **state)
{
    (void)state;
    uint8_t text[ERRAND_HEAD_BYTES];
    struct errand_message message = {.tenant = bytes_make(zeros, ERRAND_NAME_MAX),
                                     .function = bytes_make(zeros, ERRAND_FUNCTION_MAX),
                                     .method = bytes_make(zeros, ERRAND_METHOD_MAX),
                                     .path = bytes_make(zeros, ERRAND_PATH_MAX),
                                     .fields = bytes_make(zeros, ERRAND_FIELDS_MAX)};
    struct bytes head = errand_message_write(&message, text);
    assert_int_equal(head.count, ERRAND_HEAD_BYTES);
    assert_true(channel_may_send(CHANNEL_MESSAGE_ERRAND, CHANNEL_CONTROL, CHANNEL_WORKER,
                                 head.count + ERRAND_BODY_MAX));
    assert_false(channel_may_send(CHANNEL_MESSAGE_ERRAND, CHANNEL_CONTROL, CHANNEL_WORKER,
                                  head.count + ERRAND_BODY_MAX + 1));
    assert_false(
        channel_may_send(CHANNEL_MESSAGE_ERRAND, CHANNEL_WORKER, CHANNEL_CONTROL, head.count));
    struct errand_message read;
    assert_true(errand_message_fits(&message) && errand_message_read(head, &read));
    message.function.count++;
    assert_false(errand_message_fits(&message));
}

static void what_is_cut_is_no_errand(void **state)
{
    (void)state;
    uint8_t text[ERRAND_HEAD_BYTES];
    const struct errand_message message = {.tenant = bytes_of_text("acme"),
                                           .function = bytes_of_text("f"),
                                           .method = bytes_of_text("GET"),
                                           .path = bytes_of_text("/")};
    struct errand_message read;
    struct bytes head = errand_message_write(&message, text);
    for (size_t count = 0; count < head.count; count++)
        assert_false(errand_message_read(bytes_make(text, count), &read));
    text[4] = 0xff; /* the tenant's length */
    assert_false(errand_message_read(head, &read));
}

static void an_answer_is_read_as_it_was_written(void **state)
{
    (void)state;
    uint8_t text[ERRAND_DONE_BYTES];
    struct errand_answer answer = {
        .status = 500, .version = 3, .elapsed_us = 9, .fuel = 8, .code = bytes_of_text("trap")};
    struct errand_answer read;
    struct bytes payload = errand_answer_write(&answer, text);
    assert_true(errand_answer_read(payload, &read));
    assert_int_equal(read.status, 500);
    assert_int_equal(read.version, 3);
    assert_int_equal(read.elapsed_us, 9);
    assert_int_equal(read.fuel, 8);
    assert_true(bytes_equal_text(read.code, "trap"));
    assert_false(errand_answer_read(bytes_make(payload.data, payload.count - 1), &read));
    answer.status = 7;
    assert_false(errand_answer_read(errand_answer_write(&answer, text), &read));
    answer = (struct errand_answer){.status = 200, .code = bytes_make(zeros, ERRAND_CODE_MAX)};
    assert_int_equal(errand_answer_write(&answer, text).count, ERRAND_DONE_BYTES);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_errand_is_read_as_it_was_written),
        cmocka_unit_test(the_longest_errand_has_room_and_no_longer_one),
        cmocka_unit_test(what_is_cut_is_no_errand),
        cmocka_unit_test(an_answer_is_read_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
