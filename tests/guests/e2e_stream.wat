;; SPDX-License-Identifier: Apache-2.0
;; An http-wasm handler that writes its answer as its URI says, one letter after the other:
;;
;;   /<letters>      e: an event   k, K, M: 1 KiB, 64 KiB, 1 MiB of body   z, Z: sleep 20 ms, an hour
;;                   s: status 404   n: status 204   r: status 205   u: status 304
;;                   l, L: a Content-Length of 2048, of 12   t: trap   w: spin for ever
;;                   c: it is HTML   d: with an entity tag   o: nobody may transform it
;;                   f: all features, so that it is buffered   *: from the beginning again
;;
;; memory:  0 constants   1024 URI   65536 a mebibyte of body
(module
  (import "http_handler" "enable_features" (func $enable_features (param i32) (result i32)))
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_status_code" (func $set_status (param i32)))
  (import "http_handler" "set_header_value" (func $set_header (param i32 i32 i32 i32 i32)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 0) "data: tick\0a\0a")
  (data (i32.const 16) "content-length")
  (data (i32.const 32) "2048")
  (data (i32.const 40) "12")
  (data (i32.const 48) "content-type")
  (data (i32.const 64) "text/html; charset=utf-8")
  (data (i32.const 96) "etag")
  (data (i32.const 104) "\"tag\"")
  (data (i32.const 112) "cache-control")
  (data (i32.const 512) "no-transform")
  (global $at (mut i32) (i32.const 1))
  (global $end (mut i32) (i32.const 0))

  (func $write (param $from i32) (param $count i32)
    (call $write_body (i32.const 1) (local.get $from) (local.get $count)))

  (func $length (param $text i32) (param $count i32)
    (call $set_header (i32.const 1) (i32.const 16) (i32.const 14)
      (local.get $text) (local.get $count)))

  ;; A subscription to clock 1 at 128, its event at 192.
  (func $sleep (param $ns i64)
    (i32.store8 (i32.const 136) (i32.const 0))
    (i32.store (i32.const 144) (i32.const 1))
    (i64.store (i32.const 152) (local.get $ns))
    (drop (call $poll (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 256))))

  (func $do (param $letter i32)
    (if (i32.eq (local.get $letter) (i32.const 0x65)) ;; e
      (then (call $write (i32.const 0) (i32.const 12))))
    (if (i32.eq (local.get $letter) (i32.const 0x6b)) ;; k
      (then (call $write (i32.const 65536) (i32.const 1024))))
    (if (i32.eq (local.get $letter) (i32.const 0x4b)) ;; K
      (then (call $write (i32.const 65536) (i32.const 65536))))
    (if (i32.eq (local.get $letter) (i32.const 0x4d)) ;; M
      (then (call $write (i32.const 65536) (i32.const 1048576))))
    (if (i32.eq (local.get $letter) (i32.const 0x7a)) ;; z
      (then (call $sleep (i64.const 20000000))))
    (if (i32.eq (local.get $letter) (i32.const 0x5a)) ;; Z
      (then (call $sleep (i64.const 3600000000000))))
    (if (i32.eq (local.get $letter) (i32.const 0x73)) ;; s
      (then (call $set_status (i32.const 404))))
    (if (i32.eq (local.get $letter) (i32.const 0x6e)) ;; n
      (then (call $set_status (i32.const 204))))
    (if (i32.eq (local.get $letter) (i32.const 0x72)) ;; r
      (then (call $set_status (i32.const 205))))
    (if (i32.eq (local.get $letter) (i32.const 0x75)) ;; u
      (then (call $set_status (i32.const 304))))
    (if (i32.eq (local.get $letter) (i32.const 0x6c)) ;; l
      (then (call $length (i32.const 32) (i32.const 4))))
    (if (i32.eq (local.get $letter) (i32.const 0x4c)) ;; L
      (then (call $length (i32.const 40) (i32.const 2))))
    (if (i32.eq (local.get $letter) (i32.const 0x63)) ;; c
      (then (call $set_header (i32.const 1) (i32.const 48) (i32.const 12)
        (i32.const 64) (i32.const 24))))
    (if (i32.eq (local.get $letter) (i32.const 0x64)) ;; d
      (then (call $set_header (i32.const 1) (i32.const 96) (i32.const 4)
        (i32.const 104) (i32.const 5))))
    (if (i32.eq (local.get $letter) (i32.const 0x6f)) ;; o
      (then (call $set_header (i32.const 1) (i32.const 112) (i32.const 13)
        (i32.const 512) (i32.const 12))))
    (if (i32.eq (local.get $letter) (i32.const 0x74)) ;; t
      (then (unreachable)))
    (if (i32.eq (local.get $letter) (i32.const 0x77)) ;; w
      (then (loop $spin (br $spin))))
    (if (i32.eq (local.get $letter) (i32.const 0x66)) ;; f
      (then (drop (call $enable_features (i32.const 7)))))
    (if (i32.eq (local.get $letter) (i32.const 0x2a)) ;; *
      (then (global.set $at (i32.const 1)))))

  (func (export "handle_request") (result i64)
    (local $letter i32)
    (global.set $end (call $get_uri (i32.const 1024) (i32.const 4096)))
    (loop $next
      (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i64.const 0))))
      (local.set $letter (i32.load8_u offset=1024 (global.get $at)))
      (global.set $at (i32.add (global.get $at) (i32.const 1)))
      (call $do (local.get $letter))
      (br $next))
    (unreachable))
  (func (export "handle_response") (param i32 i32)))
