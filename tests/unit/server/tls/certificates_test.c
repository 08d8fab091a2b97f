/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates by host: exact before a star, parsed once, and again when the store has another.
 */
#include "tests/unit/server/tls/bench.h"

static struct bench bench;
static struct certificates *certificates;
static struct remote_signer signer;

static int setup(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    bench_init(&bench);
    assert_int_equal(remote_key_init(&report), STATUS_OK);
    assert_int_equal(certificates_create(bench.catalog, &signer, &certificates), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    certificates_free(certificates);
    bench_done(&bench);
    return 0;
}

/* NULL: there is none. */
static const struct certificates_one *find(const char *host)
{
    const struct certificates_one *one = NULL;
    struct report report = REPORT_INIT;
    enum status status = certificates_find(certificates, bytes_of_text(host), &report, &one);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK ? one : NULL;
}

static void expect(const char *host, const struct pem *pem)
{
    const struct certificates_one *one = find(host);
    assert_non_null(one);
    assert_int_equal(X509_cmp(one->leaf, pem->certificate), 0);
    assert_int_equal(EVP_PKEY_eq(one->key, pem->key), 1);
}

static void an_exact_name_comes_before_a_star(void **state)
{
    (void)state;
    const struct pem *star = bench_add(&bench, "*.b.test", "EC", "DNS:*.b.test");
    const struct pem *exact = bench_add(&bench, "a.b.test", "EC", "DNS:a.b.test");
    expect("a.b.test", exact);
    expect("c.b.test", star);
    assert_null(find("b.test"));
    assert_null(find("x.c.b.test"));
    assert_null(find("test"));
    assert_null(find(""));
}

static void a_change_of_the_store_is_seen(void **state)
{
    (void)state;
    const struct pem *first = bench_add(&bench, "a.test", "EC", "DNS:a.test");
    expect("a.test", first);
    const X509 *parsed = find("a.test")->leaf;
    (void)bench_add(&bench, "other.test", "EC", "DNS:other.test");
    assert_ptr_equal(find("a.test")->leaf, parsed); /* looked at, and not parsed again */
    const struct pem *second = bench_add(&bench, "a.test", "EC", "DNS:a.test");
    expect("a.test", second);
    bench_remove(&bench, "a.test");
    assert_null(find("a.test"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_exact_name_comes_before_a_star, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_of_the_store_is_seen, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
