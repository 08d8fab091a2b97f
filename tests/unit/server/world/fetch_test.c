/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's end of fetches, with egress played by the test.
 */
#include <string.h>
#include <unistd.h>

#include "server/channel/fetch_messages.h"
#include "server/world/fetch.h"
#include "tests/support/unit.h"

static struct {
    struct world world;
    struct peers_loop loop;
    struct operations_owner owner;
    void (*ready)(void *of);
    void *of;
    struct channel egress;
    uint32_t heard[CHANNEL_TYPE_COUNT];
    uint64_t id;
    uint64_t granted;
    struct fetch_start start;
    char loop_text[100];
    struct buffer body;
    uint16_t flags;
    uint32_t wakes;
    struct metrics metrics;
} stage;

static const struct bytes rules[] = {{(const uint8_t *)"https://a", 9}};

static void *watch(void *context, int fd, void (*ready)(void *of), void *of)
{
    (void)context;
    (void)fd;
    stage.ready = ready;
    stage.of = of;
    return &stage;
}

static void unwatch(void *context, void *of)
{
    (void)context;
    (void)of;
    stage.ready = NULL;
}

static void wake(struct operations_owner *owner)
{
    assert_ptr_equal(owner, &stage.owner);
    stage.wakes++;
}

static bool egress_hears(void *context, const struct channel_frame *frame)
{
    (void)context;
    struct channel_reader reader = channel_reader(frame->payload);
    stage.heard[frame->type]++;
    stage.id = frame->id;
    stage.flags = frame->flags;
    if (frame->type == CHANNEL_MESSAGE_FETCH_START) {
        assert_true(fetch_start_read(frame->payload, &stage.start));
        memcpy(stage.loop_text, stage.start.order.loop.data, stage.start.order.loop.count);
        stage.loop_text[stage.start.order.loop.count] = '\0';
    } else if (frame->type == CHANNEL_MESSAGE_FETCH_GRANT) {
        stage.granted += channel_get_u32(&reader);
    } else if (frame->type == CHANNEL_MESSAGE_FETCH_BODY) {
        assert_int_equal(buffer_append(&stage.body, frame->payload.data, frame->payload.count),
                         STATUS_OK);
    }
    return true;
}

static int setup(void **state)
{
    (void)state;
    int fds[2];
    memset(&stage, 0, sizeof(stage));
    stage.loop = (struct peers_loop){.watch = watch, .unwatch = unwatch};
    world_init(&stage.world, wake, &stage.loop);
    world_fetch_init(&stage.world, &stage.metrics);
    buffer_init(&stage.body, 1u << 20);
    stage.owner.operations = &stage.world.operations;
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_options options = {.fd = fds[1],
                                            .own = CHANNEL_EGRESS,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = egress_hears};
    channel_init(&stage.egress, &options);
    peers_connect(&stage.world.peers, CHANNEL_EGRESS, fds[0]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    operations_end_all(&stage.owner);
    assert_true(list_is_empty(&stage.world.peers.each[CHANNEL_EGRESS].calls));
    assert_int_equal(stage.owner.bytes, 0);
    world_done(&stage.world);
    channel_done(&stage.egress);
    buffer_done(&stage.body);
    return 0;
}

static const struct hostapi_fetches *fetches(void)
{
    return stage.world.calls.fetches;
}

/* What the turn of a worker's loop has gathered. */
static void egress_reads(void)
{
    assert_false(peers_flush(&stage.world.peers));
    assert_int_equal(channel_receive(&stage.egress, NULL), STATUS_OK);
}

static enum hostapi_fetch_end begin(const char *loop, uint64_t *ret_ticket)
{
    const struct hostapi_fetch_order order = {.tenant = bytes_of_text("acme"),
                                              .method = bytes_of_text("GET"),
                                              .url = bytes_of_text("https://a/"),
                                              .fields = bytes_make("x\0y\0", 4),
                                              .body_follows = true,
                                              .follows = true,
                                              .deadline_us = 1000,
                                              .answer_bytes_max = 1000,
                                              .rules = rules,
                                              .rule_count = 1,
                                              .loop = bytes_of_text(loop)};
    const char *text = "";
    enum hostapi_fetch_end end = fetches()->start(&stage.owner, &order, ret_ticket, &text);
    assert_int_equal(end == HOSTAPI_FETCH_UNDER_WAY, text[0] == '\0');
    if (channel_is_open(&stage.egress))
        egress_reads();
    return end;
}

static uint64_t start(void)
{
    uint64_t ticket = 0;
    assert_int_equal(begin("", &ticket), HOSTAPI_FETCH_UNDER_WAY);
    return ticket;
}

static const struct hostapi_fetch_view *view(uint64_t ticket)
{
    return fetches()->view(&stage.owner, ticket);
}

static void say(enum channel_type type, uint64_t id, struct bytes payload)
{
    const struct channel_message message = {.type = type, .id = id, .head = payload, .fd = -1};
    assert_true(channel_send(&stage.egress, &message));
    stage.ready(stage.of);
}

static void say_head(uint64_t id)
{
    const struct fetch_field fields[] = {{bytes_of_text("a"), bytes_of_text("b")}};
    const struct fetch_head head = {
        .status = 201, .field_count = 1, .fields = fields, .url = bytes_of_text("https://a/z")};
    struct buffer out;
    buffer_init(&out, 1000);
    assert_true(fetch_head_write(&head, &out));
    say(CHANNEL_MESSAGE_FETCH_HEAD, id, buffer_bytes(&out));
    buffer_done(&out);
}

static void say_done(uint64_t id, enum fetch_end end, const char *text)
{
    uint8_t room[FETCH_RESULT_BYTES];
    const struct fetch_result result = {.end = end, .text = text};
    say(CHANNEL_MESSAGE_FETCH_DONE, id, fetch_result_write(&result, room));
}

static void an_answer_is_seen_as_it_comes(void **state)
{
    (void)state;
    uint64_t ticket = start();
    assert_int_equal(stage.id, ticket);
    assert_int_equal(stage.start.order.granted, FETCH_WINDOW_BYTES);
    assert_int_equal(stage.start.order.redirects_max, HOSTAPI_FETCH_REDIRECTS_MAX);
    assert_string_equal(stage.loop_text, "skerry");
    assert_false(view(ticket)->has_head);
    say_head(ticket);
    assert_int_equal(stage.wakes, 1);
    assert_int_equal(view(ticket)->status, 201);
    assert_true(bytes_equal_text(view(ticket)->url, "https://a/z"));
    assert_true(bytes_equal(view(ticket)->fields, bytes_make("a\0b\0", 4)));
    fetches()->await(&stage.owner, ticket);
    say(CHANNEL_MESSAGE_FETCH_DATA, ticket, bytes_of_text("hello"));
    assert_int_equal(stage.wakes, 2);
    assert_true(bytes_equal_text(view(ticket)->data, "hello"));
    fetches()->take(&stage.owner, ticket, 2);
    assert_true(bytes_equal_text(view(ticket)->data, "llo"));
    say_done(ticket, FETCH_END_DONE, "");
    assert_int_equal(view(ticket)->end, HOSTAPI_FETCH_DONE);
    fetches()->take(&stage.owner, ticket, 3);
    assert_int_equal(view(ticket)->data.count, 0);
    assert_int_equal(stage.heard[CHANNEL_MESSAGE_FETCH_GRANT], 0);
}

static void what_was_read_is_granted_again(void **state)
{
    (void)state;
    static uint8_t piece[16384];
    uint64_t ticket = start();
    say_head(ticket);
    for (int i = 0; i < 40; i++) {
        say(CHANNEL_MESSAGE_FETCH_DATA, ticket, bytes_make(piece, sizeof(piece)));
        fetches()->take(&stage.owner, ticket, i == 0 ? 5000 : sizeof(piece));
        egress_reads();
    }
    uint64_t taken = 5000 + 39 * sizeof(piece);
    assert_true(taken - stage.granted < FETCH_WINDOW_BYTES / 4);
}

static void more_than_was_granted_breaks_the_channel(void **state)
{
    (void)state;
    static uint8_t window[FETCH_WINDOW_BYTES];
    uint64_t ticket = start();
    say_head(ticket);
    say(CHANNEL_MESSAGE_FETCH_DATA, ticket, bytes_make(window, sizeof(window)));
    assert_int_equal(view(ticket)->end, HOSTAPI_FETCH_UNDER_WAY);
    assert_true(stage.owner.bytes >= sizeof(window));
    say(CHANNEL_MESSAGE_FETCH_DATA, ticket, bytes_make(window, 1));
    assert_int_equal(view(ticket)->end, HOSTAPI_FETCH_UNAVAILABLE);
}

static void a_body_goes_out_as_there_is_room(void **state)
{
    (void)state;
    uint64_t ticket = start();
    assert_int_equal(view(ticket)->room, FETCH_WINDOW_BYTES);
    assert_true(fetches()->write(&stage.owner, ticket, bytes_of_text("abc"), false));
    assert_int_equal(view(ticket)->room, FETCH_WINDOW_BYTES - 3);
    say(CHANNEL_MESSAGE_FETCH_ROOM, ticket, bytes_make("\3\0\0\0", 4));
    assert_int_equal(view(ticket)->room, FETCH_WINDOW_BYTES);
    assert_true(fetches()->write(&stage.owner, ticket, bytes_make(NULL, 0), true));
    egress_reads();
    assert_int_equal(stage.flags, FETCH_BODY_LAST);
    assert_true(bytes_equal_text(buffer_bytes(&stage.body), "abc"));
}

static void who_is_refused_learns_what_to_add(void **state)
{
    (void)state;
    uint64_t ticket = start();
    say_done(ticket, FETCH_END_DENIED, "https://api.example.com");
    assert_int_equal(view(ticket)->end, HOSTAPI_FETCH_DENIED);
    assert_non_null(strstr(view(ticket)->text, "add \"https://api.example.com\" to `outbound`"));
    assert_false(fetches()->write(&stage.owner, ticket, bytes_of_text("x"), false));
}

static void ten_thousand_cancels_are_told_and_what_comes_late_wakes_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t ticket = start();
        if (i % 3 > 0)
            say_head(ticket);
        if (i % 3 > 1)
            say_done(ticket, FETCH_END_DONE, "");
        operations_end_all(&stage.owner);
        egress_reads();
        uint32_t wakes = stage.wakes;
        say(CHANNEL_MESSAGE_FETCH_DATA, ticket, bytes_of_text("late"));
        assert_int_equal(stage.wakes, wakes);
        assert_null(view(ticket));
    }
    assert_int_equal(stage.heard[CHANNEL_MESSAGE_FETCH_CANCEL], 6667);
    assert_int_equal(stage.metrics.fetches_cancelled, 6667);
    assert_int_equal(stage.metrics.fetches_done, 3333);
    assert_int_equal(stage.owner.count, 0);
}

static void when_egress_ends_all_fetches_do(void **state)
{
    (void)state;
    uint64_t first = start();
    uint64_t second = start();
    say_done(second, FETCH_END_TIMEOUT, "");
    channel_done(&stage.egress);
    stage.ready(stage.of);
    assert_int_equal(view(first)->end, HOSTAPI_FETCH_UNAVAILABLE);
    assert_int_equal(view(second)->end, HOSTAPI_FETCH_TIMEOUT);
    uint64_t ticket;
    assert_int_equal(begin("", &ticket), HOSTAPI_FETCH_UNAVAILABLE);
    assert_int_equal(stage.owner.count, 2);
}

static void a_circle_through_the_network_ends(void **state)
{
    (void)state;
    static const struct {
        const char *loop;
        enum hostapi_fetch_end end;
    } rows[] = {
        {"other, skerry", HOSTAPI_FETCH_UNDER_WAY},
        {"skerry, skerry, skerry", HOSTAPI_FETCH_UNDER_WAY},
        {"skerry,skerry,skerry,skerry", HOSTAPI_FETCH_LIMIT},
        {"Skerry;a=b, x,\tSKERRY , skerry ;c,skerry", HOSTAPI_FETCH_LIMIT},
        {"skerry.example, skerryx, xskerry, skerry-a, a", HOSTAPI_FETCH_UNDER_WAY},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t ticket;
        assert_int_equal(begin(rows[i].loop, &ticket), rows[i].end);
    }
    assert_string_equal(stage.loop_text, "skerry.example, skerryx, xskerry, skerry-a, a, skerry");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(an_answer_is_seen_as_it_comes),
        IN_WORLD(what_was_read_is_granted_again),
        IN_WORLD(more_than_was_granted_breaks_the_channel),
        IN_WORLD(a_body_goes_out_as_there_is_room),
        IN_WORLD(who_is_refused_learns_what_to_add),
        IN_WORLD(ten_thousand_cancels_are_told_and_what_comes_late_wakes_nobody),
        IN_WORLD(when_egress_ends_all_fetches_do),
        IN_WORLD(a_circle_through_the_network_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
