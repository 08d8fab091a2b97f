;; SPDX-License-Identifier: Apache-2.0
;; Imports http_handler but exports no handle_request: no kind of function.
(module
  (import "http_handler" "write_body" (func (param i32 i32 i32)))
  (func (export "_start")))
