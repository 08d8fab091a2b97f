;; SPDX-License-Identifier: Apache-2.0
;; Leaves traces everywhere a guest can, and answers what it found there first: a global, a byte
;; in a page of the image, one in a page beyond it, one in grown memory, a table entry, the memory's
;; size, and a dropped data segment. Every request must answer "11111111\n": state that survives
;; makes another digit.
(module
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 2 64)
  (table $table 4 8 funcref)
  (elem (i32.const 0) $one)
  (elem declare func $two)
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 0) "00000000\n")
  (data (i32.const 4096) "\00")
  (data $passive "\00")
  (type $number (func (result i32)))
  (func $one (type $number) (i32.const 1))
  (func $two (type $number) (i32.const 2))

  ;; Adds one to the byte at $at and writes what it is now as digit number $digit.
  (func $trace (param $at i32) (param $digit i32)
    (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
    (call $digit (local.get $digit) (i32.load8_u (local.get $at))))
  (func $digit (param $digit i32) (param $value i32)
    (i32.store8 (local.get $digit) (i32.add (i32.const 48) (local.get $value))))

  (func (export "handle_request") (result i64)
    (local $pages i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call $digit (i32.const 0) (global.get $count))
    (call $trace (i32.const 4096) (i32.const 1))
    (call $trace (i32.const 100000) (i32.const 2))
    (call $digit (i32.const 3) (call_indirect (type $number) (i32.const 0)))
    (table.set $table (i32.const 0) (ref.func $two))
    (local.set $pages (memory.size))
    (call $digit (i32.const 4) (i32.sub (local.get $pages) (i32.const 1)))
    (if (i32.eq (memory.grow (i32.const 3)) (i32.const -1)) (then unreachable))
    (call $trace (i32.add (i32.mul (local.get $pages) (i32.const 65536)) (i32.const 5000))
      (i32.const 5))
    ;; a store over the border of two pages dirties both
    (i64.store (i32.const 69628)
      (i64.add (i64.load (i32.const 69628)) (i64.const 0x0100000001)))
    (call $digit (i32.const 6)
      (i32.div_u
        (i32.add (i32.load (i32.const 69628)) (i32.load (i32.const 69632)))
        (i32.const 2)))
    ;; traps when the segment was dropped by an earlier request
    (memory.init $passive (i32.const 8000) (i32.const 0) (i32.const 1))
    (data.drop $passive)
    (call $trace (i32.const 8000) (i32.const 7))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 9))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
