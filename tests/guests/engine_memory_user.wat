;; SPDX-License-Identifier: Apache-2.0
;; Imports another module's second memory as its memory 0.
(module
  (memory (import "other" "second") 1)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32)
    (i32.store offset=0xfffffff0 (local.get 0) (i32.const -1))))
