/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for who is parked, and how tenants share them.
 */
#include "server/world/parking.h"
#include "tests/support/unit.h"

#define PLACES 6

struct cars {
    struct parking parking;
    struct parking_tenant tenants[3];
    struct list_link links[32];
    uint32_t used;
};

/* Who gave way, or NULL; the last link that asked is `links[used - 1]`. */
static struct list_link *ask(struct cars *cars, uint32_t tenant, enum parking_answer want)
{
    struct list_link *way;
    assert_int_equal(parking_ask(&cars->parking, &cars->tenants[tenant], PLACES,
                                 &cars->links[cars->used++], &way),
                     want);
    return way;
}

static void a_tenant_alone_may_have_all_places(void **state)
{
    (void)state;
    struct cars cars = {0};
    for (uint32_t i = 0; i < PLACES; i++)
        assert_null(ask(&cars, 0, PARKING_TAKEN));
    assert_null(ask(&cars, 0, PARKING_FULL));
    assert_false(list_is_linked(&cars.links[PLACES]));
    for (uint32_t i = 0; i < PLACES; i++)
        parking_leave(&cars.parking, &cars.tenants[0], &cars.links[i]);
    assert_int_equal(cars.parking.taken, 0);
    assert_null(cars.parking.larger);
}

static void who_has_more_than_half_gives_way_latest_first_and_keeps_half(void **state)
{
    (void)state;
    struct cars cars = {0};
    for (uint32_t i = 0; i < PLACES; i++)
        assert_null(ask(&cars, 0, PARKING_TAKEN));
    for (uint32_t i = 1; i <= PLACES / 2; i++)
        assert_ptr_equal(ask(&cars, i % 2 + 1, PARKING_TAKEN), &cars.links[PLACES - i]);
    assert_int_equal(cars.tenants[0].count, PLACES / 2);
    assert_null(cars.parking.larger);
    assert_null(ask(&cars, 1, PARKING_FULL));
    assert_null(ask(&cars, 0, PARKING_FULL));
    assert_int_equal(cars.parking.taken, PLACES);
}

static void while_there_is_room_nobody_gives_way(void **state)
{
    (void)state;
    struct cars cars = {0};
    for (uint32_t i = 0; i < PLACES - 1; i++)
        assert_null(ask(&cars, 0, PARKING_TAKEN));
    assert_null(ask(&cars, 1, PARKING_TAKEN));
    assert_ptr_equal(cars.parking.larger, &cars.tenants[0]);
    parking_leave(&cars.parking, &cars.tenants[0], &cars.links[0]);
    parking_leave(&cars.parking, &cars.tenants[0], &cars.links[1]);
    assert_null(cars.parking.larger);
    assert_null(ask(&cars, 2, PARKING_TAKEN));
    assert_null(ask(&cars, 2, PARKING_TAKEN));
    assert_null(ask(&cars, 2, PARKING_FULL));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_alone_may_have_all_places),
        cmocka_unit_test(who_has_more_than_half_gives_way_latest_first_and_keeps_half),
        cmocka_unit_test(while_there_is_room_nobody_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
