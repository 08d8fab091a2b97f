;; SPDX-License-Identifier: Apache-2.0
;; What the interpreter does beyond arithmetic: stack, memory, host calls, tables, calls into
;; another instance (engine_other.wat). Every func is imported from "other" or "host", which
;; a test provides or leaves to trap.
(module
  (type $unary (func (param i32) (result i32)))
  (type $binary (func (param i32 i32) (result i32)))
  (type $many (func (param i32 f32) (result i64 f64 f32 i32)))
  (import "other" "add" (func $other_add (param i32 i32) (result i32)))
  (import "other" "many" (func $other_many (param i32 f32) (result i64 f64 f32 i32)))
  (import "other" "half" (func $other_half (param f32) (result f32)))
  (import "other" "triangle" (func $other_triangle (param i32) (result i64)))
  (import "other" "bounce" (func $other_bounce (param i32 i32) (result i32)))
  (import "other" "divide" (func $other_divide (param i32 i32) (result i32)))
  (import "host" "integer" (func $host_integer (param i32 i64) (result i64)))
  (import "host" "narrow" (func $host_narrow (param i64) (result i32)))
  (import "host" "float" (func $host_float (param f64 f32) (result f32)))
  (import "host" "many" (func $host_many (param i32) (result i32 f64 i64)))
  (import "host" "nothing" (func $host_nothing (param i32)))
  (import "other" "table" (table $shared 4 funcref))
  (table $own 6 funcref)
  (elem (table $own) (i32.const 1) func $increment $sum $deep $far_sum)
  (elem (table $shared) (i32.const 0) func $sum)
  (memory 2 3)

  (func $increment (export "increment") (param i32) (result i32)
    local.get 0
    i32.const 1
    i32.add)

  (func $sum (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.add)

  ;; ---- the stack

  (func $deep (export "deep") (param i32) (result i32)
    local.get 0
    i32.eqz
    if
      i32.const 0
      return
    end
    local.get 0
    i32.const 1
    i32.sub
    call $deep
    i32.const 1
    i32.add)

  (func (export "deep_indirect") (param i32) (result i32)
    local.get 0
    i32.const 3
    call_indirect $own (type $unary))

  ;; For ever, in one frame.
  (func $spin (export "spin") (param i32) (result i32)
    local.get 0
    i32.const 1
    i32.add
    return_call $spin)

  ;; ---- memory: 2 pages, the last byte is at 0x1ffff

  (func (export "load8") (param i32) (result i32)
    local.get 0
    i32.load8_u)
  (func (export "load32") (param i32) (result i32)
    local.get 0
    i32.load)
  (func (export "load64") (param i32) (result i64)
    local.get 0
    i64.load)
  (func (export "load_float") (param i32) (result f64)
    local.get 0
    f64.load)
  (func (export "load_far") (param i32) (result i32)
    local.get 0
    i32.load8_u offset=0xffffffff)
  (func (export "load_indexed") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.add
    i32.load offset=4)
  (func (export "store8") (param i32)
    local.get 0
    i32.const 0x5a
    i32.store8)
  (func (export "store16") (param i32)
    local.get 0
    i32.const 0x5a5a
    i32.store16)
  (func (export "store32") (param i32)
    local.get 0
    i32.const 0x5a5a5a5a
    i32.store)
  (func (export "store64") (param i32)
    local.get 0
    i64.const 0x5a5a5a5a5a5a5a5a
    i64.store)
  (func (export "store_float") (param i32)
    local.get 0
    f32.const 1
    f32.store)
  (func (export "store_double") (param i32)
    local.get 0
    f64.const 1
    f64.store)
  (func (export "store_far") (param i32)
    local.get 0
    i32.const 1
    i32.store8 offset=0xffffffff)
  (func (export "store_indexed") (param i32 i32)
    local.get 0
    local.get 1
    i32.add
    i32.const 0x5a5a5a5a
    i32.store offset=4)
  (func (export "fill") (param i32 i32)
    local.get 0
    i32.const 0x5a
    local.get 1
    memory.fill)
  (func (export "copy") (param i32 i32 i32)
    local.get 0
    local.get 1
    local.get 2
    memory.copy)
  (func (export "grow") (param i32) (result i32)
    local.get 0
    memory.grow)
  (func (export "trap_in_loop") (param i32) (result i32) (local $s i32)
    loop
      local.get 0
      i32.load8_u
      local.get $s
      i32.add
      local.set $s
      local.get 0
      i32.const 1024
      i32.add
      local.set 0
      br 0
    end
    unreachable)

  ;; ---- suspension: accumulators and pins of both classes, through loops and calls

  (func $scale (param f64) (result f64)
    local.get 0
    f64.const 0.5
    f64.mul)

  (func (export "mixed") (param $n i32) (result f64)
    (local $i i32) (local $a i64) (local $b i32) (local $x f64) (local $y f32) (local $z f64)
    f64.const 1
    local.set $z
    loop
      local.get $a
      local.get $i
      i64.extend_i32_s
      i64.const 3
      i64.mul
      i64.add
      local.set $a
      local.get $b
      i32.const 5
      i32.rotl
      local.get $i
      i32.xor
      local.set $b
      local.get $x
      local.get $i
      f64.convert_i32_s
      local.get $z
      f64.mul
      f64.add
      local.set $x
      local.get $y
      f32.const 0.25
      f32.add
      local.set $y
      local.get $z
      call $scale
      f64.const 0.75
      f64.add
      local.set $z
      local.get $i
      i32.const 1
      i32.add
      local.tee $i
      local.get $n
      i32.lt_s
      br_if 0
    end
    local.get $a
    f64.convert_i64_s
    local.get $b
    f64.convert_i32_s
    f64.add
    local.get $x
    f64.add
    local.get $y
    f64.promote_f32
    f64.add
    local.get $z
    f64.add)

  ;; ---- host functions

  (func (export "host_integer") (param i32 i64) (result i64)
    local.get 0
    local.get 1
    call $host_integer
    i64.const 1
    i64.add)

  (func (export "host_narrow") (param i64) (result i64)
    local.get 0
    call $host_narrow
    i64.extend_i32_u)

  (func (export "host_float") (param f64 f32) (result f32)
    local.get 0
    local.get 1
    call $host_float
    f32.const 2
    f32.mul)

  (func (export "host_many") (param i32) (result f64) (local f64 i64)
    local.get 0
    call $host_many
    local.set 2
    local.set 1
    f64.convert_i32_s
    local.get 1
    f64.add
    local.get 2
    f64.convert_i64_s
    f64.add)

  (func (export "host_nothing") (param i32) (result i32)
    local.get 0
    i32.const 1
    i32.add
    call $host_nothing
    local.get 0)

  (func (export "host_tail") (param i32 i64) (result i64)
    local.get 0
    local.get 1
    return_call $host_integer)

  ;; ---- tables

  (func (export "indirect") (param i32 i32) (result i32)
    local.get 1
    local.get 0
    call_indirect $own (type $unary))

  (func (export "indirect_tail") (param i32 i32) (result i32)
    local.get 1
    local.get 0
    return_call_indirect $own (type $unary))

  ;; ---- another instance

  (func (export "cross") (param i32 i32) (result i32)
    i32.const 1000
    local.get 0
    local.get 1
    call $other_add
    i32.add)

  (func (export "cross_table") (param i32 i32) (result i32)
    i32.const 1000
    local.get 0
    local.get 1
    i32.const 1
    call_indirect $shared (type $binary)
    i32.add)

  (func (export "cross_tail") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    return_call $other_add)

  (func (export "cross_table_tail") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.const 1
    return_call_indirect $shared (type $binary))

  ;; There by import, back by a tail call through the table.
  (func (export "cross_bounce") (param i32 i32) (result i32)
    i32.const 7
    local.get 0
    local.get 1
    call $other_bounce
    i32.mul)

  (func (export "cross_float") (param f32) (result f32)
    local.get 0
    local.get 0
    call $other_half
    f32.add)

  (func (export "cross_many") (param i32 f32) (result f64) (local i64 f64 f32)
    i32.const 100
    local.get 0
    local.get 1
    call $other_many
    local.set 0
    local.set 4
    local.set 3
    local.set 2
    local.get 2
    i64.const 0x0123456789abcdef
    i64.eq
    i32.add
    local.get 0
    i32.add
    f64.convert_i32_s
    local.get 3
    f64.add
    local.get 4
    f64.promote_f32
    f64.add)

  (func (export "cross_many_table") (param i32 f32) (result i32)
    local.get 0
    local.get 1
    i32.const 2
    call_indirect $shared (type $many)
    i32.const 5
    i32.add
    return)

  (func (export "cross_triangle") (param i32) (result i64) (local $i i32) (local $s i64)
    loop
      local.get $s
      local.get 0
      call $other_triangle
      i64.add
      local.set $s
      local.get $i
      i32.const 1
      i32.add
      local.tee $i
      i32.const 10
      i32.lt_u
      br_if 0
    end
    local.get $s)

  ;; Entry 4 of our own table is a func of ours that leaves to the other instance.
  (func $far_sum (param i32) (result i32)
    local.get 0
    i32.const 0
    call $other_divide)

  (func $middle (param i32) (result i32)
    nop
    local.get 0
    call $far_sum
    i32.const 1
    i32.add)

  (func $outer (export "outer") (param i32) (result i32)
    local.get 0
    call $middle
    drop
    i32.const 0)

  ;; For ever, one cross frame each.
  (func $cross_forever (export "cross_forever") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    call $other_bounce
    drop
    local.get 0
    local.get 1
    call $cross_forever)
)
