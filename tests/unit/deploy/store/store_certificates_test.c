/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in the store: put, replaced, listed, removed, and what they say of keys.
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
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static void put(const char *host, uint8_t key, const char *chain)
{
    struct store_certificate certificate = {.host = bytes_of_text(host),
                                            .record = {.key = {key}, .not_after_s = 7},
                                            .chain = bytes_of_text(chain),
                                            .ocsp = bytes_of_text("ocsp")};
    report = (struct report)REPORT_INIT;
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
}

static bool note(void *context, const struct store_certificate *found)
{
    char *all = context;
    (void)strncat(all, (const char *)found->host.data, found->host.count);
    (void)strcat(all, " ");
    return true;
}

static void expect(const char *after, const char *hosts)
{
    char all[256] = "";
    assert_int_equal(
        store_list_certificates(fixture.store, bytes_of_text(after), note, all, &report),
        STATUS_OK);
    assert_string_equal(all, hosts);
}

static void show(void *context, const struct store_certificate *found)
{
    (void)snprintf(context, 64, "%.*s/%.*s", (int)found->chain.count,
                   (const char *)found->chain.data, (int)found->ocsp.count,
                   (const char *)found->ocsp.data);
}

static void they_are_found_by_host_and_listed_in_order(void **state)
{
    (void)state;
    char text[64];
    put("b.test", 1, "one");
    put("*.a.test", 2, "two");
    put("b.test", 3, "three");
    expect("", "*.a.test b.test ");
    expect("*.a.test", "b.test ");
    expect("zzz", "");
    assert_int_equal(
        store_use_certificate(fixture.store, bytes_of_text("b.test"), show, text, &report),
        STATUS_OK);
    assert_string_equal(text, "three/ocsp");
    assert_int_equal(
        store_use_certificate(fixture.store, bytes_of_text("c.test"), show, text, &report),
        STATUS_NOT_FOUND);
}

static enum status drop(const char *tenant, const char *host)
{
    report = (struct report)REPORT_INIT;
    return store_delete_certificate(fixture.store, bytes_of_text(tenant), bytes_of_text(host),
                                    &report);
}

static void a_key_goes_with_the_last_certificate_that_has_it(void **state)
{
    (void)state;
    static const uint8_t nine[DEPLOY_SHA256_BYTES] = {9};
    put("a.test", 9, "x");
    put("b.test", 9, "x");
    assert_int_equal(drop("", "a.test"), STATUS_OK);
    assert_int_equal(fixture.keys_gone, 0);
    assert_true(store_has_key(fixture.store, nine));
    put("b.test", 9, "y");
    assert_int_equal(fixture.keys_gone, 0);
    put("b.test", 8, "y");
    assert_int_equal(fixture.keys_gone, 1);
    assert_int_equal(fixture.key_gone, 9);
    assert_false(store_has_key(fixture.store, nine));
    assert_int_equal(drop("", "b.test"), STATUS_OK);
    assert_int_equal(fixture.key_gone, 8);
    assert_int_equal(drop("", "b.test"), STATUS_NOT_FOUND);
}

static void a_tenant_has_its_own_and_its_domain_says_so(void **state)
{
    (void)state;
    uint32_t version;
    struct store_domain domain;
    struct bytes t = bytes_of_text("t");
    struct bytes host = bytes_of_text("a.test");
    const struct store_domain_order order = {
        .tenant = t, .host = host, .challenge = "c", .by_operator = true};
    const struct store_certificate certificate = {
        .host = host, .record = {.key = {5}, .tenant = "t"}, .chain = bytes_of_text("x")};
    assert_int_equal(fixture_add(&fixture, "t", "f", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(store_set_domain(fixture.store, &order, &report), STATUS_OK);
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
    assert_int_equal(store_get_domain(fixture.store, t, host, &report, &domain), STATUS_OK);
    assert_int_equal(domain.record.tls, DEPLOY_TLS_OWN);
    assert_int_equal(drop("u", "a.test"), STATUS_NOT_FOUND);
    assert_int_equal(drop("t", "a.test"), STATUS_OK);
    assert_int_equal(store_get_domain(fixture.store, t, host, &report, &domain), STATUS_OK);
    assert_int_equal(domain.record.tls, DEPLOY_TLS_OFF);
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
    assert_int_equal(store_delete_domain(fixture.store, t, host, &report), STATUS_OK);
    assert_int_equal(fixture.keys_gone, 2);
    assert_int_equal(drop("t", "a.test"), STATUS_NOT_FOUND);
}

static void an_ocsp_answer_is_put_to_the_certificate_that_is_there(void **state)
{
    (void)state;
    char text[64];
    put("a.test", 1, "one");
    assert_int_equal(
        store_set_ocsp(fixture.store, bytes_of_text("a.test"), bytes_of_text("new"), &report),
        STATUS_OK);
    assert_int_equal(
        store_use_certificate(fixture.store, bytes_of_text("a.test"), show, text, &report),
        STATUS_OK);
    assert_string_equal(text, "one/new");
    assert_int_equal(
        store_set_ocsp(fixture.store, bytes_of_text("b.test"), bytes_of_text("new"), &report),
        STATUS_NOT_FOUND);
}

static void a_record_of_the_wrong_form_is_damage(void **state)
{
    (void)state;
    char all[64] = "";
    const struct {
        struct records_certificate record;
        uint8_t more[3];
    } longer = {.record = {.chain_bytes = 1, .ocsp_bytes = 1}};
    const struct bytes forms[] = {
        bytes_of_text("short"),
        bytes_make(&longer, sizeof(longer.record) + 1),
        bytes_make(&longer, sizeof(longer.record) + 3),
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        fixture_put_raw(&fixture, "certificate", bytes_of_text("a.test"), forms[i]);
        fixture_open_store(&fixture, MAP_BYTES);
        assert_int_equal(
            store_list_certificates(fixture.store, bytes_make(NULL, 0), note, all, &report),
            STATUS_CORRUPT);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_found_by_host_and_listed_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_goes_with_the_last_certificate_that_has_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_tenant_has_its_own_and_its_domain_says_so, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_ocsp_answer_is_put_to_the_certificate_that_is_there,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_record_of_the_wrong_form_is_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
