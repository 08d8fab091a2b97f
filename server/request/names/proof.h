/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a certifying server asks a host for, to see that it leads here
 * [RFC 8555 8.3].
 */
#ifndef SKERRY_SERVER_REQUEST_NAMES_PROOF_H
#define SKERRY_SERVER_REQUEST_NAMES_PROOF_H

#include "server/request/request.h"

#define PROOF_PATH "/.well-known/acme-challenge/"

/* Is it for the token of an order that is under way? Then it is answered. Another path below
 * PROOF_PATH is any function's: its tenant may have itself certified. */
bool proof_take(struct request *request);

#endif
