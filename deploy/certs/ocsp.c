/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL reads and verifies; the issuer in the chain is all that is trusted.
 */
#include "deploy/certs/ocsp.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#define OCSP_SKEW_S 300L /* of the signer's clock */

static enum status ocsp_fail(struct report *report, const char *why)
{
    ERR_clear_error();
    return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "the OCSP answer: %s", why);
}

/* The one such block; false: there is none. */
static bool ocsp_find(struct bytes pem, struct bytes *ret_block, bool *ret_alone)
{
    struct bytes label;
    struct bytes block;
    bool found = false;
    *ret_alone = true;
    while (certificate_next_block(&pem, &label, &block)) {
        if (bytes_equal_text(label, OCSP_PEM_LABEL)) {
            *ret_block = block;
            found = true;
        }
        if (bytes_equal_text(label, "CERTIFICATE"))
            *ret_alone = false;
    }
    return found;
}

bool ocsp_is_alone(struct bytes pem)
{
    struct bytes block;
    bool alone;
    return ocsp_find(pem, &block, &alone) && alone;
}

/* NULL: it is no PEM. */
static OCSP_RESPONSE *ocsp_parse_block(struct bytes block)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long count = 0;
    BIO *bio = BIO_new_mem_buf(block.data, (int)block.count);
    OCSP_RESPONSE *response = NULL;
    if (bio != NULL && PEM_read_bio(bio, &name, &header, &data, &count) == 1) {
        const unsigned char *at = data;
        response = d2i_OCSP_RESPONSE(NULL, &at, count);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    return response;
}

/* Does it say of the leaf, by its issuer's word, that it is good now? NULL, or why not. */
static const char *ocsp_judge(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, uint64_t now_s)
{
    int state = -1;
    ASN1_GENERALIZEDTIME *from = NULL;
    ASN1_GENERALIZEDTIME *until = NULL;
    time_t now = (time_t)now_s;
    const char *why = NULL;
    STACK_OF(X509) *signers = sk_X509_new_null();
    X509_STORE *trusted = X509_STORE_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
    bool ready = signers != NULL && trusted != NULL && id != NULL &&
                 sk_X509_push(signers, issuer) > 0 && X509_STORE_add_cert(trusted, issuer) == 1 &&
                 X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    if (!ready)
        why = "out of memory";
    else if (OCSP_basic_verify(basic, signers, trusted, 0) != 1)
        why = "it is not signed by who issued the certificate";
    else if (OCSP_resp_find_status(basic, id, &state, NULL, NULL, &from, &until) != 1)
        why = "it is about another certificate";
    else if (state != V_OCSP_CERTSTATUS_GOOD)
        why = "it says that the certificate is revoked, or not known";
    else if (until == NULL)
        why = "it does not say until when it is good";
    else if (ASN1_TIME_cmp_time_t(until, now) <= 0)
        why = "it is over: ask for a new one";
    else if (ASN1_TIME_cmp_time_t(from, now + OCSP_SKEW_S) > 0)
        why = "it is not good yet";
    OCSP_CERTID_free(id);
    X509_STORE_free(trusted);
    sk_X509_free(signers);
    return why;
}

static enum status ocsp_check(OCSP_RESPONSE *response,
                              struct bytes chain,
                              uint64_t now_s,
                              struct report *report,
                              struct buffer *der)
{
    uint8_t *data = NULL;
    X509 *leaf = certificate_next(&chain);
    X509 *issuer = certificate_next(&chain);
    OCSP_BASICRESP *basic = OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL
                                ? OCSP_response_get1_basic(response)
                                : NULL;
    const char *why = leaf == NULL || issuer == NULL
                          ? "there is no issuer in the chain to check it against"
                      : basic == NULL ? "it is an error, and no answer"
                                      : ocsp_judge(basic, leaf, issuer, now_s);
    int count = why == NULL ? i2d_OCSP_RESPONSE(response, &data) : 0;
    enum status status = why != NULL ? ocsp_fail(report, why) : STATUS_OK;
    if (status == STATUS_OK && count > CERTIFICATE_OCSP_BYTES_MAX)
        status = ocsp_fail(report, "it has more than 8192 bytes");
    if (status == STATUS_OK)
        status = count > 0 ? buffer_append(der, data, (size_t)count) : STATUS_NO_MEMORY;
    OPENSSL_free(data);
    OCSP_BASICRESP_free(basic);
    X509_free(issuer);
    X509_free(leaf);
    return status;
}

enum status ocsp_read(
    struct bytes pem, struct bytes chain, uint64_t now_s, struct report *report, struct buffer *der)
{
    struct bytes block;
    bool alone;
    if (!ocsp_find(pem, &block, &alone))
        return STATUS_OK;
    OCSP_RESPONSE *response = ocsp_parse_block(block);
    if (response == NULL)
        return ocsp_fail(report, "it cannot be read");
    enum status status = ocsp_check(response, chain, now_s, report, der);
    OCSP_RESPONSE_free(response);
    return status;
}

uint64_t ocsp_until_s(struct bytes der)
{
    const unsigned char *at = der.data;
    struct tm broken = {0};
    ASN1_GENERALIZEDTIME *until = NULL;
    OCSP_RESPONSE *response = der.count == 0 ? NULL : d2i_OCSP_RESPONSE(NULL, &at, (long)der.count);
    OCSP_BASICRESP *basic = response == NULL ? NULL : OCSP_response_get1_basic(response);
    OCSP_SINGLERESP *single = basic == NULL ? NULL : OCSP_resp_get0(basic, 0);
    if (single != NULL)
        (void)OCSP_single_get0_status(single, NULL, NULL, NULL, &until);
    int64_t seconds =
        until != NULL && ASN1_TIME_to_tm(until, &broken) == 1 ? (int64_t)timegm(&broken) : 0;
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    ERR_clear_error();
    return (uint64_t)MAX(seconds, 0);
}
