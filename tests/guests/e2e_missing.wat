;; SPDX-License-Identifier: Apache-2.0
;; Imports a function that nothing provides, and calls it only for paths that start with "/c".
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (import "nowhere" "to_be_found" (func $missing (param i32) (result i64)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "fine\n")
  (func (export "handle_request") (result i64)
    (drop (call $get_uri (i32.const 1024) (i32.const 1024)))
    (if (i32.eq (i32.load8_u (i32.const 1025)) (i32.const 99))
      (then (drop (call $missing (i32.const 1)))))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 5))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
