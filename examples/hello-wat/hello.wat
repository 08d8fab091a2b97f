;; SPDX-License-Identifier: Apache-2.0
;; Answers "Hello, <path>!", written in WebAssembly's own text format: what a function is made of
;; when no compiler helps.
;;
;; memory:  0 "content-type"   16 "text/plain"   32 "Hello, "   40 "world"   48 "!\n"
;;       1024 the URI, up to 1024 bytes
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_header_value"
    (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "set_status_code" (func $set_status (param i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))

  (memory (export "memory") 1 1)
  (data (i32.const 0) "content-type")
  (data (i32.const 16) "text/plain")
  (data (i32.const 32) "Hello, ")
  (data (i32.const 40) "world")
  (data (i32.const 48) "!\n")

  (func $say (param $text i32) (param $bytes i32)
    (call $write_body (i32.const 1) (local.get $text) (local.get $bytes)))

  ;; Where the path ends: at '?' or at the end of the URI. The slash at 1024 is skipped.
  (func $path_end (param $bytes i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.const 1025))
    (local.set $end (i32.add (i32.const 1024) (local.get $bytes)))
    (block $found
      (loop $next
        (br_if $found (i32.ge_u (local.get $at) (local.get $end)))
        (br_if $found (i32.eq (i32.load8_u (local.get $at)) (i32.const 63)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $at))

  (func (export "handle_request") (result i64)
    (local $bytes i32) (local $name_bytes i32)
    (local.set $bytes (call $get_uri (i32.const 1024) (i32.const 1024)))
    (if (i32.gt_u (local.get $bytes) (i32.const 1024))
      (then
        (call $set_status (i32.const 414))
        (return (i64.const 0))))
    (local.set $name_bytes
      (i32.sub (call $path_end (local.get $bytes)) (i32.const 1025)))

    (call $set_header
      (i32.const 1) (i32.const 0) (i32.const 12) (i32.const 16) (i32.const 10))
    (call $say (i32.const 32) (i32.const 7))
    (if (local.get $name_bytes)
      (then (call $say (i32.const 1025) (local.get $name_bytes)))
      (else (call $say (i32.const 40) (i32.const 5))))
    (call $say (i32.const 48) (i32.const 2))
    ;; 0: the answer is complete
    (i64.const 0))

  ;; Called only when handle_request asks for the next handler.
  (func (export "handle_response") (param $context i32) (param $is_error i32)))
