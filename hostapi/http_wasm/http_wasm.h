/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http-wasm handler ABI: what `http_handler` imports do, and how a request is led
 * through handle_request and handle_response.
 */
#ifndef SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_H
#define SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_H

#include "hostapi/host.h"

enum http_wasm_phase {
    HTTP_WASM_IDLE, /* no request, or its initialiser still runs */
    HTTP_WASM_REQUEST,
    HTTP_WASM_RESPONSE,
};

enum http_wasm_body_kind {
    HTTP_WASM_REQUEST_BODY,
    HTTP_WASM_RESPONSE_BODY,
    HTTP_WASM_BODY_KIND_COUNT,
};

/* What one request has of http-wasm. */
struct http_wasm_state {
    enum http_wasm_phase phase;
    uint32_t features;                             /* enabled so far */
    uint32_t context;                              /* of handle_request, for handle_response */
    uint64_t body_read[HTTP_WASM_BODY_KIND_COUNT]; /* read_body's position */
    bool body_written[HTTP_WASM_BODY_KIND_COUNT];  /* write_body was called in this phase */
    bool holds_response;                           /* it must be whole: counted in the exchange */
    uint64_t done;              /* bytes moved by a call of the two that is made again */
    struct buffer request_body; /* what a guest wrote in its place; owned */
};

/* Of the instance's memory. */
struct http_wasm_kept {
    uint32_t features; /* that a deferred initialiser enabled */
};

static inline struct http_wasm_state *http_wasm_state(const struct hostapi_host *host)
{
    return host_state(host, HOSTAPI_KIND_HTTP_WASM);
}

typedef enum engine_outcome http_wasm_handler(struct hostapi_host *host,
                                              struct engine_host_call *call);
http_wasm_handler http_wasm_enable_features, http_wasm_get_config;
http_wasm_handler http_wasm_log, http_wasm_log_enabled;
http_wasm_handler http_wasm_get_header_names, http_wasm_get_header_values;
http_wasm_handler http_wasm_set_header_value, http_wasm_add_header_value, http_wasm_remove_header;
http_wasm_handler http_wasm_read_body, http_wasm_write_body;
http_wasm_handler http_wasm_get_method, http_wasm_set_method, http_wasm_get_uri, http_wasm_set_uri;
http_wasm_handler http_wasm_get_protocol_version, http_wasm_get_source_addr;
http_wasm_handler http_wasm_get_status_code, http_wasm_set_status_code;

#endif
