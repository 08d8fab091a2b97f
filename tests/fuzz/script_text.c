/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grammar by templates: `%e` in one is an expression, `%v` what a statement before it made, `%k`
 * a name that properties have. Each statement is tried by itself, so that what one throws does not
 * keep the next from being made.
 */
#include "tests/fuzz/script_text.h"

#include <string.h>

#define TEXT_STATEMENTS_MAX 24
#define TEXT_DEPTH_MAX      4
#define TEXT_BYTES_MAX      12000

static const char *const text_keys[] = {
    "length",        "then",     "constructor",   "__proto__", "get",      "set",    "value",
    "name",          "type",     "signal",        "body",      "headers",  "status", "method",
    "size",          "pull",     "start",         "0",         "toString", "toJSON", "min",
    "highWaterMark", "next",     "done",          "message",   "stack",    "cause",  "buffer",
    "byteLength",    "metadata", "expirationTtl", "prefix",    "limit",    "cursor", "boundary",
    "host",          "href",
};

/* Of no expression: also what is chosen when the choices are used up, the first one. */
static const char *const text_atoms[] = {
    "1",
    "%v",
    "%v",
    "%v",
    "\"\"",
    "\"a\"",
    "null",
    "undefined",
    "-1",
    "NaN",
    "2 ** 31",
    "2 ** 53",
    "1e308",
    "1n",
    "true",
    "[]",
    "{}",
    "\"\\ud800\"",
    "\"\\0\\r\\n\"",
    "\"http://h/p?q#f\"",
    "\"data:text/plain,x\"",
    "\"constructor\"",
    "Symbol.iterator",
    "hostile",
    "request",
    "env",
    "env.KV",
    "ctx",
    "globalThis",
    "new Uint8Array(8)",
    "new ArrayBuffer(16)",
    "new Date(NaN)",
    "/(?:(?:a?){9}){9}/u",
    "() => %v",
    "async () => %v",
    "function* () { yield 1; }",
    "gone",
    "\"multipart/form-data; boundary=x\"",
    "\"application/x-www-form-urlencoded\"",
    "new Error(\"e\")",
    "\"x\".repeat(70000)",
    "request.body",
    "new Proxy({}, hostile)",
    "deep",
};

static const char *const text_expressions[] = {
    "%e",
    "[%e, %e]",
    "({ %k: %e })",
    "({ %k: %e, %k: %e })",
    "({ get %k() { return %e; } })",
    "({ get %k() { throw %e; } })",
    "({ [Symbol.iterator]: () => ({ next: () => %e }) })",
    "new Headers(%e)",
    "new Request(%e, %e)",
    "new Response(%e, %e)",
    "Response.json(%e, %e)",
    "new URL(%e, %e)",
    "new URLSearchParams(%e)",
    "new URLPattern(%e, %e)",
    "new Blob(%e, %e)",
    "new File(%e, %e, %e)",
    "new FormData()",
    "new TextDecoder(%e, %e)",
    "new TextEncoder()",
    "new ReadableStream(%e, %e)",
    "new WritableStream(%e, %e)",
    "new TransformStream(%e, %e, %e)",
    "new CompressionStream(\"gzip\")",
    "new DecompressionStream(\"deflate-raw\")",
    "new DecompressionStream(\"brotli\")",
    "new FixedLengthStream(%e)",
    "new AbortController()",
    "AbortSignal.any(%e)",
    "AbortSignal.timeout(%e)",
    "new Event(%e, %e)",
    "structuredClone(%e, %e)",
    "atob(%e)",
    "btoa(%e)",
    "crypto.getRandomValues(%e)",
    "crypto.subtle.digest(%e, %e)",
    "crypto.subtle.importKey(\"raw\", %e, %e, true, %e)",
    "crypto.subtle.generateKey(%e, true, %e)",
    "crypto.subtle.sign(%e, %e, %e)",
    "crypto.subtle.encrypt(%e, %e, %e)",
    "JSON.stringify(%e)",
    "JSON.parse(%e)",
    "Reflect.construct(%e, %e)",
    "Reflect.apply(%e, %e, [%e])",
    "%e.%k",
    "%e?.[%e]",
    "%e.%k(%e)",
    "%e.%k(%e, %e)",
    "%e.get(%e)",
    "%e.append(%e, %e)",
    "%e.set(%e, %e)",
    "[...%e]",
    "%e.clone()",
    "%e.text()",
    "%e.bytes()",
    "%e.formData()",
    "%e.body",
    "%e.getReader(%e)",
    "%e.read(%e)",
    "%e.tee()",
    "%e.pipeThrough(%e)",
    "%e.getWriter()",
    "%e.write(%e)",
    "%e.close()",
    "%e.cancel(%e)",
    "%e.decode(%e, %e)",
    "%e.encodeInto(%e, %e)",
    "%e.exec(%e)",
    "%e.slice(%e, %e)",
    "fetch(%e, %e)",
    "caches.default.match(%e)",
    "caches.default.put(%e, %e)",
    "env.KV.get(%e, %e)",
    "env.KV.put(%e, %e, %e)",
    "env.KV.list(%e)",
    "env.functions.a.fetch(%e, %e)",
    "env[%e]",
    "ctx.waitUntil(%e)",
    "new Promise(%e)",
    "Promise.all([%e, %e])",
    "request.%k()",
    "Object.fromEntries(%e)",
    "String(%e)",
    "%e + %e",
    "Array.from(%e)",
    "new Uint8Array(%e)",
};

static const char *const text_statements[] = {
    "v.push(%e);",
    "v.push(await %e);",
    "v.push(await %e);",
    "v.push(%e);",
    "%e.%k = %e;",
    "Object.prototype.%k = %e;",
    "Array.prototype.%k = %e;",
    "Promise.prototype.%k = %e;",
    "Object.defineProperty(Array.prototype, %e, { configurable: true, set: hostile, get() { return "
    "%e; } });",
    "Object.defineProperty(Object.prototype, %e, { configurable: true, set() { throw %e; }, get() "
    "{ return %e; } });",
    "Response.prototype.%k = %e;",
    "Headers.prototype.%k = %e;",
    "globalThis[%e] = %e;",
    "Object.setPrototypeOf(%e, %e);",
    "setTimeout(() => { %e; }, %e);",
    "queueMicrotask(() => { %e; });",
    "for await (const x of %e) { v.push(x); break; }",
    "console.log(%e, %e);",
    "throw %e;",
    "Error.prepareStackTrace = %e;",
    "Symbol.prototype[Symbol.toPrimitive] = %e;",
    "addEventListener(%e, %e);",
    "reportError(%e);",
    "for (const x of %e) v.push(x);",
    "Uint8Array.prototype.%k = %e;",
    "String.prototype.%k = %e;",
    "delete Array.prototype.%k;",
    "if (gone.byteLength > 0) gone.transfer();",
    "return %e;",
    "return new Response(%e, %e);",
};

static void
text_template(struct choices *choices, const char *text, uint32_t depth, struct buffer *out);

static void text_piece(struct buffer *out, const char *text, size_t count)
{
    ASSERT(buffer_append(out, text, count) == STATUS_OK);
}

static void text_expression(struct choices *choices, uint32_t depth, struct buffer *out)
{
    bool is_atom = depth >= TEXT_DEPTH_MAX || choices->left == 0 ||
                   out->count > TEXT_BYTES_MAX / 2 || choose(choices, 3) == 0;
    const char *text = is_atom ? text_atoms[choose(choices, COUNT_OF(text_atoms))]
                               : text_expressions[choose(choices, COUNT_OF(text_expressions))];
    text_piece(out, "(", 1);
    text_template(choices, text, depth + 1, out);
    text_piece(out, ")", 1);
}

static void
text_template(struct choices *choices, const char *text, uint32_t depth, struct buffer *out)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "%");
        text_piece(out, text, plain);
        text += plain;
        if (*text == '\0')
            return;
        if (text[1] == 'e') {
            text_expression(choices, depth, out);
        } else if (text[1] == 'k') {
            const char *key = text_keys[choose(choices, COUNT_OF(text_keys))];
            text_piece(out, key, strlen(key));
        } else {
            static const char made[] = "v.at(-0)";
            char one[sizeof(made)];
            memcpy(one, made, sizeof(made));
            one[6] = (char)('1' + choose(choices, 6));
            text_piece(out, one, sizeof(made) - 1);
        }
        text += 2;
    }
}

void script_text(struct choices *choices, struct buffer *out)
{
    static const char head[] =
        "const hostile = function () { throw new Error(\"hostile\"); };\n"
        "hostile.toString = hostile.valueOf = hostile[Symbol.toPrimitive] = () => { throw 1; };\n"
        "let deep = []; for (let i = 0; i < 3000; i++) deep = [deep];\n"
        "const gone = new ArrayBuffer(8);\n"
        "export default { async fetch(request, env, ctx) {\nconst v = [request];\n";
    static const char tail[] = "return new Response(\"end\");\n} };\n";
    uint32_t count = 1 + choose(choices, TEXT_STATEMENTS_MAX);
    text_piece(out, head, sizeof(head) - 1);
    for (uint32_t i = 0; i < count && out->count < TEXT_BYTES_MAX; i++) {
        const char *text = text_statements[choose(choices, COUNT_OF(text_statements))];
        text_piece(out, "try { ", 6);
        text_template(choices, text, 0, out);
        text_piece(out, " } catch (e) { v.push(e); }\n", 28);
    }
    text_piece(out, tail, sizeof(tail) - 1);
}
