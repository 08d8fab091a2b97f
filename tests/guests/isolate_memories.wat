;; SPDX-License-Identifier: Apache-2.0
;; Changes three memories: one with unchecked accesses, one with 64-bit addresses, and one
;; that is checked because it is not memory 0.
(module
  (memory $plain (export "memory") 2 8)
  (memory $wide (export "wide") i64 3 20)
  (memory $other (export "other") 4 8)
  (data (memory $plain) (i32.const 4090) "across a border")
  (data (memory $wide) (i64.const 131070) "across two pages")
  (data (memory $other) (i32.const 16) "other")
  (data $late "passive bytes")

  (func $next (param $x i64) (result i64)
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
    (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))

  ;; An address with 8 bytes below `bytes`; every second one at the end of a 4 KiB page.
  (func $at (param $seed i64) (param $bytes i64) (result i64)
    (local $address i64)
    (local.set $bytes (i64.sub (local.get $bytes) (i64.const 8)))
    (local.set $address (i64.rem_u (local.get $seed) (local.get $bytes)))
    (if (i32.wrap_i64 (i64.and (i64.shr_u (local.get $seed) (i64.const 40)) (i64.const 1)))
      (then
        (local.set $address
          (i64.sub (i64.or (local.get $address) (i64.const 4095))
                   (i64.and (i64.shr_u (local.get $seed) (i64.const 41)) (i64.const 7))))))
    (select (local.get $bytes) (local.get $address)
            (i64.gt_u (local.get $address) (local.get $bytes))))

  (func $store (param $seed i64)
    (local $wide i64) (local $other i32)
    (local.set $wide (call $at (local.get $seed) (i64.const 196608)))
    (local.set $other (i32.wrap_i64 (call $at (local.get $seed) (i64.const 262144))))
    (block $done
      (block $64
        (block $32
          (block $16
            (block $8
              (br_table $8 $16 $32 $64
                (i32.wrap_i64 (i64.and (i64.shr_u (local.get $seed) (i64.const 50))
                                       (i64.const 3)))))
            (i32.store8 $wide (local.get $wide) (i32.const 0x5a))
            (i64.store8 $other (local.get $other) (local.get $seed))
            (br $done))
          (i64.store16 $wide (local.get $wide) (local.get $seed))
          (i32.store16 $other (local.get $other) (i32.const 0x5a5a))
          (br $done))
        (f32.store $wide (local.get $wide) (f32.const 1.5))
        (i32.store $other (local.get $other) (i32.const -1))
        (br $done))
      (i64.store $wide (local.get $wide) (local.get $seed))
      (f64.store $other (local.get $other) (f64.const -2.5))))

  (func (export "damage") (param $seed i64)
    (local $count i32) (local $from i64) (local $small i32)
    (local.set $count (i32.const 12))
    (loop $again
      (local.set $seed (call $next (local.get $seed)))
      (call $store (local.get $seed))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (i64.store (i32.wrap_i64 (call $at (local.get $seed) (i64.const 131072))) (local.get $seed))
    (local.set $from (i64.rem_u (local.get $seed) (i64.const 120000)))
    (local.set $small (i32.wrap_i64 (i64.rem_u (local.get $seed) (i64.const 9000))))
    (if (i32.and (local.get $small) (i32.const 1))
      (then
        (memory.fill $wide (local.get $from) (i32.const 0xa5) (i64.extend_i32_u (local.get $small)))
        (memory.init $wide $late (local.get $from) (i32.const 0) (i32.const 13))))
    (if (i32.and (local.get $small) (i32.const 2))
      (then
        (memory.copy $other $wide
          (i32.wrap_i64 (local.get $from)) (i64.const 131000) (local.get $small))
        (memory.copy $plain $other (local.get $small) (i32.const 0) (local.get $small))))
    (if (i32.and (local.get $small) (i32.const 4))
      (then
        (drop (memory.grow $wide (i64.const 2)))
        (i64.store $wide (i64.sub (i64.shl (memory.size $wide) (i64.const 16)) (i64.const 8))
                         (i64.const -1))))
    (if (i32.and (local.get $small) (i32.const 8))
      (then
        (drop (memory.grow $other (i32.const 1)))
        (drop (memory.grow $plain (i32.const 1)))
        (memory.fill $other (i32.const 262140) (i32.const 1) (i32.const 40000)))))

  ;; Sizes in pages, one decimal digit or two each.
  (func (export "sizes") (result i32)
    (i32.add
      (i32.mul (memory.size $plain) (i32.const 10000))
      (i32.add (i32.mul (i32.wrap_i64 (memory.size $wide)) (i32.const 100))
               (memory.size $other)))))
