;; SPDX-License-Identifier: Apache-2.0
;; Changes everything that a guest can change, so that resets can be held against it:
;; memory (plain, across page borders, bulk, grown), globals, table, dropped segments.
(module
  (memory (export "memory") 4 64)
  (global $a (export "a") (mut i32) (i32.const 7))
  (global $b (export "b") (mut i64) (i64.const -9))
  (global $c (export "c") (mut f64) (f64.const 1.5))
  (type $unit (func (result i32)))
  (table $t 4 16 funcref)
  (elem (table $t) (i32.const 1) func $one $two)
  (elem $passive func $two $one)
  (data (i32.const 16) "snapshot")
  (data (i32.const 4090) "across a border")
  (data (i32.const 131070) "across two pages")
  (data $late "passive bytes")
  (func $one (type $unit) (i32.const 1))
  (func $two (type $unit) (i32.const 2))

  (func $next (param $x i64) (result i64)
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
    (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))

  ;; `count` stores of 1, 2, 4 or 8 bytes, half of them at the end of a 4 KiB page.
  (func (export "scribble") (param $seed i64) (param $count i32)
    (local $address i32) (local $kind i32)
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (local.set $seed (call $next (local.get $seed)))
        (local.set $address
          (i32.rem_u (i32.wrap_i64 (local.get $seed)) (i32.const 262136)))
        (local.set $kind
          (i32.and (i32.wrap_i64 (i64.shr_u (local.get $seed) (i64.const 40))) (i32.const 7)))
        (if (i32.and (local.get $kind) (i32.const 4))
          (then
            (local.set $address
              (i32.sub (i32.or (local.get $address) (i32.const 4095))
                       (i32.and (local.get $kind) (i32.const 3))))
            (if (i32.gt_u (local.get $address) (i32.const 262136))
              (then (local.set $address (i32.const 262136))))))
        (if (i32.eqz (i32.and (local.get $kind) (i32.const 3)))
          (then (i32.store8 (local.get $address) (i32.wrap_i64 (local.get $seed)))))
        (if (i32.eq (i32.and (local.get $kind) (i32.const 3)) (i32.const 1))
          (then (i32.store16 (local.get $address) (i32.wrap_i64 (local.get $seed)))))
        (if (i32.eq (i32.and (local.get $kind) (i32.const 3)) (i32.const 2))
          (then (i32.store (local.get $address) (i32.wrap_i64 (local.get $seed)))))
        (if (i32.eq (i32.and (local.get $kind) (i32.const 3)) (i32.const 3))
          (then (i64.store (local.get $address) (local.get $seed))))
        (br $again))))

  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32)
    (memory.init $late (local.get 0) (i32.const 0) (i32.const 13)))
  (func (export "drop")
    (data.drop $late)
    (elem.drop $passive))
  ;; Grows and writes to the first and last bytes of what is new, and across the old end.
  (func (export "grow") (param $pages i32)
    (local $old i32)
    (local.set $old (i32.shl (memory.grow (local.get $pages)) (i32.const 16)))
    (if (i32.lt_s (local.get $old) (i32.const 0)) (then (return)))
    (i64.store (i32.sub (local.get $old) (i32.const 3)) (i64.const -1))
    (i64.store (local.get $old) (i64.const -1))
    (i64.store (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 8)) (i64.const -1)))
  (func (export "globals") (param $seed i64)
    (global.set $a (i32.wrap_i64 (local.get $seed)))
    (global.set $b (local.get $seed))
    (global.set $c (f64.convert_i64_s (local.get $seed))))
  (func (export "tables")
    (drop (table.grow $t (ref.func $two) (i32.const 3)))
    (table.set $t (i32.const 1) (ref.null func))
    (table.init $t $passive (i32.const 2) (i32.const 0) (i32.const 2)))
  ;; What the table and the segments look like from inside.
  (func (export "probe") (result i32)
    (memory.init $late (i32.const 64) (i32.const 0) (i32.const 13))
    (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 1))
    (i32.add
      (i32.mul (table.size $t) (i32.const 100))
      (i32.add
        (i32.mul (call_indirect (type $unit) (i32.const 1)) (i32.const 10))
        (call_indirect (type $unit) (i32.const 2)))))
  (func (export "trap") (unreachable)))
