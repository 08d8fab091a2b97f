;; SPDX-License-Identifier: Apache-2.0
;; A command whose pointers mean its second memory.
(module
  (memory 1)
  (memory (export "memory") 1)
  (func (export "_start")))
