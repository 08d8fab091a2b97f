/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one request: jobs first, then timers that are due, then a wait for the first of
 * what is under way, for which the isolate is parked.
 *
 * Who waits for a handle of the native API has a promise, which is kept when the handle is ready.
 */
#include "hostapi/javascript/guest/guest.h"

#define LOOP_HANDLES_MAX 64 /* of the native API */
#define LOOP_TIMERS_MAX  1024
#define LOOP_NS_PER_MS   1000000

struct loop_timer {
    uint32_t id;
    int64_t due_ns;
    int64_t again_ns; /* -1: once */
    JSValue call;
};

static uint32_t loop_handles[LOOP_HANDLES_MAX];
static JSValue loop_resolves[LOOP_HANDLES_MAX]; /* of loop_handles */
static uint32_t loop_handle_count;
static struct loop_timer loop_timers[LOOP_TIMERS_MAX]; /* in no order */
static uint32_t loop_timer_count;
static uint32_t loop_timer_id;

/* ---- what scripts start ---------------------------------------------------------------------- */

/* (handle) -> a promise */
static JSValue
loop_when_ready(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self;
    (void)count;
    uint32_t handle;
    JSValue functions[2];
    if (JS_ToUint32(context, &handle, values[0]) != 0)
        return JS_EXCEPTION;
    if (loop_handle_count == LOOP_HANDLES_MAX)
        return guest_throw_failure(context, "waiting", SKERRY_LIMIT);
    JSValue promise = JS_NewPromiseCapability(context, functions);
    if (JS_IsException(promise))
        return promise;
    JS_FreeValue(context, functions[1]);
    loop_handles[loop_handle_count] = handle;
    loop_resolves[loop_handle_count++] = functions[0];
    return promise;
}

static void loop_take_handle(uint32_t at)
{
    loop_handle_count--;
    loop_handles[at] = loop_handles[loop_handle_count];
    loop_resolves[at] = loop_resolves[loop_handle_count];
}

void loop_forget(uint32_t handle)
{
    for (uint32_t i = loop_handle_count; i-- > 0;) {
        if (loop_handles[i] != handle)
            continue;
        JS_FreeValue(guest.context, loop_resolves[i]);
        loop_take_handle(i);
    }
}

/* (function, milliseconds, again) -> id */
static JSValue
loop_set_timer(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self;
    (void)count;
    double ms;
    if (guest_refuse_frozen(context, "a timer") || JS_ToFloat64(context, &ms, values[1]) != 0)
        return JS_EXCEPTION;
    if (loop_timer_count == LOOP_TIMERS_MAX)
        return JS_ThrowRangeError(context, "a request has at most %d timers", LOOP_TIMERS_MAX);
    int64_t wait_ns = ms > 0 && ms < 2147483648.0 ? (int64_t)(ms * LOOP_NS_PER_MS) : 0;
    loop_timers[loop_timer_count++] =
        (struct loop_timer){.id = ++loop_timer_id,
                            .due_ns = skerry_time_now(1) + wait_ns,
                            .again_ns = JS_ToBool(context, values[2]) > 0 ? wait_ns : -1,
                            .call = JS_DupValue(context, values[0])};
    return JS_NewUint32(context, loop_timer_id);
}

static JSValue
loop_clear_timer(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self;
    (void)count;
    uint32_t id;
    if (JS_ToUint32(context, &id, values[0]) != 0)
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < loop_timer_count; i++) {
        if (loop_timers[i].id == id)
            loop_timers[i] = loop_timers[--loop_timer_count];
    }
    return JS_UNDEFINED;
}

void loop_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("whenReady", 1, loop_when_ready),
        GUEST_FUNCTION("setTimer", 3, loop_set_timer),
        GUEST_FUNCTION("clearTimer", 1, loop_clear_timer),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}

/* ---- running --------------------------------------------------------------------------------- */

void loop_run_jobs(void)
{
    JSContext *context;
    int done;
    while ((done = JS_ExecutePendingJob(guest.runtime, &context)) != 0) {
        if (done < 0)
            script_report_exception();
    }
}

/* NULL: there is none. Of two at one time the one that was set first. */
static struct loop_timer *loop_first_timer(void)
{
    struct loop_timer *first = NULL;
    for (uint32_t i = 0; i < loop_timer_count; i++) {
        struct loop_timer *timer = &loop_timers[i];
        if (first == NULL || timer->due_ns < first->due_ns ||
            (timer->due_ns == first->due_ns && timer->id < first->id))
            first = timer;
    }
    return first;
}

static void loop_run_timer(struct loop_timer *timer, int64_t now_ns)
{
    JSValue call = JS_DupValue(guest.context, timer->call);
    if (timer->again_ns >= 0)
        timer->due_ns = now_ns + (timer->again_ns > 0 ? timer->again_ns : LOOP_NS_PER_MS);
    else
        *timer = loop_timers[--loop_timer_count];
    JSValue result = JS_Call(guest.context, call, JS_UNDEFINED, 0, NULL);
    if (JS_IsException(result))
        script_report_exception();
    JS_FreeValue(guest.context, result);
    JS_FreeValue(guest.context, call);
}

static void loop_keep_promise(uint32_t at)
{
    JSValue resolve = loop_resolves[at];
    loop_take_handle(at);
    JS_FreeValue(guest.context, JS_Call(guest.context, resolve, JS_UNDEFINED, 0, NULL));
    JS_FreeValue(guest.context, resolve);
}

/* One timer, or one handle that is ready; false: there is neither. */
static bool loop_step(void)
{
    struct loop_timer *timer = loop_first_timer();
    if (timer == NULL && loop_handle_count == 0)
        return false;
    int64_t now_ns = skerry_time_now(1);
    if (timer != NULL && timer->due_ns <= now_ns) {
        loop_run_timer(timer, now_ns);
        return true;
    }
    int64_t wait_ms =
        timer == NULL ? -1 : (timer->due_ns - now_ns + LOOP_NS_PER_MS - 1) / LOOP_NS_PER_MS;
    int32_t ready = skerry_wait(loop_handles, loop_handle_count, wait_ms);
    if (ready >= 0)
        loop_keep_promise((uint32_t)ready);
    return true;
}

bool loop_settle(JSValueConst promise)
{
    for (;;) {
        loop_run_jobs();
        if (JS_PromiseState(guest.context, promise) != JS_PROMISE_PENDING)
            return true;
        if (!loop_step())
            return false;
    }
}
