/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looked up each time: it is asked for once or twice in an order, and never again.
 */
#include "server/request/names/proof.h"

#include "server/request/service.h"
#include "server/telemetry/log.h"

/* The token of the path; empty: it asks for something else. */
static struct bytes proof_token(struct bytes path)
{
    const size_t prefix = sizeof(PROOF_PATH) - 1;
    if (path.count <= prefix || memcmp(path.data, PROOF_PATH, prefix) != 0)
        return bytes_make(NULL, 0);
    struct bytes token = bytes_make(path.data + prefix, path.count - prefix);
    const uint8_t *query = memchr(token.data, '?', token.count);
    if (query != NULL)
        token.count = (size_t)(query - token.data);
    return token;
}

static bool proof_answer(struct request *request, struct bytes answer)
{
    struct http_exchange *http = &request->http;
    http->status = 200;
    return http_headers_add(http, &http->response_headers, bytes_of_text("content-type"),
                            bytes_of_text("application/octet-stream")) == STATUS_OK &&
           buffer_append(&http->response_body, answer.data, answer.count) == STATUS_OK;
}

bool proof_take(struct request *request)
{
    char name[DEPLOY_HOST_BYTES];
    struct report report = REPORT_INIT;
    struct deploy_challenge challenge;
    struct buffer copy;
    struct bytes token = proof_token(request->path);
    struct bytes host = route_host(request->http.authority);
    if (LIKELY(token.count == 0) || host.count == 0 || host.count >= sizeof(name))
        return false;
    for (size_t i = 0; i < host.count; i++)
        name[i] = (char)bytes_lower(host.data[i]);
    buffer_init(&copy, DEPLOY_CERTIFICATE_BYTES_MAX);
    enum status status = deploy_catalog_challenge(
        request->service->catalog, bytes_make(name, host.count), &copy, &report, &challenge);
    bool is_ours = status == STATUS_OK && bytes_equal(challenge.token, token);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_message("error", "lookup_failed", "%s", report.text);
    if (is_ours && proof_answer(request, challenge.answer))
        request_answer(request, ISOLATE_DISCARDED);
    else if (is_ours)
        request_refuse(request, FAULT_NO_MEMORY, NULL);
    buffer_done(&copy);
    return is_ours;
}
