/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose build is next: shares, turns, sizes.
 */
#include "deploy/build/build_queue.h"
#include "tests/support/unit.h"

static void
add(struct build_queue *queue, const char *tenant, uint64_t bytes, struct build_entry *entry)
{
    assert_int_equal(build_queue_add(queue, tenant, bytes, entry), STATUS_OK);
}

static void end_all(struct build_queue *queue, struct build_entry **entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        build_queue_end(queue, entries[i]);
    assert_true(list_is_empty(&queue->tenants));
    assert_int_equal(queue->running_count, 0);
    assert_int_equal(queue->waiting_count, 0);
    assert_int_equal(queue->waiting_bytes, 0);
}

static void one_tenant_gets_half_of_the_places_at_most(void **state)
{
    (void)state;
    struct build_queue queue;
    struct build_entry greedy[6];
    struct build_entry *running[6];
    build_queue_init(&queue, 4);
    for (size_t i = 0; i < COUNT_OF(greedy); i++)
        add(&queue, "greedy", 1, &greedy[i]);
    running[0] = build_queue_take(&queue);
    running[1] = build_queue_take(&queue);
    assert_non_null(running[1]);
    assert_null(build_queue_take(&queue));
    struct build_entry other;
    add(&queue, "other", 1000, &other);
    assert_ptr_equal(build_queue_take(&queue), &other);
    build_queue_end(&queue, running[0]);
    running[0] = build_queue_take(&queue);
    assert_ptr_equal(running[0], &greedy[2]);
    for (size_t i = 3; i < COUNT_OF(greedy); i++)
        build_queue_remove(&queue, &greedy[i]);
    running[2] = &other;
    end_all(&queue, running, 3);
}

static void a_single_place_goes_from_tenant_to_tenant(void **state)
{
    (void)state;
    struct build_queue queue;
    struct build_entry a[3];
    struct build_entry b[2];
    const struct build_entry *const order[] = {&a[0], &b[0], &a[1], &b[1], &a[2]};
    build_queue_init(&queue, 1);
    for (size_t i = 0; i < COUNT_OF(a); i++)
        add(&queue, "a", 1, &a[i]);
    for (size_t i = 0; i < COUNT_OF(b); i++)
        add(&queue, "b", 1, &b[i]);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct build_entry *entry = build_queue_take(&queue);
        assert_ptr_equal(entry, order[i]);
        assert_null(build_queue_take(&queue));
        build_queue_end(&queue, entry);
    }
    end_all(&queue, NULL, 0);
}

static void rebuilds_go_first_but_not_everywhere(void **state)
{
    (void)state;
    struct build_queue queue;
    struct build_entry upload;
    struct build_entry rebuilds[3];
    struct build_entry *running[3];
    build_queue_init(&queue, 4);
    add(&queue, "a", 1, &upload);
    for (size_t i = 0; i < COUNT_OF(rebuilds); i++)
        add(&queue, NULL, 1000, &rebuilds[i]);
    running[0] = build_queue_take(&queue);
    running[1] = build_queue_take(&queue);
    running[2] = build_queue_take(&queue);
    assert_ptr_equal(running[0], &rebuilds[0]);
    assert_ptr_equal(running[1], &rebuilds[1]);
    assert_ptr_equal(running[2], &upload);
    build_queue_end(&queue, running[0]);
    running[0] = build_queue_take(&queue);
    assert_ptr_equal(running[0], &rebuilds[2]);
    end_all(&queue, running, 3);
}

static void small_builds_go_first_but_none_waits_for_ever(void **state)
{
    (void)state;
    struct build_queue queue;
    struct build_entry large;
    struct build_entry small[BUILD_QUEUE_PASSED_MAX + 2];
    build_queue_init(&queue, 1);
    add(&queue, "a", 1000, &large);
    for (size_t i = 0; i < COUNT_OF(small); i++)
        add(&queue, "a", 10, &small[i]);
    for (size_t i = 0; i < BUILD_QUEUE_PASSED_MAX; i++) {
        struct build_entry *entry = build_queue_take(&queue);
        assert_ptr_equal(entry, &small[i]);
        build_queue_end(&queue, entry);
    }
    struct build_entry *entry = build_queue_take(&queue);
    assert_ptr_equal(entry, &large);
    build_queue_end(&queue, entry);
    for (size_t i = BUILD_QUEUE_PASSED_MAX; i < COUNT_OF(small); i++)
        build_queue_remove(&queue, &small[i]);
    end_all(&queue, NULL, 0);
}

static void it_is_crowded_when_somebody_else_waits(void **state)
{
    (void)state;
    struct build_queue queue;
    struct build_entry mine[3];
    struct build_entry theirs;
    build_queue_init(&queue, 1);
    add(&queue, "a", 1, &mine[0]);
    struct build_entry *running = build_queue_take(&queue);
    assert_false(build_queue_is_crowded(&queue, running));
    add(&queue, "a", 1, &mine[1]);
    assert_false(build_queue_is_crowded(&queue, running));
    add(&queue, "b", 1, &theirs);
    assert_true(build_queue_is_crowded(&queue, running));
    build_queue_remove(&queue, &theirs);
    add(&queue, NULL, 1, &theirs);
    assert_true(build_queue_is_crowded(&queue, running));
    build_queue_remove(&queue, &theirs);
    build_queue_remove(&queue, &mine[1]);
    end_all(&queue, &running, 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tenant_gets_half_of_the_places_at_most),
        cmocka_unit_test(a_single_place_goes_from_tenant_to_tenant),
        cmocka_unit_test(rebuilds_go_first_but_not_everywhere),
        cmocka_unit_test(small_builds_go_first_but_none_waits_for_ever),
        cmocka_unit_test(it_is_crowded_when_somebody_else_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
