;; SPDX-License-Identifier: Apache-2.0
;; An http-wasm handler that does what its URI says, one letter a host call:
;;
;;   /<letters for handle_request>                    answers by itself
;;   /<letters for handle_request>/<letters for handle_response>   asks for the next handler
;;
;; With them a test can break, or keep, each rule of the ABI in each phase.
;;
;; memory:  0 constants   1024 URI   4096 buffer
(module
  (import "http_handler" "enable_features" (func $enable_features (param i32) (result i32)))
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_uri" (func $set_uri (param i32 i32)))
  (import "http_handler" "set_method" (func $set_method (param i32 i32)))
  (import "http_handler" "get_status_code" (func $get_status (result i32)))
  (import "http_handler" "set_status_code" (func $set_status (param i32)))
  (import "http_handler" "get_header_names"
    (func $names (param i32 i32 i32) (result i64)))
  (import "http_handler" "get_header_values"
    (func $values (param i32 i32 i32 i32 i32) (result i64)))
  (import "http_handler" "set_header_value" (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "add_header_value" (func $add_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "remove_header" (func $remove_header (param i32 i32 i32)))
  (import "http_handler" "read_body" (func $read_body (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (import "http_handler" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "x-name")
  (data (i32.const 8) "value")
  (data (i32.const 16) "a\r\nb")
  (data (i32.const 24) "/new?q")
  (data (i32.const 32) "PATCH")
  (data (i32.const 40) "body")
  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))

  ;; Sets x-name to the text at $value.
  (func $set (param $kind i32) (param $value i32) (param $bytes i32)
    (call $set_header (local.get $kind) (i32.const 0) (i32.const 6)
      (local.get $value) (local.get $bytes)))

  (func $do (param $letter i32)
    (if (i32.eq (local.get $letter) (i32.const 0x66)) ;; f: all features
      (then (if (i32.ne (call $enable_features (i32.const 7)) (i32.const 3)) (then unreachable))))
    (if (i32.eq (local.get $letter) (i32.const 0x73)) ;; s: status 418
      (then (call $set_status (i32.const 418))))
    (if (i32.eq (local.get $letter) (i32.const 0x53)) ;; S: status 99
      (then (call $set_status (i32.const 99))))
    (if (i32.eq (local.get $letter) (i32.const 0x34)) ;; 4: the status must be 404
      (then (if (i32.ne (call $get_status) (i32.const 404)) (then unreachable))))
    (if (i32.eq (local.get $letter) (i32.const 0x68)) ;; h: a response header
      (then (call $set (i32.const 1) (i32.const 8) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x61)) ;; a: one more
      (then (call $add_header (i32.const 1) (i32.const 0) (i32.const 6)
        (i32.const 8) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x64)) ;; d: delete it
      (then (call $remove_header (i32.const 1) (i32.const 0) (i32.const 6))))
    (if (i32.eq (local.get $letter) (i32.const 0x48)) ;; H: a request header
      (then (call $set (i32.const 0) (i32.const 8) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x69)) ;; i: inject a header line
      (then (call $set (i32.const 1) (i32.const 16) (i32.const 4))))
    (if (i32.eq (local.get $letter) (i32.const 0x74)) ;; t: a trailer
      (then (call $set (i32.const 3) (i32.const 8) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x54)) ;; T: there are no trailers
      (then
        (if (i64.ne (call $names (i32.const 2) (i32.const 4096) (i32.const 64)) (i64.const 0))
          (then unreachable))))
    (if (i32.eq (local.get $letter) (i32.const 0x6b)) ;; k: a kind that does not exist
      (then (drop (call $names (i32.const 4) (i32.const 4096) (i32.const 64)))))
    (if (i32.eq (local.get $letter) (i32.const 0x77)) ;; w: response body
      (then (call $write_body (i32.const 1) (i32.const 40) (i32.const 4))))
    (if (i32.eq (local.get $letter) (i32.const 0x57)) ;; W: request body
      (then (call $write_body (i32.const 0) (i32.const 40) (i32.const 4))))
    (if (i32.eq (local.get $letter) (i32.const 0x72)) ;; r: read the response body, 2 bytes
      (then (drop (call $read_body (i32.const 1) (i32.const 4096) (i32.const 2)))))
    (if (i32.eq (local.get $letter) (i32.const 0x71)) ;; q: copy the rest of the request body out
      (then
        (call $write_body (i32.const 1) (i32.const 4096)
          (i32.wrap_i64 (call $read_body (i32.const 0) (i32.const 4096) (i32.const 4096))))))
    (if (i32.eq (local.get $letter) (i32.const 0x32)) ;; 2: read 2 bytes of it
      (then (drop (call $read_body (i32.const 0) (i32.const 4096) (i32.const 2)))))
    (if (i32.eq (local.get $letter) (i32.const 0x7a)) ;; z: read into nothing
      (then (drop (call $read_body (i32.const 0) (i32.const 4096) (i32.const 0)))))
    (if (i32.eq (local.get $letter) (i32.const 0x75)) ;; u: URI
      (then (call $set_uri (i32.const 24) (i32.const 6))))
    (if (i32.eq (local.get $letter) (i32.const 0x55)) ;; U: a URI with CRLF
      (then (call $set_uri (i32.const 16) (i32.const 4))))
    (if (i32.eq (local.get $letter) (i32.const 0x65)) ;; e: an empty URI
      (then (call $set_uri (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $letter) (i32.const 0x6d)) ;; m: method
      (then (call $set_method (i32.const 32) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x4d)) ;; M: an empty method
      (then (call $set_method (i32.const 32) (i32.const 0))))
    (if (i32.eq (local.get $letter) (i32.const 0x6f)) ;; o: a buffer outside memory
      (then (drop (call $get_uri (i32.const 0xfffffff0) (i32.const 0xffffffff)))))
    (if (i32.eq (local.get $letter) (i32.const 0x70)) ;; p: write from outside memory
      (then (call $write_body (i32.const 1) (i32.const 65535) (i32.const 2))))
    (if (i32.eq (local.get $letter) (i32.const 0x6c)) ;; l: log, at levels that are on and off
      (then
        (call $log (i32.const 1) (i32.const 8) (i32.const 5))
        (call $log (i32.const -1) (i32.const 8) (i32.const 5))
        (call $log (i32.const 3) (i32.const 8) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x4c)) ;; L: log from outside memory
      (then (call $log (i32.const 0) (i32.const 65535) (i32.const 2))))
    (if (i32.eq (local.get $letter) (i32.const 0x44)) ;; D: the same at a level that is off
      (then (call $log (i32.const -1) (i32.const 65535) (i32.const 2))))
    (if (i32.eq (local.get $letter) (i32.const 0x6e)) ;; n: write all request header names
      (then
        (call $write_body (i32.const 1) (i32.const 4096)
          (i32.wrap_i64 (call $names (i32.const 0) (i32.const 4096) (i32.const 4096))))))
    (if (i32.eq (local.get $letter) (i32.const 0x76)) ;; v: x-name's values over x-name itself
      (then
        (call $write_body (i32.const 1) (i32.const 0)
          (i32.wrap_i64
            (call $values (i32.const 0) (i32.const 0) (i32.const 6)
              (i32.const 0) (i32.const 512))))))
    (if (i32.eq (local.get $letter) (i32.const 0x67)) ;; g: too small a buffer stays untouched
      (then
        (i32.store (i32.const 4096) (i32.const 0x21212121))
        (if (i32.ne (call $get_uri (i32.const 4096) (i32.const 2)) (global.get $end))
          (then unreachable))
        (if (i32.ne (i32.load (i32.const 4096)) (i32.const 0x21212121)) (then unreachable))))
    (if (i32.eq (local.get $letter) (i32.const 0x78)) ;; x: exit
      (then (call $exit (i32.const 0)))))

  ;; Does letters up to the next '/' or the end; 1 if it was a '/'.
  (func $do_all (result i32)
    (local $letter i32)
    (loop $next
      (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const 0))))
      (local.set $letter (i32.load8_u offset=1024 (global.get $at)))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (if (i32.eq (local.get $letter) (i32.const 0x2f)) (then (return (i32.const 1))))
      (call $do (local.get $letter))
      (br $next))
    (i32.const 0))

  (func (export "handle_request") (result i64)
    (global.set $end (call $get_uri (i32.const 1024) (i32.const 1024)))
    (global.set $at (i32.const 1))
    (if (call $do_all) (then (return (i64.const 0x0000002a00000001))))
    (i64.const 0))
  (func (export "handle_response") (param $context i32) (param $is_error i32)
    (if (i32.ne (local.get $context) (i32.const 42)) (then unreachable))
    (if (local.get $is_error) (then unreachable))
    (drop (call $do_all))))
