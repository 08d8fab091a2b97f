;; SPDX-License-Identifier: Apache-2.0
;; Answers with the status that the path says in three digits, and no body.
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_status_code" (func $set_status (param i32)))
  (memory (export "memory") 1 1)
  (func $digit (param $at i32) (result i32)
    (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
  (func (export "handle_request") (result i64)
    (drop (call $get_uri (i32.const 0) (i32.const 64)))
    (call $set_status
      (i32.add
        (i32.mul (call $digit (i32.const 1)) (i32.const 100))
        (i32.add
          (i32.mul (call $digit (i32.const 2)) (i32.const 10))
          (call $digit (i32.const 3)))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
