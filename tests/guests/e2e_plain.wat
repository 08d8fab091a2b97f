;; SPDX-License-Identifier: Apache-2.0
;; A correct module of no kind that Skerry knows: it neither imports nor exports an ABI.
(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))
