// SPDX-License-Identifier: Apache-2.0
// 200 with the token's claims, or 401 and why.
import { check } from "./lib/jwt.js";

const refuse = (why) =>
  Response.json({ error: why }, { status: 401, headers: { "www-authenticate": `Bearer error="invalid_token", error_description="${why}"` } });

export default {
  async fetch(request, env) {
    const token = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined) return refuse("no token");
    try {
      return Response.json(await check(token, env.TOKEN_KEY));
    } catch (error) {
      return refuse(error.message);
    }
  },
};
