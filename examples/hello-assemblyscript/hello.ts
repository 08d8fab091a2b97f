// SPDX-License-Identifier: Apache-2.0
// Answers "Hello, <path>!" in AssemblyScript. The stub runtime never frees memory, which is just
// right here: every request starts from the module's first bytes again.
import * as skerry from "../../hostapi/guest/assemblyscript";

export function handle_request(): u64 {
  const path = skerry.path();
  return skerry.answer(200, "Hello, " + (path.length > 1 ? path.substring(1) : "world") + "!\n");
}

export { handle_response } from "../../hostapi/guest/assemblyscript";
