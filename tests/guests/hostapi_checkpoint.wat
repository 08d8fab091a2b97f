;; SPDX-License-Identifier: Apache-2.0
;; A WAGI command that moves its standard output to descriptor 2, reads clock and random bytes, and
;; comes to its checkpoint; behind it, it answers "1" if it went on from there, else "0".
(module
  (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "skerry" "checkpoint" (func $checkpoint (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\1b\00\00\00")
  (data (i32.const 64) "content-type: text/plain\n\n?")
  (func (export "_start")
    (drop (call $renumber (i32.const 1) (i32.const 2)))
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 32)))
    (drop (call $random (i32.const 40) (i32.const 16)))
    (i32.store8 (i32.const 90) (i32.add (i32.const 48) (call $checkpoint)))
    (if (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16))
      (then unreachable))))
