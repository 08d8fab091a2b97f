;; SPDX-License-Identifier: Apache-2.0
;; Counts its requests in a global, in memory and in grown memory, and answers the digit if all
;; three agree. A URI of more than one byte makes it trap after counting.
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 1 2)
  (data (i32.const 0) "0")
  (global $count (mut i32) (i32.const 0))
  (func (export "handle_request") (result i64)
    (if (i32.eq (memory.size) (i32.const 1)) (then (drop (memory.grow (i32.const 1)))))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
    (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (i32.const 1)))
    (if (i32.ne (global.get $count) (i32.load (i32.const 70000))) (then unreachable))
    (if (i32.ne (i32.load8_u (i32.const 0)) (i32.add (global.get $count) (i32.const 48)))
      (then unreachable))
    (if (i32.gt_u (call $get_uri (i32.const 1024) (i32.const 1000)) (i32.const 1))
      (then unreachable))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 1))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
