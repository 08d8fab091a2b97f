/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of an order: how each begins, and what its answer means. What ends the order frees it,
 * so nothing is done with it after a call that may have.
 */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/acme/acme_post.h"
#include "deploy/certs/certificate.h"
#include "engine/base/hex.h"

static void order_go(struct acme_order *order, enum acme_step step);

/* ---- beginning ------------------------------------------------------------------------------- */

/* Takes over `payload`. */
static void order_post(struct acme_order *order, const char *url, json_t *payload)
{
    char *text = payload == NULL ? NULL : json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    if (text == NULL)
        acme_ended(order, "out of memory", 0, false);
    else
        acme_post(order, url, bytes_of_text(text));
    free(text);
}

static void order_post_account(struct acme_order *order)
{
    const struct acme *acme = order->acme;
    const struct config *config = acme->options.config;
    char text[2 * ACME_TEXT_BYTES + ACME_URL_BYTES];
    if (acme->directory.has_terms && !config->acme_terms_agreed) {
        (void)snprintf(text, sizeof(text),
                       "the ACME server has terms of service: read %s and set acme.terms_agreed",
                       acme->directory.terms);
        acme_ended(order, text, 0, true);
        return;
    }
    json_t *payload = json_pack("{s:b}", "termsOfServiceAgreed", 1);
    if (payload != NULL && config->acme_contact[0] != '\0')
        (void)json_object_set_new(
            payload, "contact", json_pack("[o]", json_sprintf("mailto:%s", config->acme_contact)));
    order_post(order, acme->directory.new_account, payload);
}

static void order_wait(struct acme_order *order, uint64_t retry_s)
{
    uint64_t wait_ns = MIN(ACME_POLL_NS << MIN(order->polls, 10U), ACME_POLL_NS_MAX);
    order->polls++;
    order->wait = ACME_WAIT_TIME;
    order->wake_ns = acme_now_ns(order->acme) + MAX(wait_ns, retry_s * CLOCK_NS_PER_S);
}

/* What a client of the host gets who asks for the token [RFC 8555 8.1]. */
static void order_answer(const struct acme_order *order, char ret_answer[ACME_ANSWER_BYTES])
{
    (void)snprintf(ret_answer, ACME_ANSWER_BYTES, "%s.%s", order->authorization.token,
                   order->acme->thumbprint);
}

/* False: it has ended. */
static bool order_store_challenge(struct acme_order *order, struct bytes der)
{
    struct report report = REPORT_INIT;
    char answer[ACME_ANSWER_BYTES];
    uint8_t room[ACME_REQUEST_BYTES + sizeof(uint32_t)];
    uint32_t count = (uint32_t)der.count;
    struct store_challenge challenge = {.token = bytes_of_text(order->authorization.token)};
    order_answer(order, answer);
    challenge.answer = bytes_of_text(answer);
    if (der.count > 0) {
        memcpy(challenge.key, order->proof_key, sizeof(challenge.key));
        memcpy(room, &count, sizeof(count));
        memcpy(room + sizeof(count), der.data, der.count);
        challenge.chain = bytes_make(room, sizeof(count) + der.count);
    }
    order->has_challenge = true;
    if (store_set_challenge(order->acme->options.store, bytes_of_text(order->host), &challenge,
                            &report) == STATUS_OK)
        return true;
    acme_ended(order, report.text, 0, false);
    return false;
}

/* True: nothing is asked, and the next step can begin. */
static bool order_begin_proof(struct acme_order *order)
{
    char answer[ACME_ANSWER_BYTES];
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    uint8_t hash[EVP_MAX_MD_SIZE];
    if (!order->authorization.has_challenge) {
        acme_ended(order,
                   order->by_alpn ? "the ACME server offers no tls-alpn-01 for it"
                                  : "the ACME server offers no http-01 for it",
                   0, true);
        return false;
    }
    if (!order->by_alpn)
        return order_store_challenge(order, bytes_make(NULL, 0));
    order_answer(order, answer);
    if (EVP_Digest(answer, strlen(answer), hash, NULL, EVP_sha256(), NULL) != 1) {
        acme_ended(order, "out of memory", 0, false);
        return false;
    }
    hex_encode(hash, DEPLOY_SHA256_BYTES, name);
    const struct deploy_vault_order wanted = {.verb = DEPLOY_VAULT_KEY_PROOF,
                                              .name = bytes_of_text(name),
                                              .value = bytes_of_text(order->host)};
    acme_ask(order, &wanted, ACME_WAIT_VAULT);
    return false;
}

static bool order_begin_account_key(struct acme_order *order)
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    if (order->acme->jwk[0] != '\0')
        return true;
    hex_encode(order->acme->account, DEPLOY_SHA256_BYTES, name);
    const struct deploy_vault_order wanted = {.verb = DEPLOY_VAULT_ACCOUNT,
                                              .name = bytes_of_text(name)};
    acme_ask(order, &wanted, ACME_WAIT_VAULT);
    return false;
}

static void order_begin_request(struct acme_order *order)
{
    const struct deploy_vault_order wanted = {.verb = DEPLOY_VAULT_KEY_REQUEST,
                                              .value = bytes_of_text(order->host)};
    acme_ask(order, &wanted, ACME_WAIT_VAULT);
}

static void order_begin_finalize(struct acme_order *order)
{
    struct buffer text;
    buffer_init(&text, ACME_PAYLOAD_BYTES);
    enum status status = jose_encode(buffer_bytes(&order->request), &text);
    json_t *payload = status == STATUS_OK
                          ? json_pack("{s:s%}", "csr", (const char *)text.data, text.count)
                          : NULL;
    buffer_done(&text);
    order_post(order, order->view.finalize, payload);
}

/* As order_begin_proof. */
static bool order_begin_step(struct acme_order *order)
{
    struct acme *acme = order->acme;
    const struct bytes nothing = bytes_make(NULL, 0);
    switch (order->step) {
    case ACME_STEP_ACCOUNT_KEY:
        return order_begin_account_key(order);
    case ACME_STEP_DIRECTORY:
        if (acme_now_ns(acme) < acme->directory_until_ns)
            return true;
        acme_get(order, acme->options.config->acme_directory);
        return false;
    case ACME_STEP_ACCOUNT:
        if (acme->kid[0] != '\0')
            return true;
        order_post_account(order);
        return false;
    case ACME_STEP_ORDER:
        order_post(
            order, acme->directory.new_order,
            json_pack("{s:[{s:s, s:s}]}", "identifiers", "type", "dns", "value", order->host));
        return false;
    case ACME_STEP_AUTHORIZATION:
        acme_post(order, order->view.authorization, nothing);
        return false;
    case ACME_STEP_PROOF:
        return order_begin_proof(order);
    case ACME_STEP_CHALLENGE:
        acme_post(order, order->authorization.url, bytes_of_text("{}"));
        return false;
    case ACME_STEP_AUTHORIZED:
    case ACME_STEP_ISSUED:
        order->polls = 0;
        order_wait(order, 0);
        return false;
    case ACME_STEP_REQUEST:
        order_begin_request(order);
        return false;
    case ACME_STEP_FINALIZE:
        order_begin_finalize(order);
        return false;
    case ACME_STEP_CERTIFICATE:
        acme_post(order, order->view.certificate, nothing);
        return false;
    }
    return false;
}

static void order_go(struct acme_order *order, enum acme_step step)
{
    order->step = step;
    while (order_begin_step(order))
        order->step++;
}

/* ---- the server's answers -------------------------------------------------------------------- */

static void order_lied_to(struct acme_order *order, const struct report *report)
{
    char text[REPORT_TEXT_BYTES];
    (void)snprintf(text, sizeof(text), "%s", report->text);
    acme_ended(order, text, 0, true);
}

static void order_took_directory(struct acme_order *order, const struct deploy_fetched *fetched)
{
    struct acme *acme = order->acme;
    struct report report = REPORT_INIT;
    if (acme_read_directory(fetched->body, &report, &acme->directory) != STATUS_OK) {
        order_lied_to(order, &report);
        return;
    }
    acme->directory_until_ns = acme_now_ns(acme) + ACME_DIRECTORY_NS;
    order_go(order, ACME_STEP_ACCOUNT);
}

static void order_took_account(struct acme_order *order, const struct deploy_fetched *fetched)
{
    if (acme_take_location(fetched->fields, order->acme->kid))
        order_go(order, ACME_STEP_ORDER);
    else
        acme_ended(order, "the ACME server does not say where the account is", 0, true);
}

/* What an order's state means once it is proven that the host is ours. */
static void order_took_view(struct acme_order *order, uint64_t retry_s)
{
    char text[2 * ACME_TEXT_BYTES];
    switch (order->view.state) {
    case ACME_VALID:
        if (order->view.certificate[0] != '\0')
            order_go(order, ACME_STEP_CERTIFICATE);
        else
            acme_ended(order, "the ACME server's order is valid, and has no certificate", 0, true);
        return;
    case ACME_INVALID:
        (void)snprintf(text, sizeof(text), "the ACME server gave the order up%s%s",
                       order->view.error[0] == '\0' ? "" : ": ", order->view.error);
        acme_ended(order, text, retry_s, true);
        return;
    default:
        if (order->step != ACME_STEP_ISSUED)
            order_go(order, ACME_STEP_ISSUED);
        else
            order_wait(order, retry_s);
        return;
    }
}

static void order_took_order(struct acme_order *order, const struct deploy_fetched *fetched)
{
    struct report report = REPORT_INIT;
    struct acme_order_view view;
    if (acme_read_order(fetched->body, order->host, &report, &view) != STATUS_OK) {
        order_lied_to(order, &report);
        return;
    }
    order->view = view;
    if (order->step != ACME_STEP_ORDER)
        order_took_view(order, acme_retry_after_s(fetched->fields));
    else if (acme_take_location(fetched->fields, order->order_url))
        order_go(order, ACME_STEP_AUTHORIZATION);
    else
        acme_ended(order, "the ACME server does not say where the order is", 0, true);
}

static void order_took_authorization(struct acme_order *order, const struct deploy_fetched *fetched)
{
    struct report report = REPORT_INIT;
    struct acme_authorization authorization;
    char text[2 * ACME_TEXT_BYTES];
    if (acme_read_authorization(fetched->body, order->host,
                                order->by_alpn ? ACME_CHALLENGE_ALPN : ACME_CHALLENGE_HTTP, &report,
                                &authorization) != STATUS_OK) {
        order_lied_to(order, &report);
        return;
    }
    if (authorization.state == ACME_VALID) {
        order_go(order, ACME_STEP_REQUEST);
    } else if (authorization.state != ACME_PENDING && authorization.state != ACME_PROCESSING) {
        (void)snprintf(text, sizeof(text), "the ACME server could not verify the host by %s%s%s",
                       order->by_alpn ? ACME_CHALLENGE_ALPN : ACME_CHALLENGE_HTTP,
                       authorization.error[0] == '\0' ? "" : ": ", authorization.error);
        acme_ended(order, text, 0, true);
    } else if (order->step == ACME_STEP_AUTHORIZATION) {
        order->authorization = authorization;
        order_go(order, ACME_STEP_PROOF);
    } else {
        order_wait(order, acme_retry_after_s(fetched->fields));
    }
}

/* NULL, or why it is not what was ordered. */
static const char *order_judge(const struct acme_order *order,
                               const struct certificate *certificate)
{
    if (memcmp(certificate->key, order->key, sizeof(order->key)) != 0)
        return "the ACME server's certificate is of another key than was asked for";
    if (!certificate_covers(buffer_bytes(&certificate->names), bytes_of_text(order->host)))
        return "the ACME server's certificate is for another host";
    if (certificate->key_pem.count > 0)
        return "the ACME server sent a private key";
    return NULL;
}

static void order_store(struct acme_order *order, const struct certificate *certificate)
{
    struct store *store = order->acme->options.store;
    struct report report = REPORT_INIT;
    struct store_domain domain;
    struct store_certificate stored = {.host = bytes_of_text(order->host),
                                       .record = {.not_before_s = certificate->not_before_s,
                                                  .not_after_s = certificate->not_after_s,
                                                  .origin = DEPLOY_CERTIFICATE_ACME},
                                       .chain = buffer_bytes(&certificate->chain)};
    memcpy(stored.record.key, certificate->key, sizeof(stored.record.key));
    memcpy(stored.record.tenant, order->tenant, sizeof(order->tenant));
    bool is_wanted = store_get_domain(store, bytes_of_text(order->tenant), stored.host, &report,
                                      &domain) == STATUS_OK &&
                     domain.record.proof != DEPLOY_DOMAIN_PENDING &&
                     domain.record.tls == DEPLOY_TLS_ACME;
    if (!is_wanted) {
        acme_ended(order, "nobody wants it any more", 0, false);
        return;
    }
    if (store_set_certificate(store, &stored, &report) != STATUS_OK) {
        acme_ended(order, report.text, 0, true);
        return;
    }
    order->has_key = false; /* it has a name now */
    acme_ended(order, NULL, 0, true);
}

static void order_took_certificate(struct acme_order *order, const struct deploy_fetched *fetched)
{
    struct report report = REPORT_INIT;
    struct certificate certificate;
    uint64_t now_s = clock_realtime_ns(order->acme->options.clock) / CLOCK_NS_PER_S;
    if (certificate_read(fetched->body, now_s, &report, &certificate) != STATUS_OK) {
        order_lied_to(order, &report);
        return;
    }
    const char *why = order_judge(order, &certificate);
    if (why != NULL)
        acme_ended(order, why, 0, true);
    else
        order_store(order, &certificate);
    certificate_done(&certificate);
}

void acme_order_fetched(struct acme_order *order, const struct deploy_fetched *fetched)
{
    if (acme_post_fetched(order, fetched) != ACME_POSTED_ANSWER)
        return;
    switch (order->step) {
    case ACME_STEP_DIRECTORY:
        order_took_directory(order, fetched);
        return;
    case ACME_STEP_ACCOUNT:
        order_took_account(order, fetched);
        return;
    case ACME_STEP_ORDER:
    case ACME_STEP_FINALIZE:
    case ACME_STEP_ISSUED:
        order_took_order(order, fetched);
        return;
    case ACME_STEP_AUTHORIZATION:
    case ACME_STEP_AUTHORIZED:
        order_took_authorization(order, fetched);
        return;
    case ACME_STEP_CHALLENGE:
        order_go(order, ACME_STEP_AUTHORIZED);
        return;
    case ACME_STEP_CERTIFICATE:
        order_took_certificate(order, fetched);
        return;
    default:
        ASSERT(!"a step that asks no server");
    }
}

/* ---- the vault's ----------------------------------------------------------------------------- */

static void order_took_account_key(struct acme_order *order, struct bytes point)
{
    struct acme *acme = order->acme;
    if (jose_jwk(point, acme->jwk) && jose_thumbprint(acme->jwk, acme->thumbprint)) {
        order_go(order, ACME_STEP_DIRECTORY);
        return;
    }
    acme->jwk[0] = '\0';
    acme_ended(order, "the key process gave no key of an account", 0, true);
}

/* A key's name, and what was made with it. */
static void order_took_made(struct acme_order *order, struct bytes made)
{
    bool is_proof = order->step == ACME_STEP_PROOF;
    if (made.count <= DEPLOY_SHA256_BYTES || made.count > ACME_REQUEST_BYTES) {
        acme_ended(order, "the key process made nothing of use", 0, true);
        return;
    }
    struct bytes der =
        bytes_make(made.data + DEPLOY_SHA256_BYTES, made.count - DEPLOY_SHA256_BYTES);
    memcpy(is_proof ? order->proof_key : order->key, made.data, DEPLOY_SHA256_BYTES);
    *(is_proof ? &order->has_proof_key : &order->has_key) = true;
    if (is_proof) {
        if (order_store_challenge(order, der))
            order_go(order, ACME_STEP_CHALLENGE);
    } else if (buffer_append(&order->request, der.data, der.count) == STATUS_OK) {
        order_go(order, ACME_STEP_FINALIZE);
    } else {
        acme_ended(order, "out of memory", 0, false);
    }
}

void acme_order_vault(struct acme_order *order, enum status status, struct bytes text)
{
    char why[ACME_TEXT_BYTES];
    if (status != STATUS_OK) {
        (void)snprintf(why, sizeof(why), "the key process: %.*s", (int)text.count,
                       text.count > 0 ? (const char *)text.data : status_text(status));
        /* A vault that was lost has other accounts. */
        order->acme->jwk[0] = order->acme->kid[0] = '\0';
        acme_ended(order, why, 0, status != STATUS_UNREACHABLE);
    } else if (order->wait == ACME_WAIT_SIGNATURE) {
        acme_post_signed(order, text);
    } else if (order->step == ACME_STEP_ACCOUNT_KEY) {
        order_took_account_key(order, text);
    } else {
        order_took_made(order, text);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

void acme_order_turn(struct acme_order *order, uint64_t now_ns)
{
    if (now_ns >= order->deadline_ns)
        acme_ended(order, "the ACME server did not come to an end with it", 0, true);
    else if (order->wait == ACME_WAIT_TIME && now_ns >= order->wake_ns)
        acme_post(order,
                  order->step == ACME_STEP_AUTHORIZED ? order->view.authorization
                                                      : order->order_url,
                  bytes_make(NULL, 0));
}

/* ---- life ------------------------------------------------------------------------------------ */

bool acme_order_begin(struct acme *acme, const struct acme_order *wanted)
{
    struct acme_order *order = calloc(1, sizeof(*order));
    if (order == NULL)
        return false;
    *order = *wanted;
    order->acme = acme;
    order->deadline_ns = acme_now_ns(acme) + ACME_ORDER_NS;
    buffer_init(&order->payload, ACME_PAYLOAD_BYTES);
    buffer_init(&order->input, ACME_INPUT_BYTES);
    buffer_init(&order->request, ACME_REQUEST_BYTES);
    list_append(&acme->orders, &order->link);
    acme->order_count++;
    order_go(order, ACME_STEP_ACCOUNT_KEY);
    return true;
}

void acme_order_free(struct acme_order *order)
{
    list_remove(&order->link);
    order->acme->order_count--;
    buffer_done(&order->payload);
    buffer_done(&order->input);
    buffer_done(&order->request);
    free(order);
}
