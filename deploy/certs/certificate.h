/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates as operators and tenants bring them: a chain in PEM, with or without its private
 * key, to what the store keeps. OpenSSL reads X.509; here is what is taken of that.
 *
 *   PEM --certificate_read--> chain (DER), names, validity, which key it belongs to
 *    |
 *    +-- private key: never parsed here, handed on as text to the process that keeps keys
 *
 * A chain as bytes: for each certificate, the leaf first, u32 length (the machine's order), DER.
 */
#ifndef SKERRY_DEPLOY_CERTS_CERTIFICATE_H
#define SKERRY_DEPLOY_CERTS_CERTIFICATE_H

#include <openssl/x509.h>

#include "deploy/deploy.h"
#include "deploy/manifest/host.h"

#define CERTIFICATE_PEM_BYTES_MAX   131072
#define CERTIFICATE_KEY_BYTES_MAX   16384 /* of its PEM */
#define CERTIFICATE_CHAIN_MAX       8     /* certificates */
#define CERTIFICATE_CHAIN_BYTES_MAX 32768 /* of them all */
#define CERTIFICATE_NAMES_MAX       100
#define CERTIFICATE_NAMES_BYTES_MAX (CERTIFICATE_NAMES_MAX * CONFIG_DOMAIN_BYTES)
#define CERTIFICATE_OCSP_BYTES_MAX  8192

struct certificate {
    uint8_t key[DEPLOY_SHA256_BYTES]; /* SHA-256 of the leaf's public key, as it stands in it */
    uint64_t not_before_s;            /* since 1970 */
    uint64_t not_after_s;
    struct bytes key_pem; /* a view of the input; empty: it had none */
    struct buffer chain;
    struct buffer names; /* DNS names of the leaf, lower case, each with a NUL */
    struct buffer ocsp;  /* an answer of OCSP that came with it, in DER (ocsp.h); may be empty */
};

/* INVALID: with a report that says what is wrong with it and where. `now_s`: it must be valid then,
 * at least at its end. */
NODISCARD enum status certificate_read(struct bytes pem,
                                       uint64_t now_s,
                                       struct report *report,
                                       struct certificate *ret_certificate);
void certificate_done(struct certificate *certificate);

/* Takes the next block of PEM off a text; false: there is none that is whole. */
bool certificate_next_block(struct bytes *text, struct bytes *ret_label, struct bytes *ret_block);
/* Appends the DNS names of a certificate, each with a NUL; those that are no host names are left
 * out. */
NODISCARD enum status certificate_list_names(const X509 *certificate, struct buffer *names);
/* Takes the next name off the list; false: there is none. */
bool certificate_next_name(struct bytes *names, struct bytes *ret_name);
/* Is `host` (lower case) one of the names, or below one with a `*` for its first label? */
bool certificate_covers(struct bytes names, struct bytes host);
/* Takes the next certificate off a chain; NULL: there is none, or it is damaged. */
X509 *certificate_next(struct bytes *chain);
/* SHA-256 of its public key. */
bool certificate_key_digest(const X509 *certificate, uint8_t ret_key[DEPLOY_SHA256_BYTES]);

#endif
