/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's line to egress, with helpers and the admin API as fakes.
 */
#include <stdio.h>
#include <string.h>

#include "server/channel/fetch_messages.h"
#include "server/control/lines/egress_line.h"
#include "tests/support/unit.h"

static struct {
    bool (*handle[CHANNEL_TYPE_COUNT])(void *context, const struct channel_frame *frame);
    void *context;
    bool away;
    uint32_t sent;
    enum channel_type type;
    uint64_t id;
    struct buffer message;
    uint32_t answered;
    uint64_t number;
    uint32_t status;
    char failure[512];
    char body[512];
} stage;

bool helpers_send(struct helpers *helpers,
                  enum channel_end end,
                  const struct channel_message *message)
{
    assert_null(helpers);
    assert_int_equal(end, CHANNEL_EGRESS);
    stage.sent++;
    stage.type = message->type;
    stage.id = message->id;
    stage.message.count = 0;
    if (message->head.count > 0)
        assert_int_equal(buffer_append(&stage.message, message->head.data, message->head.count),
                         STATUS_OK);
    if (message->body.count > 0)
        assert_int_equal(buffer_append(&stage.message, message->body.data, message->body.count),
                         STATUS_OK);
    return !stage.away;
}

void helpers_on(struct helpers *helpers,
                enum channel_type type,
                bool (*handle)(void *context, const struct channel_frame *frame),
                void *context)
{
    assert_null(helpers);
    stage.handle[type] = handle;
    stage.context = context;
}

void deploy_control_fetched(struct deploy_control *control,
                            uint64_t number,
                            const struct deploy_fetched *fetched)
{
    assert_null(control);
    stage.answered++;
    stage.number = number;
    stage.status = fetched->status;
    (void)snprintf(stage.failure, sizeof(stage.failure), "%s",
                   fetched->failure == NULL ? "" : fetched->failure);
    (void)snprintf(stage.body, sizeof(stage.body), "%.*s", (int)fetched->body.count,
                   fetched->body.count == 0 ? "" : (const char *)fetched->body.data);
}

void deploy_control_texts(struct deploy_control *control,
                          uint64_t number,
                          enum status status,
                          struct bytes list)
{
    assert_null(control);
    stage.answered++;
    stage.number = number;
    stage.status = status;
    (void)snprintf(stage.body, sizeof(stage.body), "%.*s", (int)list.count,
                   (const char *)list.data);
}

static struct egress_line line;

static int setup(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    buffer_init(&stage.message, 1 << 20);
    egress_line_open(&line, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    egress_line_close(&line);
    buffer_done(&stage.message);
    return 0;
}

static bool ask(uint64_t number)
{
    const struct deploy_fetch fetch = {.method = bytes_of_text("POST"),
                                       .url = bytes_of_text("https://c/x"),
                                       .rule = bytes_of_text("https://c"),
                                       .type = bytes_of_text("application/jose+json"),
                                       .body = bytes_of_text("{}"),
                                       .deadline_us = 1000};
    return egress_line_fetch(&line, &fetch, number);
}

static bool say(enum channel_type type, uint64_t number, struct bytes payload)
{
    const struct channel_frame frame = {.type = type, .id = number, .payload = payload};
    return stage.handle[type](stage.context, &frame);
}

static bool say_head(uint64_t number)
{
    struct buffer out;
    const struct fetch_head head = {.status = 201, .url = bytes_of_text("https://c/x")};
    buffer_init(&out, 4096);
    assert_true(fetch_head_write(&head, &out));
    bool taken = say(CHANNEL_MESSAGE_FETCH_HEAD, number, buffer_bytes(&out));
    buffer_done(&out);
    return taken;
}

static bool say_done(uint64_t number, enum fetch_end end)
{
    uint8_t room[FETCH_RESULT_BYTES];
    const struct fetch_result result = {.end = end, .text = "more"};
    return say(CHANNEL_MESSAGE_FETCH_DONE, number, fetch_result_write(&result, room));
}

static void a_question_goes_out_whole_and_an_answer_comes_back_whole(void **state)
{
    (void)state;
    struct fetch_start start;
    assert_true(ask(5));
    assert_int_equal(stage.type, CHANNEL_MESSAGE_FETCH_START);
    assert_true(fetch_start_read(buffer_bytes(&stage.message), &start));
    assert_true(bytes_equal_text(start.order.url, "https://c/x"));
    assert_true(bytes_equal_text(start.rules[0], "https://c"));
    assert_true(bytes_equal_text(start.order.body, "{}"));
    assert_int_equal(start.order.field_count, 2);
    assert_int_equal(start.order.redirects_max, 0);
    assert_true(say_head(5));
    assert_true(say(CHANNEL_MESSAGE_FETCH_DATA, 5, bytes_of_text("one ")));
    assert_int_equal(stage.type, CHANNEL_MESSAGE_FETCH_GRANT);
    assert_true(say(CHANNEL_MESSAGE_FETCH_DATA, 5, bytes_of_text("two")));
    assert_true(say(CHANNEL_MESSAGE_FETCH_ROOM, 5, bytes_make("\0\0\0", 4)));
    assert_int_equal(stage.answered, 0);
    assert_true(say_done(5, FETCH_END_DONE));
    assert_int_equal(stage.answered, 1);
    assert_int_equal(stage.number, 5);
    assert_int_equal(stage.status, 201);
    assert_string_equal(stage.failure, "");
    assert_string_equal(stage.body, "one two");
    assert_true(say_done(5, FETCH_END_DONE)); /* of nobody any more */
    assert_int_equal(stage.answered, 1);
}

static void what_fails_is_told_in_words(void **state)
{
    (void)state;
    assert_true(ask(1));
    assert_true(say_done(1, FETCH_END_CONNECT));
    assert_string_equal(stage.failure, "the server cannot be connected to: more");
    assert_true(ask(2));
    assert_true(say_done(2, FETCH_END_DONE)); /* without a head */
    assert_string_not_equal(stage.failure, "");
    stage.away = true;
    assert_false(ask(3));
    assert_int_equal(line.count, 0);
}

static void all_that_is_under_way_ends_with_egress(void **state)
{
    (void)state;
    assert_true(ask(1));
    assert_true(ask(2));
    egress_line_lost(&line);
    assert_int_equal(stage.answered, 2);
    assert_string_equal(stage.failure, "the process that asks other servers has ended");
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_true(ask(1));
    assert_true(say_head(1));
    assert_false(say_head(1));
    assert_false(say(CHANNEL_MESSAGE_FETCH_DONE, 1, bytes_of_text("?")));
    assert_true(say_head(9)); /* nobody's */
}

static void a_names_texts_come_back_by_number(void **state)
{
    (void)state;
    assert_true(egress_line_texts(&line, bytes_of_text("a.test"), 7));
    assert_int_equal(stage.type, CHANNEL_MESSAGE_TEXTS_ASK);
    assert_true(bytes_equal_text(buffer_bytes(&stage.message), "a.test"));
    assert_true(say(CHANNEL_MESSAGE_TEXTS_ARE, 7, bytes_make("\0\0\0\0one", 8)));
    assert_int_equal(stage.number, 7);
    assert_int_equal(stage.status, STATUS_OK);
    assert_string_equal(stage.body, "one");
    assert_false(say(CHANNEL_MESSAGE_TEXTS_ARE, 7, bytes_make("\0", 1)));
}

static void there_is_a_bound_on_what_is_under_way(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < EGRESS_LINE_CALLS_MAX; i++)
        assert_true(ask(i));
    assert_false(ask(1000));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_question_goes_out_whole_and_an_answer_comes_back_whole,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_fails_is_told_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(all_that_is_under_way_ends_with_egress, setup, teardown),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_names_texts_come_back_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_bound_on_what_is_under_way, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
