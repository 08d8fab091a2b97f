;; SPDX-License-Identifier: Apache-2.0
;; A command; its import of another type and the one that nobody knows count as missing.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))
  (import "env" "something" (func))
  (func (export "_start")))
