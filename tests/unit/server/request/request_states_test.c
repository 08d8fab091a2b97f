/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a request's states: no other way exists, and the ways that do make sense together.
 * That each of them is gone is request_test.c's.
 */
#include "server/request/request_states.h"
#include "tests/support/aborts.h"

struct way {
    enum request_state from;
    enum request_state to;
};

static void go(void *context)
{
    const struct way *way = context;
    request_check_arrow(way->from, way->to);
}

static void a_way_that_is_not_in_the_table_is_refused(void **state)
{
    (void)state;
    for (enum request_state from = 0; from < REQUEST_STATE_COUNT; from++) {
        for (enum request_state to = 0; to < REQUEST_STATE_COUNT; to++) {
            struct way way = {from, to};
            assert_int_equal(aborts(go, &way), request_arrow_cause(from, to) == NULL);
        }
    }
}

static void no_state_leads_to_itself(void **state)
{
    (void)state;
    for (enum request_state from = 0; from < REQUEST_STATE_COUNT; from++)
        assert_null(request_arrow_cause(from, from));
}

/* Marks all that can be reached from there. */
static void reach(enum request_state from, bool reached[REQUEST_STATE_COUNT])
{
    reached[from] = true;
    for (enum request_state to = 0; to < REQUEST_STATE_COUNT; to++) {
        if (request_arrow_cause(from, to) != NULL && !reached[to])
            reach(to, reached);
    }
}

static void every_state_is_reached_and_from_each_there_is_a_way_out(void **state)
{
    (void)state;
    bool reached[REQUEST_STATE_COUNT] = {false};
    reach(REQUEST_NEW, reached);
    for (enum request_state from = 0; from < REQUEST_STATE_COUNT; from++) {
        bool ends[REQUEST_STATE_COUNT] = {false};
        assert_true(reached[from]);
        reach(from, ends);
        assert_true(ends[REQUEST_GONE] || ends[REQUEST_ANSWERED]);
    }
}

static void nothing_begins_anew(void **state)
{
    (void)state;
    for (enum request_state from = 0; from < REQUEST_STATE_COUNT; from++) {
        assert_null(request_arrow_cause(from, REQUEST_NEW));
        assert_null(request_arrow_cause(REQUEST_GONE, from));
    }
}

static void who_holds_an_isolate_holds_a_permit_or_a_place(void **state)
{
    (void)state;
    for (enum request_state s = 0; s < REQUEST_STATE_COUNT; s++)
        assert_true(request_state_rows[s].permit != REQUEST_PERMIT_NONE ||
                    !request_state_rows[s].isolate);
}

/* So that what leaves them has nothing to take back: the timer and the turn are others' then. */
static void only_before_and_after_its_life_a_request_waits_for_nothing(void **state)
{
    (void)state;
    for (enum request_state s = 0; s < REQUEST_STATE_COUNT; s++) {
        bool lives = s != REQUEST_NEW && s != REQUEST_ANSWERED && s != REQUEST_GONE;
        assert_true((request_state_rows[s].waits != REQUEST_WAITS_NOTHING) == lives);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_way_that_is_not_in_the_table_is_refused),
        cmocka_unit_test(no_state_leads_to_itself),
        cmocka_unit_test(every_state_is_reached_and_from_each_there_is_a_way_out),
        cmocka_unit_test(nothing_begins_anew),
        cmocka_unit_test(who_holds_an_isolate_holds_a_permit_or_a_place),
        cmocka_unit_test(only_before_and_after_its_life_a_request_waits_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
