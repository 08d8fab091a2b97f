;; SPDX-License-Identifier: Apache-2.0
;; What engine_run.wat imports when it runs beside this: functions that keep their state in a
;; memory, a global and pinned locals of their own.
(module
  (memory (export "memory") 1)
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (table (export "table") 4 funcref)
  (elem (i32.const 1) $add $many)
  (type $binary (func (param i32 i32) (result i32)))

  (func $add (export "add") (param i32 i32) (result i32)
    global.get $calls
    i32.const 1
    i32.add
    global.set $calls
    i32.const 0
    local.get 0
    i32.store
    i32.const 0
    i32.load
    local.get 1
    i32.add)

  ;; 64 bits of integer, then floats, then the arguments again.
  (func $many (export "many") (param i32 f32) (result i64 f64 f32 i32)
    i64.const 0x0123456789abcdef
    local.get 1
    f64.promote_f32
    f64.const 0.5
    f64.add
    local.get 1
    local.get 0)

  (func (export "half") (param f32) (result f32)
    local.get 0
    f32.const 0.5
    f32.mul)

  ;; Busy with its own pins.
  (func (export "triangle") (param i32) (result i64) (local $s i64)
    loop
      local.get $s
      local.get 0
      i64.extend_i32_u
      i64.add
      local.set $s
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get $s)

  ;; Leaves to the function that entry 0 of the table holds, in whatever instance.
  (func (export "bounce") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.const 0
    return_call_indirect (type $binary))

  (func $divide (export "divide") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.div_s)
)
