/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ACME remembers: which hosts want it, what failed, and what workers answer with.
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
    uint32_t version;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    report = (struct report)REPORT_INIT;
    assert_int_equal(fixture_add(&fixture, "t", "f", bytes_of_text("m"), &version), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static void add(const char *host, uint32_t tls, bool by_operator)
{
    const struct store_domain_order order = {.tenant = bytes_of_text("t"),
                                             .host = bytes_of_text(host),
                                             .challenge = "c",
                                             .tls = tls,
                                             .by_operator = by_operator};
    assert_int_equal(store_set_domain(fixture.store, &order, &report), STATUS_OK);
}

static bool note(void *context, const struct store_acme_domain *domain)
{
    char *all = context;
    size_t used = strlen(all);
    (void)snprintf(all + used, 256 - used, "%.*s/%.*s/%d/%u ", (int)domain->tenant.count,
                   (const char *)domain->tenant.data, (int)domain->host.count,
                   (const char *)domain->host.data, domain->has_certificate,
                   domain->state.failures);
    return true;
}

static void expect(const char *hosts)
{
    char all[256] = "";
    assert_int_equal(store_walk_acme(fixture.store, note, all, &report), STATUS_OK);
    assert_string_equal(all, hosts);
}

static void who_is_proven_and_wants_it_is_walked(void **state)
{
    (void)state;
    const struct store_certificate certificate = {.host = bytes_of_text("b.test"),
                                                  .chain = bytes_of_text("x")};
    const struct records_acme failed = {.failures = 3};
    add("a.test", DEPLOY_TLS_ACME, true);
    add("b.test", DEPLOY_TLS_ACME, true);
    add("c.test", DEPLOY_TLS_OFF, true);
    add("d.test", DEPLOY_TLS_ACME, false);
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
    assert_int_equal(store_set_acme(fixture.store, bytes_of_text("a.test"), &failed, &report),
                     STATUS_OK);
    expect("t/a.test/0/3 t/b.test/1/0 ");
    add("a.test", DEPLOY_TLS_ACME, true); /* said again: what failed is forgotten */
    expect("t/a.test/0/0 t/b.test/1/0 ");
}

static void what_a_domain_had_goes_with_it(void **state)
{
    (void)state;
    const struct records_acme failed = {.failures = 3};
    struct records_acme found;
    struct store_certificate certificate = {
        .host = bytes_of_text("a.test"), .record = {.tenant = "t"}, .chain = bytes_of_text("x")};
    add("a.test", DEPLOY_TLS_ACME, true);
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
    assert_int_equal(store_set_acme(fixture.store, bytes_of_text("a.test"), &failed, &report),
                     STATUS_OK);
    assert_int_equal(
        store_delete_domain(fixture.store, bytes_of_text("t"), bytes_of_text("a.test"), &report),
        STATUS_OK);
    assert_int_equal(store_get_acme(fixture.store, bytes_of_text("a.test"), &found, &report),
                     STATUS_NOT_FOUND);
    add("a.test", DEPLOY_TLS_ACME, true);
    expect("t/a.test/0/0 ");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_proven_and_wants_it_is_walked, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_domain_had_goes_with_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
