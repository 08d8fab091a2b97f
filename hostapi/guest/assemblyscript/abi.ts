// SPDX-License-Identifier: Apache-2.0
// Made of skerry.h by declare.py: edit that.

// skerry_header_kind
export const REQUEST_HEADERS: i32 = 0;
export const RESPONSE_HEADERS: i32 = 1;
export const REQUEST_TRAILERS: i32 = 2;
export const RESPONSE_TRAILERS: i32 = 3;

// skerry_body_kind
export const REQUEST_BODY: i32 = 0;
export const RESPONSE_BODY: i32 = 1;

// skerry_log_level
export const LOG_DEBUG: i32 = -1;
export const LOG_INFO: i32 = 0;
export const LOG_WARN: i32 = 1;
export const LOG_ERROR: i32 = 2;
export const LOG_NONE: i32 = 3;

// skerry_feature
export const BUFFER_REQUEST: i32 = 1;
export const BUFFER_RESPONSE: i32 = 2;

// skerry_error
export const INVALID: i32 = -1;
export const NOT_FOUND: i32 = -2;
export const DENIED: i32 = -3;
export const LIMIT: i32 = -4;
export const CONFLICT: i32 = -5;
export const UNAVAILABLE: i32 = -6;
export const TIMEOUT: i32 = -7;
export const CANCELLED: i32 = -8;
export const TOO_LARGE: i32 = -9;
export const UNSUPPORTED: i32 = -10;
export const CLOSED: i32 = -11;
export const FAILED: i32 = -12;

// skerry_request_fact
export const REQUEST_SCHEME: i32 = 0;
export const REQUEST_AUTHORITY: i32 = 1;
export const REQUEST_TENANT: i32 = 2;
export const REQUEST_FUNCTION: i32 = 3;
export const REQUEST_HAS_NEXT: i32 = 4;
export const REQUEST_TLS: i32 = 5;
export const REQUEST_NODE: i32 = 6;

// skerry_fetch_flag
export const FETCH_BODY: i32 = 1;
export const FETCH_FOLLOW: i32 = 2;

@external("http_handler", "enable_features")
export declare function enable_features(features: u32): u32;

@external("http_handler", "get_config")
export declare function get_config(buffer: usize, limit: u32): u32;

@external("http_handler", "get_method")
export declare function get_method(buffer: usize, limit: u32): u32;

@external("http_handler", "set_method")
export declare function set_method(method: usize, bytes: u32): void;

@external("http_handler", "get_uri")
export declare function get_uri(buffer: usize, limit: u32): u32;

@external("http_handler", "set_uri")
export declare function set_uri(uri: usize, bytes: u32): void;

@external("http_handler", "get_source_addr")
export declare function get_source_addr(buffer: usize, limit: u32): u32;

@external("http_handler", "get_protocol_version")
export declare function get_protocol_version(buffer: usize, limit: u32): u32;

@external("http_handler", "get_header_names")
export declare function get_header_names(kind: i32, buffer: usize, limit: u32): u64;

@external("http_handler", "get_header_values")
export declare function get_header_values(kind: i32, name: usize, name_bytes: u32, buffer: usize, limit: u32): u64;

@external("http_handler", "set_header_value")
export declare function set_header_value(kind: i32, name: usize, name_bytes: u32, value: usize, value_bytes: u32): void;

@external("http_handler", "add_header_value")
export declare function add_header_value(kind: i32, name: usize, name_bytes: u32, value: usize, value_bytes: u32): void;

@external("http_handler", "remove_header")
export declare function remove_header(kind: i32, name: usize, name_bytes: u32): void;

@external("http_handler", "read_body")
export declare function read_body(kind: i32, buffer: usize, limit: u32): u64;

@external("http_handler", "write_body")
export declare function write_body(kind: i32, data: usize, bytes: u32): void;

@external("http_handler", "get_status_code")
export declare function get_status_code(): u32;

@external("http_handler", "set_status_code")
export declare function set_status_code(status: u32): void;

@external("http_handler", "log")
export declare function log(level: i32, text: usize, bytes: u32): void;

@external("http_handler", "log_enabled")
export declare function log_enabled(level: i32): u32;

@external("skerry", "env_get_v1")
export declare function env_get_v1(name: usize, name_bytes: u32, buffer: usize, limit: u32): i32;

@external("skerry", "checkpoint_v1")
export declare function checkpoint_v1(): i32;

@external("skerry", "counter_add_v1")
export declare function counter_add_v1(name: usize, bytes: u32, amount: i64): i32;

@external("skerry", "rate_limit_v1")
export declare function rate_limit_v1(key: usize, bytes: u32, limit: u32, window_ms: i64): i32;

@external("skerry", "kv_get_v1")
export declare function kv_get_v1(key: usize, bytes: u32, buffer: usize, limit: u32, ret_version: usize): i32;

@external("skerry", "kv_list_v1")
export declare function kv_list_v1(prefix: usize, bytes: u32, after: usize, after_bytes: u32, buffer: usize, limit: u32): i32;

@external("skerry", "kv_list_heads_v1")
export declare function kv_list_heads_v1(prefix: usize, bytes: u32, after: usize, after_bytes: u32, buffer: usize, limit: u32, head: u32): i32;

@external("skerry", "kv_put_v1")
export declare function kv_put_v1(key: usize, bytes: u32, value: usize, value_bytes: u32, ttl_ms: i64, version: i64): i64;

@external("skerry", "kv_put_start_v1")
export declare function kv_put_start_v1(key: usize, bytes: u32, value: usize, value_bytes: u32, ttl_ms: i64, version: i64): i32;

@external("skerry", "kv_delete_v1")
export declare function kv_delete_v1(key: usize, bytes: u32, version: i64): i32;

@external("skerry", "kv_delete_start_v1")
export declare function kv_delete_start_v1(key: usize, bytes: u32, version: i64): i32;

@external("skerry", "kv_add_v1")
export declare function kv_add_v1(key: usize, bytes: u32, number: i64, ret_sum: usize): i32;

@external("skerry", "kv_add_start_v1")
export declare function kv_add_start_v1(key: usize, bytes: u32, number: i64): i32;

@external("skerry", "kv_finish_v1")
export declare function kv_finish_v1(handle: u32, ret_result: usize): i32;

@external("skerry", "crypto_v1")
export declare function crypto_v1(operation: u32, arguments: usize, bytes: u32, buffer: usize, limit: u32): i32;

@external("skerry", "secret_get_v1")
export declare function secret_get_v1(name: usize, name_bytes: u32, buffer: usize, limit: u32): i32;

@external("skerry", "call_start_v1")
export declare function call_start_v1(callee: usize, callee_bytes: u32, method: usize, method_bytes: u32, uri: usize, uri_bytes: u32, fields: usize, fields_bytes: u32, body: usize, body_bytes: u32): i32;

@external("skerry", "call_v1")
export declare function call_v1(callee: usize, callee_bytes: u32, method: usize, method_bytes: u32, uri: usize, uri_bytes: u32, fields: usize, fields_bytes: u32, body: usize, body_bytes: u32): i32;

@external("skerry", "log_v1")
export declare function log_v1(level: i32, text: usize, bytes: u32, fields: usize, fields_bytes: u32): i32;

@external("skerry", "time_now_v1")
export declare function time_now_v1(clock: u32): i64;

@external("skerry", "random_v1")
export declare function random_v1(buffer: usize, bytes: u32): i32;

@external("skerry", "request_info_v1")
export declare function request_info_v1(what: i32, buffer: usize, limit: u32): i32;

@external("skerry", "response_flush_v1")
export declare function response_flush_v1(): i32;

@external("skerry", "wait_v1")
export declare function wait_v1(handles: usize, count: u32, timeout_ms: i64): i32;

@external("skerry", "handle_close_v1")
export declare function handle_close_v1(handle: u32): i32;

@external("skerry", "fetch_start_v1")
export declare function fetch_start_v1(method: usize, method_bytes: u32, url: usize, url_bytes: u32, fields: usize, fields_bytes: u32, body: usize, body_bytes: u32, flags: u32, timeout_ms: i64): i32;

@external("skerry", "fetch_v1")
export declare function fetch_v1(method: usize, method_bytes: u32, url: usize, url_bytes: u32, fields: usize, fields_bytes: u32, body: usize, body_bytes: u32, flags: u32, timeout_ms: i64): i32;

@external("skerry", "fetch_status_v1")
export declare function fetch_status_v1(fetch: u32): i32;

@external("skerry", "fetch_header_v1")
export declare function fetch_header_v1(fetch: u32, name: usize, name_bytes: u32, index: u32, buffer: usize, limit: u32): i32;

@external("skerry", "fetch_headers_v1")
export declare function fetch_headers_v1(fetch: u32, buffer: usize, limit: u32): i32;

@external("skerry", "fetch_url_v1")
export declare function fetch_url_v1(fetch: u32, buffer: usize, limit: u32): i32;

@external("skerry", "fetch_error_v1")
export declare function fetch_error_v1(fetch: u32, buffer: usize, limit: u32): i32;

@external("skerry", "fetch_read_v1")
export declare function fetch_read_v1(fetch: u32, buffer: usize, limit: u32): i32;

@external("skerry", "fetch_body_write_v1")
export declare function fetch_body_write_v1(fetch: u32, data: usize, bytes: u32): i32;

@external("skerry", "fetch_body_end_v1")
export declare function fetch_body_end_v1(fetch: u32): i32;
