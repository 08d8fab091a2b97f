// SPDX-License-Identifier: Apache-2.0
// The first step of a chain: each visitor is of half "a" or of half "b" of an experiment, and stays
// there by a cookie. Which it is, is told to the next function by the header x-half.
import * as skerry from "../../hostapi/guest/assemblyscript";

function halfOfCookie(): string {
  const cookies = skerry.header("cookie").split(";");
  for (let i = 0; i < cookies.length; i++) {
    const cookie = cookies[i].trim();
    if (cookie == "half=a" || cookie == "half=b") return cookie.substring(5);
  }
  return "";
}

function halfByChance(): string {
  const byte = new ArrayBuffer(1);
  skerry.abi.random_v1(changetype<usize>(byte), 1);
  return load<u8>(changetype<usize>(byte)) < 128 ? "a" : "b";
}

export function handle_request(): u64 {
  let half = halfOfCookie();
  if (half == "") {
    half = halfByChance();
    skerry.setHeader("set-cookie", "half=" + half + "; Path=/; Max-Age=2592000; SameSite=Lax");
  }
  skerry.setRequestHeader("x-half", half);
  skerry.count("half_" + half);
  return skerry.NEXT;
}

export { handle_response } from "../../hostapi/guest/assemblyscript";
