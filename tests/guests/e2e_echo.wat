;; SPDX-License-Identifier: Apache-2.0
;; Answers "METHOD URI\n", the value of the request header x-probe, "\n", and the body, read and
;; written in pieces of 4096 bytes. The response carries two x-echo headers.
;;
;; memory:  0 names and constants   1024 method, URI, header   8192 a piece of the body
(module
  (import "http_handler" "get_method" (func $get_method (param i32 i32) (result i32)))
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "get_header_values"
    (func $get_header_values (param i32 i32 i32 i32 i32) (result i64)))
  (import "http_handler" "set_header_value" (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "add_header_value" (func $add_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "read_body" (func $read_body (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) " ")
  (data (i32.const 1) "\n")
  (data (i32.const 16) "x-probe")
  (data (i32.const 32) "content-type")
  (data (i32.const 48) "application/octet-stream")
  (data (i32.const 80) "x-echo")
  (data (i32.const 96) "onetwo")

  (func $say (param $text i32) (param $bytes i32)
    (call $write_body (i32.const 1) (local.get $text) (local.get $bytes)))

  (func $say_probe
    (local $found i64)
    (local.set $found
      (call $get_header_values
        (i32.const 0) (i32.const 16) (i32.const 7) (i32.const 1024) (i32.const 4096)))
    ;; count in the high half; the length counts the closing NUL
    (if (i64.ge_u (local.get $found) (i64.const 0x100000000))
      (then
        (call $say (i32.const 1024)
          (i32.sub (i32.wrap_i64 (local.get $found)) (i32.const 1))))))

  (func $say_body
    (local $piece i64)
    (loop $more
      (local.set $piece (call $read_body (i32.const 0) (i32.const 8192) (i32.const 4096)))
      (call $say (i32.const 8192) (i32.wrap_i64 (local.get $piece)))
      ;; bit 32 says that this was the end
      (br_if $more
        (i64.eqz (i64.and (local.get $piece) (i64.const 0x100000000))))))

  (func (export "handle_request") (result i64)
    (call $set_header
      (i32.const 1) (i32.const 32) (i32.const 12) (i32.const 48) (i32.const 24))
    (call $add_header
      (i32.const 1) (i32.const 80) (i32.const 6) (i32.const 96) (i32.const 3))
    (call $add_header
      (i32.const 1) (i32.const 80) (i32.const 6) (i32.const 99) (i32.const 3))
    (call $say (i32.const 1024) (call $get_method (i32.const 1024) (i32.const 4096)))
    (call $say (i32.const 0) (i32.const 1))
    (call $say (i32.const 1024) (call $get_uri (i32.const 1024) (i32.const 4096)))
    (call $say (i32.const 1) (i32.const 1))
    (call $say_probe)
    (call $say (i32.const 1) (i32.const 1))
    (call $say_body)
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
