;; SPDX-License-Identifier: Apache-2.0
;; Locals that are set before they are read on all paths, on some, on none
;; (tests/unit/engine/emit/pins_test.c). What is read without a set must be zero.
(module
  (func $callee (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))

  ;; ---- set on all paths: nothing to clear
  (func (export "set_straight") (param i32) (result i32) (local i32)
    (local.set 1 (local.get 0))
    (block (loop (br_if 1 (local.get 1)) (local.set 1 (i32.const 9)) (br 0)))
    (local.get 1))
  (func (export "set_in_loop") (param i32) (result i32) (local i32 i32)
    (local.set 2 (i32.const 0))
    (loop
      (local.set 1 (i32.mul (local.get 0) (i32.const 2)))
      (local.set 2 (i32.add (local.get 2) (local.get 1)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 2))
  (func (export "set_in_arms") (param i32) (result i32) (local i32)
    (if (result i32) (local.get 0)
      (then (local.set 1 (i32.const 3)) (local.get 1))
      (else (local.set 1 (i32.const 4)) (local.get 1))))
  (func (export "set_around_call") (param i32) (result i32) (local i32)
    (local.set 1 (call $callee (local.get 0)))
    (i32.add (local.get 1) (call $callee (local.get 1))))

  ;; ---- set on some paths: zero on the others
  (func (export "then_only") (param i32) (result i32) (local i32)
    (if (local.get 0) (then (local.set 1 (i32.const 7))))
    (local.get 1))
  (func (export "else_reads") (param i32) (result i32) (local i32)
    (if (result i32) (local.get 0)
      (then (local.set 1 (i32.const 7)) (local.get 1))
      (else (local.get 1))))
  (func (export "branch_over") (param i32) (result i32) (local i32)
    (block
      (br_if 0 (local.get 0))
      (local.set 1 (i32.const 7)))
    (local.get 1))
  (func (export "table_over") (param i32) (result i32) (local i32)
    (block (block
      (br_table 0 1 (local.get 0)))
      (local.set 1 (i32.const 7)))
    (local.get 1))
  (func (export "loop_before") (param i32) (result i32) (local i32 i32)
    (loop
      (local.set 2 (i32.add (local.get 2) (local.get 1)))
      (local.set 1 (i32.const 5))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 2))
  ;; A second block at the depth of the one that sets.
  (func (export "sibling") (param i32) (result i32) (local i32)
    (block (br_if 0 (local.get 0)) (local.set 1 (i32.const 7)))
    (block (result i32) (local.get 1)))
  (func (export "never") (result i32) (local i32 i64 f32 f64)
    (i32.add (local.get 0) (i32.add (i32.wrap_i64 (local.get 1))
      (i32.add (i32.reinterpret_f32 (local.get 2))
        (i32.wrap_i64 (i64.reinterpret_f64 (local.get 3)))))))
  ;; Far apart, and one that is set in between.
  (func (export "far") (result i32)
    (local i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i32 i32)
    (local.set 13 (i32.const 100))
    (i32.add (local.get 0) (i32.add (local.get 13) (local.get 14))))
  (func (export "dead_set") (param i32) (result i32) (local i32)
    (block (br 0) (local.set 1 (i32.const 7)))
    (local.get 1)))
