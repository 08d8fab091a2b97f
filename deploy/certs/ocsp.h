/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of OCSP [RFC 6960] that are stapled to a certificate: brought as a block of PEM, `OCSP
 * RESPONSE`, with the chain or alone. What is kept says that the leaf is good, is signed by who
 * issued it or by whom that named, and is not over.
 */
#ifndef SKERRY_DEPLOY_CERTS_OCSP_H
#define SKERRY_DEPLOY_CERTS_OCSP_H

#include "deploy/certs/certificate.h"

#define OCSP_PEM_LABEL "OCSP RESPONSE"

/* Is there such a block, and no certificate? */
bool ocsp_is_alone(struct bytes pem);
/* Appends the answer in `pem` as DER, checked against the chain; nothing if there is none. INVALID,
 * with a report. */
NODISCARD enum status ocsp_read(struct bytes pem,
                                struct bytes chain,
                                uint64_t now_s,
                                struct report *report,
                                struct buffer *der);
/* Until when such DER may be shown; 0: it may not. */
uint64_t ocsp_until_s(struct bytes der);

#endif
