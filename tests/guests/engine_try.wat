;; SPDX-License-Identifier: Apache-2.0
;; Exceptions of the form before WebAssembly 3.0: try with its catches, delegate, rethrow. What
;; each function gives is said above it; try_test.c counts the instructions.
(module
  (type $two (func (result i32 i64)))
  (type $down (func (param i32) (result i32)))
  (tag $empty (export "empty"))
  (tag $value (export "value") (param i32))
  (tag $pair (param i64 f64))
  (tag $vector (param v128 i32))
  (table funcref (elem $raise))
  (global $log (mut i32) (i32.const 0))

  ;; Throws by its argument: 0 nothing, 1 $empty, 2 $value 42, 3 $pair, else $vector.
  (func $raise (export "raise") (param $which i32) (result i32)
    (block $vector (block $pair (block $value (block $empty (block $none
      (br_table $none $empty $value $pair $vector (local.get $which)))
      (return (i32.const 5)))
      (throw $empty))
      (throw $value (i32.const 42)))
      (throw $pair (i64.const 1000) (f64.const 2.5)))
    (throw $vector (v128.const i32x4 1 2 3 4) (i32.const 9)))

  ;; ---- catch

  ;; 5, or by what is thrown: 1, 142, 1002, 13.
  (func (export "catch") (param $which i32) (result i32)
    (try (result i32)
      (do (call $raise (local.get $which)))
      (catch $empty (i32.const 1))
      (catch $value (i32.add (i32.const 100)))
      (catch $pair
        i32.trunc_f64_s
        i64.extend_i32_s
        i64.add
        i32.wrap_i64)
      (catch_all (i32.const 13))))

  ;; The same, of values below the try on the stack and above it.
  (func (export "catch_below") (param $which i32) (result i32)
    (i32.sub
      (i32.const 10000)
      (try (result i32)
        (do (i32.mul (i32.const 2) (call $raise (local.get $which))))
        (catch $value)
        (catch $vector
          (i32.add (i32x4.extract_lane 2 (v128.const i32x4 7 7 7 7)))
          (local.set $which)
          (i32x4.extract_lane 3)
          (i32.add (local.get $which))))))

  ;; Thrown here, without a call: which + 1 for 1, -1 for 0.
  (func (export "catch_here") (param $which i32) (result i32)
    (try (result i32)
      (do
        (if (local.get $which)
          (then (throw $value (local.get $which))))
        (i32.const -1))
      (catch $value (i32.add (i32.const 1)))))

  ;; A catch may leave several values: 5 and 3, or 25 and 1000, or 11 and 12.
  (func $two_values (param $which i32) (result i32 i64)
    (try (type $two)
      (do (call $raise (local.get $which)) (i64.const 3))
      (catch $pair
        (local.set $which (i32.trunc_f64_s (f64.mul (f64.const 10))))
        (drop)
        (local.get $which)
        (i64.const 1000))
      (catch_all (i32.const 11) (i64.const 12))))
  ;; The first and ten times the second.
  (func (export "catch_two") (param $which i32) (result i64)
    (local $narrow i32) (local $wide i64)
    (call $two_values (local.get $which))
    (local.set $wide)
    (i64.add (i64.extend_i32_u) (i64.mul (local.get $wide) (i64.const 10))))

  ;; A try with a parameter: 8 + 5, or 8 thrown away.
  (func (export "catch_params") (param $which i32) (result i32)
    (i32.const 8)
    (try (param i32) (result i32)
      (do (call $raise (local.get $which)) (i32.add))
      (catch_all (local.get $which))))

  ;; What is thrown in a catch is not caught by its own try.
  (func (export "throw_in_catch") (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $empty))
          (catch $empty (throw $value (i32.const 6)))
          (catch_all (i32.const 1))))
      (catch $value (i32.add (i32.const 60)))))

  ;; Without a catch the try is a block.
  (func (export "no_catch") (param $which i32) (result i32)
    (try (result i32)
      (do
        (try (result i32) (do (call $raise (local.get $which)))))
      (catch_all (i32.const 77))))

  ;; ---- leaving a catch

  ;; By br with a value, br_if, br_table, return and by its end.
  (func (export "leave") (param $how i32) (result i32)
    (block $out (result i32)
      (try $try (result i32)
        (do (throw $value (local.get $how)))
        (catch $value
          (i32.const 100)
          (i32.add)
          (br_if $out (i32.eq (local.get $how) (i32.const 0)))
          (br_if $try (i32.eq (local.get $how) (i32.const 1)))
          (if (i32.eq (local.get $how) (i32.const 2)) (then (return (i32.const 2))))
          (if (param i32) (result i32) (i32.eq (local.get $how) (i32.const 3))
            (then (br_table $try $out $try (i32.const 1))))
          (if (param i32) (result i32) (i32.eq (local.get $how) (i32.const 4))
            (then (br_table $try $out $try (i32.const 2))))))
      (i32.add (i32.const 1000))))

  ;; Throws n, n - 1 ... 1 and adds them in a catch: locals in registers keep their values.
  (func (export "sum") (param $n i32) (result i32) (local $sum i32) (local $turns f64)
    (loop $again
      (try
        (do
          (local.set $turns (f64.add (local.get $turns) (f64.const 1)))
          (throw $value (local.get $n)))
        (catch $value (local.set $sum (i32.add (local.get $sum)))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (local.get $sum) (i32.trunc_f64_s (local.get $turns))))

  ;; A loop in a catch: 1 + 2 + ... + n of what was thrown.
  (func (export "loop_in_catch") (param $n i32) (result i32) (local $sum i32)
    (try (result i32)
      (do (throw $value (local.get $n)))
      (catch $value
        (local.set $n)
        (loop $again
          (local.set $sum (i32.add (local.get $sum) (local.get $n)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))))

  ;; A local set before the throw is set in the catch, one set behind it is not.
  (func (export "locals") (param $which i32) (result i32) (local $before i32) (local $behind i32)
    (try
      (do
        (local.set $before (i32.const 30))
        (drop (call $raise (local.get $which)))
        (local.set $behind (i32.const 4)))
      (catch_all))
    (i32.add (local.get $before) (local.get $behind)))

  ;; Code that is never reached, and a try in it.
  (func (export "unreached") (result i32)
    (try (result i32)
      (do
        (throw $empty)
        (drop (try (result i32)
          (do (br 1 (i32.const 0)) (throw $value (i32.const 1)))
          (catch $value)
          (catch_all (rethrow 0))))
        (try (do (unreachable)) (delegate 1)))
      (catch $empty
        (i32.const 3)
        (br 0)
        (try (do) (catch_all)))
      (catch_all (unreachable))))

  ;; ---- rethrow

  ;; The inner catch adds 1 to the log and throws again; the outer one gives the value.
  (func (export "rethrow") (param $which i32) (result i32)
    (global.set $log (i32.const 0))
    (try (result i32)
      (do
        (try (result i32)
          (do (call $raise (local.get $which)))
          (catch_all
            (global.set $log (i32.add (global.get $log) (i32.const 1)))
            (rethrow 0))))
      (catch $value (i32.add (global.get $log)))
      (catch_all (i32.sub (i32.const 0) (global.get $log)))))

  ;; In a catch in a catch: the outer exception again, which is 1.
  (func (export "rethrow_outer") (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $value (i32.const 1)))
          (catch $value
            (drop)
            (try (result i32)
              (do (throw $value (i32.const 2)))
              (catch $value (drop) (rethrow 1))))))
      (catch $value)))

  ;; A try in a catch takes what its body throws again: 50 + 42.
  (func (export "rethrow_inside") (result i32)
    (try (result i32)
      (do (call $raise (i32.const 2)))
      (catch_all
        (try (result i32)
          (do (rethrow 1))
          (catch $value (i32.add (i32.const 50)))))))

  ;; Each of n frames catches and throws again; the value gains nothing, the log one each.
  (func $through (param $n i32) (result i32)
    (try (result i32)
      (do
        (if (result i32) (i32.eqz (local.get $n))
          (then (throw $value (i32.const 3)))
          (else (call $through (i32.sub (local.get $n) (i32.const 1))))))
      (catch $value
        (drop)
        (global.set $log (i32.add (global.get $log) (i32.const 1)))
        (rethrow 0))))
  (func (export "through") (param $n i32) (result i32)
    (global.set $log (i32.const 0))
    (try (result i32)
      (do (call $through (local.get $n)))
      (catch $value (i32.add (global.get $log)))))

  ;; n exceptions are made and lost in a catch before it throws again: collections in between
  ;; keep the one that is needed.
  (func (export "keep") (param $n i32) (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (throw $value (i32.const 4711)))
          (catch_all
            (loop $again
              (try (do (throw $value (local.get $n))) (catch $value (drop)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (rethrow 0))))
      (catch $value)))

  ;; Nobody catches it then.
  (func (export "lost") (result i32)
    (try (result i32)
      (do (call $raise (i32.const 2)))
      (catch_all (rethrow 0))))

  ;; ---- delegate

  ;; Past the try in the middle, to the outermost: 42 + 1.
  (func (export "delegate") (param $which i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call $raise (local.get $which)))
              (delegate $outer)))
          (catch_all (i32.const 1000))))
      (catch $value (i32.add (i32.const 1)))
      (catch_all (i32.const 2000))))

  ;; The try in the middle takes what is thrown behind the delegate: 1042.
  (func (export "behind_delegate") (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (do (drop (call $raise (i32.const 0)))) (delegate $outer))
            (call $raise (i32.const 2)))
          (catch $value (i32.add (i32.const 1000)))))
      (catch_all (i32.const 2000))))

  ;; To the caller, past all there is: 43 by the caller.
  (func $to_caller (export "to_caller") (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call $raise (i32.const 2)))
              (delegate 2)))
          (catch_all (i32.const 1000))))
      (catch_all (i32.const 2000))))
  (func (export "delegate_to_caller") (result i32)
    (try (result i32)
      (do (call $to_caller))
      (catch $value (i32.add (i32.const 1)))))

  ;; To a block: what is around the block takes it, 44.
  (func (export "delegate_to_block") (result i32)
    (try (result i32)
      (do
        (block $block (result i32)
          (try (result i32)
            (do
              (try (result i32)
                (do (call $raise (i32.const 2)))
                (delegate $block)))
            (catch_all (i32.const 1000)))))
      (catch $value (i32.add (i32.const 2)))))

  ;; To a try from its catch: the try around that takes it, 45.
  (func (export "delegate_to_catch") (result i32)
    (try (result i32)
      (do
        (try $spent (result i32)
          (do (throw $empty))
          (catch $empty
            (try (result i32)
              (do
                (try (result i32)
                  (do (call $raise (i32.const 2)))
                  (delegate $spent)))
              (catch_all (i32.const 1000))))
          (catch $value)))
      (catch $value (i32.add (i32.const 3)))))

  ;; To a try that itself ends with a delegate: 46 from the outermost.
  (func (export "delegate_twice") (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try $between (result i32)
              (do
                (try (result i32)
                  (do
                    (try (result i32)
                      (do (call_indirect (type $down) (i32.const 2) (i32.const 0)))
                      (delegate $between)))
                  (catch_all (i32.const 1000))))
              (delegate $outer)))
          (catch_all (i32.const 3000))))
      (catch $value (i32.add (i32.const 4)))))

  ;; A catch inside the delegating try goes first: 47.
  (func (export "delegate_around") (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call $raise (i32.const 2)))
              (catch $value (i32.add (i32.const 5)))))
          (delegate $outer)))
      (catch_all (i32.const 1000))))
)
