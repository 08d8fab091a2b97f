// SPDX-License-Identifier: Apache-2.0
// Made of skerry.h by declare.py: edit that.

// skerry_header_kind
pub const REQUEST_HEADERS: i32 = 0;
pub const RESPONSE_HEADERS: i32 = 1;
pub const REQUEST_TRAILERS: i32 = 2;
pub const RESPONSE_TRAILERS: i32 = 3;

// skerry_body_kind
pub const REQUEST_BODY: i32 = 0;
pub const RESPONSE_BODY: i32 = 1;

// skerry_log_level
pub const LOG_DEBUG: i32 = -1;
pub const LOG_INFO: i32 = 0;
pub const LOG_WARN: i32 = 1;
pub const LOG_ERROR: i32 = 2;
pub const LOG_NONE: i32 = 3;

// skerry_feature
pub const BUFFER_REQUEST: i32 = 1;
pub const BUFFER_RESPONSE: i32 = 2;

// skerry_error
pub const INVALID: i32 = -1;
pub const NOT_FOUND: i32 = -2;
pub const DENIED: i32 = -3;
pub const LIMIT: i32 = -4;
pub const CONFLICT: i32 = -5;
pub const UNAVAILABLE: i32 = -6;
pub const TIMEOUT: i32 = -7;
pub const CANCELLED: i32 = -8;
pub const TOO_LARGE: i32 = -9;
pub const UNSUPPORTED: i32 = -10;
pub const CLOSED: i32 = -11;
pub const FAILED: i32 = -12;

// skerry_request_fact
pub const REQUEST_SCHEME: i32 = 0;
pub const REQUEST_AUTHORITY: i32 = 1;
pub const REQUEST_TENANT: i32 = 2;
pub const REQUEST_FUNCTION: i32 = 3;
pub const REQUEST_HAS_NEXT: i32 = 4;
pub const REQUEST_TLS: i32 = 5;
pub const REQUEST_NODE: i32 = 6;

// skerry_fetch_flag
pub const FETCH_BODY: i32 = 1;
pub const FETCH_FOLLOW: i32 = 2;

#[repr(C)]
pub struct KvResult {
    pub version: i64,
    pub sum: i64,
}

#[link(wasm_import_module = "http_handler")]
extern "C" {
    pub fn enable_features(features: u32) -> u32;
    pub fn get_config(buffer: *mut u8, limit: u32) -> u32;
    pub fn get_method(buffer: *mut u8, limit: u32) -> u32;
    pub fn set_method(method: *const u8, bytes: u32);
    pub fn get_uri(buffer: *mut u8, limit: u32) -> u32;
    pub fn set_uri(uri: *const u8, bytes: u32);
    pub fn get_source_addr(buffer: *mut u8, limit: u32) -> u32;
    pub fn get_protocol_version(buffer: *mut u8, limit: u32) -> u32;
    pub fn get_header_names(kind: i32, buffer: *mut u8, limit: u32) -> u64;
    pub fn get_header_values(kind: i32, name: *const u8, name_bytes: u32, buffer: *mut u8, limit: u32) -> u64;
    pub fn set_header_value(kind: i32, name: *const u8, name_bytes: u32, value: *const u8, value_bytes: u32);
    pub fn add_header_value(kind: i32, name: *const u8, name_bytes: u32, value: *const u8, value_bytes: u32);
    pub fn remove_header(kind: i32, name: *const u8, name_bytes: u32);
    pub fn read_body(kind: i32, buffer: *mut u8, limit: u32) -> u64;
    pub fn write_body(kind: i32, data: *const u8, bytes: u32);
    pub fn get_status_code() -> u32;
    pub fn set_status_code(status: u32);
    pub fn log(level: i32, text: *const u8, bytes: u32);
    pub fn log_enabled(level: i32) -> u32;
}

#[link(wasm_import_module = "skerry")]
extern "C" {
    pub fn env_get_v1(name: *const u8, name_bytes: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn checkpoint_v1() -> i32;
    pub fn counter_add_v1(name: *const u8, bytes: u32, amount: i64) -> i32;
    pub fn rate_limit_v1(key: *const u8, bytes: u32, limit: u32, window_ms: i64) -> i32;
    pub fn kv_get_v1(key: *const u8, bytes: u32, buffer: *mut u8, limit: u32, ret_version: *mut i64) -> i32;
    pub fn kv_list_v1(prefix: *const u8, bytes: u32, after: *const u8, after_bytes: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn kv_list_heads_v1(prefix: *const u8, bytes: u32, after: *const u8, after_bytes: u32, buffer: *mut u8, limit: u32, head: u32) -> i32;
    pub fn kv_put_v1(key: *const u8, bytes: u32, value: *const u8, value_bytes: u32, ttl_ms: i64, version: i64) -> i64;
    pub fn kv_put_start_v1(key: *const u8, bytes: u32, value: *const u8, value_bytes: u32, ttl_ms: i64, version: i64) -> i32;
    pub fn kv_delete_v1(key: *const u8, bytes: u32, version: i64) -> i32;
    pub fn kv_delete_start_v1(key: *const u8, bytes: u32, version: i64) -> i32;
    pub fn kv_add_v1(key: *const u8, bytes: u32, number: i64, ret_sum: *mut i64) -> i32;
    pub fn kv_add_start_v1(key: *const u8, bytes: u32, number: i64) -> i32;
    pub fn kv_finish_v1(handle: u32, ret_result: *mut KvResult) -> i32;
    pub fn crypto_v1(operation: u32, arguments: *const u8, bytes: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn secret_get_v1(name: *const u8, name_bytes: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn call_start_v1(function: *const u8, function_bytes: u32, method: *const u8, method_bytes: u32, uri: *const u8, uri_bytes: u32, fields: *const u8, fields_bytes: u32, body: *const u8, body_bytes: u32) -> i32;
    pub fn call_v1(function: *const u8, function_bytes: u32, method: *const u8, method_bytes: u32, uri: *const u8, uri_bytes: u32, fields: *const u8, fields_bytes: u32, body: *const u8, body_bytes: u32) -> i32;
    pub fn log_v1(level: i32, text: *const u8, bytes: u32, fields: *const u8, fields_bytes: u32) -> i32;
    pub fn time_now_v1(clock: u32) -> i64;
    pub fn random_v1(buffer: *mut u8, bytes: u32) -> i32;
    pub fn request_info_v1(what: i32, buffer: *mut u8, limit: u32) -> i32;
    pub fn response_flush_v1() -> i32;
    pub fn wait_v1(handles: *const u32, count: u32, timeout_ms: i64) -> i32;
    pub fn handle_close_v1(handle: u32) -> i32;
    pub fn fetch_start_v1(method: *const u8, method_bytes: u32, url: *const u8, url_bytes: u32, fields: *const u8, fields_bytes: u32, body: *const u8, body_bytes: u32, flags: u32, timeout_ms: i64) -> i32;
    pub fn fetch_v1(method: *const u8, method_bytes: u32, url: *const u8, url_bytes: u32, fields: *const u8, fields_bytes: u32, body: *const u8, body_bytes: u32, flags: u32, timeout_ms: i64) -> i32;
    pub fn fetch_status_v1(fetch: u32) -> i32;
    pub fn fetch_header_v1(fetch: u32, name: *const u8, name_bytes: u32, index: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn fetch_headers_v1(fetch: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn fetch_url_v1(fetch: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn fetch_error_v1(fetch: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn fetch_read_v1(fetch: u32, buffer: *mut u8, limit: u32) -> i32;
    pub fn fetch_body_write_v1(fetch: u32, data: *const u8, bytes: u32) -> i32;
    pub fn fetch_body_end_v1(fetch: u32) -> i32;
}
