/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nonce is used once, and each answer brings the next. An order's failure that is not its own,
 * because a process is not there, does not count.
 */
#include "deploy/acme/acme_post.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hex.h"

#define POST_TYPE        "application/jose+json"
#define POST_STATUS_FAIL 400

static void post_no_memory(struct acme_order *order)
{
    acme_ended(order, "out of memory", 0, false);
}

static uint64_t post_number(struct acme_order *order)
{
    return order->number = ACME_NUMBER | ++order->acme->numbers;
}

void acme_ask(struct acme_order *order,
              const struct deploy_vault_order *wanted,
              enum acme_wait wait)
{
    const struct acme_options *options = &order->acme->options;
    order->wait = wait;
    if (!options->ask(options->context, wanted, post_number(order)))
        acme_ended(order, "the key process is not there now", 0, false);
}

static void post_fetch(struct acme_order *order,
                       const char *method,
                       const char *url,
                       struct bytes body,
                       enum acme_wait wait)
{
    const struct acme_options *options = &order->acme->options;
    const struct deploy_fetch fetch = {.method = bytes_of_text(method),
                                       .url = bytes_of_text(url),
                                       .rule = bytes_of_text(order->acme->rule),
                                       .type = bytes_of_text(body.count > 0 ? POST_TYPE : ""),
                                       .body = body,
                                       .deadline_us = ACME_FETCH_US};
    order->wait = wait;
    if (!options->fetch(options->context, &fetch, post_number(order)))
        acme_ended(order, "the process that asks other servers is not there now", 0, false);
}

void acme_get(struct acme_order *order, const char *url)
{
    post_fetch(order, "GET", url, bytes_make(NULL, 0), ACME_WAIT_ANSWER);
}

/* ---- POST ------------------------------------------------------------------------------------ */

/* The protected header [RFC 8555 6.2]: the account's URL, or its key as long as there is none. */
static char *post_header(const struct acme_order *order)
{
    const struct acme *acme = order->acme;
    bool has_account = acme->kid[0] != '\0' && order->step != ACME_STEP_ACCOUNT;
    json_t *header =
        json_pack("{s:s, s:s, s:s, s:o}", "alg", "ES256", "nonce", order->nonce, "url", order->url,
                  has_account ? "kid" : "jwk",
                  has_account ? json_string(acme->kid) : json_loads(acme->jwk, 0, NULL));
    char *text = header == NULL ? NULL : json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static void post_sign(struct acme_order *order)
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    char *header = post_header(order);
    order->input.count = 0;
    bool made = header != NULL && jose_input(bytes_of_text(header), buffer_bytes(&order->payload),
                                             &order->input) == STATUS_OK;
    free(header);
    order->nonce[0] = '\0';
    if (!made) {
        post_no_memory(order);
        return;
    }
    hex_encode(order->acme->account, DEPLOY_SHA256_BYTES, name);
    const struct deploy_vault_order wanted = {.verb = DEPLOY_VAULT_ACCOUNT_SIGN,
                                              .name = bytes_of_text(name),
                                              .value = buffer_bytes(&order->input)};
    acme_ask(order, &wanted, ACME_WAIT_SIGNATURE);
}

static void post_begin(struct acme_order *order)
{
    if (order->nonce[0] != '\0')
        post_sign(order);
    else
        post_fetch(order, "HEAD", order->acme->directory.new_nonce, bytes_make(NULL, 0),
                   ACME_WAIT_NONCE);
}

void acme_post(struct acme_order *order, const char *url, struct bytes payload)
{
    (void)snprintf(order->url, sizeof(order->url), "%s", url);
    order->nonce_tries = 0;
    order->payload.count = 0;
    if (payload.count > 0 &&
        buffer_append(&order->payload, payload.data, payload.count) != STATUS_OK)
        post_no_memory(order);
    else
        post_begin(order);
}

void acme_post_signed(struct acme_order *order, struct bytes signature)
{
    struct buffer body;
    buffer_init(&body, ACME_BODY_BYTES);
    if (jose_body(buffer_bytes(&order->input), signature, &body) == STATUS_OK)
        post_fetch(order, "POST", order->url, buffer_bytes(&body), ACME_WAIT_ANSWER);
    else
        post_no_memory(order);
    buffer_done(&body);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void post_failed(struct acme_order *order, const struct deploy_fetched *fetched)
{
    struct acme *acme = order->acme;
    struct acme_problem problem;
    char text[ACME_TEXT_BYTES];
    acme_read_problem(fetched->status, fetched->body, &problem);
    if (strcmp(problem.type, ACME_BAD_NONCE) == 0 && order->nonce_tries++ < ACME_NONCE_TRIES) {
        post_begin(order);
        return;
    }
    if (strcmp(problem.type, ACME_NO_ACCOUNT) == 0)
        acme->kid[0] = '\0'; /* the next order makes it anew */
    (void)snprintf(text, sizeof(text), "%s", problem.text);
    acme_ended(order, text, acme_retry_after_s(fetched->fields), true);
}

enum acme_posted acme_post_fetched(struct acme_order *order, const struct deploy_fetched *fetched)
{
    if (fetched->failure != NULL) {
        acme_ended(order, fetched->failure, 0, !fetched->is_lost);
        return ACME_POSTED_WAITS;
    }
    bool has_nonce = acme_take_nonce(fetched->fields, order->nonce);
    if (fetched->status >= POST_STATUS_FAIL) {
        post_failed(order, fetched);
        return ACME_POSTED_WAITS;
    }
    if (order->wait != ACME_WAIT_NONCE)
        return ACME_POSTED_ANSWER;
    if (has_nonce)
        post_sign(order);
    else
        acme_ended(order, "the ACME server gives no nonce", 0, true);
    return ACME_POSTED_WAITS;
}
