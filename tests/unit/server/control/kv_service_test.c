/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that workers ask for: made in a real store, with workers of which only what they are sent
 * is there.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/channel/kv_messages.h"
#include "server/control/kv_service.h"
#include "tests/support/unit.h"

static struct {
    char dir[64];
    struct event_base *base;
    struct kv_store *store;
    struct kv_queue *queue;
    struct kv_service *service;
    workers_handler *handle;
    void *context;
    struct workers_caller gone; /* cannot be sent to */
    uint32_t answers;
    uint64_t last_id;
    struct kv_answer last;
} rig;

void workers_on(struct workers *workers,
                enum channel_type type,
                workers_handler *handle,
                void *context)
{
    (void)workers;
    assert_int_equal(type, CHANNEL_MESSAGE_KV_CHANGE);
    rig.handle = handle;
    rig.context = context;
}

bool workers_send(struct workers *workers,
                  const struct workers_caller *to,
                  const struct channel_message *message)
{
    (void)workers;
    assert_int_equal(message->type, CHANNEL_MESSAGE_KV_DONE);
    if (to->run == rig.gone.run)
        return false;
    rig.answers++;
    rig.last_id = message->id;
    assert_true(kv_answer_read(message->head, &rig.last));
    return true;
}

static void on_failed(void *context, const struct report *report)
{
    (void)context;
    fail_msg("%s", report->text);
}

static int setup(void **state)
{
    (void)state;
    char path[96];
    memset(&rig, 0, sizeof(rig));
    (void)snprintf(rig.dir, sizeof(rig.dir), "/tmp/skerry-unit-XXXXXX");
    assert_non_null(mkdtemp(rig.dir));
    (void)snprintf(path, sizeof(path), "%s/kv", rig.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    rig.base = event_base_new();
    const struct kv_store_options store = {.data_dir = rig.dir,
                                           .map_bytes = 64 << 20,
                                           .tenant_bytes_max = 1 << 30,
                                           .clock = &clock_system};
    assert_int_equal(kv_store_open(&store, NULL, &rig.store), STATUS_OK);
    const struct kv_queue_options queue = {
        .base = rig.base, .store = rig.store, .clock = &clock_system, .failed = on_failed};
    assert_int_equal(kv_queue_create(&queue, NULL, &rig.queue), STATUS_OK);
    assert_int_equal(kv_service_create(NULL, rig.queue, NULL, &rig.service), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    kv_queue_free(rig.queue);
    kv_service_free(rig.service);
    kv_store_close(rig.store);
    event_base_free(rig.base);
    static const char *const names[] = {"kv/data.mdb", "kv/lock.mdb"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/kv", rig.dir);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(rig.dir), 0);
    return 0;
}

/* What worker `run` asks for; false: it is not understood. */
static bool ask(uint64_t run, uint64_t id, const char *tenant, const char *key, size_t value_count)
{
    static uint8_t text[KV_MESSAGE_BYTES_MAX];
    const struct workers_caller caller = {.run = run};
    const struct kv_message message = {
        .verb = HOSTAPI_KV_PUT, .tenant = bytes_of_text(tenant), .key = bytes_of_text(key)};
    size_t head = kv_message_write(&message, text).count;
    const struct channel_frame frame = {.type = CHANNEL_MESSAGE_KV_CHANGE,
                                        .id = id,
                                        .payload = bytes_make(text, head + value_count),
                                        .fd = -1};
    return rig.handle(rig.context, &caller, &frame);
}

static void a_change_is_made_and_answered_when_it_is_there(void **state)
{
    (void)state;
    struct kv_item item;
    assert_true(ask(1, 11, "acme", "a", 5));
    assert_int_equal(rig.answers, 0);
    (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.last_id, 11);
    assert_int_equal(rig.last.status, HOSTAPI_KV_OK);
    assert_int_equal(kv_store_begin(rig.store, NULL), STATUS_OK);
    assert_int_equal(kv_store_get(rig.store, bytes_of_text("acme"), bytes_of_text("a"), &item),
                     STATUS_OK);
    assert_int_equal(item.value.count, 5);
    assert_int_equal(item.version, rig.last.version);
    kv_store_end(rig.store);
}

static void what_makes_no_sense_is_not_understood(void **state)
{
    (void)state;
    assert_false(ask(1, 1, "Acme", "a", 5));
    assert_false(ask(1, 1, "../x", "a", 5));
    assert_int_equal(rig.answers, 0);
}

static void a_worker_has_so_much_waiting_and_no_more(void **state)
{
    (void)state;
    uint32_t fit = (uint32_t)(KV_SERVICE_BYTES_MAX / (HOSTAPI_KV_VALUE_BYTES_MAX + 40));
    for (uint32_t i = 0; i <= fit; i++)
        assert_true(ask(1, i, "acme", "a", HOSTAPI_KV_VALUE_BYTES_MAX));
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.last_id, fit);
    assert_int_equal(rig.last.status, HOSTAPI_KV_LIMIT);
    while (rig.answers <= fit)
        (void)event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(rig.last.status, HOSTAPI_KV_OK);
    assert_true(ask(1, 99, "acme", "a", HOSTAPI_KV_VALUE_BYTES_MAX));
    assert_int_equal(rig.answers, fit + 1);
}

static void a_worker_that_is_gone_is_not_answered_and_its_change_is_made(void **state)
{
    (void)state;
    struct kv_usage usage;
    rig.gone.run = 2;
    assert_true(ask(2, 1, "acme", "a", 5));
    (void)event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_int_equal(rig.answers, 0);
    assert_int_equal(kv_store_usage(rig.store, bytes_of_text("acme"), NULL, &usage), STATUS_OK);
    assert_int_equal(usage.keys, 1);
}

static void what_waits_at_the_end_is_answered(void **state)
{
    (void)state;
    assert_true(ask(1, 1, "acme", "a", 5));
    kv_queue_free(rig.queue);
    rig.queue = NULL;
    assert_int_equal(rig.answers, 1);
    assert_int_equal(rig.last.status, HOSTAPI_KV_UNAVAILABLE);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SERVED(a_change_is_made_and_answered_when_it_is_there),
        SERVED(what_makes_no_sense_is_not_understood),
        SERVED(a_worker_has_so_much_waiting_and_no_more),
        SERVED(a_worker_that_is_gone_is_not_answered_and_its_change_is_made),
        SERVED(what_waits_at_the_end_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
