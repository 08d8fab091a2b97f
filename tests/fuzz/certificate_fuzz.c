/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever text comes as a certificate, it is refused with a reason, or its chain can be
 * read back, it has names, a key to look for, and a private key that lies within the text.
 */
#include <openssl/err.h>
#include <stdlib.h>

#include "deploy/certs/ocsp.h"

#define NOW_S UINT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct bytes pem, const struct certificate *certificate)
{
    struct bytes chain = buffer_bytes(&certificate->chain);
    struct bytes names = buffer_bytes(&certificate->names);
    struct bytes key = certificate->key_pem;
    struct bytes name;
    uint8_t digest[DEPLOY_SHA256_BYTES];
    X509 *leaf = certificate_next(&chain);
    ASSERT(leaf != NULL && certificate_key_digest(leaf, digest));
    ASSERT(memcmp(digest, certificate->key, sizeof(digest)) == 0);
    X509_free(leaf);
    while (chain.count > 0) {
        X509 *next = certificate_next(&chain);
        ASSERT(next != NULL);
        X509_free(next);
    }
    ASSERT(names.count > 0 && certificate->not_after_s > NOW_S);
    ASSERT(key.count == 0 || (key.data >= pem.data && key.count <= pem.count &&
                              key.data + key.count <= pem.data + pem.count));
    while (certificate_next_name(&names, &name))
        ASSERT(certificate_covers(buffer_bytes(&certificate->names), name));
    ASSERT(certificate->ocsp.count == 0 || ocsp_until_s(buffer_bytes(&certificate->ocsp)) > NOW_S);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificate certificate;
    struct report report = REPORT_INIT;
    struct bytes pem = bytes_make(data, size);
    (void)ocsp_is_alone(pem);
    (void)ocsp_until_s(pem);
    enum status status = certificate_read(pem, NOW_S, &report, &certificate);
    ASSERT(status == STATUS_OK || (status == STATUS_INVALID && report.text[0] != '\0'));
    if (status == STATUS_OK) {
        check(pem, &certificate);
        certificate_done(&certificate);
    }
    ERR_clear_error();
    return 0;
}
