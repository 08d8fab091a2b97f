/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken of certificates, and what is refused.
 */
#include <time.h>

#include "deploy/certs/certificate.h"
#include "tests/support/pem.h"

static struct pem root;
static struct pem leaf;
static char room[65536];

static int setup(void **state)
{
    (void)state;
    pem_make(&root, "EC", "DNS:root.test", 30, NULL);
    pem_make(&leaf, "EC", "DNS:a.test,DNS:*.b.test,IP:127.0.0.1", 10, &root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pem_free(&root);
    pem_free(&leaf);
    return 0;
}

static uint64_t now_s(void)
{
    return (uint64_t)time(NULL);
}

/* Reads `pem`, which must be refused with these words. */
static void refused(struct bytes pem, const char *words)
{
    struct certificate certificate;
    struct report report = REPORT_INIT;
    assert_int_equal(certificate_read(pem, now_s(), &report, &certificate), STATUS_INVALID);
    if (strstr(report.text, words) == NULL)
        fail_msg("`%s` has no `%s`", report.text, words);
}

static void a_chain_with_its_key_is_taken_apart(void **state)
{
    (void)state;
    struct certificate certificate;
    struct report report = REPORT_INIT;
    char chain[32768];
    pem_join(leaf.text, root.text, chain, sizeof(chain));
    struct bytes pem = pem_join(leaf.key_text, chain, room, sizeof(room));
    assert_int_equal(certificate_read(pem, now_s(), &report, &certificate), STATUS_OK);
    assert_int_equal(certificate.key_pem.count + 1,
                     strlen(leaf.key_text)); /* but for its newline */
    assert_true(certificate.not_after_s > now_s() + 9 * (uint64_t)PEM_DAY_S);
    assert_true(certificate.not_before_s < now_s());
    struct bytes rest = buffer_bytes(&certificate.chain);
    X509 *first = certificate_next(&rest);
    X509 *second = certificate_next(&rest);
    assert_int_equal(X509_cmp(first, leaf.certificate), 0);
    assert_int_equal(X509_cmp(second, root.certificate), 0);
    assert_null(certificate_next(&rest));
    assert_int_equal(rest.count, 0);
    X509_free(first);
    X509_free(second);
    certificate_done(&certificate);
}

static void names_cover_themselves_and_a_star_one_label(void **state)
{
    (void)state;
    struct certificate certificate;
    struct report report = REPORT_INIT;
    assert_int_equal(certificate_read(bytes_of_text(leaf.text), now_s(), &report, &certificate),
                     STATUS_OK);
    struct bytes names = buffer_bytes(&certificate.names);
    static const struct {
        const char *host;
        bool is;
    } rows[] = {{"a.test", true},      {"x.b.test", true}, {"b.test", false},  {"x.a.test", false},
                {"x.y.b.test", false}, {"test", false},    {"*.b.test", true}, {"", false}};
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(certificate_covers(names, bytes_of_text(rows[i].host)), rows[i].is);
    certificate_done(&certificate);
}

static void what_cannot_be_served_with_is_refused(void **state)
{
    (void)state;
    struct pem other;
    refused(bytes_of_text(""), "there is none");
    refused(bytes_of_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "X.509");
    refused(pem_join(leaf.text, leaf.text, room, sizeof(room)), "not issued by the next");
    refused(pem_join(root.text, leaf.text, room, sizeof(room)), "not issued by the next");
    refused(bytes_make(leaf.text, strlen(leaf.text) / 2), "there is none");
    refused(pem_join(leaf.text, "-----BEGIN CERTIFICATE-----\nAAAA\n", room, sizeof(room)),
            "has no end");
    refused(pem_join("-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n",
                     leaf.text, room, sizeof(room)),
            "encrypted");
    char keys[8192];
    pem_join(leaf.key_text, root.key_text, keys, sizeof(keys));
    refused(pem_join(leaf.text, keys, room, sizeof(room)), "more than one private key");
    pem_make(&other, "EC", "DNS:old.test", 0, NULL);
    refused(bytes_of_text(other.text), "expired");
    pem_free(&other);
    pem_make(&other, "EC", "IP:127.0.0.1", 1, NULL);
    refused(bytes_of_text(other.text), "no DNS name");
    pem_free(&other);
}

static void keys_of_three_kinds_are_taken(void **state)
{
    (void)state;
    static const char *const types[] = {"RSA", "EC", "ED25519"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct pem pem;
        struct certificate certificate;
        struct report report = REPORT_INIT;
        pem_make(&pem, types[i], "DNS:a.test", 1, NULL);
        assert_int_equal(certificate_read(bytes_of_text(pem.text), now_s(), &report, &certificate),
                         STATUS_OK);
        certificate_done(&certificate);
        pem_free(&pem);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_with_its_key_is_taken_apart),
        cmocka_unit_test(names_cover_themselves_and_a_star_one_label),
        cmocka_unit_test(what_cannot_be_served_with_is_refused),
        cmocka_unit_test(keys_of_three_kinds_are_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
