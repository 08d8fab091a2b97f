// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens with HMAC [RFC 7519].
const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
const parse = (part) => JSON.parse(new TextDecoder().decode(bytesOf(part)));

// The claims of a token that is good; what is wrong with it is thrown.
export const check = async (token, secret) => {
  const [head, body, signature, ...more] = token.split(".");
  if (signature === undefined || more.length > 0) throw new Error("not a token");
  if (parse(head).alg !== "HS256") throw new Error("not signed with HS256");
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const isGood = await crypto.subtle.verify("HMAC", key, bytesOf(signature), new TextEncoder().encode(`${head}.${body}`));
  if (!isGood) throw new Error("forged");
  const claims = parse(body);
  if (claims.exp !== undefined && claims.exp * 1000 <= Date.now()) throw new Error("over");
  return claims;
};
