/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two entries of the module.
 */
#include <javascript_api.h>
#include <sys/time.h>
#include <time.h>

#include "hostapi/javascript/guest/guest.h"

#define GUEST_STACK_BYTES   (192 * 1024) /* of 256 KiB: what the linker was told */
#define GUEST_COLLECT_BYTES (16u << 20)  /* garbage of a request, before cycles are looked for */
#define GUEST_HOLE_BYTES    65536        /* none is larger */
#define GUEST_LARGE_PAGES   16           /* of 64 KiB, by which a script makes the memory grow */

struct guest guest;
static size_t guest_base_pages; /* of Wasm's */

extern void __wasm_call_ctors(void);

/* ---- the time: the C library's, which QuickJS asks ------------------------------------------- */

/* While a script is evaluated it is 1970: what it keeps of the time would be every request's. */
static int64_t guest_time_ns(uint32_t clock)
{
    return guest.serving ? skerry_time_now(clock) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int64_t ns = guest_time_ns(clock == CLOCK_REALTIME ? 0 : 1);
    *ret_time = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = (long)(ns % 1000000000)};
    return 0;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    (void)zone;
    int64_t ns = guest_time_ns(0);
    *ret_time =
        (struct timeval){.tv_sec = ns / 1000000000, .tv_usec = (long)(ns % 1000000000 / 1000)};
    return 0;
}

/* ---- for the other files --------------------------------------------------------------------- */

void guest_add(const JSCFunctionListEntry *functions, int count)
{
    JS_SetPropertyFunctionList(guest.context, guest.host, functions, count);
}

bool guest_refuse_frozen(JSContext *context, const char *what)
{
    if (guest.serving)
        return false;
    JS_ThrowTypeError(
        context,
        "%s has no answer while the script is evaluated: what it gives would be frozen "
        "into every request; call it in the handler",
        what);
    return true;
}

JSValue guest_throw_failure(JSContext *context, const char *what, int64_t failure)
{
    static const char *const texts[] = {
        [-SKERRY_INVALID] = "an argument makes no sense",
        [-SKERRY_NOT_FOUND] = "there is no such thing",
        [-SKERRY_DENIED] = "this function may not: see its function.yaml",
        [-SKERRY_LIMIT] = "a limit is reached",
        [-SKERRY_CONFLICT] = "somebody else was first",
        [-SKERRY_UNAVAILABLE] = "the service is not there now",
        [-SKERRY_TIMEOUT] = "it did not come in time",
        [-SKERRY_CANCELLED] = "it was ended before it came",
        [-SKERRY_TOO_LARGE] = "it is larger than may be",
        [-SKERRY_UNSUPPORTED] = "this is not provided",
        [-SKERRY_CLOSED] = "the other side has ended it",
        [-SKERRY_FAILED] = "it went wrong",
    };
    size_t at = failure < 0 && failure >= SKERRY_FAILED ? (size_t)-failure : 0;
    return JS_ThrowTypeError(context, "%s: %s", what, at == 0 ? "failed" : texts[at]);
}

const uint8_t *guest_bytes(JSContext *context, JSValueConst value, size_t *ret_count)
{
    size_t offset;
    size_t count;
    size_t element;
    size_t whole;
    JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, &count, &element);
    if (JS_IsException(buffer)) { /* then it may be the buffer itself */
        JS_FreeValue(context, JS_GetException(context));
        return JS_GetArrayBuffer(context, ret_count, value);
    }
    const uint8_t *data = JS_GetArrayBuffer(context, &whole, buffer);
    JS_FreeValue(context, buffer); /* the view holds it */
    *ret_count = count;
    return data == NULL ? NULL : data + offset;
}

char *guest_get(guest_getter *get, void *context, int64_t *ret_count)
{
    uint32_t limit = 256;
    for (;;) {
        char *buffer = malloc(limit);
        if (buffer == NULL)
            return NULL;
        *ret_count = get(context, buffer, limit);
        if (*ret_count <= (int64_t)limit && *ret_count >= 0)
            return buffer;
        free(buffer);
        if (*ret_count < 0)
            return NULL;
        limit = (uint32_t)*ret_count;
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

static int64_t guest_get_config(void *context, char *buffer, uint32_t limit)
{
    (void)context;
    return skerry_get_config(buffer, limit);
}

static void guest_load_apis(void)
{
    for (size_t i = 0; i < API_FILES; i++)
        script_load_api(api_files[i].name, api_files[i].text, api_files[i].count);
    guest.handle = JS_GetPropertyStr(guest.context, guest.host, "handle");
    guest.answer = JS_GetPropertyStr(guest.context, guest.host, "answer");
    guest.rest = JS_GetPropertyStr(guest.context, guest.host, "rest");
}

/* Fills what was freed while the base was made, from the largest hole to the smallest, and keeps
 * it. What a script leaves and what a request needs lies side by side then, behind everything, and
 * not on pages between what others keep, each of which would be an isolate's own from then on. Of
 * what a script's evaluation frees that is not true: its pages are its own anyway. */
static void guest_fill_holes(void)
{
    uint8_t *end = malloc(GUEST_HOLE_BYTES);
    if (end == NULL)
        return;
    free(end);
    for (size_t bytes = GUEST_HOLE_BYTES / 2; bytes >= 16; bytes -= bytes > 1024 ? bytes / 16 : 8) {
        uint8_t *filled = malloc(bytes);
        while (filled != NULL && filled < end)
            filled = malloc(bytes);
        free(filled);
    }
}

/* What is the same for all scripts: they share what it leaves (docs/adr/0051). */
SKERRY_EXPORT("skerry_base") void guest_make_base(void)
{
    __wasm_call_ctors();
    guest.runtime = JS_NewRuntime();
    JS_SetMaxStackSize(guest.runtime, GUEST_STACK_BYTES);
    JS_SetGCThreshold(guest.runtime, (size_t)-1);
    guest.context = JS_NewContext(guest.runtime);
    guest.host = JS_NewObject(guest.context);
    quickjs_add_json(guest.context);
    codec_add();
    crypto_add();
    encodings_add();
    exchange_add();
    loop_add();
    modules_add();
    services_add();
    text_add();
    url_add();
    guest_load_apis();
    JS_RunGC(guest.runtime);
    guest_fill_holes();
    guest_base_pages = __builtin_wasm_memory_size(0);
}

/* The initialiser. What it leaves is what every request begins with. */
SKERRY_EXPORT("_initialize") void guest_initialise(void)
{
    int64_t count;
    char *script = guest_get(guest_get_config, NULL, &count);
    if (script == NULL || !script_load(script, (size_t)count))
        exit(1);
    JS_SetHostPromiseRejectionTracker(guest.runtime, script_on_rejection, NULL);
    /* Looking for cycles links all objects anew, which would be no more as in the base: 15 pages
     * more for a small script, to save what a large one alone can have. */
    if (__builtin_wasm_memory_size(0) - guest_base_pages >= GUEST_LARGE_PAGES)
        JS_RunGC(guest.runtime);
    JS_SetGCThreshold(guest.runtime, GUEST_COLLECT_BYTES);
}

/* Does the next handler answer in the script's place? 0: no; 1: yes; 2: yes, and nothing went
 * wrong. */
static int32_t guest_passes(void)
{
    int32_t answer = 0;
    JSValue passes = JS_GetPropertyStr(guest.context, guest.host, "passes");
    JSValue value = JS_Call(guest.context, passes, JS_UNDEFINED, 0, NULL);
    return exchange_has_answered() || JS_ToInt32(guest.context, &answer, value) != 0 ? 0 : answer;
}

/* The pending exception is said in the log, for the developer only. */
static uint64_t guest_fail(void)
{
    JSValue error = JS_GetException(guest.context);
    int32_t passes = guest_passes();
    if (passes == 2)
        return SKERRY_NEXT;
    JS_Throw(guest.context, error);
    script_say_exception();
    if (exchange_has_answered())
        __builtin_trap(); /* so that nobody takes what there is of the response for the whole */
    if (passes == 1)
        return SKERRY_NEXT;
    exchange_answer_failure();
    return SKERRY_ANSWERED;
}

/* The value that a function of the web API answers, or the promise that it answers is kept with; an
 * exception if it throws, or the promise is broken or can never be kept. */
static JSValue guest_await(JSValue function, int count, JSValue argument)
{
    JSContext *context = guest.context;
    JSValue value = JS_Call(context, function, JS_UNDEFINED, count, &argument);
    if (!JS_IsPromise(value))
        return value;
    if (!loop_settle(value))
        return JS_ThrowTypeError(context, "the handler waits for what never comes: no timer, no "
                                          "request and no change of the store is under way");
    if (JS_PromiseState(context, value) == JS_PROMISE_FULFILLED)
        return JS_PromiseResult(context, value);
    JS_PromiseMarkAsHandled(context, value);
    script_on_rejection(context, value, JS_UNDEFINED, true, NULL);
    return JS_Throw(context, JS_PromiseResult(context, value));
}

SKERRY_EXPORT("handle_request") uint64_t guest_handle_request(void)
{
    guest.serving = true;
    uint64_t end = SKERRY_ANSWERED;
    JSValue response = guest_await(guest.handle, 0, JS_UNDEFINED);
    if (JS_IsException(response) || JS_IsException(guest_await(guest.answer, 1, response)))
        end = guest_fail();
    script_say_rejections();
    if (end == SKERRY_ANSWERED && JS_IsException(guest_await(guest.rest, 0, JS_UNDEFINED)))
        script_say_exception();
    loop_run_jobs();
    script_say_rejections();
    return end;
}

SKERRY_EXPORT("handle_response") void guest_handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
