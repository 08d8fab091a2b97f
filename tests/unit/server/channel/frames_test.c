/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as bytes: what is one, and what is not; numbers that are not there.
 */
#include "server/channel/frames.h"
#include "tests/support/unit.h"

static const uint8_t peer_frame[] = {20, 0, 0, 0,             /* bytes */
                                     0,  0, 7, 0,             /* PEER, flags */
                                     1,  2, 3, 4, 5, 6, 7, 8, /* id */
                                     2,  0, 0, 0, 9, 0, 0, 0};

static enum channel_parse parse(const uint8_t *data, size_t count, struct channel_frame *ret_frame)
{
    size_t bytes;
    return channel_parse(bytes_make(data, count), CHANNEL_WORKER, CHANNEL_CONTROL, ret_frame,
                         &bytes);
}

static void a_frame_is_there_when_all_of_it_is(void **state)
{
    (void)state;
    struct channel_frame frame;
    size_t bytes;
    for (size_t count = 0; count < sizeof(peer_frame); count++) {
        assert_int_equal(channel_parse(bytes_make(peer_frame, count), CHANNEL_WORKER,
                                       CHANNEL_CONTROL, &frame, &bytes),
                         CHANNEL_PARSE_MORE);
        assert_int_equal(bytes, count < CHANNEL_HEAD_BYTES ? 0 : sizeof(peer_frame));
    }
    assert_int_equal(parse(peer_frame, sizeof(peer_frame), &frame), CHANNEL_PARSE_FRAME);
    assert_int_equal(frame.type, CHANNEL_MESSAGE_PEER);
    assert_int_equal(frame.flags, 7);
    assert_true(frame.id == UINT64_C(0x0807060504030201));
    assert_int_equal(frame.payload.count, 8);
    assert_int_equal(frame.fd, -1);
    uint8_t head[CHANNEL_HEAD_BYTES];
    channel_write_head(head, CHANNEL_MESSAGE_PEER, 7, frame.id, 8);
    assert_memory_equal(head, peer_frame, sizeof(head));
}

static void what_the_table_does_not_have_is_refused_from_its_head(void **state)
{
    (void)state;
    struct channel_frame frame;
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {{0, 19},  {0, 21},
                 {0, 11},  {0, 0},
                 {3, 255}, {4, CHANNEL_TYPE_COUNT},
                 {5, 1},   {4, CHANNEL_MESSAGE_PEER_LOST}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint8_t bytes[sizeof(peer_frame)];
        memcpy(bytes, peer_frame, sizeof(bytes));
        bytes[wrong[i].at] = wrong[i].value;
        assert_int_equal(parse(bytes, CHANNEL_HEAD_BYTES, &frame), CHANNEL_PARSE_BROKEN);
    }
    size_t bytes;
    /* A worker sends no such thing to control, nor to itself. */
    struct bytes whole = bytes_make(peer_frame, sizeof(peer_frame));
    assert_int_equal(channel_parse(whole, CHANNEL_CONTROL, CHANNEL_WORKER, &frame, &bytes),
                     CHANNEL_PARSE_BROKEN);
    assert_int_equal(channel_parse(whole, CHANNEL_EGRESS, CHANNEL_WORKER, &frame, &bytes),
                     CHANNEL_PARSE_BROKEN);
    assert_int_equal(channel_parse(whole, CHANNEL_EGRESS, CHANNEL_CONTROL, &frame, &bytes),
                     CHANNEL_PARSE_FRAME);
}

static void the_largest_frame_of_a_pair_is_known(void **state)
{
    (void)state;
    assert_true(channel_frame_max_bytes(CHANNEL_WORKER, CHANNEL_CONTROL) >= sizeof(peer_frame));
    assert_int_equal(channel_frame_max_bytes(CHANNEL_CONTROL, CHANNEL_CONTROL),
                     sizeof(peer_frame)); /* whatever is for anybody */
    assert_string_equal(channel_end_name(CHANNEL_EGRESS), "egress");
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    uint8_t room[64];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u8(&writer, 0xab);
    channel_put_u16(&writer, 0xcdef);
    channel_put_u32(&writer, 0xdeadbeef);
    channel_put_u64(&writer, UINT64_MAX - 1);
    channel_put_bytes(&writer, bytes_of_text("text"));
    channel_put_bytes(&writer, bytes_make(NULL, 0));
    struct channel_reader reader = channel_reader(channel_written(&writer));
    assert_int_equal(channel_get_u8(&reader), 0xab);
    assert_int_equal(channel_get_u16(&reader), 0xcdef);
    assert_int_equal(channel_get_u32(&reader), 0xdeadbeef);
    assert_true(channel_get_u64(&reader) == UINT64_MAX - 1);
    assert_false(channel_reader_ends(&reader));
    assert_true(bytes_equal_text(channel_get_bytes(&reader, 4), "text"));
    assert_int_equal(channel_get_bytes(&reader, 0).count, 0);
    assert_true(channel_reader_ends(&reader));
}

static void a_reader_is_bad_after_what_is_not_there(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {3, 0, 0, 0, 'a', 'b', 'c', 1};
    struct channel_reader reader = channel_reader(bytes_make(bytes, sizeof(bytes)));
    assert_int_equal(channel_get_bytes(&reader, 2).count, 0); /* longer than may be */
    assert_int_equal(channel_get_u8(&reader), 0);
    assert_int_equal(channel_get_rest(&reader).count, 0);
    assert_false(channel_reader_ends(&reader));
    for (size_t count = 0; count < 7; count++) {
        reader = channel_reader(bytes_make(bytes, count));
        assert_null(channel_get_bytes(&reader, 100).data);
        assert_false(channel_reader_ends(&reader));
    }
    reader = channel_reader(bytes_make(bytes, sizeof(bytes)));
    (void)channel_get_u32(&reader);
    (void)channel_get_u64(&reader);
    assert_false(channel_reader_ends(&reader));
    reader = channel_reader(bytes_make(bytes, sizeof(bytes)));
    assert_int_equal(channel_get_rest(&reader).count, sizeof(bytes));
    assert_true(channel_reader_ends(&reader));
}

static void a_writer_is_bad_when_it_has_no_room(void **state)
{
    (void)state;
    uint8_t room[6] = {0};
    struct channel_writer writer = channel_writer(room, 5);
    channel_put_bytes(&writer, bytes_of_text("ab"));
    assert_true(writer.bad);
    assert_int_equal(room[5], 0);
    writer = channel_writer(room, 5);
    channel_put_u32(&writer, 1);
    channel_put_u16(&writer, 1);
    assert_true(writer.bad);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_there_when_all_of_it_is),
        cmocka_unit_test(what_the_table_does_not_have_is_refused_from_its_head),
        cmocka_unit_test(the_largest_frame_of_a_pair_is_known),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_reader_is_bad_after_what_is_not_there),
        cmocka_unit_test(a_writer_is_bad_when_it_has_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
