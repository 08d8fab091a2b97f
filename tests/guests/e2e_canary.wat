;; SPDX-License-Identifier: Apache-2.0
;; Looks for bytes that are not the snapshot's, everywhere a guest can look: all of its memory, what
;; it grows, a global, a table. Then leaves marks in all of them, at places that the number in the
;; URI chooses; for one number in 32 it traps after that. Answers how many differences it found,
;; "9" for more than that.
(module
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (memory (export "memory") 2 64)
  (table $table 16 funcref)
  (elem declare func $words)
  (global $mark (mut i64) (i64.const 0))
  (global $random (mut i64) (i64.const 0))
  (global $found (mut i32) (i32.const 0))

  ;; Counts the words from $at to $end that are not 0.
  (func $words (param $at i32) (param $end i32)
    (loop $next
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0))
        (then (global.set $found (i32.add (global.get $found) (i32.const 1)))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))
  (func $entries
    (local $i i32)
    (loop $next
      (if (i32.eqz (ref.is_null (table.get $table (local.get $i))))
        (then (global.set $found (i32.add (global.get $found) (i32.const 1)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 16)))))
  (func $bytes (result i32) (i32.mul (memory.size) (i32.const 65536)))

  (func $draw (param $below i32) (result i32)
    (global.set $random
      (i64.add (i64.mul (global.get $random) (i64.const 6364136223846793005))
        (i64.const 1442695040888963407)))
    (i32.rem_u (i32.wrap_i64 (i64.shr_u (global.get $random) (i64.const 33)))
      (local.get $below)))
  (func $seed
    (local $at i32) (local $end i32)
    (local.set $at (i32.const 1025))
    (local.set $end (i32.add (i32.const 1024) (call $get_uri (i32.const 1024) (i32.const 64))))
    (loop $next
      (global.set $random
        (i64.add (i64.mul (global.get $random) (i64.const 10))
          (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  (func $leave_mark
    (local $kind i32)
    (local.set $kind (call $draw (i32.const 4)))
    (if (i32.eq (local.get $kind) (i32.const 0))
      (then (i64.store (call $draw (i32.sub (call $bytes) (i32.const 7))) (global.get $mark))))
    (if (i32.eq (local.get $kind) (i32.const 1))
      (then (i32.store8 (call $draw (call $bytes)) (i32.const 0xca))))
    (if (i32.eq (local.get $kind) (i32.const 2))
      (then (memory.fill (call $draw (i32.sub (call $bytes) (i32.const 9000))) (i32.const 0xfe)
        (call $draw (i32.const 9000)))))
    (if (i32.eq (local.get $kind) (i32.const 3))
      (then (table.set $table (call $draw (i32.const 16)) (ref.func $words)))))

  (func (export "handle_request") (result i64)
    (local $before i32) (local $i i32)
    (call $words (i32.const 0) (call $bytes))
    (call $entries)
    (if (i64.ne (global.get $mark) (i64.const 0))
      (then (global.set $found (i32.add (global.get $found) (i32.const 1)))))
    (call $seed)
    (global.set $mark (i64.or (global.get $random) (i64.const 0x5ca4a20000000000)))
    (local.set $before (call $bytes))
    (if (i32.ge_s (memory.grow (call $draw (i32.const 3))) (i32.const 0))
      (then (if (i32.gt_u (call $bytes) (local.get $before))
        (then (call $words (local.get $before) (call $bytes))))))
    (loop $next
      (call $leave_mark)
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 24))))
    (i32.store8 (i32.const 0)
      (i32.add (i32.const 48) (select (i32.const 9) (global.get $found)
        (i32.gt_u (global.get $found) (i32.const 9)))))
    (if (i32.and (i32.eqz (global.get $found)) (i32.eqz (call $draw (i32.const 32))))
      (then unreachable))
    (call $write_body (i32.const 1) (i32.const 0) (i32.const 1))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
