;; SPDX-License-Identifier: Apache-2.0
;; Loops for ever in its initialiser: must not become a function, nor keep a builder for ever.
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (func (export "_initialize") (loop $for_ever (br $for_ever)))
  (func (export "handle_request") (result i64) (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
