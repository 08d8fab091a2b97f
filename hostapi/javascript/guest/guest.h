/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JavaScript functions: the guest's side. QuickJS, compiled to Wasm, is an http-wasm handler:
 *
 *   _initialize     runtime, context, web API (api/, in JavaScript), then the deployed script,
 * which is the module's configuration; the builder freezes what is there then handle_request  asks
 * the script's handler, and runs the loop until it has answered
 *
 *   main.c -> script.c            evaluating, and errors as text
 *          -> modules.c           what was deployed, by name; source maps
 *          -> loop.c              jobs, timers, handles of the native API
 *          -> exchange.c          the request and its response
 *          -> services.c          fetch, store, environment, log, random bytes
 *          -> crypto.c            the host's cryptography
 *          -> codec.c             gzip and deflate
 *          -> text.c encodings.c url.c    what would be slow in JavaScript
 *          -> quickjs_json*.c             and in QuickJS
 *
 * The web API is JavaScript over one object of functions in C, `host`, that no script can reach.
 * Nothing here is freed for tidiness: an isolate goes back to its snapshot after each request.
 */
#ifndef SKERRY_JAVASCRIPT_GUEST_H
#define SKERRY_JAVASCRIPT_GUEST_H

#include <quickjs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SKERRY_HAVE_LIBC
#include "hostapi/guest/skerry.h"

struct guest {
    JSRuntime *runtime;
    JSContext *context;
    JSValue host; /* the functions of C, for the web API */
    /* The web API's part of a request, one after the other: the script's response; its sending;
     * what the script goes on with. */
    JSValue handle;
    JSValue answer;
    JSValue rest;
    bool serving; /* a request is under way: before that nothing outside may be asked */
};

extern struct guest guest;

/* A function of `host`. */
#define GUEST_FUNCTION(name, arguments, function) JS_CFUNC_DEF(name, arguments, function)

/* Adds a file's functions to `host`. */
void guest_add(const JSCFunctionListEntry *functions, int count);
/* Throws a TypeError that says that `what` has no answer while the script is evaluated; false if
 * a request is under way. */
bool guest_refuse_frozen(JSContext *context, const char *what);
/* Throws an Error for a failure of the native API. */
JSValue guest_throw_failure(JSContext *context, const char *what, int64_t failure);

/* Bytes of an ArrayBuffer or a view of one; NULL with an exception. */
const uint8_t *guest_bytes(JSContext *context, JSValueConst value, size_t *ret_count);

/* What a getter of the native API answers. `get` writes at most `limit` bytes and answers how many
 * there are; the result is malloc's, NULL for what is less than 0 bytes, in *ret_count. */
typedef int64_t guest_getter(void *context, char *buffer, uint32_t limit);
char *guest_get(guest_getter *get, void *context, int64_t *ret_count);

/* ---- quickjs_json_read.c --------------------------------------------------------------------- */

/* Puts functions of ours in the places of JSON's. */
void quickjs_add_json(JSContext *context);

/* ---- script.c -------------------------------------------------------------------------------- */

/* Evaluates the deployed script; false: it cannot be, and why was said. */
bool script_load(const char *text, size_t count);
/* Evaluates a part of the web API: a function, which is called with `host`. */
void script_load_api(const char *name, const char *text, size_t count);
/* Says the pending exception in the log, with its stack. */
void script_say_exception(void);
/* The same of one that nobody waits for: a listener of `error` may take it. */
void script_report_exception(void);
/* A promise was rejected and nobody has looked (yet), or now somebody has. */
void script_on_rejection(
    JSContext *context, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque);
/* Says those that nobody has looked at, or has a listener of `unhandledrejection` take them. */
void script_say_rejections(void);

/* ---- modules.c ------------------------------------------------------------------------------- */

/* Takes what was deployed apart; false: it cannot be, and why was said. */
bool modules_open(JSContext *context, const char *text, size_t count);
/* The promise of the main module's evaluation, or an exception. Of what is no module but a script:
 * its value, and NULL. */
JSValue modules_evaluate(JSContext *context, JSModuleDef **ret_main);
void modules_add(void);

/* ---- loop.c ---------------------------------------------------------------------------------- */

void loop_add(void);
/* Of a handle that is closed: who waits for it waits for ever. One that is none ends all waits. */
void loop_forget(uint32_t handle);
/* Runs jobs, and nothing else. */
void loop_run_jobs(void);
/* Runs jobs, timers and what waits for handles until the promise is settled; false: it never will
 * be, for nothing is left to run. */
bool loop_settle(JSValueConst promise);

/* ---- what else is in `host` ------------------------------------------------------------------ */

void codec_add(void);
void crypto_add(void);
void encodings_add(void);
void exchange_add(void);
/* Of this request: has the response's head been written? */
bool exchange_has_answered(void);
void exchange_answer_failure(void);
void services_add(void);
void text_add(void);
/* QuickJS writes half of a surrogate pair as three bytes: they become U+FFFD's. */
void text_mend(uint8_t *bytes, size_t count);
/* Of UTF-8, with what is ill-formed replaced. */
JSValue text_string(JSContext *context, const uint8_t *bytes, size_t count);
void url_add(void);

#endif
