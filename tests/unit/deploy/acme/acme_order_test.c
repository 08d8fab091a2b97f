/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An order's way, step by step, and what a server may say that ends it.
 */
#include "deploy/acme/acme_private.h"
#include "tests/unit/deploy/acme/stage.h"

static void note_origin(void *context, const struct store_certificate *found)
{
    *(uint32_t *)context = found->record.origin;
    assert_string_equal(found->record.tenant, "t");
}

static uint32_t stored_origin(void)
{
    struct report report = REPORT_INIT;
    uint32_t origin = UINT32_MAX;
    enum status status = store_use_certificate(stage.fixture.store, bytes_of_text(STAGE_HOST),
                                               note_origin, &origin, &report);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return origin;
}

static const struct acme_order *order(void)
{
    return LIST_FIRST(&stage.acme->orders, struct acme_order, link);
}

static void an_order_goes_its_way_to_a_certificate(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.successes, 1);
    assert_int_equal(stored_origin(), DEPLOY_CERTIFICATE_ACME);
    assert_int_equal(stage.keys_removed, 0);
    assert_string_equal(stage_state(STAGE_HOST).error, "");
}

static void by_tls_a_key_is_made_for_the_proof_and_removed(void **state)
{
    (void)state;
    (void)snprintf(stage.config.acme_challenge, sizeof(stage.config.acme_challenge), "tls-alpn-01");
    stage_add(STAGE_HOST);
    while (stage.verb != DEPLOY_VAULT_KEY_PROOF)
        stage_answer_one();
    assert_int_equal(strlen(stage.name), 2 * DEPLOY_SHA256_BYTES);
    stage_finish();
    assert_int_equal(stage.successes, 1);
    assert_int_equal(stage.keys_removed, 1);
}

static void both_ways_take_turns_as_one_fails(void **state)
{
    (void)state;
    stage.lie_url = STAGE_URL("/authorization");
    stage.lie_body = "{}";
    stage_add(STAGE_HOST);
    assert_false(order()->by_alpn);
    stage_finish();
    stage_pass(121 * 1000);
    assert_true(order()->by_alpn);
}

static void the_server_is_asked_again_and_again_with_longer_pauses(void **state)
{
    (void)state;
    static const char slow[] = "retry-after\0"
                               "60\0";
    stage_add(STAGE_HOST);
    while (order()->step != ACME_STEP_AUTHORIZED)
        stage_answer_one();
    stage.authorized = false;
    uint64_t last_ns = 0;
    for (uint32_t i = 0; i < 8; i++) {
        uint64_t wait_ns = order()->wake_ns - stage.fixture.now_ns;
        assert_true(wait_ns > last_ns || wait_ns == ACME_POLL_NS_MAX);
        last_ns = wait_ns;
        stage_pass(wait_ns * 1000 / CLOCK_NS_PER_S);
        stage_answer();
    }
    stage.lie_url = STAGE_URL("/authorization");
    stage.lie_fields = slow;
    stage_pass(ACME_POLL_NS_MAX * 1000 / CLOCK_NS_PER_S);
    stage_answer();
    assert_int_equal(order()->wake_ns - stage.fixture.now_ns, 60 * CLOCK_NS_PER_S);
}

static void one_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    while (order()->step != ACME_STEP_AUTHORIZED)
        stage_answer_one();
    stage_pass(ACME_ORDER_NS * 1000 / CLOCK_NS_PER_S);
    assert_int_equal(stage.failures, 1);
    assert_non_null(strstr(stage.told, "did not come to an end"));
}

static void what_is_authorized_already_is_not_proven_again(void **state)
{
    (void)state;
    stage.authorized = true;
    stage_add(STAGE_HOST);
    while (order()->step < ACME_STEP_REQUEST)
        stage_answer_one();
    assert_false(order()->has_challenge);
    stage_finish();
    assert_int_equal(stage.successes, 1);
}

static void terms_are_not_agreed_to_in_the_operators_stead(void **state)
{
    (void)state;
    stage.config.acme_terms_agreed = false;
    stage_add(STAGE_HOST);
    stage_finish();
    assert_non_null(strstr(stage.told, "https://ca.test/terms"));
}

static void lies_end_it_and_nothing_is_stored(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *body;
        const char *fields;
        const char *words;
    } lies[] = {
        {STAGE_DIRECTORY, "[]", NULL, "directory is no JSON object"},
        {STAGE_DIRECTORY, "{\"newNonce\":\"x\"}", NULL, "acme.directory"},
        {STAGE_URL("/nonce"), NULL, "a\0b\0", "no nonce"},
        {STAGE_URL("/nonce"), NULL, "replay-nonce\0a b\0", "no nonce"},
        {STAGE_URL("/account"), NULL, "a\0b\0", "where the account is"},
        {STAGE_URL("/order"), NULL, "a\0b\0", "where the order is"},
        {STAGE_URL("/order"), "{\"status\":\"odd\"}", NULL, "no status"},
        {STAGE_URL("/finalize"), "{}", NULL, "no status"},
        {STAGE_URL("/certificate"), "", NULL, "there is none"},
    };
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        if (i > 0) {
            assert_int_equal(stage_teardown(state), 0);
            assert_int_equal(stage_setup(state), 0);
        }
        stage.lie_url = lies[i].url;
        stage.lie_body = lies[i].body;
        stage.lie_fields = lies[i].fields;
        stage_add(STAGE_HOST);
        stage_finish();
        if (strstr(stage.told, lies[i].words) == NULL)
            fail_msg("%s: %s", lies[i].words, stage.told);
        assert_int_equal(stored_origin(), UINT32_MAX);
        assert_int_equal(stage_state(STAGE_HOST).failures, 1);
    }
}

static void a_vault_that_says_no_ends_it(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    while (order()->step != ACME_STEP_REQUEST || stage.vault_number == 0) {
        stage_answer_one();
        if (stage.vault_number == 0 && stage.fetch_number == 0)
            stage_pass(1000);
    }
    stage.vault_status = STATUS_LIMIT;
    stage_answer();
    assert_int_equal(stage.failures, 1);
    assert_string_equal(stage.told, "the key process: no");
}

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(an_order_goes_its_way_to_a_certificate),
        STAGED(by_tls_a_key_is_made_for_the_proof_and_removed),
        STAGED(both_ways_take_turns_as_one_fails),
        STAGED(the_server_is_asked_again_and_again_with_longer_pauses),
        STAGED(one_that_does_not_end_is_given_up),
        STAGED(what_is_authorized_already_is_not_proven_again),
        STAGED(terms_are_not_agreed_to_in_the_operators_stead),
        STAGED(lies_end_it_and_nothing_is_stored),
        STAGED(a_vault_that_says_no_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
