// SPDX-License-Identifier: Apache-2.0
// @NAME@ answers "Hello, <path>!".
//
// Each request finds memory as it was when the module was deployed: the stub runtime, which never
// frees any, is just right. skerry/index.ts has all that a function can ask for.
import * as skerry from "./skerry";

export function handle_request(): u64 {
  const path = skerry.path();
  return skerry.answer(200, "Hello, " + (path.length > 1 ? path.substring(1) : "world") + "!\n");
}

export { handle_response } from "./skerry";
