// SPDX-License-Identifier: Apache-2.0

// Package skerry is for functions of Skerry in Go: http-wasm handlers, and the native API
// (docs/abi-skerry.md).
//
//	func init() { skerry.Handle(hello) }
//	func main() {}
//	func hello() { skerry.Say("Hello, " + skerry.Path() + "!\n") }
//
// It wants Go 1.24 or TinyGo 0.34, GOOS=wasip1 and -buildmode=c-shared: Go's runtime starts and
// init functions run while the module is deployed, and each request finds memory as it was then.
// What may fail answers an error, an Errno; http-wasm's own calls trap instead.
package skerry

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"
)

// Errno is what a native call answers when it fails: NotFound and so on.
type Errno int32

func (errno Errno) Error() string { return "skerry: error " + strconv.Itoa(int(errno)) }

var handler func()
var responseHandler func(isError bool)
var goesOn bool

// Handle says what answers requests; an init function calls it.
func Handle(handle func()) { handler = handle }

// HandleResponse says what is to be done when the next handler has answered.
func HandleResponse(handle func(isError bool)) { responseHandler = handle }

// Next passes the request on when the handler returns: to the next of `steps`, or to `origin`.
func Next() { goesOn = true }

//go:wasmexport handle_request
func handleRequest() uint64 {
	if handler != nil {
		handler()
	}
	if goesOn {
		return 1
	}
	return 0
}

//go:wasmexport handle_response
func handleResponse(context uint32, isError uint32) {
	if responseHandler != nil {
		responseHandler(isError != 0)
	}
}

// ---- the request and its response ----

func pointer(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }
func start(text string) unsafe.Pointer    { return unsafe.Pointer(unsafe.StringData(text)) }
func length(text string) uint32           { return uint32(len(text)) }

// A getter writes nothing when there is not enough room, and says how much it is.
func bytesOf(get func(buffer unsafe.Pointer, limit uint32) int64) ([]byte, error) {
	buffer := make([]byte, 256)
	for {
		found := get(pointer(buffer), uint32(len(buffer)))
		if found < 0 {
			return nil, Errno(found)
		}
		if int(found) <= len(buffer) {
			return buffer[:found], nil
		}
		buffer = make([]byte, found)
	}
}

func textOf(get func(buffer unsafe.Pointer, limit uint32) uint32) string {
	bytes, _ := bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		return int64(get(buffer, limit))
	})
	return string(bytes)
}

func checked(found int32) error {
	if found < 0 {
		return Errno(found)
	}
	return nil
}

func Method() string { return textOf(abiGetMethod) }

// URI is path and query as they were sent.
func URI() string { return textOf(abiGetUri) }

func Path() string {
	path, _, _ := strings.Cut(URI(), "?")
	return path
}

// Query is the value of name=value in the query, as it was sent.
func Query(name string) string {
	_, query, _ := strings.Cut(URI(), "?")
	for _, row := range strings.Split(query, "&") {
		if key, value, _ := strings.Cut(row, "="); key == name {
			return value
		}
	}
	return ""
}

// Header is the first header of the request with this name.
func Header(name string) string {
	bytes, _ := bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		found := abiGetHeaderValues(RequestHeaders, start(name), length(name), buffer, limit)
		return int64(uint32(found))
	})
	value, _, _ := strings.Cut(string(bytes), "\x00")
	return value
}

// Body is all of the request's.
func Body() []byte {
	var body []byte
	piece := make([]byte, 4096)
	for {
		got := abiReadBody(RequestBody, pointer(piece), uint32(len(piece)))
		body = append(body, piece[:uint32(got)]...)
		if got>>32 != 0 {
			return body
		}
	}
}

func SetStatus(status int) { abiSetStatusCode(uint32(status)) }

func SetHeader(name, value string) {
	abiSetHeaderValue(ResponseHeaders, start(name), length(name), start(value), length(value))
}

func AddHeader(name, value string) {
	abiAddHeaderValue(ResponseHeaders, start(name), length(name), start(value), length(value))
}

// SetRequestHeader is for the next handler.
func SetRequestHeader(name, value string) {
	abiSetHeaderValue(RequestHeaders, start(name), length(name), start(value), length(value))
}

// Write adds to the response's body.
func Write(bytes []byte) { abiWriteBody(ResponseBody, pointer(bytes), uint32(len(bytes))) }

// Say is Write for text.
func Say(text string) { abiWriteBody(ResponseBody, start(text), length(text)) }

// Answer is a whole answer in a few words.
func Answer(status int, text string) {
	SetStatus(status)
	SetHeader("content-type", "text/plain")
	Say(text)
}

// Flush sends what is written of the response.
func Flush() error { return checked(abiResponseFlushV1()) }

// ---- the native API ----

// Env is a variable of the function's environment; "" without it.
func Env(name string) string {
	value, _ := bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		return int64(abiEnvGetV1(start(name), length(name), buffer, limit))
	})
	return string(value)
}

// Secret is nil without an error if there is none.
func Secret(name string) ([]byte, error) {
	return missingIsNil(bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		return int64(abiSecretGetV1(start(name), length(name), buffer, limit))
	}))
}

func missingIsNil(value []byte, err error) ([]byte, error) {
	if err == Errno(NotFound) {
		return nil, nil
	}
	return value, err
}

// Log writes one line of the function's log.
func Log(text string) { abiLog(LogInfo, start(text), length(text)) }

// Count adds to a counter in the server's metrics.
func Count(name string, amount int64) error {
	return checked(abiCounterAddV1(start(name), length(name), amount))
}

// RateLimit says how many more there may be of the key in this window, or Errno(Limit).
func RateLimit(key string, limit int, windowMs int64) (int, error) {
	left := abiRateLimitV1(start(key), length(key), uint32(limit), windowMs)
	return int(left), checked(left)
}

// NowNs is nanoseconds since 1970; it stands still while the function runs.
func NowNs() int64 { return abiTimeNowV1(0) }

// Random fills the bytes; they are fit for keys.
func Random(bytes []byte) error {
	return checked(abiRandomV1(pointer(bytes), uint32(len(bytes))))
}

// AnyVersion is for KvPutIf and KvDeleteIf: whatever the key's version is.
const AnyVersion = -1

// KvGet is the value and its version; nil without an error if there is none.
func KvGet(key string) ([]byte, int64, error) {
	var version int64
	value, err := missingIsNil(bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		at := unsafe.Pointer(&version)
		return int64(abiKvGetV1(start(key), length(key), buffer, limit, at))
	}))
	return value, version, err
}

// KvPutIf answers the new version when it is on disk. ttlMs: 0 for ever. version: 0 if the key must
// not be there.
func KvPutIf(key string, value []byte, ttlMs, version int64) (int64, error) {
	made := abiKvPutV1(start(key), length(key), pointer(value), uint32(len(value)), ttlMs, version)
	if made < 0 {
		return 0, Errno(made)
	}
	return made, nil
}

func KvPut(key string, value []byte) error {
	_, err := KvPutIf(key, value, 0, AnyVersion)
	return err
}

func KvDeleteIf(key string, version int64) error {
	return checked(abiKvDeleteV1(start(key), length(key), version))
}

func KvDelete(key string) error { return KvDeleteIf(key, AnyVersion) }

// KvAdd adds to the number that the value is; the sum.
func KvAdd(key string, number int64) (int64, error) {
	var sum int64
	err := checked(abiKvAddV1(start(key), length(key), number, unsafe.Pointer(&sum)))
	return sum, err
}

// KvList is all keys that begin so, in their order.
func KvList(prefix string) ([]string, error) {
	var keys []string
	after := ""
	buffer := make([]byte, 16384)
	for {
		found := abiKvListV1(start(prefix), length(prefix), start(after), length(after),
			pointer(buffer), uint32(len(buffer)))
		if found <= 0 {
			return keys, checked(found)
		}
		for rest := buffer[:found]; len(rest) > 2; {
			end := 2 + int(binary.LittleEndian.Uint16(rest))
			after = string(rest[2:end])
			keys = append(keys, after)
			rest = rest[end:]
		}
	}
}

// Reply is the answer of another server, or of another function; one that may still come.
type Reply struct{ handle uint32 }

func replyOf(handle int32) (*Reply, error) {
	if handle < 0 {
		return nil, Errno(handle)
	}
	return &Reply{uint32(handle)}, nil
}

// Status waits for the head.
func (reply *Reply) Status() (int, error) {
	status := abiFetchStatusV1(reply.handle)
	return int(status), checked(status)
}

// Header is the first one with this name; "" without it.
func (reply *Reply) Header(name string) string {
	value, _ := bytesOf(func(buffer unsafe.Pointer, limit uint32) int64 {
		found := abiFetchHeaderV1(reply.handle, start(name), length(name), 0, buffer, limit)
		return int64(found)
	})
	return string(value)
}

// Read waits for more of the body; 0: the end.
func (reply *Reply) Read(buffer []byte) (int, error) {
	got := abiFetchReadV1(reply.handle, pointer(buffer), uint32(len(buffer)))
	if got < 0 {
		return 0, Errno(got)
	}
	return int(got), nil
}

// Body is all that comes of it.
func (reply *Reply) Body() ([]byte, error) {
	var body []byte
	piece := make([]byte, 4096)
	for {
		count, err := reply.Read(piece)
		if err != nil || count == 0 {
			return body, err
		}
		body = append(body, piece[:count]...)
	}
}

// Error says what went wrong, in words.
func (reply *Reply) Error() string {
	return textOf(func(buffer unsafe.Pointer, limit uint32) uint32 {
		return uint32(max(0, abiFetchErrorV1(reply.handle, buffer, limit)))
	})
}

// Close ends it; what is not closed ends with the request.
func (reply *Reply) Close() { abiHandleCloseV1(reply.handle) }

// "name NUL value NUL ..." of names and values in turn.
func packed(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	return strings.Join(fields, "\x00") + "\x00"
}

// Fetch asks another server that `outbound` in function.yaml lists, follows redirects, and does not
// wait. Fields are names and values of headers in turn.
func Fetch(method, url string, body []byte, fields ...string) (*Reply, error) {
	head := packed(fields)
	return replyOf(abiFetchStartV1(start(method), length(method), start(url), length(url),
		start(head), length(head), pointer(body), uint32(len(body)), FetchFollow, 0))
}

// Call calls another function of the tenant, and does not wait.
func Call(function, method, uri string, body []byte, fields ...string) (*Reply, error) {
	head := packed(fields)
	return replyOf(abiCallStartV1(start(function), length(function), start(method),
		length(method), start(uri), length(uri), start(head), length(head), pointer(body),
		uint32(len(body))))
}

// Wait says which of the replies is ready, or Errno(Timeout). Less than 0 milliseconds: for ever.
func Wait(timeoutMs int64, replies ...*Reply) (int, error) {
	handles := make([]uint32, len(replies))
	for i, reply := range replies {
		handles[i] = reply.handle
	}
	ready := abiWaitV1(unsafe.Pointer(unsafe.SliceData(handles)), uint32(len(handles)), timeoutMs)
	return int(ready), checked(ready)
}
