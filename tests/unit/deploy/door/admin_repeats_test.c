/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests under an Idempotency-Key, once and again.
 */
#include <stdio.h>
#include <string.h>

#include "deploy/door/admin_repeats.h"
#include "tests/support/unit.h"

static struct {
    struct admin_repeats repeats;
    struct api_caller caller;
    struct api_request request;
    struct api_response response;
    uint64_t now_ns;
} rig;

static int setup(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    (void)snprintf(rig.caller.who, sizeof(rig.caller.who), "uid 0");
    rig.request = (struct api_request){.method = API_PUT,
                                       .caller = &rig.caller,
                                       .path = "/v1/x",
                                       .idempotency_key = bytes_of_text("key"),
                                       .body = bytes_of_text("body"),
                                       .id = "0123456789abcdef"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    admin_repeats_done(&rig.repeats);
    assert_int_equal(rig.repeats.count, 0);
    assert_int_equal(rig.repeats.bytes, 0);
    return 0;
}

/* True: it is to be handled. */
static bool begin(struct admin_repeat **ret_repeat)
{
    api_response_init(&rig.response);
    return admin_repeats_begin(&rig.repeats, &rig.request, rig.now_ns, &rig.response, ret_repeat);
}

/* What a second try is answered with, as its status. */
static int again(void)
{
    struct admin_repeat *repeat;
    int status = begin(&repeat) ? 0 : rig.response.status;
    if (status == 0)
        admin_repeats_end(&rig.repeats, repeat, NULL);
    api_response_done(&rig.response);
    return status;
}

static void answer(struct admin_repeat *repeat, int status, const char *body)
{
    struct api_response response;
    api_response_init(&response);
    response.status = status;
    assert_int_equal(buffer_append(&response.body, body, strlen(body)), STATUS_OK);
    admin_repeats_end(&rig.repeats, repeat, &response);
    api_response_done(&response);
}

static void make(int status)
{
    struct admin_repeat *repeat;
    assert_true(begin(&repeat));
    assert_non_null(repeat);
    api_response_done(&rig.response);
    answer(repeat, status, "{}");
}

static void the_same_again_has_the_same_answer_and_another_is_refused(void **state)
{
    (void)state;
    struct admin_repeat *repeat;
    make(201);
    assert_false(begin(&repeat));
    assert_int_equal(rig.response.status, 201);
    assert_true(bytes_equal_text(buffer_bytes(&rig.response.body), "{}"));
    api_response_done(&rig.response);
    rig.request.body = bytes_of_text("bodyx");
    assert_int_equal(again(), 422);
    rig.request.body = bytes_of_text("body");
    rig.request.query = "a=1";
    assert_int_equal(again(), 422);
    rig.request.query = NULL;
    rig.request.path = "/v1/y";
    assert_int_equal(again(), 422);
    rig.request.path = "/v1/x";
    rig.request.method = API_POST;
    assert_int_equal(again(), 422);
    /* Another caller's key is another. */
    (void)snprintf(rig.caller.who, sizeof(rig.caller.who), "uid 1");
    assert_int_equal(again(), 0);
}

static void what_is_under_way_is_not_begun_again(void **state)
{
    (void)state;
    struct admin_repeat *repeat;
    assert_true(begin(&repeat));
    api_response_done(&rig.response);
    assert_int_equal(again(), 409);
    answer(repeat, 404, "{}");
    assert_int_equal(again(), 404);
}

static void what_the_server_failed_at_may_be_tried_again(void **state)
{
    (void)state;
    make(503);
    assert_int_equal(again(), 0);
    rig.request.method = API_GET;
    struct admin_repeat *repeat;
    assert_true(begin(&repeat));
    assert_null(repeat);
    api_response_done(&rig.response);
}

static void a_key_that_is_none_is_refused(void **state)
{
    (void)state;
    char key[ADMIN_REPEATS_KEY_MAX + 1];
    memset(key, 'k', sizeof(key));
    rig.request.idempotency_key = bytes_make(key, sizeof(key));
    assert_int_equal(again(), 400);
    rig.request.idempotency_key = bytes_make(key, 0);
    assert_int_equal(again(), 400);
    rig.request.idempotency_key = bytes_make(key, sizeof(key) - 1);
    assert_int_equal(again(), 0);
}

static void the_oldest_make_room_and_a_day_is_enough(void **state)
{
    (void)state;
    char key[16];
    for (int i = 0; i <= ADMIN_REPEATS_MAX; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        rig.request.idempotency_key = bytes_of_text(key);
        make(200);
    }
    assert_int_equal(rig.repeats.count, ADMIN_REPEATS_MAX);
    rig.request.idempotency_key = bytes_of_text("k5");
    assert_int_equal(again(), 200);
    rig.now_ns += ADMIN_REPEATS_AGE_NS + 1;
    rig.request.idempotency_key = bytes_of_text("new");
    make(200);
    assert_int_equal(rig.repeats.count, 1);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        RIGGED(the_same_again_has_the_same_answer_and_another_is_refused),
        RIGGED(what_is_under_way_is_not_begun_again),
        RIGGED(what_the_server_failed_at_may_be_tried_again),
        RIGGED(a_key_that_is_none_is_refused),
        RIGGED(the_oldest_make_room_and_a_day_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
