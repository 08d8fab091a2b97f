;; SPDX-License-Identifier: Apache-2.0
;; Asks to be initialised in the builder, and reads random bytes there: must be refused.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "wizer.initialize") (drop (call $random (i32.const 0) (i32.const 8))))
  (func (export "_start")))
