;; SPDX-License-Identifier: Apache-2.0
;; Enables buffer_response in its start function, as the ABI advises, and uses it in
;; handle_response: the feature must outlive the snapshot that was taken in between.
(module
  (import "http_handler" "enable_features" (func $enable_features (param i32) (result i32)))
  (import "http_handler" "set_status_code" (func $set_status (param i32)))
  (memory (export "memory") 1 1)
  (func $start (if (i32.ne (call $enable_features (i32.const 2)) (i32.const 3)) (then unreachable)))
  (start $start)
  (func (export "handle_request") (result i64) (i64.const 1))
  (func (export "handle_response") (param i32 i32) (call $set_status (i32.const 418))))
