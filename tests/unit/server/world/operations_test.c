/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: their tickets, who is woken and told, and that nothing is left.
 */
#include <string.h>

#include "server/world/operations.h"
#include "tests/support/unit.h"

static struct {
    struct operations operations;
    struct operations_owner owners[2];
    uint64_t gauge;
    uint32_t wakes;
    struct operations_owner *woken;
    uint32_t ended;
    uint32_t ended_ready;
} world;

static void wake(struct operations_owner *owner)
{
    world.wakes++;
    world.woken = owner;
}

static void ended(struct operation *operation)
{
    assert_int_equal(operation->kind, OPERATION_FETCH);
    world.ended++;
    world.ended_ready += operation->ready;
}

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    operations_init(&world.operations, wake);
    world.operations.ended[OPERATION_FETCH] = ended;
    world.operations.gauges[OPERATION_FETCH] = &world.gauge;
    world.owners[0].operations = world.owners[1].operations = &world.operations;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    operations_end_all(&world.owners[0]);
    operations_end_all(&world.owners[1]);
    assert_int_equal(world.gauge, 0);
    assert_int_equal(world.owners[0].count + world.owners[1].count, 0);
    operations_done(&world.operations);
    return 0;
}

static struct operation *begin(uint32_t owner)
{
    struct operation *operation;
    assert_int_equal(operations_begin(&world.owners[owner], OPERATION_FETCH, &operation),
                     STATUS_OK);
    return operation;
}

static enum hostapi_look look(uint32_t owner, uint64_t ticket, int64_t *ret_result)
{
    return operations_calls.look(&world.owners[owner], ticket, ret_result);
}

static void an_answer_wakes_its_owner_once_and_is_there_to_be_looked_at(void **state)
{
    (void)state;
    uint64_t ticket = operation_ticket(begin(1));
    int64_t result = 7;
    assert_int_equal(look(1, ticket, &result), HOSTAPI_UNDER_WAY);
    assert_int_equal(result, 7);
    operations_complete(&world.operations, ticket, -5);
    operations_complete(&world.operations, ticket, -6);
    assert_int_equal(world.wakes, 1);
    assert_ptr_equal(world.woken, &world.owners[1]);
    assert_int_equal(look(1, ticket, &result), HOSTAPI_READY);
    assert_int_equal(result, -5);
    operation_rearm(operations_find_own(&world.owners[1], OPERATION_FETCH, ticket));
    assert_int_equal(look(1, ticket, &result), HOSTAPI_UNDER_WAY);
    operations_complete(&world.operations, ticket, 1);
    assert_int_equal(world.wakes, 2);
}

static void a_ticket_that_is_over_names_nothing_and_wakes_nobody(void **state)
{
    (void)state;
    uint64_t ticket = operation_ticket(begin(0));
    int64_t result;
    assert_int_not_equal(ticket, HOSTAPI_TICKET_NONE);
    operations_calls.end(&world.owners[0], ticket);
    assert_int_equal(world.ended, 1);
    assert_int_equal(look(0, ticket, &result), HOSTAPI_OVER);
    operations_calls.end(&world.owners[0], ticket);
    operations_complete(&world.operations, ticket, 0);
    assert_int_equal(world.wakes, 0);
    assert_int_equal(world.ended, 1);
    /* Its slot is taken again, under another name. */
    for (uint32_t i = 0; i < OPERATIONS_PAGE; i++) {
        struct operation *operation = begin(0);
        assert_true(operation_ticket(operation) != ticket);
        assert_null(operations_find(&world.operations, ticket));
        operation_end(operation);
    }
    assert_int_equal(world.operations.page_count, 1);
}

static void a_ticket_that_was_never_given_out_names_nothing(void **state)
{
    (void)state;
    static const uint64_t wrong[] = {
        0, 1, UINT64_MAX, UINT64_C(1) << 32, 0xffffffff, UINT64_C(1) << 32 | OPERATIONS_PAGE};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_null(operations_find(&world.operations, wrong[i]));
    begin(0);
    uint64_t first = UINT64_C(1) << 32;
    assert_non_null(operations_find(&world.operations, first));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (wrong[i] != first)
            assert_null(operations_find(&world.operations, wrong[i]));
    }
}

static void nobody_reaches_anothers(void **state)
{
    (void)state;
    uint64_t ticket = operation_ticket(begin(0));
    int64_t result;
    operations_complete(&world.operations, ticket, 3);
    assert_int_equal(look(1, ticket, &result), HOSTAPI_OVER);
    operations_calls.end(&world.owners[1], ticket);
    assert_null(operations_find_own(&world.owners[1], OPERATION_FETCH, ticket));
    assert_null(operations_find_own(&world.owners[0], OPERATION_KV, ticket));
    assert_int_equal(look(0, ticket, &result), HOSTAPI_READY);
}

static void an_owner_has_a_bound_and_ends_all_of_its_own(void **state)
{
    (void)state;
    struct operation *operation;
    for (uint32_t i = 0; i < HOSTAPI_OPERATIONS_MAX; i++)
        operation = begin(0);
    operation->ready = true;
    assert_int_equal(operations_begin(&world.owners[0], OPERATION_FETCH, &operation), STATUS_LIMIT);
    begin(1);
    assert_int_equal(world.gauge, HOSTAPI_OPERATIONS_MAX + 1);
    operations_end_all(&world.owners[0]);
    assert_int_equal(world.ended, HOSTAPI_OPERATIONS_MAX);
    assert_int_equal(world.ended_ready, 1);
    assert_int_equal(world.gauge, 1);
    assert_int_equal(world.owners[1].count, 1);
}

static void a_worker_has_a_bound(void **state)
{
    (void)state;
    static struct operations_owner
        owners[OPERATIONS_PAGES_MAX * OPERATIONS_PAGE / HOSTAPI_OPERATIONS_MAX];
    struct operation *operation;
    memset(owners, 0, sizeof(owners));
    for (size_t i = 0; i < COUNT_OF(owners); i++) {
        owners[i].operations = &world.operations;
        for (uint32_t k = 0; k < HOSTAPI_OPERATIONS_MAX; k++)
            assert_int_equal(operations_begin(&owners[i], OPERATION_FETCH, &operation), STATUS_OK);
    }
    assert_int_equal(operations_begin(&world.owners[0], OPERATION_FETCH, &operation), STATUS_LIMIT);
    for (size_t i = 0; i < COUNT_OF(owners); i++)
        operations_end_all(&owners[i]);
    begin(0);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(operation_kind_name(OPERATION_KV), "kv");
    assert_string_equal(operation_kind_name(OPERATION_FETCH), "fetch");
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(an_answer_wakes_its_owner_once_and_is_there_to_be_looked_at),
        IN_WORLD(a_ticket_that_is_over_names_nothing_and_wakes_nobody),
        IN_WORLD(a_ticket_that_was_never_given_out_names_nothing),
        IN_WORLD(nobody_reaches_anothers),
        IN_WORLD(an_owner_has_a_bound_and_ends_all_of_its_own),
        IN_WORLD(a_worker_has_a_bound),
        IN_WORLD(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
