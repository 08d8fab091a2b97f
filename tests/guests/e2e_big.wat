;; SPDX-License-Identifier: Apache-2.0
;; Answers as many KiB of the letter x as the path says in decimal: /1024 is one MiB.
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (func $number (param $bytes i32) (result i32)
    (local $at i32) (local $value i32)
    (local.set $at (i32.const 1))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (local.get $bytes)))
        (local.set $value
          (i32.add (i32.mul (local.get $value) (i32.const 10))
            (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $value))
  (func (export "handle_request") (result i64)
    (local $left i32)
    (local.set $left (call $number (call $get_uri (i32.const 0) (i32.const 64))))
    (memory.fill (i32.const 1024) (i32.const 120) (i32.const 1024))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (local.get $left)))
        (call $write_body (i32.const 1) (i32.const 1024) (i32.const 1024))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br $next)))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
