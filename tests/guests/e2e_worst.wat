;; SPDX-License-Identifier: Apache-2.0
;; Behaves as badly as the first letter of the path says: d dirties all its memory, g grows until it
;; is refused and dirties that too, r recurses, l loops, h calls the host for ever, s sleeps for
;; half a second; all but d, g and s never answer. c answers "clean\n" if memory, its size and
;; globals are as they were deployed, else "dirty\n". d, g and s answer "sorry\n".
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 80)
  (global $mark (mut i32) (i32.const 0))
  (data (i32.const 0) "clean\ndirty\nsorry\n")
  ;; subscription: clock 1, half a second, relative
  (data (i32.const 64) "\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00")
  (data (i32.const 88) "\00\65\cd\1d\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
  (func $is (param $letter i32) (result i32)
    (i32.eq (i32.load8_u (i32.const 1025)) (local.get $letter)))
  (func $deeper (param $n i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get $n) (i32.const 1))) (i32.const 1)))
  ;; Writes into every 4 KiB page behind the first.
  (func $dirty_all
    (local $at i32)
    (global.set $mark (i32.const 1))
    (local.set $at (i32.const 4096))
    (loop $next
      (i32.store offset=8 (local.get $at) (i32.const 0x5eced))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536))))))
  (func $grow_all
    (loop $next (br_if $next (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))))
  (func $is_clean (result i32)
    (local $at i32)
    (if (i32.or (global.get $mark) (i32.ne (memory.size) (i32.const 80)))
      (then (return (i32.const 0))))
    (local.set $at (i32.const 4096))
    (loop $next
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 5242880))))
    (i32.const 1))
  (func $say (param $text i32) (call $write_body (i32.const 1) (local.get $text) (i32.const 6)))
  (func (export "handle_request") (result i64)
    (drop (call $get_uri (i32.const 1024) (i32.const 1024)))
    (if (call $is (i32.const 99)) ;; c
      (then
        (call $say (select (i32.const 0) (i32.const 6) (call $is_clean)))
        (return (i64.const 0))))
    (call $dirty_all)
    (if (call $is (i32.const 103)) (then (call $grow_all) (call $dirty_all)))
    (if (call $is (i32.const 114)) (then (drop (call $deeper (i32.const 0)))))
    (if (call $is (i32.const 108)) (then (loop $for_ever (br $for_ever))))
    (if (call $is (i32.const 104))
      (then
        (loop $for_ever
          (drop (call $get_uri (i32.const 1024) (i32.const 1024)))
          (br $for_ever))))
    (if (call $is (i32.const 115))
      (then
        (if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 176))
          (then unreachable))))
    (call $say (i32.const 12))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
