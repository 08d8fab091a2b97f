/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts are due: without a certificate, late in the life of one, and later each time that it
 * failed.
 */
#include "deploy/acme/acme_private.h"
#include "tests/unit/deploy/acme/stage.h"

#define DAY_MS UINT64_C(86400000)

static void put(uint32_t origin, uint64_t from_s, uint64_t until_s)
{
    struct report report = REPORT_INIT;
    const struct store_certificate certificate = {
        .host = bytes_of_text(STAGE_HOST),
        .record = {.origin = origin, .not_before_s = from_s, .not_after_s = until_s},
        .chain = bytes_of_text("chain")};
    assert_int_equal(store_set_certificate(stage.fixture.store, &certificate, &report), STATUS_OK);
}

static void it_is_renewed_when_two_thirds_of_its_life_are_over(void **state)
{
    (void)state;
    stage_add(STAGE_HOST); /* 90 days, of which one is over */
    stage_finish();
    assert_int_equal(stage.successes, 1);
    stage_pass(58 * DAY_MS);
    assert_int_equal(stage.vault_number | stage.fetch_number, 0);
    stage_pass(2 * DAY_MS);
    assert_int_not_equal(stage.vault_number | stage.fetch_number, 0);
    stage_finish();
    assert_int_equal(stage.successes, 2);
}

static void what_the_operator_put_is_left_alone_until_it_expires(void **state)
{
    (void)state;
    uint64_t now_s = stage.fixture.now_ns / CLOCK_NS_PER_S;
    put(DEPLOY_CERTIFICATE_API, now_s - 100, now_s + 1000);
    stage_add(STAGE_HOST);
    stage_pass(900 * 1000);
    assert_int_equal(stage.vault_number | stage.fetch_number, 0);
    stage_pass(200 * 1000);
    assert_int_not_equal(stage.vault_number | stage.fetch_number, 0);
}

static void a_short_life_is_no_loop(void **state)
{
    (void)state;
    stage_add(STAGE_HOST);
    stage_finish();
    uint64_t now_s = stage.fixture.now_ns / CLOCK_NS_PER_S;
    put(DEPLOY_CERTIFICATE_ACME, now_s - 100, now_s + 10);
    stage_pass(1000);
    assert_int_equal(stage.vault_number | stage.fetch_number, 0);
    stage_pass(3700 * UINT64_C(1000));
    assert_int_not_equal(stage.vault_number | stage.fetch_number, 0);
}

static void each_failure_waits_longer_and_a_new_word_of_the_tenant_does_not(void **state)
{
    (void)state;
    stage.lie_url = STAGE_URL("/order");
    stage.lie_status = 500;
    stage_add(STAGE_HOST);
    uint64_t waits_s[] = {120, 240, 480};
    for (uint32_t i = 0; i < COUNT_OF(waits_s); i++) {
        stage_finish();
        struct records_acme remembered = stage_state(STAGE_HOST);
        assert_int_equal(remembered.failures, i + 1);
        assert_int_equal((remembered.next_ns - stage.fixture.now_ns) / CLOCK_NS_PER_S, waits_s[i]);
        stage_pass((waits_s[i] - 1) * 1000);
        assert_int_equal(stage.vault_number | stage.fetch_number, 0);
        stage_pass(2000);
        assert_int_not_equal(stage.vault_number | stage.fetch_number, 0);
    }
    stage_finish();
    stage.lie_url = NULL;
    stage_add(STAGE_HOST);
    stage_finish();
    assert_int_equal(stage.successes, 1);
    assert_int_equal(stage_state(STAGE_HOST).failures, 0);
}

static void a_server_that_asks_for_time_gets_it(void **state)
{
    (void)state;
    static const char fields[] = "retry-after\0"
                                 "7200\0";
    stage.lie_url = STAGE_URL("/order");
    stage.lie_status = 429;
    stage.lie_fields = fields;
    stage.lie_body = "{\"type\":\"urn:ietf:params:acme:error:rateLimited\"}";
    stage_add(STAGE_HOST);
    stage_finish();
    assert_string_equal(stage.told, "rateLimited");
    assert_int_equal((stage_state(STAGE_HOST).next_ns - stage.fixture.now_ns) / CLOCK_NS_PER_S,
                     7200);
}

static void a_process_that_is_away_is_no_failure(void **state)
{
    (void)state;
    stage.vault_away = true;
    stage_add(STAGE_HOST);
    assert_int_equal(stage_state(STAGE_HOST).failures, 0);
    stage.vault_away = false;
    stage.egress_away = true;
    stage_pass(6000);
    stage_finish();
    assert_int_equal(stage_state(STAGE_HOST).failures, 0);
    stage.egress_away = false;
    stage_pass(6000);
    acme_vault_lost(stage.acme);
    stage.vault_number = 0;
    stage_pass(6000);
    stage_finish();
    assert_int_equal(stage.successes, 1);
}

static void the_first_order_makes_the_account_for_all(void **state)
{
    (void)state;
    stage_add("b.test");
    stage_add("c.test");
    assert_int_equal(stage.acme->order_count, 1);
    assert_int_equal(stage.verb, DEPLOY_VAULT_ACCOUNT);
    while (stage.acme->kid[0] == '\0')
        stage_answer_one();
    acme_look(stage.acme);
    stage.vault_number = 0; /* the first one's, which waits for ever */
    (void)acme_turn(stage.acme);
    assert_int_equal(stage.acme->order_count, 2);
}

static void nothing_is_ordered_for_stars_or_for_who_wants_none(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    stage_add("*.a.test");
    assert_int_equal(stage.acme->order_count, 0);
    stage_add(STAGE_HOST);
    assert_int_equal(stage.acme->order_count, 1);
    assert_int_equal(store_delete_domain(stage.fixture.store, bytes_of_text("t"),
                                         bytes_of_text(STAGE_HOST), &report),
                     STATUS_OK);
    stage_finish();
    assert_int_equal(stage.successes, 0);
    assert_int_equal(stage.keys_removed, 1);
    stage_pass(10000);
    assert_int_equal(stage.acme->order_count, 0);
}

static void without_a_directory_nothing_happens(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct acme *acme;
    static const struct config config;
    struct acme_options options = stage.acme->options;
    options.config = &config;
    assert_int_equal(acme_create(&options, &report, &acme), STATUS_OK);
    acme_start(acme);
    stage_add(STAGE_HOST);
    assert_int_equal(acme_turn(acme), UINT64_MAX);
    assert_false(acme_vault_done(acme, 1, STATUS_OK, bytes_make(NULL, 0)));
    assert_false(acme_fetched(acme, 1, NULL));
    acme_free(acme);
}

#define STAGED(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(it_is_renewed_when_two_thirds_of_its_life_are_over),
        STAGED(what_the_operator_put_is_left_alone_until_it_expires),
        STAGED(a_short_life_is_no_loop),
        STAGED(each_failure_waits_longer_and_a_new_word_of_the_tenant_does_not),
        STAGED(a_server_that_asks_for_time_gets_it),
        STAGED(a_process_that_is_away_is_no_failure),
        STAGED(the_first_order_makes_the_account_for_all),
        STAGED(nothing_is_ordered_for_stars_or_for_who_wants_none),
        STAGED(without_a_directory_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
