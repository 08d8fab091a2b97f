;; SPDX-License-Identifier: Apache-2.0
;; An http-wasm handler whose _start reads the clock, as TinyGo's does: it answers with the digit
;; that counts how often _start ran, and the seconds' last digit that _start saw.
(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "00")
  (func (export "_start")
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
    (if (call $time (i32.const 0) (i64.const 1) (i32.const 8)) (then unreachable))
    (i32.store8 (i32.const 1)
      (i32.add (i32.const 48)
        (i32.wrap_i64
          (i64.rem_u (i64.div_u (i64.load (i32.const 8)) (i64.const 1000000000))
            (i64.const 10))))))
  (func (export "handle_request") (result i64)
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 2))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
