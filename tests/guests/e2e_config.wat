;; SPDX-License-Identifier: Apache-2.0
;; Answers the configuration twice, as "[frozen|present]": as the start function read it, which
;; is in the snapshot, and as get_config says while the request is handled.
(module
  (import "http_handler" "get_config" (func $get_config (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 2 2)
  (data (i32.const 0) "[|]")
  (global $frozen (mut i32) (i32.const 0))
  (func $start
    (global.set $frozen (call $get_config (i32.const 1024) (i32.const 32768))))
  (start $start)
  (func $write (param i32 i32) (call $write_body (i32.const 1) (local.get 0) (local.get 1)))
  (func (export "handle_request") (result i64)
    (call $write (i32.const 0) (i32.const 1))
    (call $write (i32.const 1024) (global.get $frozen))
    (call $write (i32.const 1) (i32.const 1))
    (call $write (i32.const 65536) (call $get_config (i32.const 65536) (i32.const 32768)))
    (call $write (i32.const 2) (i32.const 1))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
