/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires on a loop: what is said is heard, however much it is, and the end of one is told.
 */
#include <event2/event.h>

#include "server/helper/wire.h"
#include "tests/support/unit.h"

struct side {
    struct wire wire;
    struct event_base *base;
    uint32_t heard;
    uint32_t broken;
};

static bool on_frame(void *context, const struct channel_frame *frame)
{
    struct side *side = context;
    side->heard++;
    assert_int_equal(frame->id, side->heard);
    return true;
}

static void on_broken(void *context, enum status status, const struct report *report)
{
    struct side *side = context;
    assert_int_equal(status, STATUS_UNREACHABLE);
    assert_int_not_equal(report->text[0], '\0');
    side->broken++;
    wire_close(&side->wire);
}

static void open_side(struct side *side, struct event_base *base, int fd, bool is_control)
{
    const struct channel_options options = {.fd = fd,
                                            .own = is_control ? CHANNEL_CONTROL : CHANNEL_WORKER,
                                            .peer = is_control ? CHANNEL_WORKER : CHANNEL_CONTROL,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = on_frame,
                                            .context = side};
    *side = (struct side){.base = base};
    assert_int_equal(wire_open(&side->wire, base, &options, on_broken), STATUS_OK);
}

static void much_that_is_said_at_once_is_heard_in_the_end(void **state)
{
    (void)state;
    static const uint8_t payload[4];
    struct event_base *base = event_base_new();
    struct side control;
    struct side worker;
    int fds[2];
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    open_side(&control, base, fds[0], true);
    open_side(&worker, base, fds[1], false);
    const uint32_t count = 100000;
    for (uint32_t i = 1; i <= count; i++) {
        const struct channel_message message = {.type = CHANNEL_MESSAGE_PEER_LOST,
                                                .id = i,
                                                .head = bytes_make(payload, sizeof(payload))};
        assert_true(wire_send(&worker.wire, &message));
    }
    assert_true(channel_has_unsent(&worker.wire.channel));
    while (control.heard < count)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    assert_false(channel_has_unsent(&worker.wire.channel));
    wire_close(&control.wire);
    while (worker.broken == 0)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    wire_close(&worker.wire); /* again */
    assert_false(wire_send(
        &worker.wire, &(struct channel_message){.type = CHANNEL_MESSAGE_PEER_LOST,
                                                .head = bytes_make(payload, sizeof(payload))}));
    event_base_free(base);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_that_is_said_at_once_is_heard_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
