/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One place for each hash of a stored name; the seed is ours, so nobody can choose such names.
 */
#include "server/tls/certificates.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "deploy/certs/ocsp.h"
#include "engine/base/hash.h"

#define CERTIFICATES_PLACES 2048 /* a power of two; some ten KiB each */

struct certificates_place {
    uint64_t generation; /* of the catalog, when it was last compared */
    uint64_t serial;
    struct certificates_one one; /* leaf NULL: nothing is here */
    struct buffer names;
    struct buffer ocsp;
    size_t name_count;
    char name[CONFIG_DOMAIN_BYTES]; /* as it is stored */
};

struct certificates {
    struct deploy_catalog *catalog;
    const struct remote_signer *signer;
    uint64_t seed;
    struct buffer copy;              /* of a record */
    struct certificates_place proof; /* the last that certificates_prove found */
    struct certificates_place places[CERTIFICATES_PLACES];
};

enum status certificates_create(struct deploy_catalog *catalog,
                                const struct remote_signer *signer,
                                struct certificates **ret_certificates)
{
    struct certificates *certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL)
        return STATUS_NO_MEMORY;
    certificates->catalog = catalog;
    certificates->signer = signer;
    certificates->seed = hash_seed(&clock_system);
    buffer_init(&certificates->copy, DEPLOY_CERTIFICATE_BYTES_MAX);
    *ret_certificates = certificates;
    return STATUS_OK;
}

static void certificates_clear(struct certificates_place *place)
{
    X509_free(place->one.leaf);
    sk_X509_pop_free(place->one.chain, X509_free);
    EVP_PKEY_free(place->one.key);
    buffer_done(&place->names);
    buffer_done(&place->ocsp);
    *place = (struct certificates_place){0};
}

void certificates_free(struct certificates *certificates)
{
    for (size_t i = 0; certificates != NULL && i < CERTIFICATES_PLACES; i++)
        certificates_clear(&certificates->places[i]);
    if (certificates != NULL) {
        certificates_clear(&certificates->proof);
        buffer_done(&certificates->copy);
    }
    free(certificates);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* What follows the leaf. */
static bool certificates_parse_chain(struct bytes chain, struct certificates_one *one)
{
    X509 *next;
    one->chain = sk_X509_new_null();
    if (one->chain == NULL)
        return false;
    while ((next = certificate_next(&chain)) != NULL) {
        if (sk_X509_push(one->chain, next) <= 0) {
            X509_free(next);
            return false;
        }
    }
    return chain.count == 0;
}

/* False: damaged, or memory ran out. */
static bool certificates_parse(const struct certificates *certificates,
                               const struct deploy_certificate *stored,
                               struct certificates_place *place)
{
    struct bytes chain = stored->chain;
    struct certificates_one *one = &place->one;
    buffer_init(&place->names, CERTIFICATE_NAMES_BYTES_MAX);
    buffer_init(&place->ocsp, CERTIFICATE_OCSP_BYTES_MAX);
    one->leaf = certificate_next(&chain);
    EVP_PKEY *public = one->leaf == NULL ? NULL : X509_get0_pubkey(one->leaf);
    if (public == NULL || !certificates_parse_chain(chain, one) ||
        certificate_list_names(one->leaf, &place->names) != STATUS_OK ||
        buffer_append(&place->ocsp, stored->ocsp.data, stored->ocsp.count) != STATUS_OK)
        return false;
    one->key = remote_key_make(certificates->signer, public, stored->key);
    one->names = buffer_bytes(&place->names);
    one->ocsp = buffer_bytes(&place->ocsp);
    one->ocsp_until_s = ocsp_until_s(one->ocsp);
    return one->key != NULL;
}

static enum status certificates_load(struct certificates *certificates,
                                     struct bytes name,
                                     uint64_t generation,
                                     struct report *report,
                                     struct certificates_place *place)
{
    struct deploy_certificate stored;
    bool is_same = bytes_equal(bytes_make(place->name, place->name_count), name);
    enum status status = deploy_catalog_certificate(certificates->catalog, name,
                                                    &certificates->copy, report, &stored);
    if (status == STATUS_OK && is_same && stored.serial == place->serial) {
        place->generation = generation;
        return STATUS_OK;
    }
    if (status == STATUS_OK || is_same)
        certificates_clear(place);
    if (status != STATUS_OK)
        return status;
    if (!certificates_parse(certificates, &stored, place)) {
        ERR_clear_error();
        certificates_clear(place);
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the certificate of %.*s cannot be used", (int)name.count,
                           (const char *)name.data);
    }
    place->serial = stored.serial;
    place->generation = generation;
    place->name_count = name.count;
    memcpy(place->name, name.data, name.count);
    return STATUS_OK;
}

/* ---- finding --------------------------------------------------------------------------------- */

static enum status certificates_find_name(struct certificates *certificates,
                                          struct bytes name,
                                          struct report *report,
                                          const struct certificates_one **ret_one)
{
    uint64_t generation = deploy_catalog_generation(certificates->catalog);
    size_t at = hash_bytes(certificates->seed, name) & (CERTIFICATES_PLACES - 1);
    struct certificates_place *place = &certificates->places[at];
    bool hit = place->one.leaf != NULL && place->generation == generation &&
               bytes_equal(bytes_make(place->name, place->name_count), name);
    enum status status =
        hit ? STATUS_OK : certificates_load(certificates, name, generation, report, place);
    if (status == STATUS_OK)
        *ret_one = &place->one;
    return status;
}

enum status certificates_find(struct certificates *certificates,
                              struct bytes host,
                              struct report *report,
                              const struct certificates_one **ret_one)
{
    char wider[DEPLOY_HOST_BYTES];
    if (host.count == 0 || host.count >= DEPLOY_HOST_BYTES)
        return STATUS_NOT_FOUND;
    enum status status = certificates_find_name(certificates, host, report, ret_one);
    if (status != STATUS_NOT_FOUND || host.data[0] == '*' || !deploy_host_widen(host, wider))
        return status;
    return certificates_find_name(certificates, bytes_of_text(wider), report, ret_one);
}

enum status certificates_prove(struct certificates *certificates,
                               struct bytes host,
                               struct report *report,
                               const struct certificates_one **ret_one)
{
    struct deploy_challenge challenge;
    enum status status = deploy_catalog_challenge(certificates->catalog, host, &certificates->copy,
                                                  report, &challenge);
    if (status != STATUS_OK)
        return status;
    if (challenge.certificate.chain.count == 0)
        return STATUS_NOT_FOUND;
    certificates_clear(&certificates->proof);
    if (!certificates_parse(certificates, &challenge.certificate, &certificates->proof)) {
        ERR_clear_error();
        certificates_clear(&certificates->proof);
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "the proof of %.*s cannot be used", (int)host.count,
                           (const char *)host.data);
    }
    *ret_one = &certificates->proof.one;
    return STATUS_OK;
}
