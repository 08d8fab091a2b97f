/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what is read of a ClientHello's extensions before a host is known: bytes of
 * whoever connects.
 */
#ifndef SKERRY_SERVER_TLS_HELLO_H
#define SKERRY_SERVER_TLS_HELLO_H

#include "engine/base/bytes.h"

#define HELLO_PROOF_PROTOCOL "\12acme-tls/1" /* as ALPN has it [RFC 8737 3] */

/* The first name of server_name [RFC 6066 3], as it came; empty: there is none. */
struct bytes hello_name(struct bytes extension);
/* Is the protocol of proofs the only one that ALPN has [RFC 7301 3.1]? */
bool hello_proves(struct bytes extension);

#endif
