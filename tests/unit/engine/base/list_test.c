/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive lists: order, removal from anywhere, an item on two lists, and what zeros mean.
 */
#include <stdlib.h>

#include "engine/base/list.h"
#include "tests/support/unit.h"

struct item {
    int value;
    struct list_link by_age;
    struct list_link by_tenant;
};

/* The decimal digits of its items: 12 for a list of 1 and 2. */
static int order_of(const struct list *list)
{
    int digits = 0;
    LIST_FOREACH(item, list, struct item, by_age) {
        digits = digits * 10 + item->value;
    }
    int back = 0;
    int scale = 1;
    for (struct list_link *link = list_last(list); link != NULL;
         link = list_previous(list, link), scale *= 10)
        back += scale * CONTAINER_OF(link, struct item, by_age)->value;
    assert_int_equal(digits, back);
    return digits;
}

static void zeros_are_an_empty_list_and_a_link_on_none(void **state)
{
    (void)state;
    struct list list = {0};
    struct item item = {0};
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));
    assert_null(list_last(&list));
    assert_null(LIST_FIRST(&list, struct item, by_age));
    assert_false(list_is_linked(&item.by_age));
    assert_int_equal(order_of(&list), 0);
}

static void items_stand_where_they_were_put(void **state)
{
    (void)state;
    struct list list = {0};
    struct item items[5] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}, {.value = 5}};
    list_append(&list, &items[1].by_age);
    assert_int_equal(order_of(&list), 2);
    list_append(&list, &items[2].by_age);
    list_prepend(&list, &items[0].by_age);
    assert_int_equal(order_of(&list), 123);
    list_insert(&list, &items[2].by_age, &items[3].by_age);
    list_insert(&list, &items[0].by_age, &items[4].by_age);
    assert_int_equal(order_of(&list), 51243);
    assert_ptr_equal(LIST_FIRST(&list, struct item, by_age), &items[4]);
    assert_ptr_equal(LIST_LAST(&list, struct item, by_age), &items[2]);
    assert_ptr_equal(LIST_NEXT(&list, &items[0], struct item, by_age), &items[1]);
}

static void an_item_leaves_from_anywhere_and_may_come_back(void **state)
{
    (void)state;
    struct list list = {0};
    struct item items[3] = {{.value = 1}, {.value = 2}, {.value = 3}};
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_append(&list, &items[i].by_age);
    list_remove(&items[1].by_age);
    assert_false(list_is_linked(&items[1].by_age));
    assert_int_equal(order_of(&list), 13);
    list_append(&list, &items[1].by_age);
    list_remove(&items[0].by_age);
    assert_int_equal(order_of(&list), 32);
    list_remove(&items[1].by_age);
    list_remove(&items[2].by_age);
    assert_true(list_is_empty(&list));
    list_prepend(&list, &items[0].by_age);
    assert_int_equal(order_of(&list), 1);
}

static void an_item_is_on_as_many_lists_as_it_has_links(void **state)
{
    (void)state;
    struct list ages = {0};
    struct list tenant = {0};
    struct item item = {.value = 7};
    list_append(&ages, &item.by_age);
    list_append(&tenant, &item.by_tenant);
    list_remove(&item.by_age);
    assert_true(list_is_empty(&ages));
    assert_ptr_equal(LIST_FIRST(&tenant, struct item, by_tenant), &item);
}

static void a_walk_may_free_what_it_stands_on(void **state)
{
    (void)state;
    struct list list = {0};
    for (int i = 0; i < 3; i++) {
        struct item *item = calloc(1, sizeof(*item));
        assert_non_null(item);
        list_append(&list, &item->by_age);
    }
    int freed = 0;
    LIST_FOREACH(item, &list, struct item, by_age) {
        list_remove(&item->by_age);
        free(item);
        freed++;
    }
    assert_int_equal(freed, 3);
    assert_true(list_is_empty(&list));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeros_are_an_empty_list_and_a_link_on_none),
        cmocka_unit_test(items_stand_where_they_were_put),
        cmocka_unit_test(an_item_leaves_from_anywhere_and_may_come_back),
        cmocka_unit_test(an_item_is_on_as_many_lists_as_it_has_links),
        cmocka_unit_test(a_walk_may_free_what_it_stands_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
