;; SPDX-License-Identifier: Apache-2.0
;; Both initialisers run when it is deployed, once and in this order; random bytes and the time
;; are each request's own. Answers "wizer skerry\n", 8 random bytes and 8 of wall clock time.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 1)
  (global $at (mut i32) (i32.const 0))
  (data (i32.const 64) "wizer skerry\n")
  (func $append (param $from i32) (param $count i32)
    (memory.copy (global.get $at) (local.get $from) (local.get $count))
    (global.set $at (i32.add (global.get $at) (local.get $count))))
  (func (export "wizer.initialize") (call $append (i32.const 64) (i32.const 6)))
  (func (export "skerry_init") (call $append (i32.const 70) (i32.const 7)))
  (func (export "handle_request") (result i64)
    (drop (call $random (global.get $at) (i32.const 8)))
    (drop (call $clock (i32.const 0) (i64.const 1) (i32.add (global.get $at) (i32.const 8))))
    (call $write_body (i32.const 1) (i32.const 0) (i32.add (global.get $at) (i32.const 16)))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
