;; SPDX-License-Identifier: Apache-2.0
;; Instructions that become one operation (engine/translate_fuse.c), and neighbours that must not.
(module
  (global $pointer (mut i32) (i32.const 1000))
  (global $other (mut i32) (i32.const 5))

  (func (export "shl_add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 35))))
  (func (export "shl_add_first") (param i32 i32) (result i32)
    (i32.add (i32.shl (local.get 1) (i32.const 4)) (local.get 0)))
  (func (export "shl_add_constant") (param i32) (result i32)
    (i32.add (i32.shl (local.get 0) (i32.const 1)) (i32.const -7)))
  ;; both shifted: one of them is fused
  (func (export "shl_add_shl") (param i32 i32) (result i32)
    (i32.add (i32.shl (local.get 0) (i32.const 8)) (i32.shl (local.get 1) (i32.const 4))))
  (func (export "shl_variable") (param i32 i32) (result i32)
    (i32.add (i32.shl (local.get 0) (local.get 1)) (local.get 1)))

  (func (export "shr_and") (param i32) (result i32)
    (i32.and (i32.shr_u (local.get 0) (i32.const 36)) (i32.const 255)))
  (func (export "shr_and_branch") (param i32) (result i32)
    (if (result i32) (i32.and (i32.shr_u (local.get 0) (i32.const 3)) (i32.const 1))
      (then (i32.const 10)) (else (i32.const 20))))

  (func (export "and_branch") (param i32 i32) (result i32)
    (if (i32.and (local.get 0) (local.get 1)) (then (return (i32.const 1))))
    (block
      (br_if 0 (i32.eqz (i32.and (local.get 0) (i32.const 0x80000000))))
      (return (i32.const 2)))
    (i32.const 3))

  ;; The shadow stack: down, used, up again.
  (func (export "frame") (param i32) (result i32) (local $fp i32) (local $seen i32)
    (global.set $pointer
      (local.tee $fp (i32.sub (global.get $pointer) (i32.const 16))))
    (local.set $seen (i32.sub (global.get $pointer) (local.get $fp)))
    (local.set $seen (i32.add (local.get $seen) (i32.add (local.get $fp) (local.get 0))))
    (global.set $pointer (i32.add (local.get $fp) (i32.const 16)))
    (i32.add (local.get $seen) (global.get $pointer)))
  ;; Another global is read than is written.
  (func (export "frame_of_another") (param i32) (result i32) (local $fp i32)
    (global.set $pointer
      (local.tee $fp (i32.sub (global.get $other) (local.get 0))))
    (local.set 0 (i32.add (global.get $pointer) (local.get $fp)))
    (global.set $pointer (i32.const 1000))
    (local.get 0))
  ;; The sum is kept in a local other than the one the global gets.
  (func (export "frame_of_a_local") (param i32) (result i32) (local $sum i32)
    (local.set $sum (i32.add (global.get $pointer) (i32.const 1)))
    (global.set $pointer (local.get 0))
    (local.set 0 (i32.add (global.get $pointer) (local.get $sum)))
    (global.set $pointer (i32.const 1000))
    (local.get 0))

  (func $table (export "table") (param i32) (result i32)
    (block (block (block
      (br_table 0 1 2 (i32.sub (local.get 0) (i32.const 7))))
      (return (i32.const 70)))
      (return (i32.const 80)))
    (i32.const 90))
  (func (export "table_sum") (param i32) (result i32) (local i32)
    (block (block (block
      (br_table 0 1 2 (local.tee 1 (i32.add (local.get 0) (i32.const 3)))))
      (return (local.get 1)))
      (return (i32.add (local.get 1) (i32.const 80))))
    (local.get 1))

  ;; A loop that ends in an increment and a jump; the local is pinned.
  (func (export "count") (param i32) (result i32) (local i32 i32)
    (block
      (loop
        (br_if 1 (i32.ge_u (local.get 1) (local.get 0)))
        (local.set 2 (i32.add (local.get 2) (local.get 1)))
        (local.set 1 (i32.add (local.get 1) (i32.const 3)))
        (br 0)))
    (local.get 2))
  ;; The sum goes to another local than it comes from: no fusing.
  (func (export "count_apart") (param i32) (result i32) (local i32 i32)
    (block
      (loop
        (br_if 1 (i32.ge_u (local.get 1) (local.get 0)))
        (local.set 1 (local.get 2))
        (local.set 2 (i32.sub (local.get 1) (i32.const -5)))
        (br 0)))
    (local.get 2))

  (func $weigh (param i32 i32 i32 i32 i64 i32) (result i32)
    (i32.add (local.get 0)
      (i32.mul (i32.const 10) (i32.add (local.get 1)
        (i32.mul (i32.const 10) (i32.add (local.get 2)
          (i32.mul (i32.const 10) (i32.add (local.get 3)
            (i32.mul (i32.const 10) (i32.add (i32.wrap_i64 (local.get 4))
              (i32.mul (i32.const 10) (local.get 5))))))))))))
  ;; Arguments from locals and constants, in all orders.
  (func (export "move_locals") (param i32 i32 i32) (result i32)
    (call $weigh (local.get 2) (local.get 1) (local.get 0) (local.get 2)
      (i64.const 1) (local.get 1)))
  (func (export "move_mixed") (param i32 i32) (result i32)
    (call $weigh (i32.const 1) (local.get 1) (local.get 0) (i32.const 2)
      (i64.const 3) (i32.const 4)))
  (func (export "move_constants") (result i32)
    (call $weigh (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
      (i64.const -1) (i32.const 6))))
