/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers' calls: messages in, messages out, and what nobody owes when a worker is gone or does not
 * read.
 */
#include "server/egress/calls.h"
#include "server/helper/helper.h"
#include "tests/unit/server/egress/fixture.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* What was sent, by type. */
static struct {
    struct stage stage;
    struct egress_calls *calls;
    uint32_t counts[CHANNEL_TYPE_COUNT];
    uint64_t last_id;
    struct buffer data;
    uint32_t status;
    struct fetch_result result;
    char text[FETCH_TEXT_BYTES];
    uint64_t room;
    bool full;
} world;

static const struct helper_caller worker = {.index = 1, .wire = 7};

static bool send_message(void *context,
                         const struct helper_caller *caller,
                         const struct channel_message *message)
{
    (void)context;
    struct fetch_head head;
    struct bytes fields;
    assert_int_equal(caller->index, worker.index);
    if (world.full)
        return false;
    world.counts[message->type]++;
    world.last_id = message->id;
    struct channel_reader reader = channel_reader(message->head);
    switch (message->type) {
    case CHANNEL_MESSAGE_FETCH_HEAD:
        assert_true(fetch_head_read(message->head, &head, &fields));
        world.status = head.status;
        break;
    case CHANNEL_MESSAGE_FETCH_DATA:
        assert_int_equal(buffer_append(&world.data, message->body.data, message->body.count),
                         STATUS_OK);
        break;
    case CHANNEL_MESSAGE_FETCH_ROOM:
        world.room += channel_get_u32(&reader);
        break;
    case CHANNEL_MESSAGE_FETCH_DONE:
        assert_true(fetch_result_read(message->head, &world.result, world.text));
        break;
    default:
        fail();
    }
    return true;
}

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    stage_open(&world.stage);
    buffer_init(&world.data, 1u << 20);
    const struct egress_calls_options options = {
        .base = world.stage.base, .engine = world.stage.engine, .send = send_message};
    assert_int_equal(egress_calls_create(&options, &world.calls), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(egress_calls_count(world.calls), 0);
    assert_int_equal(egress_engine_stats(world.stage.engine).fetches, 0);
    egress_calls_free(world.calls);
    buffer_done(&world.data);
    stage_close(&world.stage);
    return 0;
}

static bool hear(enum channel_type type, uint64_t id, uint16_t flags, struct bytes payload)
{
    const struct channel_frame frame = {
        .type = type, .id = id, .flags = flags, .payload = payload, .fd = -1};
    return egress_calls_frame(world.calls, &worker, &frame);
}

static bool start(uint64_t id, const char *url, bool body_follows, uint32_t granted)
{
    struct fetch_order order = stage_order(&world.stage, "/");
    struct buffer out;
    buffer_init(&out, 65536);
    if (url != NULL)
        order.url = bytes_of_text(url);
    if (body_follows)
        order.method = bytes_of_text("PUT");
    order.body_follows = body_follows;
    order.granted = granted;
    assert_true(fetch_start_write(&order, bytes_make("x-a\0b\0", 6), &out));
    bool heard = hear(CHANNEL_MESSAGE_FETCH_START, id, 0, buffer_bytes(&out));
    buffer_done(&out);
    return heard;
}

static void until(const uint32_t *count)
{
    while (*count == 0)
        stage_turn(&world.stage);
}

static void a_call_is_answered(void **state)
{
    (void)state;
    stage_answer(&world.stage, OK_HELLO);
    assert_true(start(5, NULL, false, EGRESS_WINDOW));
    until(&world.counts[CHANNEL_MESSAGE_FETCH_DONE]);
    assert_int_equal(world.last_id, 5);
    assert_int_equal(world.status, 200);
    assert_true(bytes_equal_text(buffer_bytes(&world.data), "hello"));
    assert_int_equal(world.result.end, FETCH_END_DONE);
    assert_true(stage_saw(&world.stage, "x-a: b\r\n"));
    /* What crosses its end on the way is dropped. */
    assert_true(hear(CHANNEL_MESSAGE_FETCH_GRANT, 5, 0, bytes_make("\1\0\0\0", 4)));
    assert_true(hear(CHANNEL_MESSAGE_FETCH_CANCEL, 5, 0, bytes_make(NULL, 0)));
    assert_true(hear(CHANNEL_MESSAGE_FETCH_BODY, 5, 0, bytes_make("x", 1)));
}

static void what_is_refused_at_once_is_answered_too(void **state)
{
    (void)state;
    assert_true(start(6, "http://other.example/", false, 0));
    assert_int_equal(world.counts[CHANNEL_MESSAGE_FETCH_DONE], 1);
    assert_int_equal(world.result.end, FETCH_END_DENIED);
    assert_string_equal(world.text, "http://other.example");
}

static void a_body_comes_in_messages(void **state)
{
    (void)state;
    stage_answer(&world.stage, OK_HELLO);
    world.stage.origin.answers[0].until = "0\r\n\r\n";
    assert_true(start(5, NULL, true, EGRESS_WINDOW));
    assert_true(hear(CHANNEL_MESSAGE_FETCH_BODY, 5, 0, bytes_of_text("one ")));
    while (world.room < 4)
        stage_turn(&world.stage);
    assert_true(hear(CHANNEL_MESSAGE_FETCH_BODY, 5, FETCH_BODY_LAST, bytes_of_text("two")));
    until(&world.counts[CHANNEL_MESSAGE_FETCH_DONE]);
    assert_int_equal(world.result.sent_bytes, 7);
    assert_true(stage_saw(&world.stage, "one "));
    assert_true(stage_saw(&world.stage, "two"));
}

static void what_was_not_granted_waits(void **state)
{
    (void)state;
    stage_answer(&world.stage, OK_HELLO);
    assert_true(start(5, NULL, false, 0));
    until(&world.counts[CHANNEL_MESSAGE_FETCH_HEAD]);
    assert_int_equal(world.counts[CHANNEL_MESSAGE_FETCH_DATA], 0);
    assert_true(hear(CHANNEL_MESSAGE_FETCH_GRANT, 5, 0, bytes_make("\5\0\0\0", 4)));
    until(&world.counts[CHANNEL_MESSAGE_FETCH_DONE]);
    assert_true(bytes_equal_text(buffer_bytes(&world.data), "hello"));
}

static void what_makes_no_sense_breaks_the_channel(void **state)
{
    (void)state;
    static uint8_t large[EGRESS_WINDOW + 1];
    assert_false(hear(CHANNEL_MESSAGE_FETCH_START, 1, 0, bytes_make(large, 10)));
    assert_true(start(5, NULL, true, EGRESS_WINDOW));
    assert_false(start(5, NULL, false, EGRESS_WINDOW));
    assert_false(hear(CHANNEL_MESSAGE_FETCH_BODY, 5, 0, bytes_make(large, sizeof(large))));
    assert_false(hear(CHANNEL_MESSAGE_PEER_LOST, 5, 0, bytes_make(NULL, 0)));
    assert_true(hear(CHANNEL_MESSAGE_FETCH_CANCEL, 5, 0, bytes_make(NULL, 0)));
}

static void a_worker_that_is_gone_waits_for_nothing(void **state)
{
    (void)state;
    const struct helper_caller other = {.index = 1, .wire = 6};
    for (uint64_t id = 0; id < 20; id++)
        assert_true(start(id, NULL, false, EGRESS_WINDOW));
    egress_calls_gone(world.calls, &other);
    assert_int_equal(egress_calls_count(world.calls), 20);
    egress_calls_gone(world.calls, &worker);
    assert_int_equal(egress_calls_count(world.calls), 0);
    assert_int_equal(world.counts[CHANNEL_MESSAGE_FETCH_DONE], 0);
}

static void a_worker_that_does_not_read_is_told_when_it_does(void **state)
{
    (void)state;
    stage_answer(&world.stage, OK_HELLO);
    world.full = true;
    assert_true(start(5, NULL, false, EGRESS_WINDOW));
    while (world.stage.origin.answered == 0 || egress_engine_stats(world.stage.engine).fetches > 0)
        stage_turn(&world.stage);
    world.full = false;
    until(&world.counts[CHANNEL_MESSAGE_FETCH_DONE]);
    assert_int_equal(world.result.end, FETCH_END_UNAVAILABLE);
    assert_int_equal(world.counts[CHANNEL_MESSAGE_FETCH_DATA], 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_call_is_answered),
        IN_WORLD(what_is_refused_at_once_is_answered_too),
        IN_WORLD(a_body_comes_in_messages),
        IN_WORLD(what_was_not_granted_waits),
        IN_WORLD(what_makes_no_sense_breaks_the_channel),
        IN_WORLD(a_worker_that_is_gone_waits_for_nothing),
        IN_WORLD(a_worker_that_does_not_read_is_told_when_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
