;; SPDX-License-Identifier: Apache-2.0
;; Arithmetic on every pair of some awkward floats, NaNs with payloads and signs among them, folded
;; into one number by its bits: what it answers is only the same everywhere in deterministic code.
(module
  (memory 1 1)
  ;; 16 f64 from 0: zeros, ones, infinities, extremes, and six NaNs.
  (data (i32.const 0)
    "\00\00\00\00\00\00\00\00" "\00\00\00\00\00\00\00\80"
    "\00\00\00\00\00\00\f0\3f" "\00\00\00\00\00\00\f0\bf"
    "\00\00\00\00\00\00\f0\7f" "\00\00\00\00\00\00\f0\ff"
    "\ff\ff\ff\ff\ff\ff\ef\7f" "\01\00\00\00\00\00\00\00"
    "\00\00\00\00\00\00\10\00" "\9a\99\99\99\99\99\b9\3f"
    "\00\00\00\00\00\00\f8\7f" "\00\00\00\00\00\00\f8\ff"
    "\01\00\00\00\00\00\f8\7f" "\ff\ff\ff\ff\ff\ff\ff\ff"
    "\01\00\00\00\00\00\f0\7f" "\01\00\00\00\01\00\f4\ff")
  ;; 16 f32 from 128: the same kinds.
  (data (i32.const 128)
    "\00\00\00\00" "\00\00\00\80" "\00\00\80\3f" "\00\00\80\bf"
    "\00\00\80\7f" "\00\00\80\ff" "\ff\ff\7f\7f" "\01\00\00\00"
    "\00\00\80\00" "\cd\cc\cc\3d" "\00\00\c0\7f" "\00\00\c0\ff"
    "\01\00\c0\7f" "\ff\ff\ff\ff" "\01\00\80\7f" "\01\01\a0\ff")
  (global $hash (mut i64) (i64.const 0))
  (func $fold (param $bits i64)
    (global.set $hash
      (i64.mul (i64.rotl (i64.xor (global.get $hash) (local.get $bits)) (i64.const 23))
               (i64.const 0x9e3779b97f4a7c15))))
  (func $fold_f64 (param f64) (call $fold (i64.reinterpret_f64 (local.get 0))))
  (func $fold_f32 (param f32) (call $fold (i64.extend_i32_u (i32.reinterpret_f32 (local.get 0)))))
  (func $fold_v128 (param v128)
    (call $fold (i64x2.extract_lane 0 (local.get 0)))
    (call $fold (i64x2.extract_lane 1 (local.get 0))))

  (func $doubles (param $a f64) (param $b f64) (local $c f64)
    (call $fold_f64 (f64.add (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.sub (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.mul (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.div (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.min (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.max (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.copysign (local.get $a) (local.get $b)))
    (call $fold_f64 (f64.sqrt (local.get $a)))
    (call $fold_f64 (f64.ceil (local.get $a)))
    (call $fold_f64 (f64.floor (local.get $a)))
    (call $fold_f64 (f64.trunc (local.get $a)))
    (call $fold_f64 (f64.nearest (local.get $a)))
    (call $fold_f64 (f64.neg (local.get $a)))
    (call $fold_f64 (f64.abs (local.get $a)))
    (call $fold_f32 (f32.demote_f64 (local.get $a)))
    ;; Chains, in which a result goes straight on, and a local that is set and used again.
    (local.set $c (f64.add (f64.mul (local.get $a) (local.get $b)) (local.get $a)))
    (call $fold_f64 (f64.neg (local.get $c)))
    (call $fold_f64 (f64.copysign (f64.sub (local.get $c) (local.get $c)) (local.get $b)))
    (f64.store (i32.const 1024) (f64.div (local.get $c) (f64.sub (local.get $a) (local.get $a))))
    (call $fold (i64.load (i32.const 1024)))
    (call $fold (i64.extend_i32_u (f64.lt (f64.add (local.get $a) (local.get $b)) (local.get $c))))
    (call $fold_f64 (select (f64.mul (local.get $a) (local.get $c)) (local.get $b)
                            (f64.eq (local.get $a) (local.get $a)))))

  (func $singles (param $a f32) (param $b f32) (local $c f32)
    (call $fold_f32 (f32.add (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.sub (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.mul (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.div (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.min (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.max (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.copysign (local.get $a) (local.get $b)))
    (call $fold_f32 (f32.sqrt (local.get $a)))
    (call $fold_f32 (f32.ceil (local.get $a)))
    (call $fold_f32 (f32.floor (local.get $a)))
    (call $fold_f32 (f32.trunc (local.get $a)))
    (call $fold_f32 (f32.nearest (local.get $a)))
    (call $fold_f64 (f64.promote_f32 (local.get $a)))
    (local.set $c (f32.sub (f32.mul (local.get $a) (local.get $b)) (local.get $b)))
    (call $fold_f32 (f32.abs (local.get $c)))
    (f32.store (i32.const 1024) (f32.add (local.get $c) (local.get $a)))
    (call $fold (i64.load32_u (i32.const 1024))))

  (func $vectors (param $a v128) (param $b v128)
    (call $fold_v128 (f64x2.add (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.sub (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.mul (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.div (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.min (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.max (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.pmin (local.get $a) (local.get $b)))
    (call $fold_v128 (f64x2.sqrt (local.get $a)))
    (call $fold_v128 (f64x2.nearest (local.get $a)))
    (call $fold_v128 (f64x2.promote_low_f32x4 (local.get $a)))
    (call $fold_v128 (f32x4.demote_f64x2_zero (local.get $a)))
    (call $fold_v128 (f32x4.add (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.sub (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.mul (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.div (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.min (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.max (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.pmax (local.get $a) (local.get $b)))
    (call $fold_v128 (f32x4.sqrt (local.get $a)))
    (call $fold_v128 (f32x4.floor (local.get $a))))

  (func (export "run") (param $rounds i32) (result i64) (local $i i32) (local $j i32)
    (loop $again
      (local.set $i (i32.const 0))
      (loop $first
        (local.set $j (i32.const 0))
        (loop $second
          (call $doubles (f64.load (i32.shl (local.get $i) (i32.const 3)))
                         (f64.load (i32.shl (local.get $j) (i32.const 3))))
          (call $singles (f32.load offset=128 (i32.shl (local.get $i) (i32.const 2)))
                         (f32.load offset=128 (i32.shl (local.get $j) (i32.const 2))))
          (call $vectors (v128.load (i32.shl (local.get $i) (i32.const 3)))
                         (v128.load (i32.shl (local.get $j) (i32.const 3))))
          (br_if $second (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1)))
                                   (i32.const 16))))
        (br_if $first (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                                (i32.const 16))))
      (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
    (global.get $hash)))
