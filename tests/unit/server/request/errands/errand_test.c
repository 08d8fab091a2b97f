/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that control asks for, with control played by the test at the channel's other end.
 */
#include <string.h>

#include "server/channel/errand_messages.h"
#include "server/request/errands/errand.h"
#include "tests/unit/server/request/stage.h"

static struct {
    struct channel control;
    void (*ready)(void *of);
    void *of;
    uint32_t answers;
    uint64_t id;
    uint32_t status;
    char code[ERRAND_CODE_MAX + 1];
} line;

static void *watch(void *context, int fd, void (*ready)(void *of), void *of)
{
    (void)context;
    (void)fd;
    line.ready = ready;
    line.of = of;
    return &line;
}

static void unwatch(void *context, void *of)
{
    (void)context;
    (void)of;
    line.ready = NULL;
}

static bool control_hears(void *context, const struct channel_frame *frame)
{
    (void)context;
    struct errand_answer answer;
    assert_int_equal(frame->type, CHANNEL_MESSAGE_ERRAND_DONE);
    assert_true(errand_answer_read(frame->payload, &answer));
    line.answers++;
    line.id = frame->id;
    line.status = answer.status;
    memcpy(line.code, answer.code.data, answer.code.count);
    line.code[answer.code.count] = '\0';
    return true;
}

static int setup(void **state)
{
    int fds[2];
    memset(&line, 0, sizeof(line));
    assert_int_equal(stage_setup(state), 0);
    struct stage *stage = *state;
    struct peers *peers = &stage->service.world.peers;
    peers->loop = (struct peers_loop){.watch = watch, .unwatch = unwatch};
    errand_open(&stage->service);
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_options options = {.fd = fds[1],
                                            .own = CHANNEL_CONTROL,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = control_hears};
    channel_init(&line.control, &options);
    peers_connect(peers, CHANNEL_CONTROL, fds[0]);
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(stage->service.errands, 0);
    peers_done(&stage->service.world.peers);
    channel_done(&line.control);
    return stage_teardown(state);
}

static void ask(uint64_t id, const char *path, uint32_t wall_ms)
{
    uint8_t head[ERRAND_HEAD_BYTES];
    const struct errand_message said = {.wall_ms = wall_ms,
                                        .tenant = bytes_of_text("acme"),
                                        .function = bytes_of_text("hello"),
                                        .method = bytes_of_text("POST"),
                                        .path = bytes_of_text(path),
                                        .fields = bytes_make("x-skerry-cron\0* * * * *\0", 24)};
    const struct channel_message message = {.type = CHANNEL_MESSAGE_ERRAND,
                                            .id = id,
                                            .head = errand_message_write(&said, head),
                                            .fd = -1};
    assert_true(channel_send(&line.control, &message));
    channel_flush(&line.control);
    line.ready(line.of);
}

static void hear(struct stage *stage)
{
    (void)peers_flush(&stage->service.world.peers);
    assert_int_equal(channel_receive(&line.control, NULL), STATUS_OK);
}

static void it_is_run_and_control_hears_how_it_was_answered(void **state)
{
    struct stage *stage = *state;
    ask(7, "/", 0);
    hear(stage);
    assert_int_equal(line.answers, 1);
    assert_int_equal(line.id, 7);
    assert_int_equal(line.status, 200);
    assert_string_equal(line.code, "");
    assert_int_equal(stage->checkouts, 1);
    assert_int_equal(stage->metrics.requests, 1);
}

static void its_own_time_ends_it_and_the_code_says_so(void **state)
{
    struct stage *stage = *state;
    stage->steps[0] = GUEST_WAITS;
    stage->result.until_ns = UINT64_MAX;
    ask(8, "/", 20);
    assert_int_equal(stage->service.errands, 1);
    stage_turn(stage, stage->now_ns + 21 * CLOCK_NS_PER_MS);
    hear(stage);
    assert_int_equal(line.status, 504);
    assert_string_equal(line.code, "deadline");
}

static void what_is_no_request_and_who_is_nobody_are_answers(void **state)
{
    struct stage *stage = *state;
    ask(9, "no-slash", 0);
    hear(stage);
    assert_int_equal(line.id, 9);
    assert_int_equal(line.status, 503);
    assert_string_equal(line.code, "invalid");
    stage->find_status = STATUS_NOT_FOUND;
    ask(10, "/", 0);
    hear(stage);
    assert_int_equal(line.id, 10);
    assert_int_equal(line.status, 404);
}

static void more_than_fit_are_refused(void **state)
{
    struct stage *stage = *state;
    stage->service.errands = 256;
    ask(11, "/", 0);
    hear(stage);
    assert_int_equal(line.status, 503);
    assert_string_equal(line.code, "busy");
    stage->service.errands = 0;
}

static void names_of_the_servers_own_are_known_in_any_case(void **state)
{
    (void)state;
    assert_true(errand_owns_field(bytes_of_text("x-skerry-cron")));
    assert_true(errand_owns_field(bytes_of_text("X-SKERRY-")));
    assert_false(errand_owns_field(bytes_of_text("x-skerry")));
    assert_false(errand_owns_field(bytes_of_text("x-skerrycron-x")));
    assert_false(errand_owns_field(bytes_make("", 0)));
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(it_is_run_and_control_hears_how_it_was_answered),
        STAGED(its_own_time_ends_it_and_the_code_says_so),
        STAGED(what_is_no_request_and_who_is_nobody_are_answers),
        STAGED(more_than_fit_are_refused),
        cmocka_unit_test(names_of_the_servers_own_are_known_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
