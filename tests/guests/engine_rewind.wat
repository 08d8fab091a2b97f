;; SPDX-License-Identifier: Apache-2.0
;; A memory of 32 pages of 4 KiB with bytes in the first and the eleventh, and ways to change it.
(module
  (memory (export "memory") 2 4)
  (data (i32.const 4080) "across the border of two pages")
  (data (i32.const 40970) "far")
  (func (export "store") (param i32)
    (v128.store (local.get 0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)))
  (func (export "fill") (param i32)
    (memory.fill (i32.const 0) (i32.const 0x5a) (local.get 0)))
  (func (export "grow") (param i32) (result i32)
    (memory.grow (local.get 0))))
