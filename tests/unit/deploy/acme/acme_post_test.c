/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are signed, each with a nonce of its own, and answers that are none.
 */
#include "deploy/acme/acme_post.h"
#include "tests/unit/deploy/acme/stage.h"

static void a_nonce_is_used_once_and_each_answer_brings_the_next(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.successes, 1);
    /* directory, nonce, and then one POST after the other */
    assert_int_equal(stage.fetches, 10);
}

static void the_first_request_has_the_key_and_the_others_the_account(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    while (strcmp(stage.url, STAGE_URL("/account")) != 0)
        stage_answer_one();
    assert_string_equal(stage.method, "POST");
    /* {"alg":"ES256","nonce":"nonce-2" */
    assert_non_null(strstr(stage.body, "\"protected\":\"eyJhbGciOiJFUzI1NiIsIm5vbmNlIjoibm9uY2U"));
    assert_int_equal(stage.acme->kid[0], '\0');
    while (strcmp(stage.url, STAGE_URL("/order")) != 0)
        stage_answer_one();
    assert_string_equal(stage.acme->kid, STAGE_URL("/account/1"));
}

static void a_bad_nonce_is_tried_again_with_another_some_times(void **state)
{
    (void)state;
    stage.lie_url = STAGE_URL("/order");
    stage.lie_at = 1;
    stage.lie_status = 400;
    stage.lie_body = "{\"type\":\"urn:ietf:params:acme:error:badNonce\"}";
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.successes, 1);
    assert_int_equal(stage_teardown(state), 0);
    assert_int_equal(stage_setup(state), 0);
    stage.lie_url = STAGE_URL("/order");
    stage.lie_status = 400;
    stage.lie_body = "{\"type\":\"urn:ietf:params:acme:error:badNonce\"}";
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.lied, 1 + ACME_NONCE_TRIES);
    assert_string_equal(stage.told, "badNonce");
}

static void an_account_that_is_gone_is_made_anew(void **state)
{
    (void)state;
    stage_add("b.test"); /* its order is for another host, so it fails */
    stage_finish();
    assert_string_equal(stage.acme->kid, STAGE_URL("/account/1"));
    stage.lie_url = STAGE_URL("/order");
    stage.lie_status = 400;
    stage.lie_body = "{\"type\":\"urn:ietf:params:acme:error:accountDoesNotExist\"}";
    stage_add(STAGE_HOST);
    stage_finish();
    assert_string_equal(stage.acme->kid, "");
    stage.lie_url = NULL;
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.successes, 1);
}

static void no_answer_is_a_failure_in_the_words_of_who_asked(void **state)
{
    (void)state;
    stage.lie_url = STAGE_URL("/challenge");
    stage.lie_failure = "the server took too long";
    stage_add(STAGE_HOST);
    stage_finish();
    assert_string_equal(stage.told, "the server took too long");
    assert_int_equal(stage_state(STAGE_HOST).failures, 1);
    stage.lie_is_lost = true; /* egress itself has ended */
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage_state(STAGE_HOST).failures, 0);
}

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(a_nonce_is_used_once_and_each_answer_brings_the_next),
        STAGED(the_first_request_has_the_key_and_the_others_the_account),
        STAGED(a_bad_nonce_is_tried_again_with_another_some_times),
        STAGED(an_account_that_is_gone_is_made_anew),
        STAGED(no_answer_is_a_failure_in_the_words_of_who_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
