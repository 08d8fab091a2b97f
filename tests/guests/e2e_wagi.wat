;; SPDX-License-Identifier: Apache-2.0
;; A WAGI command that answers with all it was told: each argument and each environment variable on
;; a line, an empty line, then its standard input. With a query it answers status 418.
;;
;; memory:  0 iovec   16 results   64 texts   1024 pointers   16384 strings   65536 standard input
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 64) "content-type: text/plain\nx-wagi: yes\n\n")
  (data (i32.const 128) "status: 418 I'm a teapot\n")
  (data (i32.const 192) "seen on stderr\n")

  (func $say (param $fd i32) (param $text i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $text))
    (i32.store (i32.const 4) (local.get $bytes))
    (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))
      (then unreachable))
    (if (i32.ne (i32.load (i32.const 16)) (local.get $bytes)) (then unreachable)))

  ;; NULs of the strings at 16384 become newlines, and out they go.
  (func $say_strings (param $bytes i32)
    (local $at i32)
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (local.get $bytes)))
        (if (i32.eqz (i32.load8_u offset=16384 (local.get $at)))
          (then (i32.store8 offset=16384 (local.get $at) (i32.const 10))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (call $say (i32.const 1) (i32.const 16384) (local.get $bytes)))

  (func $say_input
    (local $bytes i32)
    (block $end
      (loop $next
        (i32.store (i32.const 0) (i32.const 65536))
        (i32.store (i32.const 4) (i32.const 65536))
        (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16))
          (then unreachable))
        (local.set $bytes (i32.load (i32.const 16)))
        (br_if $end (i32.eqz (local.get $bytes)))
        (call $say (i32.const 1) (i32.const 65536) (local.get $bytes))
        (br $next))))

  (func (export "_start")
    (local $count i32)
    (drop (call $args_sizes (i32.const 16) (i32.const 20)))
    (local.set $count (i32.load (i32.const 16)))
    (if (i32.gt_u (local.get $count) (i32.const 1))
      (then (call $say (i32.const 1) (i32.const 128) (i32.const 25))))
    (call $say (i32.const 1) (i32.const 64) (i32.const 38))
    (call $say (i32.const 2) (i32.const 192) (i32.const 15))
    (drop (call $args_sizes (i32.const 16) (i32.const 20)))
    (drop (call $args (i32.const 1024) (i32.const 16384)))
    (call $say_strings (i32.load (i32.const 20)))
    (drop (call $environ_sizes (i32.const 16) (i32.const 20)))
    (drop (call $environ (i32.const 1024) (i32.const 16384)))
    (call $say_strings (i32.load (i32.const 20)))
    (call $say (i32.const 1) (i32.const 101) (i32.const 1))
    (call $say_input)
    (call $exit (i32.const 0))))
