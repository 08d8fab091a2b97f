/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an http-wasm guest may touch what, shared by the http_wasm_*.c files.
 *
 *                       initialising   handle_request            handle_response
 *   read request        -              yes                       yes; body: if buffer_request
 *   change request      -              yes                       -
 *   read response head  -              yes                       yes
 *   change response     -              until write_body, or      if buffer_response
 *                                      buffer_response
 *   read response body  -              if buffer_response        if buffer_response
 *   write response body -              yes                       if buffer_response
 *
 * "-" and an unmet "if" end the guest with a reason, as the ABI wants.
 */
#ifndef SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_RULES_H
#define SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_RULES_H

#include "hostapi/host.h"

enum http_wasm_feature {
    HTTP_WASM_BUFFER_REQUEST = 1,
    HTTP_WASM_BUFFER_RESPONSE = 2,
};
/* Trailers (4) are not among them. */
#define HTTP_WASM_FEATURES (HTTP_WASM_BUFFER_REQUEST | HTTP_WASM_BUFFER_RESPONSE)

enum http_wasm_access {
    HTTP_WASM_READ_HEAD, /* of either message */
    HTTP_WASM_CHANGE_REQUEST,
    HTTP_WASM_CHANGE_RESPONSE_HEAD,
    HTTP_WASM_READ_REQUEST_BODY,
    HTTP_WASM_READ_RESPONSE_BODY,
    HTTP_WASM_WRITE_RESPONSE_BODY,
};

/* NULL if it may; otherwise why not, for the trap's text. */
const char *http_wasm_refusal(const struct hostapi_host *host, enum http_wasm_access access);

#endif
