;; SPDX-License-Identifier: Apache-2.0
;; Ways to be in the middle of something while host.wait waits: each export takes a count and
;; answers with a number in which all that was kept meanwhile has a part.
(module
  (import "host" "wait" (func $wait (param i32) (result i32)))
  (import "host" "back" (func $back (param i32) (result i32)))
  (type $unary (func (param i32) (result i32)))
  (memory $first 1 4)
  (memory $second 1 4)
  (tag $number (param i32))
  (table 2 funcref)
  (elem (i32.const 0) $wait $deep)
  (global $total (mut i64) (i64.const 0))

  (func $deep (export "deep") (param $n i32) (result i32) (local $kept i64)
    (local.set $kept (i64.extend_i32_u (i32.mul (local.get $n) (i32.const 3))))
    (if (result i32) (local.get $n)
      (then (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1)))
                     (i32.wrap_i64 (local.get $kept))))
      (else (call $wait (i32.const 5)))))

  ;; Integers and floats that live in registers between the calls.
  (func (export "loop") (param $n i32) (result i32)
    (local $sum i32) (local $f f64) (local $g f32) (local $wide v128)
    (local.set $f (f64.const 0.5))
    (local.set $wide (i32x4.splat (local.get $n)))
    (loop $again
      (local.set $f (f64.add (f64.mul (local.get $f) (f64.const 1.5)) (f64.const 1)))
      (local.set $g (f32.add (local.get $g) (f32.const 0.25)))
      (local.set $sum (i32.add (local.get $sum) (call $wait (local.get $n))))
      (local.set $wide (i32x4.add (local.get $wide) (i32x4.splat (local.get $sum))))
      (global.set $total (i64.add (global.get $total) (i64.extend_i32_u (local.get $sum))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (i32.add (local.get $sum) (i32x4.extract_lane 2 (local.get $wide)))
             (i32.add (i32.wrap_i64 (global.get $total))
                      (i32.trunc_f64_s (f64.add (local.get $f) (f64.promote_f32 (local.get $g)))))))

  (func $throw (param $n i32)
    (if (i32.eqz (local.get $n)) (then (throw $number (call $wait (i32.const 11)))))
    (call $throw (i32.sub (local.get $n) (i32.const 1))))
  ;; Waits below a try that catches later, then while an exception is held that only the stack
  ;; knows, which is thrown again.
  (func (export "catch") (param $n i32) (result i32)
    (try (result i32)
      (do
        (try (result i32)
          (do (call $throw (local.get $n)) (i32.const 0))
          (catch $number
            (drop)
            (drop (call $wait (i32.const 13)))
            (rethrow 0))))
      (catch $number (i32.add (i32.const 100)))))

  (func (export "tail") (param $n i32) (result i32)
    (return_call $wait (local.get $n)))

  (func (export "indirect") (param $n i32) (result i32)
    (i32.add (call_indirect (type $unary) (local.get $n) (i32.const 0))
             (call_indirect (type $unary) (local.get $n) (i32.const 1))))

  (func $many (param $n i32) (result i32 i64 f64)
    (call $wait (local.get $n)) (i64.const 9) (f64.const 2.5))
  (func (export "many") (param $n i32) (result i32) (local $f f64) (local $w i64)
    (call $many (local.get $n)) (local.set $f) (local.set $w)
    (i32.add (i32.wrap_i64 (local.get $w)))
    (i32.add (i32.trunc_f64_s (f64.mul (local.get $f) (f64.const 10)))))

  (func (export "memories") (param $n i32) (result i32)
    (i32.store $first (i32.const 4094) (i32.const 0x01020304))
    (i32.store $second (i32.const 8190) (local.get $n))
    (drop (memory.grow $second (i32.const 1)))
    (i32.store $second (i32.const 70000) (i32.const 17))
    (table.set 0 (i32.const 1) (ref.null func))
    (drop (call $wait (i32.const 3)))
    (i32.store $first (i32.const 100) (call $wait (i32.const 4)))
    (i32.store $second (i32.const 65000) (i32.const 8))
    (i32.add
      (i32.add (i32.load $first (i32.const 4094)) (i32.load $first (i32.const 100)))
      (i32.add (i32.load $second (i32.const 8190))
               (i32.add (i32.load $second (i32.const 70000)) (memory.size $second)))))

  ;; host.back calls this, which waits then.
  (func (export "inner") (param $n i32) (result i32) (call $wait (local.get $n)))
  (func (export "outer") (param $n i32) (result i32) (call $back (local.get $n))))
