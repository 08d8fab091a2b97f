/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the certificates that a worker serves with, by host, parsed when they are
 * first wanted. A bounded number of them is kept: another host in the same place means that one is
 * parsed again.
 *
 *   SNI --exact, then "*." and what is below the first label--> place --hit--> certificate
 *                                                                 |
 *                                           miss: catalog, X.509, a key that is elsewhere
 *
 * When the catalog has changed, a host's record is looked at again, and parsed if it is another.
 */
#ifndef SKERRY_SERVER_TLS_CERTIFICATES_H
#define SKERRY_SERVER_TLS_CERTIFICATES_H

#include <openssl/ssl.h>

#include "deploy/deploy.h"
#include "server/tls/remote_key.h"

struct certificates;

/* One host's; lent until the next call. */
struct certificates_one {
    X509 *leaf;
    STACK_OF(X509) * chain; /* behind the leaf; may be empty */
    EVP_PKEY *key;
    struct bytes names; /* of the leaf, as certs/certificate.h lists them */
    struct bytes ocsp;
    uint64_t ocsp_until_s; /* it may be shown */
};

/* Both are borrowed. */
NODISCARD enum status certificates_create(struct deploy_catalog *catalog,
                                          const struct remote_signer *signer,
                                          struct certificates **ret_certificates);
void certificates_free(struct certificates *certificates);
/* `host` in lower case. NOT_FOUND, without a report, if there is none for it. */
NODISCARD enum status certificates_find(struct certificates *certificates,
                                        struct bytes host,
                                        struct report *report,
                                        const struct certificates_one **ret_one);
/* What proves to a certifying server that `host` leads here [RFC 8737], while it is ordered; lent
 * until the next call of this. NOT_FOUND, without a report: nothing is to be proven so. */
NODISCARD enum status certificates_prove(struct certificates *certificates,
                                         struct bytes host,
                                         struct report *report,
                                         const struct certificates_one **ret_one);

#endif
