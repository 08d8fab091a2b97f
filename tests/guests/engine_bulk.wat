;; SPDX-License-Identifier: Apache-2.0
;; Bulk operations longer than one chunk: filled, copied both ways over themselves, initialised.
(module
  (memory 64)
  (table $t 20000 funcref)
  (elem declare func $hash)
  (func $hash (param $at i32) (param $words i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum
        (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (local.tee $words (i32.sub (local.get $words) (i32.const 1)))))
    (local.get $sum))
  (func $scatter (local $i i32)
    (loop $next
      (i32.store (i32.shl (local.get $i) (i32.const 2))
        (i32.mul (local.get $i) (i32.const 2654435761)))
      (br_if $next
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60000)))))
  ;; both give the hash of the bytes that were copied
  (func (export "copy_down") (result i32)
    (call $scatter)
    (memory.copy (i32.const 0) (i32.const 4096) (i32.const 200000))
    (call $hash (i32.const 0) (i32.const 50000)))
  (func (export "copied_down") (result i32)
    (call $scatter) (call $hash (i32.const 4096) (i32.const 50000)))
  (func (export "copy_up") (result i32)
    (call $scatter)
    (memory.copy (i32.const 4096) (i32.const 0) (i32.const 200000))
    (call $hash (i32.const 4096) (i32.const 50000)))
  (func (export "copied_up") (result i32)
    (call $scatter) (call $hash (i32.const 0) (i32.const 50000)))
  (func (export "fill") (result i32)
    (memory.fill (i32.const 5) (i32.const 9) (i32.const 4000000))
    (i32.add (i32.load8_u (i32.const 5)) (i32.load8_u (i32.const 4000004))))
  ;; one byte too far: nothing may be written
  (func (export "fill_too_far") (memory.fill (i32.const 1) (i32.const 7) (i32.const 4194304)))
  (func (export "copy_too_far")
    (memory.copy (i32.const 100000) (i32.const 0) (i32.const 4194304)))
  (func (export "copy_from_too_far")
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 4194304)))
  (func (export "first") (result i32) (i32.load8_u (i32.const 1)))
  (func (export "table_fill") (result i32)
    (table.fill $t (i32.const 0) (ref.func $hash) (i32.const 20000))
    (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 19999))
    (i32.add (ref.is_null (table.get $t (i32.const 0)))
      (ref.is_null (table.get $t (i32.const 19999)))))
  (func (export "table_too_far")
    (table.fill $t (i32.const 1) (ref.null func) (i32.const 20000))))
