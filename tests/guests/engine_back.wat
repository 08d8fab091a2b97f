;; SPDX-License-Identifier: Apache-2.0
;; Functions that host functions call back (tests/unit/engine/ops/ops_host_test.c).
(module
  (import "host" "back" (func $back (param i32 i64) (result i64)))
  (import "host" "down" (func $down (param i32) (result i32)))
  (import "host" "fail" (func $fail))
  (func $divide (param i32) (result i32)
    i32.const 1
    local.get 0
    i32.div_u)
  (func (export "increment") (param i32) (result i32)
    local.get 0
    i32.const 1
    i32.add)
  (func (export "double") (param f64) (result f64)
    local.get 0
    local.get 0
    f64.add)
  (func (export "many") (param i32) (result i32 i64 f64)
    local.get 0
    i64.const -1
    f64.const 0.5)
  (func (export "divide") (param i32) (result i32)
    local.get 0
    call $divide)
  (func (export "again") (param i32) (result i32)
    local.get 0
    call $down)
  ;; A loop with pinned locals around the call, so that a callback could disturb them.
  (func (export "back") (param i32 i64) (result i64) (local i64 i32 f64)
    loop
      local.get 2
      local.get 0
      local.get 1
      call $back
      i64.add
      local.set 2
      local.get 4
      f64.const 1
      f64.add
      local.set 4
      local.get 3
      i32.const 1
      i32.add
      local.tee 3
      i32.const 3
      i32.lt_u
      br_if 0
    end
    local.get 2
    local.get 4
    i64.trunc_f64_s
    i64.add)
  (func (export "fail")
    call $fail))
