// SPDX-License-Identifier: Apache-2.0
// Answers "Hello, <path>!" in AssemblyScript. The stub runtime never frees memory, which is just
// right here: every request starts from the module's first bytes again.

@external("http_handler", "get_uri")
declare function get_uri(buffer: usize, limit: u32): u32;
@external("http_handler", "set_header_value")
declare function set_header_value(
  kind: u32, name: usize, name_bytes: u32, value: usize, value_bytes: u32): void;
@external("http_handler", "write_body")
declare function write_body(kind: u32, data: usize, bytes: u32): void;

const RESPONSE: u32 = 1;
const ANSWERED: u64 = 0;

function uri(): string {
  let buffer = new ArrayBuffer(256);
  let bytes = get_uri(changetype<usize>(buffer), buffer.byteLength);
  if (bytes > <u32>buffer.byteLength) {
    // Nothing was written: once more, with room for it.
    buffer = new ArrayBuffer(bytes);
    bytes = get_uri(changetype<usize>(buffer), buffer.byteLength);
  }
  return String.UTF8.decodeUnsafe(changetype<usize>(buffer), bytes);
}

function setHeader(name: string, value: string): void {
  const n = String.UTF8.encode(name);
  const v = String.UTF8.encode(value);
  set_header_value(
    RESPONSE, changetype<usize>(n), n.byteLength, changetype<usize>(v), v.byteLength);
}

function say(text: string): void {
  const bytes = String.UTF8.encode(text);
  write_body(RESPONSE, changetype<usize>(bytes), bytes.byteLength);
}

export function handle_request(): u64 {
  const path = uri().split("?")[0];
  const name = path.length > 1 ? path.substring(1) : "world";
  setHeader("content-type", "text/plain");
  say("Hello, " + name + "!\n");
  return ANSWERED;
}

// Called only when handle_request asks for the next handler.
export function handle_response(context: u32, isError: u32): void {}
