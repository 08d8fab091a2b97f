;; SPDX-License-Identifier: Apache-2.0
;; Grows memory page by page until it is refused, writes into each new page, and answers how many
;; pages it has as five digits and a newline.
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 5) "\n")
  (func (export "handle_request") (result i64)
    (local $page i32) (local $rest i32) (local $digit i32)
    (block $refused
      (loop $next
        (local.set $page (memory.grow (i32.const 1)))
        (br_if $refused (i32.eq (local.get $page) (i32.const -1)))
        (i32.store (i32.mul (local.get $page) (i32.const 65536)) (i32.const 1))
        (br $next)))
    (local.set $rest (memory.size))
    (local.set $digit (i32.const 5))
    (loop $digits
      (local.set $digit (i32.sub (local.get $digit) (i32.const 1)))
      (i32.store8 (local.get $digit)
        (i32.add (i32.const 48) (i32.rem_u (local.get $rest) (i32.const 10))))
      (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
      (br_if $digits (local.get $digit)))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 6))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
