;; SPDX-License-Identifier: Apache-2.0
;; Logs 20,000 lines of one letter and as many without a text, and tells a proxy to send a file.
(module
  (import "http_handler" "set_header_value" (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "X-Accel-Redirect")
  (data (i32.const 16) "/secret")
  (data (i32.const 32) "x")
  (func (export "handle_request") (result i64)
    (local $left i32)
    (local.set $left (i32.const 20000))
    (call $set_header
      (i32.const 1) (i32.const 0) (i32.const 16) (i32.const 16) (i32.const 7))
    (loop $again
      (call $log (i32.const 0) (i32.const 32) (i32.const 1))
      (call $log (i32.const 0) (i32.const 32) (i32.const 0))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
