;; SPDX-License-Identifier: Apache-2.0
;; Answers the bytes of a NaN that an addition made of another one, whose payload is 1: one made
;; by the initialiser and kept in memory, then one made by the request.
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (func $make (param $at i32)
    (f64.store (local.get $at)
      (f64.add (f64.const 1) (f64.reinterpret_i64 (i64.const 0x7ff8000000000001)))))
  (func (export "skerry_init") (call $make (i32.const 0)))
  (func (export "handle_request") (result i64)
    (call $make (i32.const 8))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 16))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
