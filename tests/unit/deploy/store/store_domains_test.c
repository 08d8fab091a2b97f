/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains in the store: who may have one, and what is left when they go.
 */
#include <stdio.h>

#include "deploy/store/store.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct report report;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    uint32_t version;
    assert_int_equal(fixture_add(&fixture, "acme", "web", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "evil", "web", bytes_of_text("m"), &version), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static enum status ask(const char *tenant, const char *host, const char *function, bool by_operator)
{
    const struct store_domain_order order = {.tenant = bytes_of_text(tenant),
                                             .host = bytes_of_text(host),
                                             .function = bytes_of_text(function),
                                             .challenge = "c0ffee",
                                             .tls = DEPLOY_TLS_ACME,
                                             .by_operator = by_operator};
    report = (struct report)REPORT_INIT;
    return store_set_domain(fixture.store, &order, &report);
}

static enum status prove(const char *tenant, const char *host)
{
    report = (struct report)REPORT_INIT;
    return store_prove_domain(fixture.store, bytes_of_text(tenant), bytes_of_text(host), &report);
}

static enum status drop(const char *tenant, const char *host)
{
    return store_delete_domain(fixture.store, bytes_of_text(tenant), bytes_of_text(host), NULL);
}

static void expect(const char *tenant, const char *host, uint32_t proof)
{
    struct store_domain domain;
    assert_int_equal(
        store_get_domain(fixture.store, bytes_of_text(tenant), bytes_of_text(host), NULL, &domain),
        STATUS_OK);
    assert_string_equal(domain.host, host);
    assert_string_equal(domain.record.challenge, "c0ffee");
    assert_int_equal(domain.record.proof, proof);
}

static void expect_owner(const char *host, const char *tenant)
{
    char owner[DEPLOY_NAME_BYTES] = "";
    enum status status = store_get_host(fixture.store, bytes_of_text(host), owner);
    assert_int_equal(status, tenant == NULL ? STATUS_NOT_FOUND : STATUS_OK);
    assert_string_equal(owner, tenant == NULL ? "" : tenant);
}

static enum status route(const char *tenant, const char *host)
{
    const struct store_route order = {.target = fixture_target(tenant, "web"),
                                      .id = bytes_of_text("main"),
                                      .route = {.host = bytes_of_text(host)}};
    return store_set_route(fixture.store, &order, NULL);
}

static void an_operator_gives_a_host_away(void **state)
{
    (void)state;
    assert_int_equal(ask("acme", "a.example", "web", true), STATUS_OK);
    expect("acme", "a.example", DEPLOY_DOMAIN_OPERATOR);
    expect_owner("a.example", "acme");
    assert_int_equal(ask("evil", "a.example", "web", true), STATUS_CONFLICT);
    assert_int_equal(ask("evil", "a.example", "web", false), STATUS_CONFLICT);
    assert_null(strstr(report.text, "acme"));
    assert_int_equal(route("evil", "a.example"), STATUS_CONFLICT);
    assert_int_equal(route("acme", "a.example"), STATUS_OK);
    assert_int_equal(drop("acme", "a.example"), STATUS_OK);
    expect_owner("a.example", "acme"); /* of its route */
}

static void what_is_not_proven_keeps_nobody_from_anything(void **state)
{
    (void)state;
    assert_int_equal(ask("evil", "a.example", "web", false), STATUS_OK);
    expect("evil", "a.example", DEPLOY_DOMAIN_PENDING);
    expect_owner("a.example", NULL);
    assert_int_equal(ask("acme", "a.example", "", false), STATUS_OK);
    assert_int_equal(prove("acme", "a.example"), STATUS_OK);
    expect("acme", "a.example", DEPLOY_DOMAIN_DNS);
    expect_owner("a.example", "acme");
    assert_int_equal(prove("evil", "a.example"), STATUS_CONFLICT);
    assert_int_equal(drop("evil", "a.example"), STATUS_OK);
    expect_owner("a.example", "acme");
    /* A change leaves the proof as it is. */
    assert_int_equal(ask("acme", "a.example", "web", false), STATUS_OK);
    expect("acme", "a.example", DEPLOY_DOMAIN_DNS);
    assert_int_equal(ask("acme", "a.example", "web", true), STATUS_OK);
    expect("acme", "a.example", DEPLOY_DOMAIN_DNS);
}

static void a_star_is_its_tenants_until_somebody_proves_a_name_of_it(void **state)
{
    (void)state;
    assert_int_equal(ask("acme", "*.a.example", "web", true), STATUS_OK);
    expect_owner("x.a.example", "acme");
    expect_owner("y.x.a.example", NULL);
    assert_int_equal(route("evil", "x.a.example"), STATUS_CONFLICT);
    assert_int_equal(ask("evil", "x.a.example", "web", true), STATUS_OK);
    expect_owner("x.a.example", "evil");
    expect_owner("z.a.example", "acme");
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(ask("acme", "a.example", "none", true), STATUS_NOT_FOUND);
    assert_int_equal(ask("none", "a.example", "", true), STATUS_NOT_FOUND);
    assert_int_equal(prove("acme", "a.example"), STATUS_NOT_FOUND);
    assert_int_equal(drop("acme", "a.example"), STATUS_NOT_FOUND);
    struct store_domain domain;
    report = (struct report)REPORT_INIT;
    assert_int_equal(store_get_domain(fixture.store, bytes_of_text("acme"), bytes_of_text("a.b"),
                                      &report, &domain),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "tenant `acme` has no domain a.b");
}

static void a_tenant_can_wait_for_so_many_proofs(void **state)
{
    (void)state;
    char host[32];
    for (int i = 0; i < STORE_PENDING_MAX; i++) {
        (void)snprintf(host, sizeof(host), "h%d.example", i);
        assert_int_equal(ask("evil", host, "", false), STATUS_OK);
    }
    assert_int_equal(ask("evil", "one-more.example", "", false), STATUS_LIMIT);
    assert_int_equal(ask("evil", "h1.example", "web", false), STATUS_OK);
    assert_int_equal(ask("evil", "one-more.example", "", true), STATUS_OK);
    assert_int_equal(ask("acme", "h1.example", "", false), STATUS_OK);
}

static bool count_domain(void *context, const struct store_domain *domain)
{
    return buffer_printf(context, "%s ", domain->host) == STATUS_OK;
}

static void domains_are_listed_and_go_with_their_tenant(void **state)
{
    (void)state;
    struct buffer text;
    uint32_t count;
    const struct store_target web = fixture_target("acme", "web");
    buffer_init(&text, 4096);
    assert_int_equal(ask("acme", "b.example", "", true), STATUS_OK);
    assert_int_equal(ask("acme", "a.example", "", false), STATUS_OK);
    assert_int_equal(ask("acme", "*.c.example", "", true), STATUS_OK);
    assert_int_equal(ask("evil", "d.example", "", true), STATUS_OK);
    assert_int_equal(store_list_domains(fixture.store, bytes_of_text("acme"), bytes_of_text(""),
                                        count_domain, &text, NULL),
                     STATUS_OK);
    assert_int_equal(store_list_domains(fixture.store, bytes_of_text("acme"),
                                        bytes_of_text("a.example"), count_domain, &text, NULL),
                     STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    assert_string_equal((const char *)text.data, "*.c.example a.example b.example b.example ");
    buffer_done(&text);
    assert_int_equal(store_delete_function(fixture.store, &web, NULL, &count), STATUS_OK);
    expect_owner("b.example", "acme");
    assert_int_equal(store_delete_tenant(fixture.store, bytes_of_text("acme"), NULL), STATUS_OK);
    expect_owner("b.example", NULL);
    expect_owner("x.c.example", NULL);
    expect_owner("d.example", "evil");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_operator_gives_a_host_away, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_proven_keeps_nobody_from_anything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_star_is_its_tenants_until_somebody_proves_a_name_of_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tenant_can_wait_for_so_many_proofs, setup, teardown),
        cmocka_unit_test_setup_teardown(domains_are_listed_and_go_with_their_tenant, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
