/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of OCSP that are taken, and those that are not: another's, over, revoked, junk.
 */
#include <time.h>

#include "deploy/certs/ocsp.h"
#include "tests/support/pem.h"

#define HOUR_S 3600

static struct pem issuer;
static struct pem leaf;
static struct pem stranger;
static char both[32768];
static struct certificate certificate;
static struct report report;

static int setup(void **state)
{
    (void)state;
    pem_make(&issuer, "EC", "DNS:ca.test", 30, NULL);
    pem_make(&leaf, "EC", "DNS:a.test", 30, &issuer);
    pem_make(&stranger, "EC", "DNS:ca.test", 30, NULL);
    report = (struct report)REPORT_INIT;
    struct bytes chain = pem_join(leaf.text, issuer.text, both, sizeof(both));
    assert_int_equal(certificate_read(chain, (uint64_t)time(NULL), &report, &certificate),
                     STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    certificate_done(&certificate);
    pem_free(&issuer);
    pem_free(&leaf);
    pem_free(&stranger);
    return 0;
}

/* An answer about the leaf, in PEM. */
static struct bytes answer(const struct pem *signer, int state, long from_s, long until_s)
{
    static char text[8192];
    uint8_t der[4096];
    const struct pem_staple staple = {.of = &leaf,
                                      .issuer = &issuer,
                                      .signer = signer,
                                      .state = state,
                                      .from_s = from_s,
                                      .until_s = until_s};
    size_t count = pem_staple(&staple, der, sizeof(der));
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(PEM_write_bio(bio, OCSP_PEM_LABEL, "", der, (long)count) > 0);
    pem_write(bio, text, sizeof(text));
    return bytes_of_text(text);
}

static enum status read_it(struct bytes pem, struct buffer *der)
{
    report = (struct report)REPORT_INIT;
    der->count = 0;
    return ocsp_read(pem, buffer_bytes(&certificate.chain), (uint64_t)time(NULL), &report, der);
}

static void a_good_answer_is_taken_and_says_until_when(void **state)
{
    (void)state;
    struct buffer der;
    buffer_init(&der, CERTIFICATE_OCSP_BYTES_MAX);
    struct bytes pem = answer(&issuer, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, HOUR_S);
    assert_true(ocsp_is_alone(pem));
    assert_int_equal(read_it(pem, &der), STATUS_OK);
    assert_true(der.count > 0);
    uint64_t now_s = (uint64_t)time(NULL);
    uint64_t until_s = ocsp_until_s(buffer_bytes(&der));
    assert_true(until_s > now_s + HOUR_S / 2 && until_s <= now_s + HOUR_S + 1);
    assert_int_equal(ocsp_until_s(bytes_of_text("junk")), 0);
    assert_int_equal(ocsp_until_s(bytes_make(NULL, 0)), 0);
    buffer_done(&der);
}

static void it_can_come_with_the_chain(void **state)
{
    (void)state;
    static char all[65536];
    struct certificate with;
    struct bytes pem = answer(&issuer, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, HOUR_S);
    int count = snprintf(all, sizeof(all), "%s%.*s", both, (int)pem.count, (const char *)pem.data);
    assert_false(ocsp_is_alone(bytes_make(all, (size_t)count)));
    assert_int_equal(
        certificate_read(bytes_make(all, (size_t)count), (uint64_t)time(NULL), &report, &with),
        STATUS_OK);
    assert_true(with.ocsp.count > 0);
    certificate_done(&with);
    assert_int_equal(certificate.ocsp.count, 0);
    assert_false(ocsp_is_alone(bytes_of_text("")));
}

static void what_says_nothing_good_is_refused(void **state)
{
    (void)state;
    struct buffer der;
    buffer_init(&der, CERTIFICATE_OCSP_BYTES_MAX);
    const struct {
        struct pem *signer;
        int state;
        long from_s;
        long until_s;
        const char *words;
    } rows[] = {
        {&stranger, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, HOUR_S, "not signed"},
        {&issuer, V_OCSP_CERTSTATUS_REVOKED, -HOUR_S, HOUR_S, "revoked"},
        {&issuer, V_OCSP_CERTSTATUS_GOOD, -2 * HOUR_S, -HOUR_S, "is over"},
        {&issuer, V_OCSP_CERTSTATUS_GOOD, HOUR_S, 2 * HOUR_S, "not good yet"},
        {&issuer, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, 0, "until when"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bytes pem = answer(rows[i].signer, rows[i].state, rows[i].from_s, rows[i].until_s);
        assert_int_equal(read_it(pem, &der), STATUS_INVALID);
        if (strstr(report.text, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].words, report.text);
    }
    assert_int_equal(
        read_it(bytes_of_text("-----BEGIN OCSP RESPONSE-----\nAAAA\n-----END OCSP RESPONSE-----\n"),
                &der),
        STATUS_INVALID);
    assert_int_equal(read_it(bytes_of_text("nothing"), &der), STATUS_OK);
    assert_int_equal(der.count, 0);
    buffer_done(&der);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_answer_is_taken_and_says_until_when, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(it_can_come_with_the_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(what_says_nothing_good_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
