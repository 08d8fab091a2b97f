/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certifying server says [RFC 8555 7.1], read with suspicion: it is another's program, and
 * what it says goes into requests, the store and answers to its clients. Texts are bounded, URLs
 * and tokens of the form that they must have, and what is about another host is not taken.
 */
#ifndef SKERRY_DEPLOY_ACME_ACME_READ_H
#define SKERRY_DEPLOY_ACME_ACME_READ_H

#include "deploy/deploy.h"

#define ACME_URL_BYTES        1024
#define ACME_NONCE_BYTES      256
#define ACME_TOKEN_BYTES      128
#define ACME_TEXT_BYTES       240 /* of what is said of an error */
#define ACME_RETRY_S_MAX      86400
#define ACME_CHALLENGE_HTTP   "http-01"
#define ACME_CHALLENGE_ALPN   "tls-alpn-01"
#define ACME_BAD_NONCE        "badNonce"
#define ACME_NO_ACCOUNT       "accountDoesNotExist"
#define ACME_ERROR_TYPE_BYTES 48

/* Of orders, authorizations and challenges alike; OTHER is none that we know. */
enum acme_state { ACME_PENDING, ACME_READY, ACME_PROCESSING, ACME_VALID, ACME_INVALID, ACME_OTHER };

struct acme_directory {
    char new_nonce[ACME_URL_BYTES];
    char new_account[ACME_URL_BYTES];
    char new_order[ACME_URL_BYTES];
    bool has_terms; /* of service, to be agreed to */
    char terms[ACME_URL_BYTES];
};

struct acme_order_view {
    enum acme_state state;
    char authorization[ACME_URL_BYTES]; /* of the one host */
    char finalize[ACME_URL_BYTES];
    char certificate[ACME_URL_BYTES]; /* "": not there yet */
    char error[ACME_TEXT_BYTES];
};

struct acme_authorization {
    enum acme_state state;
    bool has_challenge; /* of the kind that was asked for */
    char url[ACME_URL_BYTES];
    char token[ACME_TOKEN_BYTES];
    char error[ACME_TEXT_BYTES]; /* of any challenge */
};

struct acme_problem {
    char type[ACME_ERROR_TYPE_BYTES]; /* behind "urn:ietf:params:acme:error:"; "" for others */
    char text[ACME_TEXT_BYTES];
};

/* MALFORMED, with a report that says what is wrong. */
NODISCARD enum status
acme_read_directory(struct bytes json, struct report *report, struct acme_directory *ret_directory);
NODISCARD enum status acme_read_order(struct bytes json,
                                      const char *host,
                                      struct report *report,
                                      struct acme_order_view *ret_order);
/* `kind` of the challenge. */
NODISCARD enum status acme_read_authorization(struct bytes json,
                                              const char *host,
                                              const char *kind,
                                              struct report *report,
                                              struct acme_authorization *ret_authorization);
/* Of an answer that is an error; whatever it is, there is a text then. */
void acme_read_problem(uint32_t status, struct bytes json, struct acme_problem *ret_problem);

/* A field of an answer's head; empty: it has none. */
struct bytes acme_field(struct bytes fields, const char *name);
/* False: it is no nonce [RFC 8555 6.5.1], or too long. */
bool acme_take_nonce(struct bytes fields, char ret_nonce[ACME_NONCE_BYTES]);
/* False: Location is missing, or is no URL of ours. */
bool acme_take_location(struct bytes fields, char ret_url[ACME_URL_BYTES]);
/* Seconds to wait that an answer asks for, at most ACME_RETRY_S_MAX; 0: it asks for none. */
uint64_t acme_retry_after_s(struct bytes fields);

#endif
