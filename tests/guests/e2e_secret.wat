;; SPDX-License-Identifier: Apache-2.0
;; Reads the secret that its query names, and answers how long it is, or the error's number, and
;; whether it begins with "s3cr3t-": never the secret itself.
(module
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "skerry" "secret_get_v1" (func $secret (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2 2)
  (data (i32.const 0) "- 0000 no\0a")
  (func $digit (param $at i32) (param $value i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10)))))
  (func (export "handle_request") (result i64)
    (local $bytes i32)
    (local $got i32)
    ;; "/?NAME"
    (local.set $bytes (call $uri (i32.const 1024) (i32.const 1024)))
    (local.set $got (call $secret (i32.const 1026) (i32.sub (local.get $bytes) (i32.const 2))
                                  (i32.const 4096) (i32.const 70000)))
    (if (i32.lt_s (local.get $got) (i32.const 0))
      (then (local.set $got (i32.sub (i32.const 0) (local.get $got))))
      (else (i32.store8 (i32.const 0) (i32.const 43))))
    (call $digit (i32.const 5) (local.get $got))
    (call $digit (i32.const 4) (i32.div_u (local.get $got) (i32.const 10)))
    (call $digit (i32.const 3) (i32.div_u (local.get $got) (i32.const 100)))
    (call $digit (i32.const 2) (i32.div_u (local.get $got) (i32.const 1000)))
    (if (i64.eq (i64.and (i64.load (i32.const 4096)) (i64.const 0x00ffffffffffffff))
                (i64.const 0x2d743372633373)) ;; "s3cr3t-"
      (then (i32.store16 (i32.const 7) (i32.const 0x7379)))) ;; "ys"
    (call $write (i32.const 1) (i32.const 0) (i32.const 10))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
