;; SPDX-License-Identifier: Apache-2.0
;; @NAME@ answers "Hello, <path>!", written in WebAssembly's own text format.
;;
;; memory:  0 "content-type"   16 "text/plain"   32 "Hello, "   48 "!\n"
;;       1024 the URI, up to 1024 bytes
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_header_value" (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "content-type")
  (data (i32.const 16) "text/plain")
  (data (i32.const 32) "Hello, ")
  (data (i32.const 48) "!\n")

  (func $say (param $text i32) (param $bytes i32)
    (call $write_body (i32.const 1) (local.get $text) (local.get $bytes)))

  (func (export "handle_request") (result i64)
    (local $bytes i32)
    (local.set $bytes (call $get_uri (i32.const 1024) (i32.const 1024)))
    (if (i32.gt_u (local.get $bytes) (i32.const 1024)) (then (unreachable)))
    (call $set_header
      (i32.const 1) (i32.const 0) (i32.const 12) (i32.const 16) (i32.const 10))
    (call $say (i32.const 32) (i32.const 7))
    (call $say (i32.const 1025) (i32.sub (local.get $bytes) (i32.const 1)))
    (call $say (i32.const 48) (i32.const 2))
    ;; 0: the answer is complete
    (i64.const 0))

  ;; Called only when handle_request asks for the next handler.
  (func (export "handle_response") (param $context i32) (param $is_error i32)))
