;; SPDX-License-Identifier: Apache-2.0
;; Its initialiser runs when it is deployed, its start function before that: a request finds what
;; both left, and answers "start init\n".
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "..... ....\n")
  (data $words "startinit")
  (func $start (memory.init $words (i32.const 0) (i32.const 0) (i32.const 5)))
  (start $start)
  (func (export "_initialize")
    (memory.init $words (i32.const 6) (i32.const 5) (i32.const 4))
    (data.drop $words))
  (func (export "handle_request") (result i64)
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 11))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
