;; SPDX-License-Identifier: Apache-2.0
;; The key-value store. The path without its slash is the key, the method says what to do:
;;   GET     the value; of a key that ends with *, the list of keys with what is before it
;;   PUT     writes the body              PATCH   the same, started, read, and then finished
;;   DELETE  removes it                   POST    adds 1 and answers with the sum
;; Status: 200, or 600 + the error's number, at most 599.
(module
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (import "http_handler" "get_method" (func $method (param i32 i32) (result i32)))
  (import "http_handler" "read_body" (func $read (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "http_handler" "set_status_code" (func $status (param i32)))
  (import "skerry" "kv_get_v1" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "skerry" "kv_list_v1" (func $list (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "skerry" "kv_put_v1" (func $put (param i32 i32 i32 i32 i64 i64) (result i64)))
  (import "skerry" "kv_put_start_v1" (func $start (param i32 i32 i32 i32 i64 i64) (result i32)))
  (import "skerry" "kv_finish_v1" (func $finish (param i32 i32) (result i32)))
  (import "skerry" "kv_delete_v1" (func $delete (param i32 i32 i64) (result i32)))
  (import "skerry" "kv_add_v1" (func $add (param i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 20 20)
  (func $answer (param i32) ;; the error, if it is one
    (if (i32.lt_s (local.get 0) (i32.const 0))
      (then (call $status (i32.add (i32.const 600) (local.get 0))))))
  (func $tell (param $count i32)
    (if (i32.lt_s (local.get $count) (i32.const 0))
      (then (call $answer (local.get $count)))
      (else (call $write (i32.const 1) (i32.const 65536) (local.get $count)))))
  (func (export "handle_request") (result i64)
    (local $count i32) ;; of the key, which is at 1025
    (local $what i32)  ;; the method's second letter, but for DELETE and GET, which have E both
    (local $body i32)
    (local $handle i32)
    (local $version i64)
    (local.set $count (i32.sub (call $uri (i32.const 1024) (i32.const 1024)) (i32.const 1)))
    (drop (call $method (i32.const 16) (i32.const 16)))
    (local.set $what (i32.load8_u (i32.const 16)))
    (if (i32.eq (local.get $what) (i32.const 0x47)) ;; GET
      (then
        (if (i32.eq (i32.load8_u (i32.add (i32.const 1024) (local.get $count))) (i32.const 0x2a))
          (then (call $tell (call $list (i32.const 1025) (i32.sub (local.get $count) (i32.const 1))
                                        (i32.const 0) (i32.const 0)
                                        (i32.const 65536) (i32.const 1048576))))
          (else (call $tell (call $get (i32.const 1025) (local.get $count)
                                       (i32.const 65536) (i32.const 1048576) (i32.const 8)))))
        (return (i64.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x44)) ;; DELETE
      (then
        (call $answer (call $delete (i32.const 1025) (local.get $count) (i64.const -1)))
        (return (i64.const 0))))
    (local.set $body
      (i32.wrap_i64 (call $read (i32.const 0) (i32.const 65536) (i32.const 1048576))))
    (local.set $what (i32.load8_u (i32.const 17)))
    (if (i32.eq (local.get $what) (i32.const 0x55)) ;; PUT
      (then (call $answer (select (i32.const 0) (i32.wrap_i64 (local.tee $version
        (call $put (i32.const 1025) (local.get $count) (i32.const 65536) (local.get $body)
                   (i64.const 0) (i64.const -1))))
        (i64.gt_s (local.get $version) (i64.const 0))))))
    (if (i32.eq (local.get $what) (i32.const 0x4f)) ;; POST
      (then
        (call $answer (call $add (i32.const 1025) (local.get $count) (i64.const 1) (i32.const 8)))
        (call $tell (call $get (i32.const 1025) (local.get $count)
                               (i32.const 65536) (i32.const 1048576) (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 0x41)) ;; PATCH
      (then
        (local.set $handle
          (call $start (i32.const 1025) (local.get $count) (i32.const 65536) (local.get $body)
                       (i64.const 0) (i64.const -1)))
        (call $answer (local.get $handle))
        (call $tell (call $get (i32.const 1025) (local.get $count)
                               (i32.const 65536) (i32.const 1048576) (i32.const 0)))
        (call $answer (call $finish (local.get $handle) (i32.const 8)))
        (if (i64.eqz (i64.load (i32.const 8))) (then unreachable))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
