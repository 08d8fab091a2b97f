;; SPDX-License-Identifier: Apache-2.0
;; A command whose pointers have 64 bits.
(module
  (memory (export "memory") i64 1)
  (func (export "_start")))
