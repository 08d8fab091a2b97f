;; SPDX-License-Identifier: Apache-2.0
;; Control flow of every kind, for counting what is executed. One unit an instruction; block,
;; loop, else and end are free. The counts are written in translate_test.c, made by hand.
(module
  (type $unary (func (param i32) (result i32)))
  (table 3 funcref)
  (elem (i32.const 0) $double $countdown_tail $double)

  (func (export "straight") (param i32) (result i32)
    local.get 0 i32.const 1 i32.add
    local.get 0 i32.mul)

  (func (export "nothing"))

  (func (export "branch") (param i32) (result i32)
    block
      local.get 0
      br_if 0
      i32.const 10
      return
    end
    i32.const 20)

  (func (export "branch_away") (param i32) (result i32)
    block
      block
        local.get 0
        br_if 0
        nop
        br 1
      end
      nop
      nop
      i32.const 5
      return
    end
    i32.const 6)

  (func (export "if_else") (param i32) (result i32)
    local.get 0
    if (result i32)
      i32.const 1
    else
      i32.const 2
      i32.const 3
      i32.add
    end)

  (func (export "if_only") (param i32) (result i32)
    local.get 0
    if
      nop
      nop
    end
    i32.const 7)

  ;; Both arms leave early: the end is dead.
  (func (export "if_return") (param i32) (result i32)
    local.get 0
    if
      i32.const 1
      return
    else
      nop
      i32.const 2
      return
    end
    unreachable)

  ;; Only the first arm leaves: what follows belongs to the second.
  (func (export "if_leaves") (param i32) (result i32)
    local.get 0
    if
      nop
      i32.const 1
      return
    end
    nop
    nop
    i32.const 2)

  (func (export "sum") (param i32) (result i32) (local $s i32)
    loop
      local.get $s
      local.get 0
      i32.add
      local.set $s
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if 0
    end
    local.get $s)

  (func (export "nested") (param i32 i32) (result i32) (local $i i32) (local $c i32)
    loop $outer
      local.get 1
      local.set $i
      loop $inner
        local.get $c
        i32.const 1
        i32.add
        local.set $c
        local.get $i
        i32.const 1
        i32.sub
        local.tee $i
        br_if $inner
      end
      local.get 0
      i32.const 1
      i32.sub
      local.tee 0
      br_if $outer
    end
    local.get $c)

  (func (export "table") (param i32) (result i32)
    block $a
      block $b
        block $c
          local.get 0
          br_table $c $b $a
        end
        i32.const 1
        return
      end
      nop
      i32.const 2
      return
    end
    nop
    nop
    i32.const 3)

  ;; A table with entries backwards, forwards and out of the function.
  (func (export "table_loop") (param i32) (result i32) (local $n i32)
    block $out
      loop $again
        local.get $n
        i32.const 1
        i32.add
        local.set $n
        local.get 0
        i32.const 1
        i32.sub
        local.tee 0
        br_table $out $out $again $again
      end
    end
    local.get $n)

  (func (export "table_return") (param i32) (result i32)
    block
      i32.const 8
      local.get 0
      br_table 1 1
    end
    unreachable)

  (func $double (param i32) (result i32)
    local.get 0
    local.get 0
    i32.add)

  (func (export "calls") (param i32) (result i32)
    local.get 0
    call $double
    call $double
    i32.const 1
    i32.add)

  (func (export "calls_indirect") (param i32) (result i32)
    local.get 0
    i32.const 2
    call_indirect (type $unary))

  (func $countdown (param i32 i32) (result i32)
    local.get 0
    i32.eqz
    if
      local.get 1
      return
    end
    local.get 0
    i32.const 1
    i32.sub
    local.get 1
    i32.const 2
    i32.add
    return_call $countdown)

  (func (export "tail") (param i32) (result i32)
    local.get 0
    i32.const 0
    return_call $countdown)

  (func $countdown_tail (param i32) (result i32)
    local.get 0
    if (result i32)
      local.get 0
      i32.const 1
      i32.sub
      i32.const 1
      return_call_indirect (type $unary)
    else
      i32.const 77
    end)

  (func (export "tail_indirect") (param i32) (result i32)
    local.get 0
    return_call $countdown_tail)

  (func $factorial (export "recursion") (param i32) (result i32)
    local.get 0
    i32.eqz
    if (result i32)
      i32.const 1
    else
      local.get 0
      local.get 0
      i32.const 1
      i32.sub
      call $factorial
      i32.mul
    end)

  (func (export "return_in_loop") (param i32) (result i32)
    loop
      local.get 0
      i32.const 100
      i32.ge_u
      if
        local.get 0
        return
      end
      local.get 0
      i32.const 9
      i32.add
      local.set 0
      br 0
    end
    unreachable)

  (func (export "br_out") (param i32) (result i32)
    i32.const 3
    local.get 0
    br_if 0
    drop
    i32.const 99)

  ;; Folded into one operation, still counted one by one.
  (func (export "fused") (param i32) (result i32) (local $i i32)
    loop
      local.get $i
      i32.const 3
      i32.add
      local.tee $i
      local.get 0
      i32.lt_u
      i32.eqz
      i32.eqz
      br_if 0
    end
    local.get $i)

  (func (export "dead_code") (param i32) (result i32)
    block (result i32)
      i32.const 1
      br 0
      drop
      i32.const 2
      if (result i32)
        i32.const 3
      else
        i32.const 4
      end
    end
    i32.const 5
    i32.add)
)
