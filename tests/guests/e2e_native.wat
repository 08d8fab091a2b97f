;; SPDX-License-Identifier: Apache-2.0
;; The native API without any service. The path says what to do:
;;   /n  nothing but log a line with fields        /p  wait for an hour
;;   /c  add 3 to the counter "user"
;;   /s  sleep 20 ms; the answer is empty          /e  answer with the environment's GREETING
(module
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "skerry" "wait_v1" (func $wait (param i32 i32 i64) (result i32)))
  (import "skerry" "env_get_v1" (func $env (param i32 i32 i32 i32) (result i32)))
  (import "skerry" "log_v1" (func $log (param i32 i32 i32 i32 i32) (result i32)))
  (import "skerry" "random_v1" (func $random (param i32 i32) (result i32)))
  (import "skerry" "time_now_v1" (func $now (param i32) (result i64)))
  (import "skerry" "counter_add_v1" (func $count (param i32 i32 i64) (result i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "GREETING")
  (data (i32.const 16) "a line")
  (data (i32.const 32) "user\007\00path\00/n\00")
  (data (i32.const 64) "none")
  (func $must (param i32)
    (if (i32.eqz (local.get 0)) (then unreachable)))
  (func (export "handle_request") (result i64)
    (local $what i32)
    (local $before i64)
    (local $count i32)
    (drop (call $uri (i32.const 1024) (i32.const 1024)))
    (local.set $what (i32.load8_u (i32.const 1025)))
    (local.set $before (call $now (i32.const 1)))
    (if (i32.eq (local.get $what) (i32.const 0x73)) ;; s
      (then
        (call $must (i32.eq (call $wait (i32.const 0) (i32.const 0) (i64.const 20)) (i32.const -7)))
        (call $must (i64.ge_s (i64.sub (call $now (i32.const 1)) (local.get $before))
                              (i64.const 20000000)))))
    (if (i32.eq (local.get $what) (i32.const 0x63)) ;; c
      (then (call $must (i32.eqz (call $count (i32.const 32) (i32.const 4) (i64.const 3))))))
    (if (i32.eq (local.get $what) (i32.const 0x70)) ;; p
      (then (drop (call $wait (i32.const 0) (i32.const 0) (i64.const 3600000)))))
    (if (i32.eq (local.get $what) (i32.const 0x6e)) ;; n
      (then
        (call $must (i32.eqz (call $random (i32.const 2048) (i32.const 32))))
        (call $must (i64.ne (i64.load (i32.const 2048)) (i64.load (i32.const 2056))))
        (call $must (i32.eqz (call $log (i32.const 1) (i32.const 16) (i32.const 6)
                                        (i32.const 32) (i32.const 15))))))
    (if (i32.eq (local.get $what) (i32.const 0x65)) ;; e
      (then
        (local.set $count (call $env (i32.const 0) (i32.const 8) (i32.const 2048) (i32.const 512)))
        (if (i32.eq (local.get $count) (i32.const -2))
          (then (call $write (i32.const 1) (i32.const 64) (i32.const 4)))
          (else (call $write (i32.const 1) (i32.const 2048) (local.get $count))))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
