/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The http-wasm handler ABI: what `http_handler` imports do, and how a request is led
 * through handle_request and handle_response.
 */
#ifndef SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_H
#define SKERRY_HOSTAPI_HTTP_WASM_HTTP_WASM_H

#include "hostapi/host.h"

/* Begins handle_request. */
enum hostapi_step http_wasm_begin(struct hostapi_host *host, struct report *report);
/* After handle_request or handle_response returned. */
enum hostapi_step http_wasm_next(struct hostapi_host *host, struct report *report);

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
