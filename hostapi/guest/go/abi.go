// SPDX-License-Identifier: Apache-2.0
// Made of skerry.h by declare.py: edit that.

package skerry

import "unsafe"

// skerry_header_kind
const (
	RequestHeaders   = 0
	ResponseHeaders  = 1
	RequestTrailers  = 2
	ResponseTrailers = 3
)

// skerry_body_kind
const (
	RequestBody  = 0
	ResponseBody = 1
)

// skerry_log_level
const (
	LogDebug = -1
	LogInfo  = 0
	LogWarn  = 1
	LogError = 2
	LogNone  = 3
)

// skerry_feature
const (
	BufferRequest  = 1
	BufferResponse = 2
)

// skerry_error
const (
	Invalid     = -1
	NotFound    = -2
	Denied      = -3
	Limit       = -4
	Conflict    = -5
	Unavailable = -6
	Timeout     = -7
	Cancelled   = -8
	TooLarge    = -9
	Unsupported = -10
	Closed      = -11
	Failed      = -12
)

// skerry_request_fact
const (
	RequestScheme    = 0
	RequestAuthority = 1
	RequestTenant    = 2
	RequestFunction  = 3
	RequestHasNext   = 4
	RequestTls       = 5
	RequestNode      = 6
)

// skerry_fetch_flag
const (
	FetchBody   = 1
	FetchFollow = 2
)

//go:wasmimport http_handler enable_features
//go:noescape
func abiEnableFeatures(features uint32) uint32

//go:wasmimport http_handler get_config
//go:noescape
func abiGetConfig(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_method
//go:noescape
func abiGetMethod(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler set_method
//go:noescape
func abiSetMethod(method unsafe.Pointer, bytes uint32)

//go:wasmimport http_handler get_uri
//go:noescape
func abiGetUri(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler set_uri
//go:noescape
func abiSetUri(uri unsafe.Pointer, bytes uint32)

//go:wasmimport http_handler get_source_addr
//go:noescape
func abiGetSourceAddr(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_protocol_version
//go:noescape
func abiGetProtocolVersion(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport http_handler get_header_names
//go:noescape
func abiGetHeaderNames(kind int32, buffer unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler get_header_values
//go:noescape
func abiGetHeaderValues(kind int32, name unsafe.Pointer, nameBytes uint32, buffer unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler set_header_value
//go:noescape
func abiSetHeaderValue(kind int32, name unsafe.Pointer, nameBytes uint32, value unsafe.Pointer, valueBytes uint32)

//go:wasmimport http_handler add_header_value
//go:noescape
func abiAddHeaderValue(kind int32, name unsafe.Pointer, nameBytes uint32, value unsafe.Pointer, valueBytes uint32)

//go:wasmimport http_handler remove_header
//go:noescape
func abiRemoveHeader(kind int32, name unsafe.Pointer, nameBytes uint32)

//go:wasmimport http_handler read_body
//go:noescape
func abiReadBody(kind int32, buffer unsafe.Pointer, limit uint32) uint64

//go:wasmimport http_handler write_body
//go:noescape
func abiWriteBody(kind int32, data unsafe.Pointer, bytes uint32)

//go:wasmimport http_handler get_status_code
//go:noescape
func abiGetStatusCode() uint32

//go:wasmimport http_handler set_status_code
//go:noescape
func abiSetStatusCode(status uint32)

//go:wasmimport http_handler log
//go:noescape
func abiLog(level int32, text unsafe.Pointer, bytes uint32)

//go:wasmimport http_handler log_enabled
//go:noescape
func abiLogEnabled(level int32) uint32

//go:wasmimport skerry env_get_v1
//go:noescape
func abiEnvGetV1(name unsafe.Pointer, nameBytes uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry checkpoint_v1
//go:noescape
func abiCheckpointV1() int32

//go:wasmimport skerry counter_add_v1
//go:noescape
func abiCounterAddV1(name unsafe.Pointer, bytes uint32, amount int64) int32

//go:wasmimport skerry rate_limit_v1
//go:noescape
func abiRateLimitV1(key unsafe.Pointer, bytes uint32, limit uint32, windowMs int64) int32

//go:wasmimport skerry kv_get_v1
//go:noescape
func abiKvGetV1(key unsafe.Pointer, bytes uint32, buffer unsafe.Pointer, limit uint32, retVersion unsafe.Pointer) int32

//go:wasmimport skerry kv_list_v1
//go:noescape
func abiKvListV1(prefix unsafe.Pointer, bytes uint32, after unsafe.Pointer, afterBytes uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry kv_list_heads_v1
//go:noescape
func abiKvListHeadsV1(prefix unsafe.Pointer, bytes uint32, after unsafe.Pointer, afterBytes uint32, buffer unsafe.Pointer, limit uint32, head uint32) int32

//go:wasmimport skerry kv_put_v1
//go:noescape
func abiKvPutV1(key unsafe.Pointer, bytes uint32, value unsafe.Pointer, valueBytes uint32, ttlMs int64, version int64) int64

//go:wasmimport skerry kv_put_start_v1
//go:noescape
func abiKvPutStartV1(key unsafe.Pointer, bytes uint32, value unsafe.Pointer, valueBytes uint32, ttlMs int64, version int64) int32

//go:wasmimport skerry kv_delete_v1
//go:noescape
func abiKvDeleteV1(key unsafe.Pointer, bytes uint32, version int64) int32

//go:wasmimport skerry kv_delete_start_v1
//go:noescape
func abiKvDeleteStartV1(key unsafe.Pointer, bytes uint32, version int64) int32

//go:wasmimport skerry kv_add_v1
//go:noescape
func abiKvAddV1(key unsafe.Pointer, bytes uint32, number int64, retSum unsafe.Pointer) int32

//go:wasmimport skerry kv_add_start_v1
//go:noescape
func abiKvAddStartV1(key unsafe.Pointer, bytes uint32, number int64) int32

//go:wasmimport skerry kv_finish_v1
//go:noescape
func abiKvFinishV1(handle uint32, retResult unsafe.Pointer) int32

//go:wasmimport skerry crypto_v1
//go:noescape
func abiCryptoV1(operation uint32, arguments unsafe.Pointer, bytes uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry secret_get_v1
//go:noescape
func abiSecretGetV1(name unsafe.Pointer, nameBytes uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry call_start_v1
//go:noescape
func abiCallStartV1(function unsafe.Pointer, functionBytes uint32, method unsafe.Pointer, methodBytes uint32, uri unsafe.Pointer, uriBytes uint32, fields unsafe.Pointer, fieldsBytes uint32, body unsafe.Pointer, bodyBytes uint32) int32

//go:wasmimport skerry call_v1
//go:noescape
func abiCallV1(function unsafe.Pointer, functionBytes uint32, method unsafe.Pointer, methodBytes uint32, uri unsafe.Pointer, uriBytes uint32, fields unsafe.Pointer, fieldsBytes uint32, body unsafe.Pointer, bodyBytes uint32) int32

//go:wasmimport skerry log_v1
//go:noescape
func abiLogV1(level int32, text unsafe.Pointer, bytes uint32, fields unsafe.Pointer, fieldsBytes uint32) int32

//go:wasmimport skerry time_now_v1
//go:noescape
func abiTimeNowV1(clock uint32) int64

//go:wasmimport skerry random_v1
//go:noescape
func abiRandomV1(buffer unsafe.Pointer, bytes uint32) int32

//go:wasmimport skerry request_info_v1
//go:noescape
func abiRequestInfoV1(what int32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry response_flush_v1
//go:noescape
func abiResponseFlushV1() int32

//go:wasmimport skerry wait_v1
//go:noescape
func abiWaitV1(handles unsafe.Pointer, count uint32, timeoutMs int64) int32

//go:wasmimport skerry handle_close_v1
//go:noescape
func abiHandleCloseV1(handle uint32) int32

//go:wasmimport skerry fetch_start_v1
//go:noescape
func abiFetchStartV1(method unsafe.Pointer, methodBytes uint32, url unsafe.Pointer, urlBytes uint32, fields unsafe.Pointer, fieldsBytes uint32, body unsafe.Pointer, bodyBytes uint32, flags uint32, timeoutMs int64) int32

//go:wasmimport skerry fetch_v1
//go:noescape
func abiFetchV1(method unsafe.Pointer, methodBytes uint32, url unsafe.Pointer, urlBytes uint32, fields unsafe.Pointer, fieldsBytes uint32, body unsafe.Pointer, bodyBytes uint32, flags uint32, timeoutMs int64) int32

//go:wasmimport skerry fetch_status_v1
//go:noescape
func abiFetchStatusV1(fetch uint32) int32

//go:wasmimport skerry fetch_header_v1
//go:noescape
func abiFetchHeaderV1(fetch uint32, name unsafe.Pointer, nameBytes uint32, index uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry fetch_headers_v1
//go:noescape
func abiFetchHeadersV1(fetch uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry fetch_url_v1
//go:noescape
func abiFetchUrlV1(fetch uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry fetch_error_v1
//go:noescape
func abiFetchErrorV1(fetch uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry fetch_read_v1
//go:noescape
func abiFetchReadV1(fetch uint32, buffer unsafe.Pointer, limit uint32) int32

//go:wasmimport skerry fetch_body_write_v1
//go:noescape
func abiFetchBodyWriteV1(fetch uint32, data unsafe.Pointer, bytes uint32) int32

//go:wasmimport skerry fetch_body_end_v1
//go:noescape
func abiFetchBodyEndV1(fetch uint32) int32
