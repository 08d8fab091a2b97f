/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's peers, with control and a helper played by the test at the other ends.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/world/peers.h"
#include "tests/support/unit.h"

/* One watched descriptor at a time for each end. */
static struct {
    struct peers peers;
    struct {
        int fd;
        void (*ready)(void *of);
        void *of;
    } watches[8];
    struct channel control;
    uint32_t asked; /* for a new channel */
    uint32_t lost;  /* calls */
} stage;

static void *watch(void *context, int fd, void (*ready)(void *of), void *of)
{
    (void)context;
    for (size_t i = 0; i < COUNT_OF(stage.watches); i++) {
        if (stage.watches[i].ready != NULL)
            continue;
        stage.watches[i].fd = fd;
        stage.watches[i].ready = ready;
        stage.watches[i].of = of;
        return &stage.watches[i];
    }
    fail();
    return NULL;
}

static void unwatch(void *context, void *of)
{
    (void)context;
    memset(of, 0, sizeof(stage.watches[0]));
}

/* A turn of the loop: everybody may look. */
static void look(void)
{
    for (size_t i = 0; i < COUNT_OF(stage.watches); i++) {
        if (stage.watches[i].ready != NULL)
            stage.watches[i].ready(stage.watches[i].of);
    }
}

static bool control_hears(void *context, const struct channel_frame *frame)
{
    (void)context;
    assert_int_equal(frame->type, CHANNEL_MESSAGE_PEER_LOST);
    assert_int_equal(frame->payload.data[0], CHANNEL_KEYS);
    stage.asked++;
    return true;
}

static int setup(void **state)
{
    (void)state;
    static const struct peers_loop loop = {.watch = watch, .unwatch = unwatch};
    int fds[2];
    memset(&stage, 0, sizeof(stage));
    peers_init(&stage.peers, &loop);
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_options options = {.fd = fds[1],
                                            .own = CHANNEL_CONTROL,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = control_hears};
    channel_init(&stage.control, &options);
    peers_connect(&stage.peers, CHANNEL_CONTROL, fds[0]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    peers_done(&stage.peers);
    for (size_t i = 0; i < COUNT_OF(stage.watches); i++)
        assert_null(stage.watches[i].ready);
    channel_done(&stage.control);
    return 0;
}

/* Control introduces a helper; returns that one's end. */
static int introduce(uint8_t end)
{
    int fds[2];
    const uint8_t payload[8] = {end};
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_PEER, .head = bytes_make(payload, sizeof(payload)), .fd = fds[0]};
    assert_true(channel_send(&stage.control, &message));
    assert_int_equal(close(fds[0]), 0);
    look();
    return fds[1];
}

static bool has_keys(void)
{
    return channel_is_open(&stage.peers.each[CHANNEL_KEYS].channel);
}

static void hear(void)
{
    struct report report = REPORT_INIT;
    assert_int_equal(channel_receive(&stage.control, &report), STATUS_OK);
}

static void on_lost(struct peers_call *call)
{
    assert_false(list_is_linked(&call->link));
    stage.lost++;
}

static void who_is_introduced_is_there_until_it_ends(void **state)
{
    (void)state;
    assert_false(has_keys());
    int keys = introduce(CHANNEL_KEYS);
    assert_true(has_keys());
    struct peers_call calls[3] = {{.lost = on_lost}, {.lost = on_lost}, {.lost = on_lost}};
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        peers_call_begin(&stage.peers, CHANNEL_KEYS, &calls[i]);
    peers_call_end(&calls[1]);
    peers_call_end(&calls[1]);
    assert_int_equal(close(keys), 0);
    look();
    assert_false(has_keys());
    assert_int_equal(stage.lost, 2);
    hear();
    assert_int_equal(stage.asked, 1);
    keys = introduce(CHANNEL_KEYS);
    assert_true(has_keys());
    look();
    assert_int_equal(stage.asked, 1);
    assert_int_equal(close(keys), 0);
}

static void a_new_channel_takes_the_place_of_the_one_before(void **state)
{
    (void)state;
    int first = introduce(CHANNEL_KEYS);
    struct peers_call call = {.lost = on_lost};
    peers_call_begin(&stage.peers, CHANNEL_KEYS, &call);
    int second = introduce(CHANNEL_KEYS);
    assert_int_equal(stage.lost, 1);
    char byte;
    assert_int_equal(recv(first, &byte, 1, MSG_DONTWAIT), 0); /* ended */
    assert_true(has_keys());
    hear();
    assert_int_equal(stage.asked, 0);
    assert_int_equal(close(first), 0);
    assert_int_equal(close(second), 0);
}

static void a_peer_that_makes_no_sense_is_lost(void **state)
{
    (void)state;
    int keys = introduce(CHANNEL_KEYS);
    uint8_t frame[CHANNEL_HEAD_BYTES] = {0};
    assert_int_equal(send(keys, frame, sizeof(frame), 0), sizeof(frame));
    look();
    assert_false(has_keys());
    hear();
    assert_int_equal(stage.asked, 1);
    assert_int_equal(close(keys), 0);
}

static void control_introduces_neither_itself_nor_workers(void **state)
{
    (void)state;
    int fd = introduce(CHANNEL_WORKER);
    assert_false(channel_is_open(&stage.peers.each[CHANNEL_WORKER].channel));
    assert_false(channel_is_open(&stage.peers.each[CHANNEL_CONTROL].channel));
    assert_int_equal(close(fd), 0);
}

static void who_is_not_there_is_sent_nothing(void **state)
{
    (void)state;
    const uint8_t payload[4] = {CHANNEL_KEYS};
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER_LOST,
                                            .head = bytes_make(payload, sizeof(payload))};
    assert_true(peers_send(&stage.peers, CHANNEL_CONTROL, &message));
    assert_false(peers_send(&stage.peers, CHANNEL_EGRESS, &message));
    assert_false(peers_flush(&stage.peers));
    hear();
}

static void what_has_no_room_is_sent_later(void **state)
{
    (void)state;
    const uint8_t payload[4] = {CHANNEL_KEYS};
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER_LOST,
                                            .head = bytes_make(payload, sizeof(payload))};
    uint32_t sent = 0;
    while (!channel_has_unsent(&stage.peers.each[CHANNEL_CONTROL].channel)) {
        assert_true(peers_send(&stage.peers, CHANNEL_CONTROL, &message));
        sent++;
    }
    assert_true(peers_flush(&stage.peers));
    while (stage.asked < sent) {
        hear();
        (void)peers_flush(&stage.peers);
    }
    assert_false(peers_flush(&stage.peers));
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(who_is_introduced_is_there_until_it_ends),
        STAGED(a_new_channel_takes_the_place_of_the_one_before),
        STAGED(a_peer_that_makes_no_sense_is_lost),
        STAGED(control_introduces_neither_itself_nor_workers),
        STAGED(who_is_not_there_is_sent_nothing),
        STAGED(what_has_no_room_is_sent_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
