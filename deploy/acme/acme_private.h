/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What orders share: the server's directory and the account there; and what an order is.
 *
 *   ACCOUNT_KEY -> DIRECTORY -> ACCOUNT -> ORDER -> AUTHORIZATION -> PROOF -> CHALLENGE
 *        -> AUTHORIZED (asked again and again) -> REQUEST -> FINALIZE
 *        -> ISSUED (asked again and again) -> CERTIFICATE -> stored
 *
 * What a step needs and is there already is passed over. A step asks one thing, of the vault or of
 * the server, or waits; its answer takes the order to the next. Before each POST a nonce is there,
 * and the vault signs.
 */
#ifndef SKERRY_DEPLOY_ACME_ACME_PRIVATE_H
#define SKERRY_DEPLOY_ACME_ACME_PRIVATE_H

#include "deploy/acme/acme.h"
#include "deploy/acme/acme_read.h"
#include "deploy/acme/jose.h"
#include "engine/base/list.h"

#define ACME_ORDERS_MAX    8 /* at once */
#define ACME_DIRECTORY_NS  (3600 * CLOCK_NS_PER_S)
#define ACME_ORDER_NS      (900 * CLOCK_NS_PER_S) /* the longest that one may take */
#define ACME_FETCH_US      (30 * CLOCK_US_PER_S)
#define ACME_POLL_NS       (CLOCK_NS_PER_S / 4) /* doubled each time, to: */
#define ACME_POLL_NS_MAX   (10 * CLOCK_NS_PER_S)
#define ACME_NONCE_TRIES   5
#define ACME_BACKOFF_S     120 /* doubled with each failure, to: */
#define ACME_BACKOFF_S_MAX 86400
#define ACME_SOON_S        1 /* after what was not the order's fault */
#define ACME_LOOK_NS       (60 * CLOCK_NS_PER_S)
#define ACME_ANSWER_BYTES  (ACME_TOKEN_BYTES + JOSE_THUMBPRINT_BYTES)
#define ACME_REQUEST_BYTES 4096 /* of PKCS #10, of a proof's certificate */
#define ACME_PAYLOAD_BYTES 8192
#define ACME_INPUT_BYTES   32768
#define ACME_BODY_BYTES    DEPLOY_FETCH_BODY_BYTES_MAX

enum acme_step {
    ACME_STEP_ACCOUNT_KEY,
    ACME_STEP_DIRECTORY,
    ACME_STEP_ACCOUNT,
    ACME_STEP_ORDER,
    ACME_STEP_AUTHORIZATION,
    ACME_STEP_PROOF,
    ACME_STEP_CHALLENGE,
    ACME_STEP_AUTHORIZED,
    ACME_STEP_REQUEST,
    ACME_STEP_FINALIZE,
    ACME_STEP_ISSUED,
    ACME_STEP_CERTIFICATE,
};

/* What an order waits for. */
enum acme_wait {
    ACME_WAIT_TIME,
    ACME_WAIT_VAULT,
    ACME_WAIT_SIGNATURE,
    ACME_WAIT_NONCE,
    ACME_WAIT_ANSWER
};

struct acme {
    struct acme_options options;
    struct event *timer;
    bool started;
    uint64_t look_ns; /* when domains are looked at next */
    uint64_t numbers; /* ever */
    struct list orders;
    uint32_t order_count;
    uint8_t account[DEPLOY_SHA256_BYTES]; /* names its key: SHA-256 of the directory's URL */
    char rule[ACME_URL_BYTES];            /* the directory's origin: nobody else is asked */
    char jwk[JOSE_JWK_BYTES];             /* "": not known yet */
    char thumbprint[JOSE_THUMBPRINT_BYTES];
    char kid[ACME_URL_BYTES]; /* the account's URL; "": not known yet */
    struct acme_directory directory;
    uint64_t directory_until_ns;
};

struct acme_order {
    struct list_link link; /* of the acme's */
    struct acme *acme;
    char host[DEPLOY_HOST_BYTES];
    char tenant[DEPLOY_NAME_BYTES];
    bool by_alpn;      /* tls-alpn-01; else http-01 */
    uint32_t failures; /* before this one */
    enum acme_step step;
    enum acme_wait wait;
    uint64_t number;  /* of what is asked */
    uint64_t wake_ns; /* WAIT_TIME: until then */
    uint64_t deadline_ns;
    uint32_t polls;

    /* the POST under way */
    char nonce[ACME_NONCE_BYTES]; /* "": there is none */
    uint32_t nonce_tries;
    char url[ACME_URL_BYTES];
    struct buffer payload;
    struct buffer input;

    /* what is known */
    char order_url[ACME_URL_BYTES];
    struct acme_order_view view;
    struct acme_authorization authorization;
    bool has_challenge; /* stored */
    bool has_proof_key; /* in the vault, as of the next */
    uint8_t proof_key[DEPLOY_SHA256_BYTES];
    bool has_key;
    uint8_t key[DEPLOY_SHA256_BYTES];
    struct buffer request;
};

/* acme_order.c */
/* False: out of memory. */
NODISCARD bool acme_order_begin(struct acme *acme, const struct acme_order *wanted);
void acme_order_free(struct acme_order *order);
/* Its wait for a moment is over, or its time is. */
void acme_order_turn(struct acme_order *order, uint64_t now_ns);
void acme_order_vault(struct acme_order *order, enum status status, struct bytes text);
void acme_order_fetched(struct acme_order *order, const struct deploy_fetched *fetched);

/* acme.c: it is over, for good; the order is gone. A failure's text; NULL: none. */
void acme_ended(struct acme_order *order, const char *failure, uint64_t retry_s, bool counts);
uint64_t acme_now_ns(const struct acme *acme);
/* A key that nothing will name. */
void acme_remove_key(struct acme *acme, const uint8_t key[DEPLOY_SHA256_BYTES]);

#endif
