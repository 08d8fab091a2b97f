// SPDX-License-Identifier: Apache-2.0
/* QuickJS runs quickjs.js: calls, objects, sorting, JSON, regular expressions, strings, maps. The
 * value of the script's last expression is printed.
 */
#include <quickjs.h>
#include <stdio.h>

static const char SCRIPT[] = {
#embed "quickjs.js" suffix(, 0)
};

int main(void)
{
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = JS_NewContext(runtime);
    JSValue value = JS_Eval(context, SCRIPT, sizeof SCRIPT - 1, "script", JS_EVAL_TYPE_GLOBAL);
    int failed = JS_IsException(value);
    const char *text;

    if (failed) {
        value = JS_GetException(context);
    }
    text = JS_ToCString(context, value);
    puts(text != NULL ? text : "no text");
    return failed;
}
