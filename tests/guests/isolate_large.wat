;; SPDX-License-Identifier: Apache-2.0
;; A memory with more pages than a reset copies one by one, with bytes in its first and last.
(module
  (memory (export "memory") 80)
  (data (i32.const 100) "first")
  (data (i32.const 5242000) "last")
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2))))
