/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluating: the parts of the web API, then the deployed script.
 */
#include <stdio.h>

#include "hostapi/javascript/guest/guest.h"

#define SCRIPT_REJECTIONS_MAX 16

static JSValue script_module_exports = JS_UNDEFINED;

/* Rejected promises that nobody has looked at, and why they were. */
static struct script_rejection {
    JSValue promise;
    JSValue reason;
} script_rejections[SCRIPT_REJECTIONS_MAX];
static uint32_t script_rejection_count;

/* ---- what went wrong ------------------------------------------------------------------------- */

/* The stack in the lines of the sources that it comes from. */
static JSValue script_stack(JSContext *context, JSValueConst error)
{
    JSValue stack = JS_IsObject(error) ? JS_GetPropertyStr(context, error, "stack") : JS_UNDEFINED;
    JSValue map = JS_GetPropertyStr(context, guest.host, "mapStack");
    if (!JS_IsString(stack) || !JS_IsFunction(context, map))
        return stack;
    JSValue mapped = JS_Call(context, map, JS_UNDEFINED, 1, (JSValueConst *)&stack);
    if (!JS_IsException(mapped))
        return mapped;
    JS_FreeValue(context, JS_GetException(context));
    return stack;
}

/* "Error: text", and the stack in lines below it. */
static void script_say(JSValueConst error)
{
    JSContext *context = guest.context;
    JSValue stack = script_stack(context, error);
    const char *text = JS_ToCString(context, error);
    const char *where = JS_IsString(stack) ? JS_ToCString(context, stack) : NULL;
    char line[2048];
    /* A stack begins with the text, unless a script has made another. */
    bool has_text = where != NULL && text != NULL && strncmp(where, text, strlen(text)) == 0;
    int count = snprintf(line, sizeof(line), "%s%s%s",
                         has_text       ? ""
                         : text == NULL ? "an error without a text"
                                        : text,
                         has_text || where == NULL || where[0] == '\0' ? "" : "\n",
                         where == NULL ? "" : where);
    size_t bytes = count < (int)sizeof(line) ? (size_t)count : sizeof(line) - 1;
    while (bytes > 0 && line[bytes - 1] == '\n')
        bytes--;
    skerry_log(SKERRY_LOG_ERROR, line, (uint32_t)bytes);
}

void script_say_exception(void)
{
    JSValue error = JS_GetException(guest.context);
    if (!JS_IsUninitialized(error))
        script_say(error);
}

/* A function of the web API says it, unless a listener of the script takes it. */
static void script_tell(const char *function, int count, JSValue *values)
{
    JSContext *context = guest.context;
    JSValue tell = JS_GetPropertyStr(context, guest.host, function);
    if (JS_IsException(JS_Call(context, tell, JS_UNDEFINED, count, values)))
        script_say_exception();
}

void script_report_exception(void)
{
    JSValue error = JS_GetException(guest.context);
    if (!JS_IsUninitialized(error))
        script_tell("report", 1, &error);
}

void script_on_rejection(
    JSContext *context, JSValueConst promise, JSValueConst reason, bool is_handled, void *opaque)
{
    (void)opaque;
    for (uint32_t i = 0; i < script_rejection_count && is_handled; i++) {
        if (JS_VALUE_GET_PTR(script_rejections[i].promise) == JS_VALUE_GET_PTR(promise))
            script_rejections[i] = script_rejections[--script_rejection_count];
    }
    if (is_handled || script_rejection_count == SCRIPT_REJECTIONS_MAX)
        return;
    script_rejections[script_rejection_count].promise = JS_DupValue(context, promise);
    script_rejections[script_rejection_count++].reason = JS_DupValue(context, reason);
}

void script_say_rejections(void)
{
    struct script_rejection rejections[SCRIPT_REJECTIONS_MAX];
    uint32_t count = script_rejection_count;
    memcpy(rejections, script_rejections, sizeof(rejections));
    script_rejection_count = 0; /* a listener may leave more of them */
    for (uint32_t i = 0; i < count; i++)
        script_tell("reject", 2, (JSValue[]){rejections[i].promise, rejections[i].reason});
}

/* ---- evaluating ------------------------------------------------------------------------------ */

void script_load_api(const char *name, const char *text, size_t count)
{
    JSContext *context = guest.context;
    JSValue part = JS_Eval(context, text, count, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT);
    JSValue done = JS_IsException(part)
                       ? part
                       : JS_Call(context, part, JS_UNDEFINED, 1, (JSValueConst *)&guest.host);
    if (!JS_IsException(done))
        return;
    script_say_exception();
    abort(); /* of ours: a test has found it before */
}

static bool script_fail(const char *text)
{
    if (text == NULL)
        script_say_exception();
    else
        skerry_log(SKERRY_LOG_ERROR, text, (uint32_t)strlen(text));
    return false;
}

/* Asks the handler for what is to be there before the first request; whatever comes of it. */
static bool script_warm(JSContext *context)
{
    JSValue warm = JS_GetPropertyStr(context, guest.host, "warm");
    JSValue done = JS_Call(context, warm, JS_UNDEFINED, 0, NULL);
    if (JS_IsException(done))
        return script_fail(NULL);
    loop_run_jobs();
    return true;
}

bool script_load(const char *text, size_t count)
{
    JSContext *context = guest.context;
    JSModuleDef *definition;
    if (!modules_open(context, text, count))
        return false;
    JSValue evaluated = modules_evaluate(context, &definition);
    if (JS_IsException(evaluated))
        return script_fail(NULL);
    loop_run_jobs();
    if (JS_PromiseState(context, evaluated) == JS_PROMISE_REJECTED) {
        JS_PromiseMarkAsHandled(context, evaluated);
        JS_Throw(context, JS_PromiseResult(context, evaluated));
        return script_fail(NULL);
    }
    if (JS_PromiseState(context, evaluated) == JS_PROMISE_PENDING)
        return script_fail("the script's top level awaits what never comes: it may only compute");
    script_module_exports =
        definition == NULL ? JS_NewObject(context) : JS_GetModuleNamespace(context, definition);
    JSValue adopt = JS_GetPropertyStr(context, guest.host, "adopt");
    JSValue adopted =
        JS_Call(context, adopt, JS_UNDEFINED, 1, (JSValueConst *)&script_module_exports);
    return JS_IsException(adopted) ? script_fail(NULL) : script_warm(context);
}
