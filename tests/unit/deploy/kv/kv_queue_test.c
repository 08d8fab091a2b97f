/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: what comes in one turn is one transaction.
 */
#include "kv_fixture.h"

#include <event2/event.h>
#include <stdio.h>

#include "deploy/kv/kv_queue.h"

struct rig {
    struct kv_fixture kv;
    struct event_base *base;
    struct kv_queue *queue;
    uint32_t failed;
    uint32_t done;
    enum status last;
};

static struct rig *rig_of_now; /* `done` has no context but the request */

static void rig_done_one(struct kv_request *request, enum status status)
{
    (void)request;
    rig_of_now->done++;
    rig_of_now->last = status;
}

static void rig_failed(void *context, const struct report *report)
{
    struct rig *rig = context;
    assert_int_not_equal(report->status, STATUS_OK);
    rig->failed++;
}

static void rig_init(struct rig *rig)
{
    struct report report = REPORT_INIT;
    *rig = (struct rig){.base = event_base_new()};
    rig_of_now = rig;
    kv_fixture_init(&rig->kv, 1 << 30);
    const struct kv_queue_options options = {.base = rig->base,
                                             .store = rig->kv.store,
                                             .clock = &rig->kv.base.clock,
                                             .failed = rig_failed,
                                             .context = rig};
    assert_int_equal(kv_queue_create(&options, &report, &rig->queue), STATUS_OK);
}

static void rig_end(struct rig *rig)
{
    kv_queue_free(rig->queue);
    event_base_free(rig->base);
    kv_fixture_done(&rig->kv);
}

static void changes_of_one_turn_are_one_transaction(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct kv_request requests[3];
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        requests[i] =
            (struct kv_request){.change = kv_put_of(i == 0 ? "a" : "b", "x"), .done = rig_done_one};
        assert_true(kv_queue_push(rig.queue, &requests[i]));
    }
    assert_int_equal(rig.done, 0);
    (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_int_equal(rig.done, 3);
    assert_int_equal(rig.last, STATUS_OK);
    assert_int_equal(requests[0].change.version >> 20, requests[2].change.version >> 20);
    assert_true(requests[2].change.version > requests[1].change.version);
    requests[0].change = kv_put_of("a", "y");
    assert_true(kv_queue_push(rig.queue, &requests[0]));
    (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_string_equal(kv_fixture_get(&rig.kv, "a"), "y");
    rig_end(&rig);
}

static void whoever_waits_at_the_end_is_told(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct kv_request request = {.change = kv_put_of("a", "x"), .done = rig_done_one};
    assert_true(kv_queue_push(rig.queue, &request));
    kv_queue_free(rig.queue);
    rig.queue = NULL;
    assert_int_equal(rig.done, 1);
    assert_int_equal(rig.last, STATUS_UNREACHABLE);
    assert_null(kv_fixture_get(&rig.kv, "a"));
    rig_end(&rig);
}

static void so_many_wait_and_no_more(void **state)
{
    (void)state;
    static struct kv_request requests[KV_QUEUE_MAX + 1];
    struct rig rig;
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        requests[i] = (struct kv_request){.change = kv_put_of("a", "x"), .done = rig_done_one};
        assert_int_equal(kv_queue_push(rig.queue, &requests[i]), i < KV_QUEUE_MAX);
    }
    while (rig.done < KV_QUEUE_MAX)
        (void)event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(rig.last, STATUS_OK);
    rig_end(&rig);
}

static void push_large(struct rig *rig, struct kv_request *request)
{
    static const uint8_t value[KV_VALUE_BYTES_MAX];
    static char key[8];
    (void)snprintf(key, sizeof(key), "%u", rig->done);
    *request = (struct kv_request){.change = kv_put_of(key, ""), .done = rig_done_one};
    request->change.value = bytes_make(value, sizeof(value));
    assert_true(kv_queue_push(rig->queue, request));
    (void)event_base_loop(rig->base, EVLOOP_NONBLOCK);
}

static void a_store_that_goes_on_failing_is_told_of_now_and_then(void **state)
{
    (void)state;
    struct rig rig;
    struct kv_request request;
    rig_init(&rig);
    while (rig.last == STATUS_OK)
        push_large(&rig, &request);
    assert_int_equal(rig.failed, 1);
    push_large(&rig, &request);
    assert_int_equal(rig.last, STATUS_FULL);
    assert_int_equal(rig.failed, 1);
    rig.kv.base.now_ns += 10 * CLOCK_NS_PER_S;
    push_large(&rig, &request);
    assert_int_equal(rig.failed, 2);
    rig_end(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_one_turn_are_one_transaction),
        cmocka_unit_test(whoever_waits_at_the_end_is_told),
        cmocka_unit_test(so_many_wait_and_no_more),
        cmocka_unit_test(a_store_that_goes_on_failing_is_told_of_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
