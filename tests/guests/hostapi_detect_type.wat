;; SPDX-License-Identifier: Apache-2.0
;; Exports handle_request with a result of the wrong type.
(module
  (import "http_handler" "write_body" (func (param i32 i32 i32)))
  (func (export "handle_request") (result i32) (i32.const 0))
  (func (export "handle_response") (param i32 i32)))
