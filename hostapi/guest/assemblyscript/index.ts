// SPDX-License-Identifier: Apache-2.0
// Functions for Skerry in AssemblyScript: http-wasm handlers, and the native API
// (docs/abi-skerry.md).
//
//   import * as skerry from "./skerry";
//   export function handle_request(): u64 {
//     return skerry.answer(200, "Hello, " + skerry.path() + "!\n");
//   }
//   export { handle_response } from "./skerry";
//
// Each request finds memory as it was when the module was deployed, so the stub runtime, which never
// frees any, is just right. What may fail answers a number below 0 (abi.NOT_FOUND and so on);
// http-wasm's own calls trap instead. abi.ts has all calls as they are.
import * as abi from "./abi";
export { abi };

// What handle_request returns: the answer is complete, or ask for the next handler.
export const ANSWERED: u64 = 0;
export const NEXT: u64 = 1;

// For functions that do not ask for the next handler.
export function handle_response(context: u32, isError: u32): void {}

// The error of the last call that answers null.
export let lastError: i32 = 0;

// ---- the request and its response ----

// A getter writes nothing when there is not enough room, and says how much it is.
type Getter = (buffer: usize, limit: u32) => u32;

function textOf(get: Getter): string {
  let buffer = new ArrayBuffer(256);
  let bytes = get(changetype<usize>(buffer), buffer.byteLength);
  if (bytes > <u32>buffer.byteLength) {
    buffer = new ArrayBuffer(bytes);
    bytes = get(changetype<usize>(buffer), bytes);
  }
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), bytes);
}

export function method(): string {
  return textOf((buffer, limit) => abi.get_method(buffer, limit));
}

// Path and query as they were sent.
export function uri(): string {
  return textOf((buffer, limit) => abi.get_uri(buffer, limit));
}

export function path(): string {
  return uri().split("?")[0];
}

// The value of name=value in the query, as it was sent; "" without it.
export function query(name: string): string {
  const parts = uri().split("?");
  const rows = parts.length > 1 ? parts[1].split("&") : [];
  for (let i = 0; i < rows.length; i++) {
    if (rows[i].startsWith(name + "=")) return rows[i].substring(name.length + 1);
  }
  return "";
}

// The first header of the request with this name; "" without it.
export function header(name: string): string {
  const n = String.UTF8.encode(name);
  let buffer = new ArrayBuffer(256);
  let found: u64 = 0;
  for (let tries = 0; tries < 2; tries++) {
    found = abi.get_header_values(abi.REQUEST_HEADERS, changetype<usize>(n), n.byteLength,
      changetype<usize>(buffer), buffer.byteLength);
    if (<u32>found <= <u32>buffer.byteLength) break;
    buffer = new ArrayBuffer(<u32>found);
  }
  if (found >> 32 == 0) return "";
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), <u32>found, true);
}

// All of the request's body.
export function body(): ArrayBuffer {
  let all = new ArrayBuffer(0);
  const piece = new ArrayBuffer(4096);
  while (true) {
    const got = abi.read_body(abi.REQUEST_BODY, changetype<usize>(piece), piece.byteLength);
    all = joined(all, piece, <u32>got);
    if (got >> 32 != 0) return all;
  }
}

export function bodyText(): string {
  return String.UTF8.decode(body());
}

function joined(first: ArrayBuffer, second: ArrayBuffer, count: u32): ArrayBuffer {
  const both = new ArrayBuffer(first.byteLength + count);
  memory.copy(changetype<usize>(both), changetype<usize>(first), first.byteLength);
  memory.copy(changetype<usize>(both) + first.byteLength, changetype<usize>(second), count);
  return both;
}

export function setStatus(status: u32): void {
  abi.set_status_code(status);
}

export function setHeader(name: string, value: string): void {
  const n = String.UTF8.encode(name);
  const v = String.UTF8.encode(value);
  abi.set_header_value(abi.RESPONSE_HEADERS, changetype<usize>(n), n.byteLength,
    changetype<usize>(v), v.byteLength);
}

// Of the request, for the next handler.
export function setRequestHeader(name: string, value: string): void {
  const n = String.UTF8.encode(name);
  const v = String.UTF8.encode(value);
  abi.set_header_value(abi.REQUEST_HEADERS, changetype<usize>(n), n.byteLength,
    changetype<usize>(v), v.byteLength);
}

// More of the response's body.
export function write(bytes: ArrayBuffer): void {
  abi.write_body(abi.RESPONSE_BODY, changetype<usize>(bytes), bytes.byteLength);
}

export function say(text: string): void {
  write(String.UTF8.encode(text));
}

// A whole answer in a few words.
export function answer(status: u32, text: string): u64 {
  setStatus(status);
  setHeader("content-type", "text/plain");
  say(text);
  return ANSWERED;
}

// What is written of the response goes out now.
export function flush(): i32 {
  return abi.response_flush_v1();
}

// ---- the native API ----

// A variable of the function's environment; null without it.
export function env(name: string): string | null {
  const n = String.UTF8.encode(name);
  let buffer = new ArrayBuffer(256);
  let found: i32 = 0;
  for (let tries = 0; tries < 2; tries++) {
    found = abi.env_get_v1(changetype<usize>(n), n.byteLength, changetype<usize>(buffer),
      buffer.byteLength);
    if (found <= buffer.byteLength) break;
    buffer = new ArrayBuffer(found);
  }
  return found < 0 ? null : String.UTF8.decodeUnsafe(changetype<usize>(buffer), found);
}

// A secret; null if there is none, or lastError says why.
export function secret(name: string): string | null {
  const n = String.UTF8.encode(name);
  let buffer = new ArrayBuffer(256);
  for (let tries = 0; tries < 2; tries++) {
    lastError = abi.secret_get_v1(changetype<usize>(n), n.byteLength, changetype<usize>(buffer),
      buffer.byteLength);
    if (lastError <= buffer.byteLength) break;
    buffer = new ArrayBuffer(lastError);
  }
  if (lastError < 0) return null;
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), lastError);
}

// One line of the function's log.
export function log(text: string): void {
  const bytes = String.UTF8.encode(text);
  abi.log(abi.LOG_INFO, changetype<usize>(bytes), bytes.byteLength);
}

// Adds to a counter in the server's metrics.
export function count(name: string, amount: i64 = 1): i32 {
  const n = String.UTF8.encode(name);
  return abi.counter_add_v1(changetype<usize>(n), n.byteLength, amount);
}

// How many more there may be of the key in this window, or abi.LIMIT.
export function rateLimit(key: string, limit: u32, windowMs: i64): i32 {
  const k = String.UTF8.encode(key);
  return abi.rate_limit_v1(changetype<usize>(k), k.byteLength, limit, windowMs);
}

// Nanoseconds since 1970; it stands still while the function runs.
export function nowNs(): i64 {
  return abi.time_now_v1(0);
}

// Whatever the key's version is.
export const ANY_VERSION: i64 = -1;

// The value; null if there is none, or lastError says why.
export function kvGet(key: string): ArrayBuffer | null {
  const k = String.UTF8.encode(key);
  let buffer = new ArrayBuffer(4096);
  while (true) {
    lastError = abi.kv_get_v1(changetype<usize>(k), k.byteLength, changetype<usize>(buffer),
      buffer.byteLength, 0);
    if (lastError < 0) return null;
    if (lastError <= buffer.byteLength) return buffer.slice(0, lastError);
    buffer = new ArrayBuffer(lastError);
  }
}

// The new version, when it is on disk. ttlMs: 0 for ever. version: 0 if the key must not be there.
export function kvPut(
  key: string, value: ArrayBuffer, ttlMs: i64 = 0, version: i64 = ANY_VERSION): i64 {
  const k = String.UTF8.encode(key);
  return abi.kv_put_v1(changetype<usize>(k), k.byteLength, changetype<usize>(value),
    value.byteLength, ttlMs, version);
}

export function kvDelete(key: string, version: i64 = ANY_VERSION): i32 {
  const k = String.UTF8.encode(key);
  return abi.kv_delete_v1(changetype<usize>(k), k.byteLength, version);
}

// Adds to the number that the value is; the sum, or lastError is below 0.
export function kvAdd(key: string, number: i64): i64 {
  const k = String.UTF8.encode(key);
  const sum = new ArrayBuffer(8);
  lastError = abi.kv_add_v1(changetype<usize>(k), k.byteLength, number, changetype<usize>(sum));
  return load<i64>(changetype<usize>(sum));
}

// The answer of another server, or of another function; one that may still come.
export class Reply {
  constructor(public handle: i32) {}

  // Waits for the head; an error, below 0.
  status(): i32 {
    return this.handle < 0 ? this.handle : abi.fetch_status_v1(this.handle);
  }

  // All that comes of the body.
  body(): ArrayBuffer {
    let all = new ArrayBuffer(0);
    const piece = new ArrayBuffer(4096);
    while (this.handle >= 0) {
      const got = abi.fetch_read_v1(this.handle, changetype<usize>(piece), piece.byteLength);
      if (got <= 0) break;
      all = joined(all, piece, got);
    }
    return all;
  }

  close(): void {
    if (this.handle >= 0) abi.handle_close_v1(this.handle);
  }
}

// "name NUL value NUL ..." of names and values in turn.
function packed(fields: string[]): ArrayBuffer {
  return String.UTF8.encode(fields.length > 0 ? fields.join("\0") + "\0" : "");
}

// Asks another server that `outbound` in function.yaml lists, follows redirects, and does not wait.
// Fields are names and values of headers in turn.
export function fetch(
  method: string, url: string, body: ArrayBuffer = new ArrayBuffer(0),
  fields: string[] = []): Reply {
  const m = String.UTF8.encode(method);
  const u = String.UTF8.encode(url);
  const f = packed(fields);
  return new Reply(abi.fetch_start_v1(
    changetype<usize>(m), m.byteLength, changetype<usize>(u), u.byteLength, changetype<usize>(f),
    f.byteLength, changetype<usize>(body), body.byteLength, abi.FETCH_FOLLOW, 0));
}

// Calls another function of the tenant, and does not wait.
export function call(
  name: string, method: string, uri: string, body: ArrayBuffer = new ArrayBuffer(0),
  fields: string[] = []): Reply {
  const n = String.UTF8.encode(name);
  const m = String.UTF8.encode(method);
  const u = String.UTF8.encode(uri);
  const f = packed(fields);
  return new Reply(abi.call_start_v1(
    changetype<usize>(n), n.byteLength, changetype<usize>(m), m.byteLength, changetype<usize>(u),
    u.byteLength, changetype<usize>(f), f.byteLength, changetype<usize>(body), body.byteLength));
}
