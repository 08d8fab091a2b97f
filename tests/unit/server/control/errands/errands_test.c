/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control asks of workers, of which only what they are sent is there.
 */
#include <string.h>

#include "server/channel/errand_messages.h"
#include "server/control/errands/errands.h"
#include "tests/support/unit.h"

static struct {
    struct config config;
    struct errands errands;
    workers_handler *handle;
    void *context;
    bool serves[4];
    uint32_t asked[4];
    uint64_t now_ns;
    uint32_t ends;
    uint64_t number;
    uint32_t status;
} rig;

void workers_on(struct workers *workers,
                enum channel_type type,
                workers_handler *handle,
                void *context)
{
    (void)workers;
    assert_int_equal(type, CHANNEL_MESSAGE_ERRAND_DONE);
    rig.handle = handle;
    rig.context = context;
}

bool workers_serving(const struct workers *workers,
                     uint32_t index,
                     struct workers_caller *ret_worker)
{
    (void)workers;
    *ret_worker = (struct workers_caller){.index = index, .run = index + 1};
    return rig.serves[index];
}

bool workers_send(struct workers *workers,
                  const struct workers_caller *to,
                  const struct channel_message *message)
{
    (void)workers;
    assert_int_equal(message->type, CHANNEL_MESSAGE_ERRAND);
    rig.asked[to->index]++;
    return true;
}

void deploy_control_errand_done(struct deploy_control *control,
                                uint64_t number,
                                const struct deploy_errand_end *end)
{
    (void)control;
    rig.ends++;
    rig.number = number;
    rig.status = end->status;
}

static uint64_t now(void *context)
{
    (void)context;
    return rig.now_ns;
}

static int setup(void **state)
{
    static const struct clock clock = {.monotonic_ns = now, .realtime_ns = now};
    (void)state;
    memset(&rig, 0, sizeof(rig));
    rig.config.workers = 2;
    rig.config.limits.wall = 10 * CLOCK_US_PER_S;
    rig.errands = (struct errands){.config = &rig.config, .clock = &clock};
    errands_open(&rig.errands);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    errands_close(&rig.errands);
    return 0;
}

static const struct deploy_errand errand = {.tenant = {.data = (const uint8_t *)"acme", .count = 4},
                                            .function = {.data = (const uint8_t *)"f", .count = 1},
                                            .method = {.data = (const uint8_t *)"GET", .count = 3},
                                            .path = {.data = (const uint8_t *)"/", .count = 1}};

static void answer(uint32_t worker, uint64_t number, uint32_t status)
{
    uint8_t text[ERRAND_DONE_BYTES];
    const struct errand_answer said = {.status = status};
    const struct channel_frame frame = {.type = CHANNEL_MESSAGE_ERRAND_DONE,
                                        .id = number,
                                        .payload = errand_answer_write(&said, text),
                                        .fd = -1};
    const struct workers_caller caller = {.index = worker, .run = worker + 1};
    assert_true(rig.handle(rig.context, &caller, &frame));
}

static void workers_that_serve_are_asked_in_turn(void **state)
{
    (void)state;
    assert_false(errands_ask(&rig.errands, &errand, 1));
    rig.serves[1] = rig.serves[2] = true;
    for (uint64_t i = 1; i <= 4; i++)
        assert_true(errands_ask(&rig.errands, &errand, i));
    assert_int_equal(rig.asked[1], 2);
    assert_int_equal(rig.asked[2], 2);
}

static void only_who_was_asked_answers_and_once(void **state)
{
    (void)state;
    rig.serves[1] = true;
    assert_true(errands_ask(&rig.errands, &errand, 5));
    answer(2, 5, 200);
    answer(1, 6, 200);
    assert_int_equal(rig.ends, 0);
    answer(1, 5, 404);
    answer(1, 5, 200);
    assert_int_equal(rig.ends, 1);
    assert_int_equal(rig.number, 5);
    assert_int_equal(rig.status, 404);
    static const struct channel_frame nonsense = {.fd = -1};
    const struct workers_caller caller = {.index = 1, .run = 2};
    assert_false(rig.handle(rig.context, &caller, &nonsense));
}

static void what_a_dead_worker_or_one_that_is_silent_was_asked_is_lost(void **state)
{
    (void)state;
    rig.serves[1] = true;
    assert_true(errands_ask(&rig.errands, &errand, 1));
    assert_true(errands_ask(&rig.errands, &errand, 2));
    const struct workers_caller other = {.index = 2, .run = 3};
    errands_lost(&rig.errands, &other);
    assert_int_equal(rig.ends, 0);
    const struct workers_caller dead = {.index = 1, .run = 2};
    errands_lost(&rig.errands, &dead);
    assert_int_equal(rig.ends, 2);
    assert_int_equal(rig.status, 0);
    assert_true(errands_ask(&rig.errands, &errand, 3));
    rig.now_ns += 15 * CLOCK_NS_PER_S - 1;
    errands_tick(&rig.errands);
    assert_int_equal(rig.ends, 2);
    rig.now_ns += 1;
    errands_tick(&rig.errands);
    assert_int_equal(rig.ends, 3);
}

static void no_more_wait_than_may(void **state)
{
    (void)state;
    rig.serves[0] = true;
    for (uint64_t i = 0; i < ERRANDS_WAITING_MAX; i++)
        assert_true(errands_ask(&rig.errands, &errand, i));
    assert_false(errands_ask(&rig.errands, &errand, ERRANDS_WAITING_MAX));
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        RIGGED(workers_that_serve_are_asked_in_turn),
        RIGGED(only_who_was_asked_answers_and_once),
        RIGGED(what_a_dead_worker_or_one_that_is_silent_was_asked_is_lost),
        RIGGED(no_more_wait_than_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
