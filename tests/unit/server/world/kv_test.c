/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store as a worker has it, with control played by the test at the other end.
 */
#include <string.h>

#include "server/channel/kv_messages.h"
#include "server/world/kv.h"
#include "tests/support/unit.h"

static struct {
    struct world world;
    struct operations_owner owner;
    struct channel control;
    void (*ready)(void *of);
    void *of;
    uint64_t gauge;
    uint32_t wakes;
    uint32_t asked;
    uint64_t id; /* of the last change that control was asked for */
} stage;

static void wake(struct operations_owner *owner)
{
    assert_ptr_equal(owner, &stage.owner);
    stage.wakes++;
}

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

static bool control_hears(void *context, const struct channel_frame *frame)
{
    (void)context;
    struct kv_message message;
    assert_int_equal(frame->type, CHANNEL_MESSAGE_KV_CHANGE);
    assert_true(kv_message_read(frame->payload, &message));
    assert_true(bytes_equal_text(message.tenant, "acme"));
    stage.asked++;
    stage.id = frame->id;
    return true;
}

static int setup(void **state)
{
    (void)state;
    static const struct peers_loop loop = {.watch = watch, .unwatch = unwatch};
    int fds[2];
    memset(&stage, 0, sizeof(stage));
    world_init(&stage.world, wake, &loop);
    stage.world.operations.gauges[OPERATION_KV] = &stage.gauge;
    stage.owner.operations = &stage.world.operations;
    world_kv_provide(&stage.world, NULL);
    stage.world.kv.seed = 1; /* of which the tenants here have accounts apart */
    assert_int_equal(channel_pair(NULL, fds), STATUS_OK);
    const struct channel_options options = {.fd = fds[1],
                                            .own = CHANNEL_CONTROL,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = control_hears};
    channel_init(&stage.control, &options);
    peers_connect(&stage.world.peers, CHANNEL_CONTROL, fds[0]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    operations_end_all(&stage.owner);
    assert_int_equal(stage.gauge, 0);
    world_done(&stage.world);
    channel_done(&stage.control);
    return 0;
}

static uint64_t start(const char *key)
{
    uint64_t ticket = 0;
    const struct hostapi_kv_change change = {
        .verb = HOSTAPI_KV_PUT, .key = bytes_of_text(key), .value = bytes_of_text("value")};
    assert_int_equal(
        stage.world.calls.kv->start(&stage.owner, bytes_of_text("acme"), &change, &ticket),
        HOSTAPI_KV_OK);
    return ticket;
}

static void hear(void)
{
    struct report report = REPORT_INIT;
    assert_int_equal(channel_receive(&stage.control, &report), STATUS_OK);
}

static void answer(uint64_t id, enum hostapi_kv_status status)
{
    uint8_t text[KV_ANSWER_BYTES];
    const struct kv_answer done = {.status = status, .version = 5, .number = 6};
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_KV_DONE, .id = id, .head = kv_answer_write(&done, text), .fd = -1};
    assert_true(channel_send(&stage.control, &message));
    stage.ready(stage.of);
}

static enum hostapi_kv_status
start_one(const char *tenant, size_t value_count, uint64_t *ret_ticket)
{
    static const uint8_t value[1 << 20];
    const struct hostapi_kv_change change = {.verb = HOSTAPI_KV_PUT,
                                             .key = bytes_of_text("key"),
                                             .value = bytes_make(value, value_count)};
    return stage.world.calls.kv->start(&stage.owner, bytes_of_text(tenant), &change, ret_ticket);
}

static bool is_changing(const char *key, bool is_prefix)
{
    return stage.world.calls.kv->is_changing(&stage.owner, bytes_of_text(key), is_prefix);
}

static void a_change_is_ready_when_control_has_made_it(void **state)
{
    (void)state;
    struct hostapi_kv_result result;
    int64_t nothing;
    uint64_t ticket = start("key");
    hear();
    assert_int_equal(stage.id, ticket);
    assert_true(is_changing("key", false));
    assert_false(is_changing("ke", false));
    assert_true(is_changing("ke", true));
    assert_true(is_changing("", true));
    assert_false(is_changing("other", true));
    answer(ticket, HOSTAPI_KV_CONFLICT);
    assert_int_equal(stage.wakes, 1);
    assert_false(is_changing("key", false));
    assert_int_equal(operations_calls.look(&stage.owner, ticket, &nothing), HOSTAPI_READY);
    stage.world.calls.kv->result(&stage.owner, ticket, &result);
    assert_int_equal(result.status, HOSTAPI_KV_CONFLICT);
    assert_int_equal(result.version, 5);
    assert_int_equal(result.number, 6);
    answer(ticket, HOSTAPI_KV_OK); /* once more: nobody listens */
    assert_int_equal(stage.wakes, 1);
    stage.world.calls.kv->result(&stage.owner, ticket, &result);
    assert_int_equal(result.status, HOSTAPI_KV_CONFLICT);
    operations_calls.end(&stage.owner, ticket);
    assert_int_equal(stage.gauge, 0);
}

static void an_answer_that_comes_too_late_wakes_nobody(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t ticket = start("key");
        operations_end_all(&stage.owner);
        hear();
        answer(ticket, HOSTAPI_KV_OK);
    }
    assert_int_equal(stage.asked, 10000);
    assert_int_equal(stage.wakes, 0);
    assert_int_equal(stage.gauge, 0);
}

static void without_control_what_was_under_way_is_not_available(void **state)
{
    (void)state;
    struct hostapi_kv_result result;
    uint64_t ticket = start("key");
    channel_done(&stage.control);
    stage.ready(stage.of);
    assert_int_equal(stage.wakes, 1);
    stage.world.calls.kv->result(&stage.owner, ticket, &result);
    assert_int_equal(result.status, HOSTAPI_KV_UNAVAILABLE);
    const struct hostapi_kv_change change = {.verb = HOSTAPI_KV_DELETE, .key = bytes_of_text("a")};
    assert_int_equal(
        stage.world.calls.kv->start(&stage.owner, bytes_of_text("acme"), &change, &ticket),
        HOSTAPI_KV_UNAVAILABLE);
    assert_int_equal(stage.gauge, 1);
}

static void a_request_has_so_many_changes_under_way(void **state)
{
    (void)state;
    uint64_t ticket;
    const struct hostapi_kv_change change = {.verb = HOSTAPI_KV_DELETE, .key = bytes_of_text("a")};
    for (uint32_t i = 0; i < HOSTAPI_OPERATIONS_MAX; i++)
        (void)start("key");
    assert_int_equal(
        stage.world.calls.kv->start(&stage.owner, bytes_of_text("acme"), &change, &ticket),
        HOSTAPI_KV_LIMIT);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* What nobody waits for counts until control has answered. */
static void what_was_started_and_closed_counts_until_it_is_answered(void **state)
{
    (void)state;
    uint64_t tickets[6];
    uint64_t ticket;
    for (size_t i = 0; i < COUNT_OF(tickets); i++) {
        assert_int_equal(start_one("acme", (1 << 20) - 3, &tickets[i]), HOSTAPI_KV_OK);
        operations_calls.end(&stage.owner, tickets[i]);
    }
    assert_int_equal(start_one("acme", 1, &ticket), HOSTAPI_KV_LIMIT);
    assert_int_equal(stage.gauge, 0);
    assert_int_equal(start_one("other", 1, &ticket), HOSTAPI_KV_OK);
    answer(tickets[2], HOSTAPI_KV_OK);
    answer(tickets[2], HOSTAPI_KV_OK); /* again: it is nobody's */
    assert_int_equal(stage.wakes, 0);
    assert_int_equal(start_one("acme", 1, &ticket), HOSTAPI_KV_OK);
    assert_int_equal(start_one("acme", 1 << 20, &ticket), HOSTAPI_KV_LIMIT);
}

static void so_many_changes_of_a_tenant_are_under_way_and_no_more(void **state)
{
    (void)state;
    uint64_t ticket;
    for (uint32_t i = 0; i < KV_GROUP_MAX; i++) {
        assert_int_equal(start_one("acme", 1, &ticket), HOSTAPI_KV_OK);
        operations_calls.end(&stage.owner, ticket);
    }
    assert_int_equal(start_one("acme", 1, &ticket), HOSTAPI_KV_LIMIT);
    answer(ticket - 1, HOSTAPI_KV_OK);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_change_is_ready_when_control_has_made_it),
        IN_WORLD(an_answer_that_comes_too_late_wakes_nobody),
        IN_WORLD(without_control_what_was_under_way_is_not_available),
        IN_WORLD(a_request_has_so_many_changes_under_way),
        IN_WORLD(what_was_started_and_closed_counts_until_it_is_answered),
        IN_WORLD(so_many_changes_of_a_tenant_are_under_way_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
