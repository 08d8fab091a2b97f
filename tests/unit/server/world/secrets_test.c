/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's end of the key process, with that played by the test.
 */
#include <string.h>
#include <unistd.h>

#include "hostapi/hostapi.h"
#include "server/world/secrets.h"
#include "tests/support/unit.h"

static struct {
    struct world world;
    struct operations_owner owner;
    struct http_exchange exchange;
    struct channel keys;
    void (*ready)(void *of);
    void *of;
    uint64_t asked; /* id of the last question */
    uint32_t wakes;
    uint64_t gauge;
} stage;

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
    assert_ptr_equal(of, &stage);
    stage.ready = NULL;
}

static void wake(struct operations_owner *owner)
{
    assert_ptr_equal(owner, &stage.owner);
    stage.wakes++;
}

static bool keys_hear(void *context, const struct channel_frame *frame)
{
    (void)context;
    struct channel_reader reader = channel_reader(frame->payload);
    assert_int_equal(frame->type, CHANNEL_MESSAGE_SECRET_GET);
    assert_true(bytes_equal_text(channel_get_bytes(&reader, 100), "acme"));
    assert_true(bytes_equal_text(channel_get_bytes(&reader, 100), "hello"));
    assert_true(bytes_equal_text(channel_get_bytes(&reader, 100), "KEY"));
    assert_true(channel_reader_ends(&reader));
    stage.asked = frame->id;
    return true;
}

static int setup(void **state)
{
    (void)state;
    static const struct peers_loop loop = {.watch = watch, .unwatch = unwatch};
    int fds[2];
    memset(&stage, 0, sizeof(stage));
    world_init(&stage.world, wake, &loop);
    stage.world.operations.gauges[OPERATION_SECRET] = &stage.gauge;
    secrets_open(&stage.world);
    stage.owner.operations = &stage.world.operations;
    stage.exchange.owner = &stage.owner;
    stage.exchange.tenant = bytes_of_text("acme");
    stage.exchange.function = bytes_of_text("hello");
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_options options = {.fd = fds[1],
                                            .own = CHANNEL_KEYS,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = keys_hear};
    channel_init(&stage.keys, &options);
    peers_connect(&stage.world.peers, CHANNEL_KEYS, fds[0]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    operations_end_all(&stage.owner);
    assert_int_equal(stage.gauge, 0);
    world_done(&stage.world);
    channel_done(&stage.keys);
    return 0;
}

static uint64_t ask(void)
{
    struct report report = REPORT_INIT;
    uint64_t ticket;
    assert_int_equal(
        stage.world.calls.secrets->start(&stage.exchange, bytes_of_text("KEY"), &ticket),
        STATUS_OK);
    assert_int_equal(channel_receive(&stage.keys, &report), STATUS_OK);
    assert_int_equal(stage.asked, ticket);
    return ticket;
}

static void answer(uint64_t id, enum status status, const char *value)
{
    uint8_t room[4] = {(uint8_t)status};
    const struct channel_message message = {.type = CHANNEL_MESSAGE_SECRET_VALUE,
                                            .id = id,
                                            .head = bytes_make(room, sizeof(room)),
                                            .body = bytes_of_text(value)};
    assert_true(channel_send(&stage.keys, &message));
    if (stage.ready != NULL)
        stage.ready(stage.of);
}

static enum hostapi_look look(uint64_t ticket, int64_t *ret_result)
{
    return stage.world.calls.operations->look(&stage.owner, ticket, ret_result);
}

static void an_answer_is_there_until_it_is_ended(void **state)
{
    (void)state;
    int64_t result;
    uint64_t first = ask();
    uint64_t second = ask();
    answer(second, STATUS_OK, "hush");
    answer(second, STATUS_OK, "again");
    assert_int_equal(stage.wakes, 1);
    assert_int_equal(look(first, &result), HOSTAPI_UNDER_WAY);
    assert_int_equal(look(second, &result), HOSTAPI_READY);
    assert_int_equal(result, STATUS_OK);
    assert_true(bytes_equal_text(stage.world.calls.secrets->value(&stage.owner, second), "hush"));
    answer(first, STATUS_NOT_FOUND, "");
    assert_int_equal(look(first, &result), HOSTAPI_READY);
    assert_int_equal(result, STATUS_NOT_FOUND);
    stage.world.calls.operations->end(&stage.owner, second);
    assert_int_equal(look(second, &result), HOSTAPI_OVER);
    answer(second, STATUS_OK, "late");
    assert_int_equal(stage.gauge, 1);
}

static void when_the_key_process_is_gone_all_fail_and_new_ones_at_once(void **state)
{
    (void)state;
    int64_t result;
    uint64_t ticket = ask();
    channel_done(&stage.keys);
    stage.ready(stage.of);
    assert_int_equal(look(ticket, &result), HOSTAPI_READY);
    assert_int_equal(result, STATUS_UNREACHABLE);
    assert_int_equal(stage.wakes, 1);
    assert_int_equal(
        stage.world.calls.secrets->start(&stage.exchange, bytes_of_text("KEY"), &ticket),
        STATUS_UNREACHABLE);
    assert_int_equal(stage.gauge, 1);
}

static void what_the_manifest_does_not_list_is_denied(void **state)
{
    (void)state;
    uint64_t ticket;
    const struct bytes listed[] = {bytes_of_text("OTHER"), bytes_of_text("KEY")};
    stage.exchange.secrets = listed;
    stage.exchange.secret_count = 1;
    assert_int_equal(
        stage.world.calls.secrets->start(&stage.exchange, bytes_of_text("KEY"), &ticket),
        STATUS_DENIED);
    stage.exchange.secret_count = 2;
    ticket = ask();
    answer(ticket, STATUS_OK, "hush");
    assert_true(
        bytes_equal_text(stage.world.calls.secrets->pair(&stage.owner, ticket), "KEY=hush"));
    stage.exchange.secret_count = 0;
}

static void what_is_no_name_is_not_asked_for(void **state)
{
    (void)state;
    uint64_t ticket;
    char large[129];
    memset(large, 'A', sizeof(large));
    const struct bytes bad[] = {bytes_make(NULL, 0), bytes_of_text("a-b"), bytes_of_text("1"),
                                bytes_make(large, sizeof(large))};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(stage.world.calls.secrets->start(&stage.exchange, bad[i], &ticket),
                         STATUS_INVALID);
    assert_int_equal(stage.gauge, 0);
}

static void ten_thousand_cancelled_leave_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t ticket = ask();
        if (i % 2 == 0)
            answer(ticket, STATUS_OK, "hush");
        operations_end_all(&stage.owner);
        if (i % 2 != 0)
            answer(ticket, STATUS_OK, "late");
    }
    assert_int_equal(stage.wakes, 5000);
    assert_true(list_is_empty(&stage.world.peers.each[CHANNEL_KEYS].calls));
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(an_answer_is_there_until_it_is_ended),
        STAGED(when_the_key_process_is_gone_all_fail_and_new_ones_at_once),
        STAGED(what_the_manifest_does_not_list_is_denied),
        STAGED(what_is_no_name_is_not_asked_for),
        STAGED(ten_thousand_cancelled_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
