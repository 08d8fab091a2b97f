/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What workers read to show who a host is: its certificate, and what proves it while one is
 * ordered.
 */
#include "deploy/generation.h"
#include "deploy/lmdb/lmdb_reading.h"
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
    report = (struct report)REPORT_INIT;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static void a_challenge_is_read_until_it_is_over(void **state)
{
    (void)state;
    const struct store_challenge challenge = {.key = {5},
                                              .token = bytes_of_text("tok"),
                                              .answer = bytes_of_text("tok.thumb"),
                                              .chain = bytes_of_text("chain")};
    static struct lmdb_reading reading;
    struct generation generation;
    struct deploy_catalog *catalog;
    struct deploy_challenge found;
    struct buffer copy;
    struct bytes host = bytes_of_text("a.test");
    buffer_init(&copy, DEPLOY_CERTIFICATE_BYTES_MAX);
    assert_int_equal(generation_create(fixture.dir, &report, &generation), STATUS_OK);
    assert_int_equal(store_set_challenge(fixture.store, host, &challenge, &report), STATUS_OK);
    assert_int_equal(deploy_catalog_open(fixture.dir, MAP_BYTES, &reading, &report, &catalog),
                     STATUS_OK);
    assert_int_equal(deploy_catalog_challenge(catalog, host, &copy, &report, &found), STATUS_OK);
    assert_true(bytes_equal_text(found.token, "tok"));
    assert_true(bytes_equal_text(found.answer, "tok.thumb"));
    assert_true(bytes_equal_text(found.certificate.chain, "chain"));
    assert_int_equal(found.certificate.key[0], 5);
    assert_int_equal(store_set_challenge(fixture.store, host, NULL, &report), STATUS_OK);
    assert_int_equal(deploy_catalog_challenge(catalog, host, &copy, &report, &found),
                     STATUS_NOT_FOUND);
    buffer_done(&copy);
    deploy_catalog_close(catalog);
    generation_close(&generation);
}

static void a_certificate_is_read_with_its_parts(void **state)
{
    (void)state;
    const struct store_certificate certificate = {.host = bytes_of_text("a.test"),
                                                  .record = {.key = {9}, .not_after_s = 7},
                                                  .chain = bytes_of_text("chain"),
                                                  .ocsp = bytes_of_text("ocsp")};
    static struct lmdb_reading reading;
    struct generation generation;
    struct deploy_catalog *catalog;
    struct deploy_certificate found;
    struct buffer copy;
    buffer_init(&copy, DEPLOY_CERTIFICATE_BYTES_MAX);
    assert_int_equal(generation_create(fixture.dir, &report, &generation), STATUS_OK);
    assert_int_equal(store_set_certificate(fixture.store, &certificate, &report), STATUS_OK);
    assert_int_equal(deploy_catalog_open(fixture.dir, MAP_BYTES, &reading, &report, &catalog),
                     STATUS_OK);
    assert_int_equal(
        deploy_catalog_certificate(catalog, bytes_of_text("a.test"), &copy, &report, &found),
        STATUS_OK);
    assert_true(bytes_equal_text(found.chain, "chain"));
    assert_true(bytes_equal_text(found.ocsp, "ocsp"));
    assert_int_equal(found.key[0], 9);
    assert_int_equal(
        deploy_catalog_certificate(catalog, bytes_of_text("b.test"), &copy, &report, &found),
        STATUS_NOT_FOUND);
    buffer_done(&copy);
    deploy_catalog_close(catalog);
    generation_close(&generation);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_challenge_is_read_until_it_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_certificate_is_read_with_its_parts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
