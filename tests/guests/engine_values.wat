;; SPDX-License-Identifier: Apache-2.0
;; Where values are when they are needed: locals read before they are set, values that cross
;; labels, operations that are fused. A `loop` without a branch back only makes its locals
;; worth a register; names that end in _pinned have one.
(module
  (memory 1)
  (data (i32.const 8) "\f8\ff\ff\ff\80\ff")
  (global $gi (mut i32) (i32.const 0))
  (global $gl (mut i64) (i64.const 0))
  (global $gd (mut f64) (f64.const 0))

  ;; ---- local.set with older reads still on the stack

  (func (export "old_read") (param i32) (result i32)
    local.get 0
    i32.const 5
    local.set 0
    local.get 0
    i32.sub)

  (func (export "old_reads") (param i32) (result i32)
    local.get 0
    local.get 0
    local.get 0
    i32.const 7
    local.set 0
    i32.add
    i32.add
    local.get 0
    i32.add)

  ;; The old value is read twice by the operation that makes the new one.
  (func (export "old_read_by_operation") (param i32) (result i32)
    local.get 0
    local.get 0
    local.get 0
    i32.const 1
    i32.add
    i32.mul
    local.set 0
    local.get 0
    i32.sub)

  (func (export "old_read_pinned") (param i32) (result i32)
    loop (result i32)
      local.get 0
      local.get 0
      i32.const 1
      i32.add
      local.set 0
      local.get 0
      i32.const 10
      i32.mul
      i32.add
    end)

  ;; Two locals exchanged through the stack, n times.
  (func (export "exchange") (param i32 i32 i32) (result i32)
    loop
      local.get 0
      local.get 1
      local.set 0
      local.set 1
      local.get 2
      i32.const 1
      i32.sub
      local.tee 2
      br_if 0
    end
    local.get 0
    i32.const 100
    i32.mul
    local.get 1
    i32.add)

  (func (export "fibonacci") (param i32) (result i64) (local $a i64) (local $b i64)
    i64.const 1
    local.set $b
    loop
      local.get $b
      local.get $a
      local.get $b
      i64.add
      local.set $b
      local.set $a
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get $a)

  (func (export "fibonacci_float") (param i32) (result f64) (local $a f64) (local $b f64)
    f64.const 1
    local.set $b
    loop
      local.get $b
      local.get $a
      local.get $b
      f64.add
      local.set $b
      local.set $a
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get $a)

  (func $seven (result i32) i32.const 7)
  (func $half (param f32) (result f32) local.get 0 f32.const 0.5 f32.mul)

  ;; A call between the read and the use; the callee must not disturb either.
  (func (export "old_read_over_call") (param i32) (result i32)
    loop (result i32)
      local.get 0
      call $seven
      local.set 0
      local.get 0
      call $seven
      i32.mul
      i32.sub
    end)

  (func (export "float_over_call") (param f32) (result f32) (local $s f32)
    loop (result f32)
      local.get 0
      local.get 0
      call $half
      local.tee $s
      local.get $s
      call $half
      local.set 0
      local.get 0
      f32.add
      f32.add
    end)

  ;; A dropped result must not come back for the constant that takes its place.
  (func (export "dropped") (param i32) (result i32)
    local.get 0
    i32.const 1
    i32.add
    drop
    i32.const 40
    local.get 0
    i32.add)

  ;; ---- local.tee

  (func (export "tee_chain") (param i32) (result i32) (local i32 i32)
    local.get 0
    i32.const 1
    i32.add
    local.tee 1
    local.tee 2
    local.get 1
    i32.add
    local.get 2
    i32.add)

  (func (export "tee_self") (param i32) (result i32)
    local.get 0
    local.get 0
    i32.const 1
    i32.add
    local.tee 0
    i32.add
    local.get 0
    i32.mul)

  (func (export "tee_then_set") (param i32) (result i32)
    local.get 0
    i32.const 3
    i32.mul
    local.tee 0
    i32.const 2
    local.set 0
    local.get 0
    i32.sub)

  (func (export "tee_of_tee_pinned") (param f64) (result f64) (local f64 f64)
    loop (result f64)
      local.get 0
      f64.const 0.25
      f64.add
      local.tee 1
      local.tee 2
      local.get 1
      f64.mul
      local.get 2
      f64.add
      local.tee 0
      local.get 0
      f64.add
    end)

  ;; ---- branches that carry values

  (func (export "br_if_value") (param i32) (result i32)
    i32.const 1000
    block (result i32)
      local.get 0
      i32.const 2
      i32.mul
      local.get 0
      i32.const 5
      i32.gt_s
      br_if 0
      i32.const 3
      i32.add
    end
    i32.add)

  ;; The carried value is not where the label wants it: one entry too high.
  (func (export "br_if_value_higher") (param i32) (result i32)
    block (result i32)
      i32.const 50
      local.get 0
      local.get 0
      br_if 0
      i32.add
    end)

  ;; Carries a local that is set again when the branch is not taken.
  (func (export "br_if_local") (param i32) (result i32)
    block (result i32)
      local.get 0
      local.get 0
      i32.const 1
      i32.and
      br_if 0
      i32.const 9
      local.set 0
      local.get 0
      i32.add
    end)

  (func (export "br_if_two") (param i32) (result i32)
    block (result i32 i32)
      i32.const 7
      i32.const 100
      local.get 0
      i32.const 3
      local.get 0
      br_if 0
      drop
      drop
      drop
      i32.const 1
    end
    i32.sub)

  (func (export "br_if_constant_return") (param i32) (result i64)
    i64.const 0x123456789abcdef0
    local.get 0
    br_if 0
    drop
    i64.const -2)

  (func (export "br_table_values") (param i32) (result i32)
    i32.const 1000
    block $a (result i32)
      i32.const 100
      block $b (result i32)
        i32.const 10
        block $c (result i32)
          i32.const 7
          local.get 0
          br_table $c $b $a 3
        end
        i32.const 1
        i32.add
        i32.add
      end
      i32.const 2
      i32.add
      i32.add
    end
    i32.const 3
    i32.add
    i32.add)

  (func (export "br_table_pairs") (param i32) (result i32)
    block $a (result i32 i32)
      i32.const 5
      block $b (result i32 i32)
        i32.const 20
        i32.const 3
        local.get 0
        br_table $b $a
      end
      i32.sub
    end
    i32.mul)

  ;; To a loop with a parameter.
  (func (export "loop_parameter") (param i32) (result i32)
    i32.const 1
    loop (param i32) (result i32)
      local.get 0
      i32.mul
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end)

  (func (export "if_parameter") (param i32) (result i32)
    i32.const 11
    local.get 0
    i32.const 4
    local.get 0
    i32.const 2
    i32.lt_u
    if (param i32 i32) (result i32)
      i32.add
    else
      i32.mul
      local.get 0
      i32.sub
    end
    i32.sub)

  ;; ---- x += constant, compare, branch: with entries that mean x before and after

  (func (export "count_up") (param i32) (result i32) (local $i i32)
    loop
      local.get $i
      i32.const 1
      i32.add
      local.tee $i
      local.get 0
      i32.ne
      br_if 0
    end
    local.get $i)

  (func (export "count_down") (param i32) (result i32) (local $n i32)
    loop
      local.get $n
      i32.const 2
      i32.add
      local.set $n
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      i32.const 0
      i32.gt_s
      br_if 0
    end
    local.get $n)

  ;; The entry below means x after the addition and is carried.
  (func (export "stale_after") (param i32) (result i32)
    block (result i32)
      local.get 0
      i32.const 1
      i32.add
      local.set 0
      local.get 0
      local.get 0
      i32.const 10
      i32.lt_s
      br_if 0
      i32.const 1000
      i32.add
    end)

  ;; The entry below means x before the addition and is carried.
  (func (export "stale_before") (param i32) (result i32)
    block (result i32)
      local.get 0
      local.get 0
      i32.const 1
      i32.add
      local.set 0
      local.get 0
      i32.const 10
      i32.lt_s
      br_if 0
      i32.const 1000
      i32.add
    end)

  (func (export "stale_before_if") (param i32) (result i32)
    local.get 0
    local.get 0
    i32.const 1
    i32.add
    local.tee 0
    i32.const 10
    i32.lt_s
    if (param i32) (result i32)
      local.get 0
      i32.mul
    else
      local.get 0
      i32.add
    end)

  (func (export "stale_after_if") (param i32) (result i32)
    local.get 0
    i32.const -1
    i32.add
    local.tee 0
    local.get 0
    i32.const 10
    i32.lt_s
    if (param i32) (result i32)
      i32.const 0
      local.set 0
    else
      i32.const 1
      local.set 0
    end
    i32.const 2
    i32.mul
    local.get 0
    i32.add)

  ;; Both sides of the comparison are the local just increased.
  (func (export "fused_with_itself") (param i32) (result i32)
    block
      local.get 0
      i32.const 1
      i32.add
      local.tee 0
      local.get 0
      i32.eq
      br_if 0
      i32.const -1
      return
    end
    local.get 0)

  ;; ---- eqz

  (func (export "eqz_of_compare") (param i32 i32) (result i32)
    block
      local.get 0
      local.get 1
      i32.lt_s
      i32.eqz
      br_if 0
      i32.const 1
      return
    end
    i32.const 2)

  (func (export "eqz_of_eqz") (param i32) (result i32)
    local.get 0
    i32.eqz
    i32.eqz)

  (func (export "eqz_if") (param i32) (result i32)
    local.get 0
    i32.eqz
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)

  (func (export "eqz_wide_if") (param i64) (result i32)
    local.get 0
    i64.eqz
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)

  (func (export "eqz_wide_br") (param i64) (result i32)
    block
      local.get 0
      i64.eqz
      br_if 0
      i32.const 2
      return
    end
    i32.const 1)

  ;; Not (x < y) is not x >= y: with NaN neither holds.
  (func (export "eqz_of_float_compare") (param f64 f64) (result i32)
    local.get 0
    local.get 1
    f64.lt
    i32.eqz)

  (func (export "float_compare_if") (param f64 f64) (result i32)
    local.get 0
    local.get 1
    f64.lt
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)

  (func (export "float_compare_eqz_if") (param f64 f64) (result i32)
    local.get 0
    local.get 1
    f64.ge
    i32.eqz
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)

  ;; ---- constants that do not fit a cell's 32 bits

  (func (export "wide_add") (param i64) (result i64)
    local.get 0
    i64.const 0x100000000
    i64.add)

  (func (export "wide_from") (param i64) (result i64)
    i64.const 0x80000000
    local.get 0
    i64.sub)

  (func (export "wide_compare") (param i64) (result i32)
    local.get 0
    i64.const 0x80000000
    i64.lt_u
    if (result i32)
      i32.const 1
    else
      i32.const 2
    end)

  (func (export "wide_store") (result i64)
    i32.const 16
    i64.const 0x0123456789abcdef
    i64.store
    i32.const 16
    i64.load32_u
    i32.const 16
    i64.load
    i64.xor)

  (func (export "wide_local") (result i64) (local i64)
    i64.const 0xffffffff
    local.set 0
    local.get 0)

  (func (export "wide_global") (result i64)
    i64.const 0x80000000
    global.set $gl
    global.get $gl)

  (func (export "wide_select") (param i32) (result i64)
    i64.const 0x80000000
    i64.const -1
    local.get 0
    select)

  (func (export "high_select") (param i32) (result i64)
    i32.const 0x80000000
    i32.const -1
    local.get 0
    select
    i64.extend_i32_u)

  ;; ---- i32 is zero-extended wherever it is

  (func (export "extend_local") (param i32) (result i64)
    local.get 0
    i64.extend_i32_u)

  (func (export "extend_sum") (param i32) (result i64)
    local.get 0
    i32.const -1
    i32.add
    i64.extend_i32_u)

  (func (export "extend_constant") (result i64)
    i32.const -5
    i64.extend_i32_u)

  (func (export "extend_load") (result i64)
    i32.const 8
    i32.load
    i64.extend_i32_u)

  (func (export "extend_load_signed") (result i64)
    i32.const 12
    i32.load8_s
    i64.extend_i32_u)

  (func (export "extend_wrapped") (param i64) (result i64)
    local.get 0
    i32.wrap_i64
    i64.extend_i32_u)

  (func (export "extend_global") (result i64)
    i32.const -7
    global.set $gi
    global.get $gi
    i64.extend_i32_u)

  ;; ---- addresses that are sums

  (func (export "sum_wraps") (param i32) (result i32)
    local.get 0
    i32.const 16
    i32.add
    i32.load8_u)

  (func (export "sum_store") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.add
    local.get 1
    i32.store offset=100
    local.get 0
    local.get 1
    i32.add
    i32.load offset=100)

  ;; The value is an operation: the sum has to wait in its slot.
  (func (export "sum_store_computed") (param i32 i32) (result i32)
    local.get 0
    local.get 1
    i32.add
    local.get 0
    local.get 1
    i32.mul
    i32.store
    local.get 0
    local.get 1
    i32.add
    i32.load)

  (func (export "store_parts") (result i64)
    i32.const 200
    i64.const 0x1122334455667788
    i64.store8
    i32.const 201
    i64.const 0x1122334455667788
    i64.store16
    i32.const 203
    i64.const 0x1122334455667788
    i64.store32
    i32.const 207
    i32.const 0x123456ee
    i32.store8
    i32.const 200
    i64.load)

  (func (export "floats_in_memory") (param f64) (result f64)
    i32.const 300
    local.get 0
    f64.store
    i32.const 308
    f32.const 1.5
    f32.store
    i32.const 300
    f64.load
    i32.const 308
    f32.load
    f64.promote_f32
    f64.add
    global.set $gd
    global.get $gd
    f64.const 2
    f64.mul)

  ;; ---- many results

  (func $three (param i32) (result i32 i64 f64)
    local.get 0
    i32.const 1
    i32.add
    i64.const -1
    f64.const 2.5)

  (func (export "many_results") (param i32) (result f64)
    local.get 0
    call $three
    drop
    drop
    local.get 0
    i32.mul
    f64.convert_i32_s)

  (func (export "many_results_used") (param i32) (result f64) (local f64 i64)
    i32.const 1000
    local.get 0
    call $three
    local.set 1
    local.set 2
    i32.add
    f64.convert_i32_s
    local.get 1
    f64.add
    local.get 2
    f64.convert_i64_s
    f64.add)
)
