;; SPDX-License-Identifier: Apache-2.0
;; A WAGI command that sleeps for a second by poll_oneoff, answers in pieces that cut lines, writes
;; a word on stderr in two pieces, and exits with status 3.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 1)
  ;; subscription: userdata 7, clock 1, one second, relative
  (data (i32.const 0) "\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00")
  (data (i32.const 24) "\00\ca\9a\3b\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (data (i32.const 128) "content-type: text/plain\r\n\r\nslept\n")
  (data (i32.const 192) "zzz\n")
  (func $say (param $fd i32) (param $text i32) (param $bytes i32)
    (i32.store (i32.const 96) (local.get $text))
    (i32.store (i32.const 100) (local.get $bytes))
    (if (call $write (local.get $fd) (i32.const 96) (i32.const 1) (i32.const 104))
      (then unreachable)))
  (func (export "_start")
    (local $at i32)
    (if (call $poll (i32.const 0) (i32.const 48) (i32.const 1) (i32.const 104))
      (then unreachable))
    (if (i32.ne (i32.load (i32.const 104)) (i32.const 1)) (then unreachable))
    (if (i64.ne (i64.load (i32.const 48)) (i64.const 7)) (then unreachable))
    (call $say (i32.const 2) (i32.const 192) (i32.const 2))
    (local.set $at (i32.const 128))
    (loop $next
      (call $say (i32.const 1) (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 162))))
    (call $say (i32.const 2) (i32.const 194) (i32.const 2))
    (call $exit (i32.const 3))))
