;; SPDX-License-Identifier: Apache-2.0
;; A rate limit for the path: 50 within an hour, or 5 within 200 ms if it begins with /s. Status 200, or
;; 429 if it is over, or 500 for another error.
(module
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (import "http_handler" "set_status_code" (func $status (param i32)))
  (import "skerry" "rate_limit_v1" (func $rate (param i32 i32 i32 i64) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "handle_request") (result i64)
    (local $count i32)
    (local $short i32)
    (local $left i32)
    (local.set $count (call $uri (i32.const 1024) (i32.const 200)))
    (local.set $short (i32.eq (i32.load8_u (i32.const 1025)) (i32.const 0x73)))
    (local.set $left (call $rate (i32.const 1024) (local.get $count)
      (select (i32.const 5) (i32.const 50) (local.get $short))
      (select (i64.const 200) (i64.const 3600000) (local.get $short))))
    (if (i32.eq (local.get $left) (i32.const -4)) (then (call $status (i32.const 429)))
      (else (if (i32.lt_s (local.get $left) (i32.const 0))
        (then (call $status (i32.const 500))))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
