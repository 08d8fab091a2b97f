/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of hosts: put as PEM with their key, shown without. First the key goes to whoever
 * keeps keys, which says whether it is one and the certificate's; only then is the certificate
 * stored. If that fails in between, a key is left that nothing names: the next one put replaces it.
 */
#include "deploy/api/api_private.h"
#include "deploy/certs/ocsp.h"
#include "engine/base/hex.h"

#define API_CERTIFICATES_PAGE 100

static const char *const api_no_parameters[] = {NULL};

/* The host of the path; false, and answered, if it is none. */
static bool api_certificate_host(struct api_call *call, char ret_host[CONFIG_DOMAIN_BYTES])
{
    struct buffer text;
    buffer_init(&text, CONFIG_DOMAIN_BYTES + 1);
    bool is_host = api_decode(call->key, &text) == STATUS_OK &&
                   deploy_host_parse(buffer_bytes(&text), ret_host);
    buffer_done(&text);
    if (!is_host)
        api_answer_error(call, 400, "bad_host", "that is no host that can have a certificate",
                         "use a host's name like www.example.org or *.example.org");
    return is_host;
}

static const char *api_certificate_origin(uint32_t origin)
{
    static const char *const names[] = {[DEPLOY_CERTIFICATE_API] = "api",
                                        [DEPLOY_CERTIFICATE_FILE] = "file",
                                        [DEPLOY_CERTIFICATE_ACME] = "acme"};
    return origin < COUNT_OF(names) ? names[origin] : "unknown";
}

static json_t *api_certificate_json(const struct store_certificate *certificate)
{
    const struct records_certificate *record = &certificate->record;
    json_t *body =
        json_pack("{s:s%, s:s, s:o, s:o, s:o, s:b}", "host", certificate->host.data,
                  certificate->host.count, "origin", api_certificate_origin(record->origin),
                  "not_before", api_time(record->not_before_s * CLOCK_NS_PER_S), "not_after",
                  api_time(record->not_after_s * CLOCK_NS_PER_S), "key_sha256",
                  api_sha256(record->key), "ocsp", certificate->ocsp.count > 0);
    if (body != NULL && record->tenant[0] != '\0')
        (void)json_object_set_new(body, "tenant", json_string(record->tenant));
    return body;
}

/* ---- showing --------------------------------------------------------------------------------- */

struct api_certificates {
    json_t *rows;
    struct bytes tenant; /* whose; empty: all are */
    bool more;
    char last[CONFIG_DOMAIN_BYTES];
};

static bool api_visit_certificate(void *context, const struct store_certificate *certificate)
{
    struct api_certificates *page = context;
    if (page->tenant.count > 0 && !bytes_equal_text(page->tenant, certificate->record.tenant))
        return true;
    page->more = json_array_size(page->rows) >= API_CERTIFICATES_PAGE;
    if (page->more)
        return false;
    (void)json_array_append_new(page->rows, api_certificate_json(certificate));
    (void)snprintf(page->last, sizeof(page->last), "%.*s", (int)certificate->host.count,
                   (const char *)certificate->host.data);
    return true;
}

void api_list_certificates(struct api_call *call)
{
    static const char *const names[] = {"after", NULL};
    struct report report = REPORT_INIT;
    struct bytes after = {0};
    char host[CONFIG_DOMAIN_BYTES] = "";
    if (!api_query_check(call, names))
        return;
    if (api_query_find(call, "after", &after) && !deploy_host_parse(after, host)) {
        api_answer_error(call, 400, "bad_query", "parameter `after` is no host",
                         "pass the `next` of the page before");
        return;
    }
    struct api_certificates page = {.rows = json_array(), .tenant = call->target.tenant};
    if (store_list_certificates(call->api->store, bytes_of_text(host), api_visit_certificate, &page,
                                &report) != STATUS_OK) {
        json_decref(page.rows);
        api_answer_report(call, &report);
        return;
    }
    json_t *body = json_pack("{s:o}", "certificates", page.rows);
    if (body != NULL && page.more)
        (void)json_object_set_new(body, "next", json_string(page.last));
    api_answer(call, 200, body);
}

struct api_shown_certificate {
    struct bytes tenant; /* whose it has to be; empty: anybody's */
    json_t *body;
};

static void api_use_certificate(void *context, const struct store_certificate *certificate)
{
    struct api_shown_certificate *shown = context;
    if (shown->tenant.count == 0 || bytes_equal_text(shown->tenant, certificate->record.tenant))
        shown->body = api_certificate_json(certificate);
}

static void api_answer_certificate(struct api_call *call, const char *host)
{
    struct report report = REPORT_INIT;
    struct api_shown_certificate shown = {.tenant = call->target.tenant};
    if (store_use_certificate(call->api->store, bytes_of_text(host), api_use_certificate, &shown,
                              &report) != STATUS_OK)
        api_answer_report(call, &report);
    else if (shown.body == NULL && shown.tenant.count > 0)
        api_answer_error(call, 404, "not_found", "the tenant has no certificate for that host",
                         NULL);
    else
        api_answer(call, 200, shown.body);
}

void api_show_certificate(struct api_call *call)
{
    char host[CONFIG_DOMAIN_BYTES];
    if (api_query_check(call, api_no_parameters) && api_certificate_host(call, host))
        api_answer_certificate(call, host);
}

/* ---- changing -------------------------------------------------------------------------------- */

static void api_certificate_refuse(struct api_call *call, const struct report *report)
{
    if (report->status == STATUS_INVALID)
        api_answer_error(call, 422, "bad_certificate", report->text,
                         "send the chain, leaf first, and its private key, all as PEM");
    else
        api_answer_report(call, report);
}

/* The request's body, for the path's host; false, and answered. */
static bool api_certificate_read(struct api_call *call,
                                 char ret_host[CONFIG_DOMAIN_BYTES],
                                 struct certificate *ret_certificate)
{
    struct report report = REPORT_INIT;
    uint64_t now_s = clock_realtime_ns(call->api->clock) / CLOCK_NS_PER_S;
    if (!api_certificate_host(call, ret_host))
        return false;
    if (certificate_read(call->request->body, now_s, &report, ret_certificate) != STATUS_OK) {
        api_certificate_refuse(call, &report);
        return false;
    }
    struct bytes names = buffer_bytes(&ret_certificate->names);
    if (certificate_covers(names, bytes_of_text(ret_host)))
        return true;
    (void)report_fail(&report, STATUS_INVALID, REPORT_OFFSET_NONE,
                      "the certificate: it is not for %s; its first name is %s", ret_host,
                      names.count > 0 ? (const char *)names.data : "none");
    api_certificate_refuse(call, &report);
    certificate_done(ret_certificate);
    return false;
}

/* May the caller have a certificate for that host? An operator may; a tenant has to have proven the
 * domain, and the operator must not serve it himself. False, and answered. */
static bool api_certificate_may(struct api_call *call, const char *host)
{
    struct report report = REPORT_INIT;
    struct store_domain domain;
    struct api_shown_certificate shown = {0};
    struct bytes tenant = call->target.tenant;
    if (tenant.count == 0)
        return true;
    enum status status =
        store_get_domain(call->api->store, tenant, bytes_of_text(host), &report, &domain);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        api_answer_report(call, &report);
        return false;
    }
    if (status == STATUS_NOT_FOUND || domain.record.proof == DEPLOY_DOMAIN_PENDING) {
        api_answer_error(call, 409, "not_proven", "that host is not proven to be the tenant's",
                         "ask for it with `skerry domain add HOST`, and prove it");
        return false;
    }
    /* The operator's shows no tenant. */
    status = store_use_certificate(call->api->store, bytes_of_text(host), api_use_certificate,
                                   &shown, &report);
    bool is_operators = status == STATUS_OK && json_object_get(shown.body, "tenant") == NULL;
    json_decref(shown.body);
    if (is_operators)
        api_answer_error(call, 409, "conflict", "the operator serves that host with his own",
                         "ask the operator to remove it");
    return !is_operators;
}

static void api_note_chain(void *context, const struct store_certificate *certificate)
{
    (void)!buffer_append(context, certificate->chain.data, certificate->chain.count);
}

/* An answer of OCSP alone: to the certificate that is there. */
static void api_put_ocsp(struct api_call *call)
{
    char host[CONFIG_DOMAIN_BYTES];
    struct report report = REPORT_INIT;
    struct buffer chain;
    struct buffer der;
    uint64_t now_s = clock_realtime_ns(call->api->clock) / CLOCK_NS_PER_S;
    if (!api_certificate_host(call, host) || !api_certificate_may(call, host))
        return;
    buffer_init(&chain, CERTIFICATE_CHAIN_BYTES_MAX);
    buffer_init(&der, CERTIFICATE_OCSP_BYTES_MAX);
    enum status status = store_use_certificate(call->api->store, bytes_of_text(host),
                                               api_note_chain, &chain, &report);
    if (status == STATUS_OK)
        status = ocsp_read(call->request->body, buffer_bytes(&chain), now_s, &report, &der);
    if (status == STATUS_OK)
        status = store_set_ocsp(call->api->store, bytes_of_text(host), buffer_bytes(&der), &report);
    if (status == STATUS_OK)
        api_answer_certificate(call, host);
    else
        api_certificate_refuse(call, &report);
    buffer_done(&der);
    buffer_done(&chain);
}

void api_put_certificate(struct api_call *call)
{
    char host[CONFIG_DOMAIN_BYTES];
    struct certificate certificate;
    struct api_vault *vault = &call->response->vault;
    if (!api_query_check(call, api_no_parameters))
        return;
    if (ocsp_is_alone(call->request->body)) {
        api_put_ocsp(call);
        return;
    }
    if (!api_certificate_read(call, host, &certificate))
        return;
    if (certificate.key_pem.count == 0) {
        api_answer_error(call, 422, "bad_certificate", "there is no private key with it",
                         "send the chain, leaf first, and its private key, all as PEM");
    } else if (api_certificate_may(call, host)) {
        vault->verb = DEPLOY_VAULT_KEY_PUT;
        vault->value = certificate.key_pem;
        vault->key = call->key;
        vault->tenant = call->target.tenant;
        hex_encode(certificate.key, sizeof(certificate.key), vault->name);
    }
    certificate_done(&certificate);
}

/* Its key goes a while after the last certificate that has it (control_keys.c): handshakes under
 * way end. */
void api_delete_certificate(struct api_call *call)
{
    char host[CONFIG_DOMAIN_BYTES];
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters) || !api_certificate_host(call, host))
        return;
    if (store_delete_certificate(call->api->store, call->target.tenant, bytes_of_text(host),
                                 &report) == STATUS_OK)
        api_answer(call, 200, json_pack("{s:s, s:b}", "host", host, "deleted", 1));
    else
        api_answer_report(call, &report);
}

/* The same for a tenant's own. */
void api_list_tenant_certificates(struct api_call *call)
{
    api_list_certificates(call);
}

void api_show_tenant_certificate(struct api_call *call)
{
    api_show_certificate(call);
}

void api_put_tenant_certificate(struct api_call *call)
{
    api_put_certificate(call);
}

void api_delete_tenant_certificate(struct api_call *call)
{
    api_delete_certificate(call);
}

/* ---- the vault's answer ---------------------------------------------------------------------- */

enum status api_store_certificate(const struct api *api,
                                  const struct api_certified *certified,
                                  const struct certificate *certificate,
                                  struct report *report)
{
    struct store_certificate stored = {.host = certified->host,
                                       .record = {.not_before_s = certificate->not_before_s,
                                                  .not_after_s = certificate->not_after_s,
                                                  .origin = (uint32_t)certified->origin},
                                       .chain = buffer_bytes(&certificate->chain),
                                       .ocsp = buffer_bytes(&certificate->ocsp)};
    memcpy(stored.record.key, certificate->key, sizeof(stored.record.key));
    if (certified->tenant.count > 0)
        memcpy(stored.record.tenant, certified->tenant.data, certified->tenant.count);
    return store_set_certificate(api->store, &stored, report);
}

/* The key is kept: now the certificate. */
static void api_certificate_kept(struct api_call *call)
{
    char host[CONFIG_DOMAIN_BYTES];
    struct report report = REPORT_INIT;
    struct certificate certificate;
    if (!api_certificate_read(call, host, &certificate))
        return;
    const struct api_certified certified = {.host = bytes_of_text(host),
                                            .tenant = call->target.tenant,
                                            .origin = DEPLOY_CERTIFICATE_API};
    if (!api_certificate_may(call, host)) /* it may have gone meanwhile */
        (void)0;
    else if (api_store_certificate(call->api, &certified, &certificate, &report) == STATUS_OK)
        api_answer_certificate(call, host);
    else
        api_answer_report(call, &report);
    certificate_done(&certificate);
}

void api_certificate_done(struct api_call *call,
                          const struct api_vault *vault,
                          enum status status,
                          struct bytes text)
{
    struct report report = REPORT_INIT;
    call->key = vault->key;
    call->target.tenant = vault->tenant;
    if (status == STATUS_OK) {
        api_certificate_kept(call);
    } else if (status == STATUS_UNREACHABLE) {
        api_answer_error(call, 503, "vault_unavailable", "the key process is not there now",
                         "try again in a moment");
    } else {
        (void)report_fail(&report, status, REPORT_OFFSET_NONE, "%.*s", (int)text.count,
                          (const char *)text.data);
        api_certificate_refuse(call, &report);
    }
}
