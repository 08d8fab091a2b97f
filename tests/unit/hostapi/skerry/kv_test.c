/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-value store's calls, before a store that the test is.
 */
#include "engine/run/machine.h"
#include "hostapi/skerry/skerry.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/wasi/calls.h"

#define KEY    100 /* where "key" lies */
#define VALUE  200
#define BUFFER 300
#define ROOM   1000
#define ANY    UINT64_MAX

/* The store: one key, "key"; changes are what the test says. */
static struct {
    struct hostapi_kv_item item;
    enum hostapi_kv_status start;
    enum hostapi_look look;
    struct hostapi_kv_result result;
    struct hostapi_kv_change change; /* the last that was started */
    uint32_t started;
    uint32_t ended;
    uint32_t keys; /* of a list */
    uint32_t over; /* steps of expired ones before those */
    uint32_t lists;
    bool changing;
} store;

static enum hostapi_look store_look(void *owner, uint64_t ticket, int64_t *ret_result)
{
    assert_ptr_equal(owner, &store);
    assert_int_equal(ticket, 77);
    *ret_result = 0;
    return store.look;
}

static void store_end(void *owner, uint64_t ticket)
{
    assert_ptr_equal(owner, &store);
    assert_int_equal(ticket, 77);
    store.ended++;
}

static bool store_is_changing(void *owner, struct bytes key, bool is_prefix)
{
    (void)owner;
    (void)is_prefix;
    assert_true(key.count <= HOSTAPI_KV_KEY_BYTES_MAX);
    return store.changing;
}

static enum hostapi_kv_status
store_get(void *owner, struct bytes tenant, struct bytes key, hostapi_kv_take *take, void *context)
{
    (void)owner;
    assert_true(bytes_equal_text(tenant, "acme"));
    if (!bytes_equal_text(key, "key"))
        return HOSTAPI_KV_NOT_FOUND;
    assert_false(take(context, &store.item));
    return HOSTAPI_KV_OK;
}

static enum hostapi_kv_status store_list(void *owner,
                                         struct bytes tenant,
                                         struct bytes prefix,
                                         struct bytes after,
                                         hostapi_kv_take *take,
                                         void *context)
{
    (void)owner;
    (void)tenant;
    assert_true(bytes_equal_text(prefix, "key"));
    assert_true(after.count == 0 || bytes_equal_text(after, "key/over"));
    store.lists++;
    for (; store.over > 0; store.over--) {
        if (!take(context,
                  &(struct hostapi_kv_item){.key = bytes_of_text("key/over"), .is_over = true}))
            return HOSTAPI_KV_OK;
    }
    for (uint32_t i = 0; i < store.keys; i++) {
        if (!take(context, &(struct hostapi_kv_item){.key = bytes_of_text("key"),
                                                     .value = bytes_of_text("value")}))
            break;
    }
    return HOSTAPI_KV_OK;
}

static enum hostapi_kv_status store_start(void *owner,
                                          struct bytes tenant,
                                          const struct hostapi_kv_change *change,
                                          uint64_t *ret_ticket)
{
    (void)owner;
    assert_true(bytes_equal_text(tenant, "acme"));
    store.started++;
    store.change = *change;
    *ret_ticket = 77;
    return store.start;
}

static void store_result(void *owner, uint64_t ticket, struct hostapi_kv_result *ret_result)
{
    (void)owner;
    assert_int_equal(ticket, 77);
    *ret_result = store.result;
}

static const struct hostapi_operations store_operations = {.look = store_look, .end = store_end};
static const struct hostapi_kv store_calls = {.is_changing = store_is_changing,
                                              .get = store_get,
                                              .list = store_list,
                                              .start = store_start,
                                              .result = store_result};

static int setup(void **state)
{
    static const struct hostapi_world world = {.operations = &store_operations, .kv = &store_calls};
    memset(&store, 0, sizeof(store));
    store.item.value = bytes_of_text("the value");
    store.item.version = 5;
    assert_int_equal(calls_setup(state), 0);
    fixture.exchange.world = &world;
    fixture.exchange.owner = &store;
    fixture.exchange.tenant = bytes_of_text("acme");
    memcpy(memory(KEY), "key", 3);
    memcpy(memory(VALUE), "some text", 9);
    return 0;
}

/* As many as six arguments. */
static enum engine_outcome call_with(skerry_handler *handler, const uint64_t arguments[7])
{
    for (size_t i = 0; i < 7; i++)
        slots[i].bits = arguments[i];
    struct engine_host_call host_call = {
        .instance = fixture.instance, .context = fixture.host, .slots = slots};
    return handler(hostcalls_enter(&host_call, HOSTAPI_KIND_WASI, 0), &host_call);
}
#define CALL(handler, ...) call_with((handler), (const uint64_t[7]){__VA_ARGS__})

static void assert_answer(enum engine_outcome outcome, int32_t answer)
{
    assert_int_equal(outcome, ENGINE_DONE);
    assert_int_equal((int32_t)slots[0].i32, answer);
}

static void a_value_is_read_with_its_version(void **state)
{
    (void)state;
    assert_answer(CALL(skerry_kv_get, KEY, 3, BUFFER, ROOM, 8), 9);
    assert_memory_equal(memory(BUFFER), "the value", 9);
    assert_int_equal(u64(8), 5);
    assert_answer(CALL(skerry_kv_get, KEY, 2, BUFFER, ROOM, 0), SKERRY_NOT_FOUND);
    /* Nothing is written that has no room, the version neither. */
    memset(memory(BUFFER), 0, 9);
    guest_mem_store_u64(memory(8), 0);
    assert_answer(CALL(skerry_kv_get, KEY, 3, BUFFER, 8, 8), 9);
    assert_int_equal(memory(BUFFER)[0], 0);
    assert_int_equal(u64(8), 0);
}

static void arguments_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_answer(CALL(skerry_kv_get, KEY, 0, BUFFER, ROOM, 0), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_get, KEY, 441, BUFFER, ROOM, 0), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_list, KEY, 441, 0, 0, BUFFER, ROOM), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_list, KEY, 3, KEY, 441, BUFFER, ROOM), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_put, KEY, 3, VALUE, 9, 0, (uint64_t)-2), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_put, KEY, 0, VALUE, 9, 0, ANY), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_put, KEY, 3, VALUE, 9, UINT64_MAX, ANY), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_delete, KEY, 0, ANY), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_add, KEY, 0, 1, BUFFER), SKERRY_INVALID);
    assert_answer(CALL(skerry_kv_finish, 3, 0), SKERRY_INVALID);
    assert_int_equal(store.started, 0);
}

static void what_is_outside_memory_ends_the_guest(void **state)
{
    (void)state;
    const uint64_t end = PAGE_BYTES;
    assert_int_equal(CALL(skerry_kv_get, end, 1, BUFFER, ROOM, 0), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_get, KEY, 3, end - 1, 2, 0), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_get, KEY, 3, BUFFER, ROOM, end - 7), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_list, KEY, 3, end, 1, BUFFER, ROOM), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_put, KEY, 3, end - 1, 2, 0, ANY), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_delete, end - 1, 2, ANY), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_add, KEY, 3, 1, end - 7), ENGINE_TRAPPED);
    assert_int_equal(CALL(skerry_kv_finish, 0, end - 15), ENGINE_TRAPPED);
    assert_int_equal(store.started, 0);
}

static void a_change_is_waited_for_and_started_once(void **state)
{
    (void)state;
    const uint64_t put[7] = {KEY, 3, VALUE, 9, 2, 0};
    assert_int_equal(call_with(skerry_kv_put, put), ENGINE_PENDING);
    assert_int_equal(store.change.verb, HOSTAPI_KV_PUT);
    assert_true(bytes_equal_text(store.change.key, "key"));
    assert_true(bytes_equal_text(store.change.value, "some text"));
    assert_true(store.change.checks_version && store.change.if_version == 0);
    assert_int_equal(store.change.expires_ns, FIXTURE_REALTIME_NS + 2000000);
    assert_true(hostapi_waits_for(hostapi_waits(fixture.host), HOSTAPI_WAIT_EVENT));
    assert_int_equal(call_with(skerry_kv_put, put), ENGINE_PENDING); /* woken by something else */
    store.look = HOSTAPI_READY;
    store.result = (struct hostapi_kv_result){.version = 123456789012};
    assert_int_equal(call_with(skerry_kv_put, put), ENGINE_DONE);
    assert_int_equal(slots[0].i64, 123456789012);
    assert_int_equal(store.started, 1);
    assert_int_equal(store.ended, 1);
}

static void what_came_of_a_change_is_told(void **state)
{
    (void)state;
    static const struct {
        enum hostapi_kv_status status;
        int32_t error;
    } rows[] = {{HOSTAPI_KV_OK, 0},
                {HOSTAPI_KV_NOT_FOUND, SKERRY_NOT_FOUND},
                {HOSTAPI_KV_CONFLICT, SKERRY_CONFLICT},
                {HOSTAPI_KV_LIMIT, SKERRY_LIMIT},
                {HOSTAPI_KV_FULL, SKERRY_LIMIT},
                {HOSTAPI_KV_INVALID, SKERRY_INVALID},
                {HOSTAPI_KV_UNAVAILABLE, SKERRY_UNAVAILABLE}};
    store.look = HOSTAPI_READY;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        store.result.status = rows[i].status;
        assert_answer(CALL(skerry_kv_delete, KEY, 3, 9), rows[i].error);
        assert_true(store.change.checks_version && store.change.if_version == 9);
        store.result.number = -4;
        guest_mem_store_u64(memory(BUFFER), 1);
        assert_answer(CALL(skerry_kv_add, KEY, 3, (uint64_t)-5, BUFFER), rows[i].error);
        assert_int_equal(store.change.number, -5);
        assert_int_equal((int64_t)u64(BUFFER), rows[i].error == 0 ? -4 : 1);
    }
    store.start = HOSTAPI_KV_LIMIT; /* it never began */
    store.ended = 0;
    assert_answer(CALL(skerry_kv_delete, KEY, 3, ANY), SKERRY_LIMIT);
    assert_answer(CALL(skerry_kv_put_start, KEY, 3, VALUE, 9, 0, ANY), SKERRY_LIMIT);
    assert_int_equal(store.ended, 0);
    store.start = HOSTAPI_KV_OK;
    store.look = HOSTAPI_OVER;
    assert_answer(CALL(skerry_kv_delete, KEY, 3, ANY), SKERRY_UNAVAILABLE);
}

static void a_change_that_was_started_is_finished_later(void **state)
{
    (void)state;
    assert_int_equal(CALL(skerry_kv_add_start, KEY, 3, 7), ENGINE_DONE);
    uint32_t handle = slots[0].i32;
    assert_int_equal(CALL(skerry_kv_finish, handle, BUFFER), ENGINE_PENDING);
    store.look = HOSTAPI_READY;
    store.result = (struct hostapi_kv_result){.version = 9, .number = 12};
    assert_answer(CALL(skerry_kv_finish, handle, BUFFER), 0);
    assert_int_equal(u64(BUFFER), 9);
    assert_int_equal(u64(BUFFER + 8), 12);
    assert_int_equal(store.ended, 1);
    assert_answer(CALL(skerry_kv_finish, handle, BUFFER), SKERRY_INVALID);
    assert_int_equal(CALL(skerry_kv_delete_start, KEY, 3, ANY), ENGINE_DONE);
    assert_answer(CALL(skerry_kv_finish, slots[0].i32, 0), 0);
}

static void a_read_waits_for_what_its_request_has_under_way(void **state)
{
    (void)state;
    store.changing = true;
    assert_int_equal(CALL(skerry_kv_get, KEY, 3, BUFFER, ROOM, 0), ENGINE_PENDING);
    store.changing = false;
    assert_answer(CALL(skerry_kv_get, KEY, 3, BUFFER, ROOM, 0), 9);
    store.changing = true;
    assert_int_equal(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), ENGINE_PENDING);
}

static void keys_are_listed_as_far_as_there_is_room(void **state)
{
    (void)state;
    store.keys = 3;
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), 15);
    assert_memory_equal(memory(BUFFER), "\3\0key\3\0key\3\0key", 15);
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, 14), 10);
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, 4), SKERRY_TOO_LARGE);
    store.keys = 0;
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, 4), 0);
    store.keys = 5000;
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, 20000), 5000);
}

static void a_list_has_the_heads_of_values_if_they_are_asked_for(void **state)
{
    (void)state;
    store.keys = 2;
    assert_answer(CALL(skerry_kv_list_heads, KEY, 3, 0, 0, BUFFER, ROOM, 2), 18);
    assert_memory_equal(memory(BUFFER), "\3\0key\2\0va\3\0key\2\0va", 18);
    assert_answer(CALL(skerry_kv_list_heads, KEY, 3, 0, 0, BUFFER, 17, 2), 9);
    assert_answer(CALL(skerry_kv_list_heads, KEY, 3, 0, 0, BUFFER, 8, 2), SKERRY_TOO_LARGE);
    assert_answer(CALL(skerry_kv_list_heads, KEY, 3, 0, 0, BUFFER, 14, 0), 14);
    assert_answer(CALL(skerry_kv_list_heads, KEY, 3, 0, 0, BUFFER, ROOM, 100000), 24);
    assert_memory_equal(memory(BUFFER), "\3\0key\5\0value", 12);
}

static void a_list_pauses_in_what_has_expired_and_goes_on_behind_it(void **state)
{
    (void)state;
    store.keys = 1;
    store.over = 40;
    uint64_t before = fixture.machine->fuel_host;
    assert_int_equal(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), ENGINE_PENDING);
    assert_int_equal(hostapi_waits_until_ns(hostapi_waits(fixture.host)), 0);
    assert_int_equal(fixture.machine->fuel_host - before, 32 * HOSTAPI_KV_OVER_STEP * 10);
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), 5);
    assert_int_equal(store.lists, 2);
    /* The next list is another one. */
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), 5);
}

static void without_a_store_it_is_not_available(void **state)
{
    (void)state;
    fixture.exchange.world = NULL;
    assert_answer(CALL(skerry_kv_get, KEY, 3, BUFFER, ROOM, 0), SKERRY_UNAVAILABLE);
    assert_answer(CALL(skerry_kv_list, KEY, 3, 0, 0, BUFFER, ROOM), SKERRY_UNAVAILABLE);
    assert_answer(CALL(skerry_kv_put, KEY, 3, VALUE, 9, 0, ANY), SKERRY_UNAVAILABLE);
    assert_answer(CALL(skerry_kv_put_start, KEY, 3, VALUE, 9, 0, ANY), SKERRY_UNAVAILABLE);
}

#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, setup, calls_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_value_is_read_with_its_version),
        IN_STORE(arguments_that_make_no_sense_are_refused),
        IN_STORE(what_is_outside_memory_ends_the_guest),
        IN_STORE(a_change_is_waited_for_and_started_once),
        IN_STORE(what_came_of_a_change_is_told),
        IN_STORE(a_change_that_was_started_is_finished_later),
        IN_STORE(a_read_waits_for_what_its_request_has_under_way),
        IN_STORE(keys_are_listed_as_far_as_there_is_room),
        IN_STORE(a_list_has_the_heads_of_values_if_they_are_asked_for),
        IN_STORE(a_list_pauses_in_what_has_expired_and_goes_on_behind_it),
        IN_STORE(without_a_store_it_is_not_available),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
