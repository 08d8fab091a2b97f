;; SPDX-License-Identifier: Apache-2.0
;; Calls the function that its query names ("/?NAME"), with its own method and the same query, and
;; answers with the status and the body that come. Without a query: "hello".
(module
  (import "http_handler" "get_uri" (func $uri (param i32 i32) (result i32)))
  (import "http_handler" "get_method" (func $method (param i32 i32) (result i32)))
  (import "http_handler" "set_status_code" (func $status (param i32)))
  (import "http_handler" "write_body" (func $write (param i32 i32 i32)))
  (import "skerry" "call_v1"
    (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "skerry" "fetch_status_v1" (func $answer (param i32) (result i32)))
  (import "skerry" "fetch_read_v1" (func $read (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2 2)
  (data (i32.const 0) "hello\n")
  (data (i32.const 16) "error 00\n")
  (data (i32.const 32) "x-from\00caller\00")
  (func (export "handle_request") (result i64)
    (local $bytes i32)
    (local $method i32)
    (local $got i32)
    (local.set $bytes (call $uri (i32.const 1024) (i32.const 1024)))
    (local.set $method (call $method (i32.const 512) (i32.const 64)))
    (if (i32.le_u (local.get $bytes) (i32.const 2))
      (then
        (call $write (i32.const 1) (i32.const 0) (i32.const 6))
        (return (i64.const 0))))
    ;; "/?NAME" or "/?NAME/rest": what is called gets "/?rest"
    (local.set $got (i32.const 2))
    (block $found
      (loop $next
        (br_if $found (i32.ge_u (local.get $got) (local.get $bytes)))
        (br_if $found (i32.eq (i32.load8_u (i32.add (i32.const 1024) (local.get $got)))
                              (i32.const 0x2f)))
        (local.set $got (i32.add (local.get $got) (i32.const 1)))
        (br $next)))
    ;; the slash becomes "?", with a slash before it
    (if (i32.lt_u (local.get $got) (local.get $bytes))
      (then
        (i32.store8 (i32.const 4096) (i32.const 0x2f))
        (i32.store8 (i32.const 4097) (i32.const 0x3f))
        (memory.copy (i32.const 4098) (i32.add (i32.const 1025) (local.get $got))
                     (i32.sub (local.get $bytes) (local.get $got))))
      (else (i32.store8 (i32.const 4096) (i32.const 0x2f))))
    (local.set $bytes (i32.sub (local.get $bytes) (local.get $got)))
    (local.set $bytes
      (call $call
        (i32.const 1026) (i32.sub (local.get $got) (i32.const 2))
        (i32.const 512) (local.get $method)
        (i32.const 4096) (i32.add (local.get $bytes) (i32.const 1))
        (i32.const 32) (i32.const 14)
        (i32.const 0) (i32.const 5)))
    (if (i32.lt_s (local.get $bytes) (i32.const 0))
      (then
        (local.set $bytes (i32.sub (i32.const 0) (local.get $bytes)))
        (i32.store8 (i32.const 23) (i32.add (i32.const 48) (i32.rem_u (local.get $bytes) (i32.const 10))))
        (i32.store8 (i32.const 22) (i32.add (i32.const 48) (i32.div_u (local.get $bytes) (i32.const 10))))
        (call $write (i32.const 1) (i32.const 16) (i32.const 9))
        (return (i64.const 0))))
    (call $status (call $answer (local.get $bytes)))
    (block $end
      (loop $more
        (local.set $got (call $read (local.get $bytes) (i32.const 8192) (i32.const 65536)))
        (br_if $end (i32.le_s (local.get $got) (i32.const 0)))
        (call $write (i32.const 1) (i32.const 8192) (local.get $got))
        (br $more)))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
