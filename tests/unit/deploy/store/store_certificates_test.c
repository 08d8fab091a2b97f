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

static void a_removal_says_whether_its_key_has_another_use(void **state)
{
    (void)state;
    uint8_t key[DEPLOY_SHA256_BYTES];
    bool is_used;
    put("a.test", 9, "x");
    put("b.test", 9, "x");
    assert_int_equal(
        store_delete_certificate(fixture.store, bytes_of_text("a.test"), &report, key, &is_used),
        STATUS_OK);
    assert_int_equal(key[0], 9);
    assert_true(is_used);
    assert_int_equal(
        store_delete_certificate(fixture.store, bytes_of_text("b.test"), &report, key, &is_used),
        STATUS_OK);
    assert_false(is_used);
    assert_int_equal(
        store_delete_certificate(fixture.store, bytes_of_text("b.test"), &report, key, &is_used),
        STATUS_NOT_FOUND);
}

static void a_record_of_the_wrong_form_is_damage(void **state)
{
    (void)state;
    char all[64] = "";
    fixture_put_raw(&fixture, "certificate", bytes_of_text("a.test"), bytes_of_text("short"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(
        store_list_certificates(fixture.store, bytes_make(NULL, 0), note, all, &report),
        STATUS_CORRUPT);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_found_by_host_and_listed_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_removal_says_whether_its_key_has_another_use, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_record_of_the_wrong_form_is_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
