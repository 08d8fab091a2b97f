;; SPDX-License-Identifier: Apache-2.0
;; A command for another platform: would deploy as WAGI and then fail at each request.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (import "fastly_http_req" "body_downstream_get" (func (param i32 i32) (result i32)))
  (func (export "_start")))
