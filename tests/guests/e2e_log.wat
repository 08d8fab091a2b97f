;; SPDX-License-Identifier: Apache-2.0
;; Logs the request's path at level warn, then a line with an escape sequence, a quote and a byte that
;; is no UTF-8, at level info; traps if the path ends with "!".
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "\1b[31m\"red\"\ff\0aforged")
  (func (export "handle_request") (result i64)
    (local $count i32)
    (local.set $count (call $get_uri (i32.const 1024) (i32.const 1024)))
    (call $log (i32.const 1) (i32.const 1024) (local.get $count))
    (call $log (i32.const 0) (i32.const 0) (i32.const 18))
    (if (i32.eq (i32.load8_u (i32.add (i32.const 1023) (local.get $count))) (i32.const 33))
      (then unreachable))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
