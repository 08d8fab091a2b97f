/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a channel in one process.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/channel/channel.h"
#include "tests/support/unit.h"

#define OUT_MAX 65536

struct side {
    struct channel channel;
    uint32_t frames;
    uint64_t last_id;
    int last_fd;
    bool refuses;
};

struct pair {
    struct side control;
    struct side worker;
};

static bool on_frame(void *context, const struct channel_frame *frame)
{
    struct side *side = context;
    /* In the order of sending. */
    assert_int_equal(frame->id, side->last_id + 1);
    side->last_id = frame->id;
    side->frames++;
    if (side->last_fd >= 0)
        assert_int_equal(close(side->last_fd), 0);
    side->last_fd = frame->fd;
    return !side->refuses;
}

static void open_side(struct side *side, int fd, enum channel_end own, enum channel_end peer)
{
    const struct channel_options options = {.fd = fd,
                                            .own = own,
                                            .peer = peer,
                                            .takes_fds = own == CHANNEL_WORKER,
                                            .out_max = OUT_MAX,
                                            .frame = on_frame,
                                            .context = side};
    side->last_fd = -1;
    channel_init(&side->channel, &options);
}

static int setup(void **state)
{
    static struct pair pair;
    struct report report = REPORT_INIT;
    int fds[2];
    pair = (struct pair){.control.frames = 0};
    assert_int_equal(channel_pair(&report, fds), STATUS_OK);
    open_side(&pair.control, fds[0], CHANNEL_CONTROL, CHANNEL_WORKER);
    open_side(&pair.worker, fds[1], CHANNEL_WORKER, CHANNEL_CONTROL);
    *state = &pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    channel_done(&pair->control.channel);
    channel_done(&pair->worker.channel);
    channel_done(&pair->worker.channel);
    if (pair->worker.last_fd >= 0)
        assert_int_equal(close(pair->worker.last_fd), 0);
    return 0;
}

static enum status receive(struct side *side)
{
    struct report report = REPORT_INIT;
    enum status status = channel_receive(&side->channel, &report);
    if (status != STATUS_OK)
        assert_int_not_equal(report.text[0], '\0');
    return status;
}

static bool send_peer(struct pair *pair, uint64_t id, int fd)
{
    static const uint8_t payload[8] = {CHANNEL_EGRESS};
    const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER,
                                            .id = id,
                                            .head = bytes_make(payload, 3),
                                            .body = bytes_make(payload + 3, 5),
                                            .fd = fd};
    return channel_send(&pair->control.channel, &message);
}

static bool send_lost(struct pair *pair, uint64_t id)
{
    static const uint8_t payload[4] = {CHANNEL_EGRESS};
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_PEER_LOST, .id = id, .head = bytes_make(payload, 4)};
    return channel_send(&pair->worker.channel, &message);
}

static void frames_come_with_their_descriptors_in_order(void **state)
{
    struct pair *pair = *state;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(receive(&pair->worker), STATUS_OK);
    for (uint64_t id = 1; id <= 3; id++)
        assert_true(send_peer(pair, id, null));
    assert_true(send_lost(pair, 1));
    assert_int_equal(receive(&pair->worker), STATUS_OK);
    assert_int_equal(pair->worker.frames, 3);
    assert_true(pair->worker.last_fd >= 0 && pair->worker.last_fd != null);
    assert_int_equal(write(pair->worker.last_fd, "x", 1), 1);
    assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, 1);
    assert_int_equal(pair->control.last_fd, -1);
    assert_int_equal(close(null), 0);
}

static void one_that_gathers_sends_when_it_is_told_to(void **state)
{
    struct pair *pair = *state;
    pair->worker.channel.options.gathers = true;
    assert_true(send_lost(pair, 1));
    assert_true(send_lost(pair, 2));
    assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, 0);
    channel_flush(&pair->worker.channel);
    assert_false(channel_has_unsent(&pair->worker.channel));
    assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, 2);
}

static void what_the_socket_does_not_take_is_kept_up_to_a_bound(void **state)
{
    struct pair *pair = *state;
    uint64_t sent = 0;
    while (send_lost(pair, sent + 1))
        sent++;
    assert_true(channel_has_unsent(&pair->worker.channel));
    assert_true(pair->worker.channel.out.count - pair->worker.channel.out_at <= OUT_MAX);
    assert_true(sent > OUT_MAX / 20);
    while (channel_has_unsent(&pair->worker.channel)) {
        assert_int_equal(receive(&pair->control), STATUS_OK);
        channel_flush(&pair->worker.channel);
    }
    assert_true(send_lost(pair, ++sent));
    while (pair->control.frames < sent)
        assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, sent);
    assert_int_equal(pair->worker.channel.out.count, 0);
}

static void descriptors_wait_with_their_frames(void **state)
{
    struct pair *pair = *state;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int small = 1;
    assert_int_equal(
        setsockopt(pair->control.channel.options.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)),
        0);
    uint64_t sent = 0;
    while (send_peer(pair, sent + 1, null))
        sent++;
    assert_int_equal(pair->control.channel.mark_count, CHANNEL_UNSENT_FDS);
    while (pair->worker.frames < sent) {
        channel_flush(&pair->control.channel);
        assert_int_equal(receive(&pair->worker), STATUS_OK);
        assert_true(pair->worker.frames == 0 || pair->worker.last_fd >= 0);
    }
    assert_int_equal(pair->control.channel.mark_count, 0);
    assert_int_equal(close(null), 0);
}

static void the_other_sides_end_is_told(void **state)
{
    struct pair *pair = *state;
    assert_true(send_lost(pair, 1));
    channel_done(&pair->worker.channel);
    assert_false(send_lost(pair, 2));
    assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, 1); /* what it said before is heard */
    assert_int_equal(receive(&pair->control), STATUS_UNREACHABLE);
    channel_done(&pair->control.channel);
}

static void who_cannot_be_written_to_is_gone_at_the_next_look(void **state)
{
    struct pair *pair = *state;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    channel_done(&pair->worker.channel);
    (void)send_peer(pair, 1, null);
    assert_false(send_peer(pair, 2, null));
    assert_int_equal(receive(&pair->control), STATUS_UNREACHABLE);
    assert_int_equal(close(null), 0);
}

/* From a worker whose hands are in the wrong places. */
static enum status control_hears(struct pair *pair, const void *bytes, size_t count)
{
    assert_int_equal(write(pair->worker.channel.options.fd, bytes, count), count);
    return receive(&pair->control);
}

static void rubbish_breaks_the_channel(void **state)
{
    struct pair *pair = *state;
    static const uint8_t rubbish[CHANNEL_HEAD_BYTES] = {1, 2, 3};
    assert_int_equal(control_hears(pair, rubbish, 5), STATUS_OK);
    assert_int_equal(control_hears(pair, rubbish + 5, sizeof(rubbish) - 5), STATUS_MALFORMED);
    assert_int_equal(pair->control.frames, 0);
}

static void a_frame_that_its_handler_refuses_breaks_the_channel(void **state)
{
    struct pair *pair = *state;
    pair->control.refuses = true;
    assert_true(send_lost(pair, 1));
    assert_true(send_lost(pair, 2));
    assert_int_equal(receive(&pair->control), STATUS_MALFORMED);
    assert_int_equal(pair->control.frames, 1);
}

/* Without its descriptor, and a descriptor that nobody asked for. */
static void descriptors_come_only_where_they_are_wanted(void **state)
{
    struct pair *pair = *state;
    uint8_t frame[CHANNEL_HEAD_BYTES + 8] = {0};
    channel_write_head(frame, CHANNEL_MESSAGE_PEER, 0, 1, 8);
    assert_int_equal(write(pair->control.channel.options.fd, frame, sizeof(frame)), sizeof(frame));
    assert_int_equal(receive(&pair->worker), STATUS_MALFORMED);
    /* A worker's are not taken: the kernel drops them. */
    assert_false(pair->control.channel.options.takes_fds);
}

static void a_frame_in_pieces_is_put_together(void **state)
{
    struct pair *pair = *state;
    uint8_t frame[CHANNEL_HEAD_BYTES + 4] = {0};
    channel_write_head(frame, CHANNEL_MESSAGE_PEER_LOST, 0, 1, 4);
    for (size_t i = 0; i < sizeof(frame); i++) {
        assert_int_equal(pair->control.frames, 0);
        assert_int_equal(control_hears(pair, frame + i, 1), STATUS_OK);
    }
    assert_int_equal(pair->control.frames, 1);
}

static void what_is_secret_does_not_stay(void **state)
{
    struct pair *pair = *state;
    pair->control.channel.options.wipes = true;
    assert_true(send_lost(pair, 1));
    assert_true(send_lost(pair, 2));
    assert_int_equal(receive(&pair->control), STATUS_OK);
    assert_int_equal(pair->control.frames, 2);
    const struct buffer *in = &pair->control.channel.in;
    assert_true(in->capacity >= in->max);
    for (size_t i = 0; i < 2 * (CHANNEL_HEAD_BYTES + 4); i++)
        assert_int_equal(in->data[i], 0);
}

#define PAIRED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        PAIRED(frames_come_with_their_descriptors_in_order),
        PAIRED(one_that_gathers_sends_when_it_is_told_to),
        PAIRED(what_the_socket_does_not_take_is_kept_up_to_a_bound),
        PAIRED(descriptors_wait_with_their_frames),
        PAIRED(the_other_sides_end_is_told),
        PAIRED(who_cannot_be_written_to_is_gone_at_the_next_look),
        PAIRED(rubbish_breaks_the_channel),
        PAIRED(a_frame_that_its_handler_refuses_breaks_the_channel),
        PAIRED(descriptors_come_only_where_they_are_wanted),
        PAIRED(a_frame_in_pieces_is_put_together),
        PAIRED(what_is_secret_does_not_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
