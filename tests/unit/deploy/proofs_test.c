/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which domains are looked for, how often, and what proves them.
 */
#include <stdio.h>

#include "deploy/proofs.h"
#include "tests/unit/deploy/fixture.h"

static struct fixture fixture;
static struct proofs *proofs;
static struct report report;
static struct {
    uint32_t count;
    uint64_t number;
    char name[300];
    bool away;
} asked;

static bool ask(void *context, struct bytes name, uint64_t number)
{
    (void)context;
    asked.count++;
    asked.number = number;
    (void)snprintf(asked.name, sizeof(asked.name), "%.*s", (int)name.count,
                   (const char *)name.data);
    return !asked.away;
}

static int setup(void **state)
{
    (void)state;
    uint32_t version;
    fixture_init(&fixture);
    fixture_open_store(&fixture, 4ULL << 20);
    memset(&asked, 0, sizeof(asked));
    report = (struct report)REPORT_INIT;
    const struct proofs_options options = {
        .clock = &fixture.clock, .store = fixture.store, .ask = ask};
    assert_int_equal(fixture_add(&fixture, "t", "f", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "u", "f", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(proofs_create(&options, &report, &proofs), STATUS_OK);
    proofs_start(proofs);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proofs_free(proofs);
    fixture_done(&fixture);
    return 0;
}

static void add(const char *tenant, const char *host, bool by_operator)
{
    const struct store_domain_order order = {.tenant = bytes_of_text(tenant),
                                             .host = bytes_of_text(host),
                                             .challenge = tenant[0] == 't' ? "abc" : "xyz",
                                             .by_operator = by_operator};
    assert_int_equal(store_set_domain(fixture.store, &order, &report), STATUS_OK);
}

static uint32_t proof_of(const char *tenant, const char *host)
{
    struct store_domain domain;
    assert_int_equal(store_get_domain(fixture.store, bytes_of_text(tenant), bytes_of_text(host),
                                      &report, &domain),
                     STATUS_OK);
    return domain.record.proof;
}

static void say(const char *list, size_t count)
{
    proofs_texts(proofs, asked.number, bytes_make(list, count));
}

static void the_record_proves_it_and_nothing_else_does(void **state)
{
    (void)state;
    add("t", "a.test", false);
    proofs_turn(proofs);
    assert_string_equal(asked.name, "_skerry.a.test");
    static const char wrong[] = "v=spf1\0skerry-domain=\0skerry-domain=ab\0"
                                "skerry-domain=abcd\0 skerry-domain=abc";
    say(wrong, sizeof(wrong));
    assert_int_equal(proof_of("t", "a.test"), DEPLOY_DOMAIN_PENDING);
    proofs_turn(proofs);
    static const char right[] = "v=spf1\0skerry-domain=abc";
    say(right, sizeof(right));
    assert_int_equal(proof_of("t", "a.test"), DEPLOY_DOMAIN_DNS);
    proofs_turn(proofs);
    assert_int_equal(asked.count, 2);
}

static void a_star_is_proven_by_the_name_behind_it(void **state)
{
    (void)state;
    add("t", "*.a.test", false);
    proofs_turn(proofs);
    assert_string_equal(asked.name, "_skerry.a.test");
    say("skerry-domain=abc", 17);
    assert_int_equal(proof_of("t", "*.a.test"), DEPLOY_DOMAIN_DNS);
}

static void another_tenants_host_stays_pending(void **state)
{
    (void)state;
    add("u", "a.test", false);
    proofs_turn(proofs);
    add("t", "a.test", true);
    say("skerry-domain=xyz", 17);
    assert_int_equal(proof_of("u", "a.test"), DEPLOY_DOMAIN_PENDING);
    assert_int_equal(proof_of("t", "a.test"), DEPLOY_DOMAIN_OPERATOR);
}

static void it_is_looked_for_ever_more_seldom(void **state)
{
    (void)state;
    add("t", "a.test", false);
    const struct {
        uint64_t age_s;
        uint32_t looks; /* in 120 turns */
    } rows[] = {{0, 120}, {700, 30}, {4000, 4}, {90000, 1}, {700000, 0}};
    uint64_t born_ns = fixture.now_ns;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fixture.now_ns = born_ns + rows[i].age_s * CLOCK_NS_PER_S;
        asked.count = 0;
        for (uint32_t turn = 0; turn < 120; turn++) {
            proofs_turn(proofs);
            say("", 0);
        }
        assert_int_equal(asked.count, rows[i].looks);
    }
    proofs_look(proofs, bytes_of_text("u"));
    proofs_turn(proofs);
    assert_int_equal(asked.count, 0);
    proofs_look(proofs, bytes_of_text("t"));
    proofs_turn(proofs);
    assert_int_equal(asked.count, 1);
}

static void one_under_way_is_not_asked_again_until_nobody_answers(void **state)
{
    (void)state;
    add("t", "a.test", false);
    proofs_turn(proofs);
    proofs_turn(proofs);
    assert_int_equal(asked.count, 1);
    fixture.now_ns += 61 * CLOCK_NS_PER_S;
    asked.away = true;
    proofs_turn(proofs);
    proofs_turn(proofs);
    assert_int_equal(asked.count, 3);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_record_proves_it_and_nothing_else_does, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_star_is_proven_by_the_name_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(another_tenants_host_stays_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_looked_for_ever_more_seldom, setup, teardown),
        cmocka_unit_test_setup_teardown(one_under_way_is_not_asked_again_until_nobody_answers,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
