;; SPDX-License-Identifier: Apache-2.0
;; A WAGI command: a head, flushed alone by fd_sync, and then three events, 20 ms apart.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_sync" (func $fd_sync (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "content-type: text/event-stream\0a\0a")
  (data (i32.const 64) "data: tick\0a\0a")
  (func $write (param $from i32) (param $count i32)
    (i32.store (i32.const 96) (local.get $from))
    (i32.store (i32.const 100) (local.get $count))
    (if (call $fd_write (i32.const 1) (i32.const 96) (i32.const 1) (i32.const 104))
      (then unreachable))
    (if (i32.ne (i32.load (i32.const 104)) (local.get $count)) (then unreachable)))
  (func (export "_start")
    (local $left i32)
    (call $write (i32.const 0) (i32.const 33))
    (if (call $fd_sync (i32.const 1)) (then unreachable))
    (local.set $left (i32.const 3))
    (loop $next
      (i32.store (i32.const 144) (i32.const 1))
      (i64.store (i32.const 152) (i64.const 20000000))
      (drop (call $poll (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 256)))
      (call $write (i32.const 64) (i32.const 12))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
