/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's domains. Who sees all tenants gives a host away by asking for it; anybody else is
 * told what a TXT record has to say, and has the host when that was seen.
 */
#include <stdio.h>
#include <sys/random.h>

#include "deploy/api/api_private.h"
#include "engine/base/hex.h"

#define API_DOMAINS_PAGE_MAX 1000
#define API_DOMAIN_RANDOM    16

static const char *const api_no_parameters[] = {NULL};

static const char *api_proof_text(uint32_t proof)
{
    switch (proof) {
#define PROOF(NAME, number, text)                                                                  \
    case DEPLOY_DOMAIN_##NAME:                                                                     \
        return text;
        DEPLOY_DOMAIN_PROOFS(PROOF)
#undef PROOF
    default:
        return "unknown";
    }
}

static const char *api_tls_text(uint32_t mode)
{
    switch (mode) {
#define MODE(NAME, number, text)                                                                   \
    case DEPLOY_TLS_##NAME:                                                                        \
        return text;
        DEPLOY_DOMAIN_TLS(MODE)
#undef MODE
    default:
        return "unknown";
    }
}

/* The record that proves it; a star is proven by the name behind it. */
static json_t *api_challenge_json(const struct store_domain *domain)
{
    const char *host = domain->host[0] == '*' ? domain->host + 2 : domain->host;
    return json_pack("{s:s, s:o, s:o}", "type", "TXT", "name",
                     json_sprintf(DEPLOY_TXT_NAME "%s", host), "value",
                     json_sprintf(DEPLOY_TXT_VALUE "%s", domain->record.challenge));
}

/* What failed of its orders; null: nothing, or it has none. */
static json_t *api_acme_json(const struct api *api, const struct store_domain *domain)
{
    struct report report = REPORT_INIT;
    struct records_acme state;
    if (domain->record.tls != DEPLOY_TLS_ACME)
        return json_null();
    if (api->config->acme_directory[0] == '\0')
        return json_pack("{s:s}", "error", "the operator has set no acme.directory");
    if (store_get_acme(api->store, bytes_of_text(domain->host), &state, &report) != STATUS_OK ||
        state.error[0] == '\0')
        return json_null();
    return json_pack("{s:o, s:I, s:o}", "error", api_text(state.error), "failures",
                     (json_int_t)state.failures, "next", api_time(state.next_ns));
}

static json_t *api_domain_json(const struct api *api, const struct store_domain *domain)
{
    const struct records_domain_of *record = &domain->record;
    bool proven = record->proof != DEPLOY_DOMAIN_PENDING;
    json_t *body = json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "host", domain->host, "function",
        record->function[0] == '\0' ? json_null() : json_string(record->function), "tls",
        api_tls_text(record->tls), "proof", api_proof_text(record->proof), "created",
        api_time(record->created_ns), "proven", proven ? api_time(record->proven_ns) : json_null(),
        "challenge", proven ? json_null() : api_challenge_json(domain));
    if (body != NULL)
        (void)json_object_set_new(body, "acme", proven ? api_acme_json(api, domain) : json_null());
    return body;
}

/* ---- the path and the body ------------------------------------------------------------------- */

static bool api_parse_host(struct bytes text, char ret_host[DEPLOY_HOST_BYTES])
{
    if (!bytes_equal_text(text, DEPLOY_HOST_ANY))
        return deploy_host_parse(text, ret_host);
    memcpy(ret_host, DEPLOY_HOST_ANY, sizeof(DEPLOY_HOST_ANY));
    return true;
}

/* False, and answered, if the path's host is none, or the server's own. */
static bool api_take_host(struct api_call *call, char ret_host[DEPLOY_HOST_BYTES])
{
    struct buffer text;
    char detail[DEPLOY_HOST_BYTES + 64];
    buffer_init(&text, 1024);
    bool good =
        api_decode(call->key, &text) == STATUS_OK && api_parse_host(buffer_bytes(&text), ret_host);
    buffer_done(&text);
    if (!good) {
        api_answer_error(call, 400, "bad_host", "that is no name of a host",
                         "write it like www.example.com or *.example.com, without a port");
        return false;
    }
    if (!api_host_is_reserved(call->api->config, bytes_of_text(ret_host)))
        return true;
    (void)snprintf(detail, sizeof(detail), "host %s is the server's own", ret_host);
    api_answer_error(call, 409, "conflict", detail, "name a host of your own");
    return false;
}

static bool api_parse_tls(const json_t *value, uint32_t *ret_mode)
{
    const char *text = json_string_value(value);
#define MODE(NAME, number, name)                                                                   \
    if (text != NULL && strcmp(text, name) == 0) {                                                 \
        *ret_mode = DEPLOY_TLS_##NAME;                                                             \
        return true;                                                                               \
    }
    DEPLOY_DOMAIN_TLS(MODE)
#undef MODE
    return false;
}

/* NULL, or what is wrong with the body; its texts live as long as `root`. */
static const char *api_parse_domain(const json_t *root, struct store_domain_order *order)
{
    const char *key;
    json_t *value;
    if (!json_is_object(root))
        return "the body is no JSON object";
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        if (strcmp(key, "function") == 0) {
            order->function = bytes_of_text(json_is_string(value) ? json_string_value(value) : "");
            if (!json_is_null(value) && !deploy_name_valid(order->function))
                return "function: is no function's name";
        } else if (strcmp(key, "tls") != 0) {
            return "there is no such member: function and tls are all";
        } else if (!api_parse_tls(value, &order->tls) || order->tls == DEPLOY_TLS_OWN) {
            return "tls: is neither off nor acme";
        }
    }
    return NULL;
}

static bool api_make_challenge(char ret_text[DEPLOY_CHALLENGE_BYTES])
{
    uint8_t random[API_DOMAIN_RANDOM];
    _Static_assert(2 * API_DOMAIN_RANDOM < DEPLOY_CHALLENGE_BYTES, "it has room");
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    hex_encode(random, sizeof(random), ret_text);
    return true;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct api_domain_page {
    const struct api *api;
    json_t *rows;
    char last[DEPLOY_HOST_BYTES];
    bool more;
};

static bool api_visit_domain(void *context, const struct store_domain *domain)
{
    struct api_domain_page *page = context;
    page->more = json_array_size(page->rows) >= API_DOMAINS_PAGE_MAX;
    if (page->more)
        return false;
    (void)json_array_append_new(page->rows, api_domain_json(page->api, domain));
    memcpy(page->last, domain->host, sizeof(page->last));
    return true;
}

void api_list_domains(struct api_call *call)
{
    static const char *const names[] = {"after", NULL};
    struct bytes text;
    char after[DEPLOY_HOST_BYTES] = "";
    struct report report = REPORT_INIT;
    struct api_domain_page page = {.api = call->api};
    if (!api_query_check(call, names))
        return;
    if (api_query_find(call, "after", &text) && !api_parse_host(text, after)) {
        api_answer_error(call, 400, "bad_query", "parameter `after` is no host",
                         "pass the `next` of the page before");
        return;
    }
    page.rows = json_array();
    if (store_list_domains(call->api->store, call->target.tenant, bytes_of_text(after),
                           api_visit_domain, &page, &report) != STATUS_OK) {
        json_decref(page.rows);
        api_answer_report(call, &report);
        return;
    }
    json_t *body = json_pack("{s:o}", "domains", page.rows);
    if (body != NULL && page.more)
        (void)json_object_set_new(body, "next", json_string(page.last));
    api_answer(call, 200, body);
}

static void api_answer_domain(struct api_call *call, const char *host)
{
    struct report report = REPORT_INIT;
    struct store_domain domain;
    if (store_get_domain(call->api->store, call->target.tenant, bytes_of_text(host), &report,
                         &domain) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call,
                   call->request->method != API_GET && domain.record.proof == DEPLOY_DOMAIN_PENDING
                       ? 202
                       : 200,
                   api_domain_json(call->api, &domain));
}

void api_show_domain(struct api_call *call)
{
    char host[DEPLOY_HOST_BYTES];
    if (api_query_check(call, api_no_parameters) && api_take_host(call, host))
        api_answer_domain(call, host);
}

static void api_set_domain(struct api_call *call, struct store_domain_order *order)
{
    struct report report = REPORT_INIT;
    char challenge[DEPLOY_CHALLENGE_BYTES];
    order->tenant = call->target.tenant;
    order->challenge = challenge;
    order->by_operator = (call->request->caller->verbs & API_BIT(OPERATOR)) != 0;
    if (!order->by_operator && bytes_equal_text(order->host, DEPLOY_HOST_ANY))
        api_answer_error(call, 403, "forbidden",
                         "hosts that are nobody's are the operator's to give",
                         "ask for a host of your own, or the operator for these");
    else if (!api_make_challenge(challenge))
        api_answer_error(call, 503, "no_random", "the kernel has no random numbers yet", NULL);
    else if (store_set_domain(call->api->store, order, &report) != STATUS_OK)
        api_answer_host_conflict(call, &report, order->host);
    else
        api_answer_domain(call, (const char *)order->host.data);
}

void api_put_domain(struct api_call *call)
{
    char host[DEPLOY_HOST_BYTES];
    struct store_domain_order order = {0};
    struct bytes body = call->request->body;
    if (api_type_is_pem(call)) {
        api_put_tenant_certificate(call);
        return;
    }
    if (!api_query_check(call, api_no_parameters) || !api_take_host(call, host))
        return;
    order.host = bytes_of_text(host);
    json_t *root = json_loadb(body.count == 0 ? "{}" : (const char *)body.data,
                              body.count == 0 ? 2 : body.count, JSON_REJECT_DUPLICATES, NULL);
    const char *why = api_parse_domain(root, &order);
    if (why == NULL && order.tls == DEPLOY_TLS_ACME && host[0] == '*')
        why = "tls: ACME proves no hosts with a star here: put a certificate of your own";
    if (why != NULL)
        api_answer_error(call, 400, "bad_domain", why,
                         "send an object like {\"function\":\"web\",\"tls\":\"acme\"}");
    else
        api_set_domain(call, &order);
    json_decref(root);
}

void api_delete_domain(struct api_call *call)
{
    char host[DEPLOY_HOST_BYTES];
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters) || !api_take_host(call, host))
        return;
    if (store_delete_domain(call->api->store, call->target.tenant, bytes_of_text(host), &report) !=
        STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200, json_pack("{s:s, s:b}", "host", host, "deleted", 1));
}
