/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was deployed, as modules by name: one script, or several files as multipart/form-data.
 *
 *   --BOUNDARY CRLF
 *   Content-Disposition: form-data; name="lib/a.js"; filename="lib/a.js" CRLF
 *   Content-Type: application/javascript+module CRLF
 *   CRLF
 *   bytes CRLF --BOUNDARY ... --BOUNDARY--
 *
 * No script begins so: a label is one word. The part `metadata` is JSON: which module is the main
 * one, and what `env` binds. Names are what imports are resolved to; what a module is, its type
 * says, or else the end of its name.
 */
#include <stdio.h>
#include <strings.h>

#include "hostapi/javascript/guest/guest.h"

#define MODULES_MAX            1024
#define MODULES_BOUNDARY_BYTES 80 /* its line, without the end */
#define MODULES_NAME_BYTES     256
#define MODULES_ONE            "app.js" /* what a script alone is called */

enum module_kind {
    MODULE_SCRIPT,
    MODULE_JSON,
    MODULE_TEXT,
    MODULE_DATA,
    MODULE_MAP,
    MODULE_WASM,
    MODULE_UNKNOWN
};

struct module_part {
    char name[MODULES_NAME_BYTES];
    enum module_kind kind;
    char *data; /* a NUL is behind it */
    size_t count;
};

static struct module_part *modules;
static uint32_t modules_count;
static uint32_t modules_room;
static const char *modules_main;

/* ---- what a module is ------------------------------------------------------------------------ */

static const struct {
    const char *type;
    const char *ending;
    enum module_kind kind;
} modules_kinds[] = {
    {"application/javascript+module", ".js", MODULE_SCRIPT},
    {"application/javascript", ".mjs", MODULE_SCRIPT},
    {"text/javascript", ".mjs", MODULE_SCRIPT},
    {"application/json", ".json", MODULE_JSON},
    {"application/source-map", ".map", MODULE_MAP},
    {"application/wasm", ".wasm", MODULE_WASM},
    {"text/plain", ".txt", MODULE_TEXT},
    {"text/html", ".html", MODULE_TEXT},
    {"text/css", ".css", MODULE_TEXT},
    {"application/sql", ".sql", MODULE_TEXT},
    {"application/x-data", ".bin", MODULE_DATA},
};

static bool modules_ends(const char *name, const char *ending)
{
    size_t count = strlen(name);
    size_t tail = strlen(ending);
    return count > tail && strcmp(name + count - tail, ending) == 0;
}

/* `type` is what the part says, or "". Octet-stream is what clients say of what they do not know.
 */
static enum module_kind modules_kind(const char *type, const char *name)
{
    bool is_vague = type[0] == '\0' || strcasecmp(type, "application/octet-stream") == 0;
    for (size_t i = 0; i < sizeof(modules_kinds) / sizeof(modules_kinds[0]); i++) {
        if (is_vague ? modules_ends(name, modules_kinds[i].ending)
                     : strcasecmp(type, modules_kinds[i].type) == 0)
            return modules_kinds[i].kind;
    }
    return type[0] == '\0' ? MODULE_UNKNOWN : MODULE_DATA;
}

/* ---- parsing --------------------------------------------------------------------------------- */

static bool modules_fail(const char *why, const char *name)
{
    char line[MODULES_NAME_BYTES + 200];
    int count = snprintf(line, sizeof(line), "the upload's parts: %s%s%s", why,
                         name[0] == '\0' ? "" : ": ", name);
    skerry_log(SKERRY_LOG_ERROR, line, (uint32_t)count);
    return false;
}

/* The value of a parameter, `; name="value"`, of a field; false: it is not there, or too long. */
static bool modules_parameter(const char *field, const char *name, char ret[MODULES_NAME_BYTES])
{
    char sought[24];
    (void)snprintf(sought, sizeof(sought), "; %s=\"", name);
    const char *at = strcasestr(field, sought);
    const char *end = at == NULL ? NULL : strchr(at + strlen(sought), '"');
    size_t count = end == NULL ? 0 : (size_t)(end - at) - strlen(sought);
    if (count == 0 || count >= MODULES_NAME_BYTES)
        return false;
    memcpy(ret, at + strlen(sought), count);
    ret[count] = '\0';
    return true;
}

/* One field of a part's head, which ends in a NUL. */
static void
modules_take_field(struct module_part *part, const char *field, char type[MODULES_NAME_BYTES])
{
    if (strncasecmp(field, "content-disposition:", 20) == 0) {
        if (!modules_parameter(field, "filename", part->name))
            (void)modules_parameter(field, "name", part->name);
    } else if (strncasecmp(field, "content-type:", 13) == 0) {
        const char *value = field + 13 + strspn(field + 13, " \t");
        (void)snprintf(type, MODULES_NAME_BYTES, "%.*s", (int)strcspn(value, "; \t"), value);
    }
}

/* A part's head; answers where its data begins, NULL: the head has no end. */
static char *modules_take_head(struct module_part *part, char *at, char *end)
{
    char type[MODULES_NAME_BYTES] = "";
    for (;;) {
        char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (line_end == NULL)
            return NULL;
        *line_end = '\0';
        if (line_end == at)
            break;
        modules_take_field(part, at, type);
        at = line_end + 2;
    }
    if (strncmp(part->name, "./", 2) == 0)
        memmove(part->name, part->name + 2, strlen(part->name + 2) + 1);
    part->kind = modules_kind(type, part->name);
    return at + 2;
}

/* Appended, and empty; NULL: there is no room. */
static struct module_part *modules_new(void)
{
    if (modules_count == modules_room) {
        modules_room = modules_room == 0 ? 1 : modules_room * 2;
        modules =
            modules_room > MODULES_MAX ? NULL : realloc(modules, modules_room * sizeof(*modules));
    }
    if (modules == NULL)
        return NULL;
    modules[modules_count] = (struct module_part){0};
    return &modules[modules_count++];
}

struct modules_bounds {
    char mark[MODULES_BOUNDARY_BYTES + 3]; /* CR, LF, "--", boundary */
    size_t count;
};

/* Appends the part that begins at `at`, behind its boundary; answers what is behind the next
 * boundary, or NULL, and why was said. */
static char *modules_take_part(char *at, char *end, const struct modules_bounds *bounds)
{
    struct module_part *part = modules_new();
    if (part == NULL) {
        (void)modules_fail("there are too many", "");
        return NULL;
    }
    part->data = modules_take_head(part, at, end);
    char *next = part->data == NULL ? NULL
                                    : memmem(part->data - 2, (size_t)(end - part->data) + 2,
                                             bounds->mark, bounds->count);
    if (next == NULL || next < part->data || part->name[0] == '\0') {
        (void)modules_fail(next == NULL ? "one is not whole" : "one has no name", part->name);
        return NULL;
    }
    *next = '\0';
    part->count = (size_t)(next - part->data);
    return next + bounds->count;
}

static struct module_part *modules_find(const char *name)
{
    for (uint32_t i = 0; i < modules_count; i++) {
        if (strcmp(modules[i].name, name) == 0)
            return &modules[i];
    }
    return NULL;
}

/* The main module: what `metadata` says, or else the first script. */
static bool modules_choose(JSContext *context)
{
    struct module_part *said = modules_find("metadata");
    JSValue metadata = said == NULL ? JS_NewObject(context)
                                    : JS_ParseJSON(context, said->data, said->count, "metadata");
    if (JS_IsException(metadata)) {
        script_say_exception();
        return false;
    }
    JSValue main = JS_GetPropertyStr(context, metadata, "main_module");
    if (JS_IsUndefined(main))
        main = JS_GetPropertyStr(context, metadata, "body_part");
    JS_SetPropertyStr(context, guest.host, "metadata", metadata);
    modules_main = JS_IsString(main) ? JS_ToCString(context, main) : NULL;
    for (uint32_t i = 0; i < modules_count && modules_main == NULL; i++)
        modules_main = modules[i].kind == MODULE_SCRIPT ? modules[i].name : NULL;
    if (modules_main == NULL || modules_find(modules_main) == NULL)
        return modules_fail("the main module is not among them",
                            modules_main == NULL ? "" : modules_main);
    return true;
}

static bool modules_parse(JSContext *context, char *text, size_t count)
{
    struct modules_bounds bounds;
    char *end = text + count;
    char *line_end = memmem(text, count, "\r\n", 2);
    bounds.count = (size_t)(line_end - text) + 2;
    if (bounds.count >= sizeof(bounds.mark))
        return modules_fail("their boundary is too long", "");
    memcpy(bounds.mark, "\r\n", 2);
    memcpy(bounds.mark + 2, text, bounds.count - 2);
    char *at = line_end;
    while (at != NULL && end - at >= 2 && memcmp(at, "\r\n", 2) == 0)
        at = modules_take_part(at + 2, end, &bounds);
    if (at == NULL)
        return false;
    if (end - at < 2 || memcmp(at, "--", 2) != 0)
        return modules_fail("they have no end", "");
    return modules_choose(context);
}

static bool modules_are_several(const char *text, size_t count)
{
    static const char head[] = "\r\nContent-Disposition:";
    const char *line_end = memmem(text, count, "\r\n", 2);
    return count > 4 && memcmp(text, "--", 2) == 0 && line_end != NULL &&
           (size_t)(text + count - line_end) >= sizeof(head) - 1 &&
           strncasecmp(line_end, head, sizeof(head) - 1) == 0;
}

bool modules_open(JSContext *context, const char *text, size_t count)
{
    char *copy = malloc(count + 1); /* QuickJS reads the byte behind a script */
    if (copy == NULL)
        return modules_fail("there is no room for them", "");
    memcpy(copy, text, count);
    copy[count] = '\0';
    if (modules_are_several(copy, count))
        return modules_parse(context, copy, count);
    struct module_part *part = modules_new();
    if (part == NULL)
        return modules_fail("there is no room for them", "");
    *part = (struct module_part){
        .name = MODULES_ONE, .kind = MODULE_SCRIPT, .data = copy, .count = count};
    modules_main = part->name;
    JS_SetPropertyStr(context, guest.host, "metadata", JS_NewObject(context));
    return true;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int modules_initialise(JSContext *context, JSModuleDef *module)
{
    return JS_SetModuleExport(context, module, "default",
                              JS_GetModulePrivateValue(context, module));
}

/* A module whose default export is what the part is. */
static JSModuleDef *modules_make(JSContext *context, const struct module_part *part)
{
    JSValue value;
    if (part->kind == MODULE_JSON)
        value = JS_ParseJSON(context, part->data, part->count, part->name);
    else if (part->kind == MODULE_TEXT)
        value = JS_NewStringLen(context, part->data, part->count);
    else
        value = JS_NewArrayBufferCopy(context, (const uint8_t *)part->data, part->count);
    JSModuleDef *module =
        JS_IsException(value) ? NULL : JS_NewCModule(context, part->name, modules_initialise);
    if (module == NULL || JS_AddModuleExport(context, module, "default") < 0)
        return NULL;
    JS_SetModulePrivateValue(context, module, value);
    return module;
}

static JSModuleDef *modules_compile(JSContext *context, const struct module_part *part)
{
    JSValue module = JS_Eval(context, part->data, part->count, part->name,
                             JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    return JS_IsException(module) ? NULL : JS_VALUE_GET_PTR(module);
}

static int modules_initialise_own(JSContext *context, JSModuleDef *module)
{
    JSValue exports = JS_GetModulePrivateValue(context, module);
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(context, &names, &count, exports, JS_GPN_STRING_MASK) != 0)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = JS_AtomToCString(context, names[i].atom);
        JSValue value = JS_GetProperty(context, exports, names[i].atom);
        if (name == NULL || JS_SetModuleExport(context, module, name, value) < 0)
            return -1;
    }
    return 0;
}

/* One of the web API's own, `host.builtins`; NULL: there is none of that name. */
static JSModuleDef *modules_make_own(JSContext *context, const char *name)
{
    JSValue own = JS_GetPropertyStr(context, guest.host, "builtins");
    JSValue exports = JS_GetPropertyStr(context, own, name);
    JSPropertyEnum *names;
    uint32_t count;
    if (!JS_IsObject(exports) ||
        JS_GetOwnPropertyNames(context, &names, &count, exports, JS_GPN_STRING_MASK) != 0)
        return NULL;
    JSModuleDef *module = JS_NewCModule(context, name, modules_initialise_own);
    for (uint32_t i = 0; module != NULL && i < count; i++) {
        const char *text = JS_AtomToCString(context, names[i].atom);
        if (text == NULL || JS_AddModuleExport(context, module, text) < 0)
            return NULL;
    }
    if (module != NULL)
        JS_SetModulePrivateValue(context, module, exports);
    return module;
}

static JSModuleDef *modules_load(JSContext *context, const char *name, void *opaque)
{
    (void)opaque;
    const struct module_part *part = modules_find(name);
    JSModuleDef *own = part == NULL ? modules_make_own(context, name) : NULL;
    if (own != NULL)
        return own;
    if (part == NULL && (strncmp(name, "node:", 5) == 0 || strncmp(name, "cloudflare:", 11) == 0))
        JS_ThrowReferenceError(context,
                               "`%s` is a module of another platform's, which is not here: what "
                               "docs/javascript.md lists is",
                               name);
    else if (part == NULL)
        JS_ThrowReferenceError(context,
                               "there is no module `%s`: it was not deployed with the script; let "
                               "a bundler such as esbuild bring what is installed by name",
                               name);
    else if (part->kind == MODULE_WASM)
        JS_ThrowReferenceError(context,
                               "`%s` is WebAssembly, which a script cannot run here: deploy it as "
                               "a function of its own, and call it by env.functions",
                               name);
    else if (part->kind == MODULE_UNKNOWN)
        JS_ThrowReferenceError(context,
                               "`%s` has neither a type nor an ending that says what it is: .js, "
                               ".mjs, .json, .txt, .html, .css, .sql, .bin",
                               name);
    else
        return part->kind == MODULE_SCRIPT ? modules_compile(context, part)
                                           : modules_make(context, part);
    return NULL;
}

/* Is it of the service worker's form? */
static bool modules_is_older(const struct module_part *part)
{
    return strstr(part->data, "addEventListener(") != NULL &&
           strstr(part->data, "export default") == NULL;
}

/* Before the main module is evaluated: what it finds in `env`, or as global names. */
static bool modules_prepare(JSContext *context, const struct module_part *part)
{
    bool is_older = modules_is_older(part);
    JSValue prepare = JS_GetPropertyStr(context, guest.host, "prepare");
    JSValue text = is_older ? JS_NewStringLen(context, part->data, part->count) : JS_NULL;
    return !JS_IsException(JS_Call(context, prepare, JS_UNDEFINED, 1, &text));
}

/* One of the service worker's form is a script, as browsers and Workers have it: not strict, unless
 * it says so. One that imports, or awaits at its top level, is none. */
static JSValue modules_compile_older(JSContext *context, const struct module_part *part)
{
    JSValue script = JS_Eval(context, part->data, part->count, part->name,
                             JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (!JS_IsException(script))
        return script;
    JS_FreeValue(context, JS_GetException(context));
    return JS_UNDEFINED;
}

JSValue modules_evaluate(JSContext *context, JSModuleDef **ret_main)
{
    JS_SetModuleLoaderFunc(guest.runtime, NULL, modules_load, NULL);
    const struct module_part *part = modules_find(modules_main);
    if (!modules_prepare(context, part))
        return JS_EXCEPTION;
    JSValue script = modules_is_older(part) ? modules_compile_older(context, part) : JS_UNDEFINED;
    *ret_main = NULL;
    if (!JS_IsUndefined(script))
        return JS_EvalFunction(context, script);
    JSValue module = JS_Eval(context, part->data, part->count, part->name,
                             JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module))
        return module;
    *ret_main = JS_VALUE_GET_PTR(module);
    return JS_EvalFunction(context, module);
}

/* ---- source maps ----------------------------------------------------------------------------- */

/* (name) -> the text of its source map, or the data: URL that it is in; null: it has none */
static JSValue
modules_source_map(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    static const char mark[] = "//# sourceMappingURL=";
    const char *name = JS_ToCString(context, argv[0]);
    const struct module_part *part = name == NULL ? NULL : modules_find(name);
    const char *found = NULL;
    if (part == NULL)
        return JS_NULL;
    for (const char *at = part->data; (at = strstr(at, mark)) != NULL; at += sizeof(mark) - 1)
        found = at + sizeof(mark) - 1;
    size_t count = found == NULL ? 0 : strcspn(found, "\r\n \t");
    if (count > 5 && memcmp(found, "data:", 5) == 0)
        return JS_NewStringLen(context, found, count);
    char beside[MODULES_NAME_BYTES + 4];
    (void)snprintf(beside, sizeof(beside), "%s.map", name);
    part = modules_find(beside);
    return part == NULL ? JS_NULL : JS_NewStringLen(context, part->data, part->count);
}

struct modules_place {
    int64_t column;
    int64_t source;
    int64_t line;
    int64_t source_column;
};

static int modules_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* A number of a mapping [ECMA-426 6.2], which is added; false: there is none. */
static bool modules_take_number(const char **at, int64_t *ret_number)
{
    uint64_t bits = 0;
    int digit;
    for (int shift = 0; (digit = modules_digit(**at)) >= 0 && shift < 60; shift += 5) {
        (*at)++;
        bits |= (uint64_t)(digit & 31) << shift;
        if (digit < 32) {
            *ret_number += (bits & 1) != 0 ? -(int64_t)(bits >> 1) : (int64_t)(bits >> 1);
            return true;
        }
    }
    return false;
}

/* (mappings, line, column), both from 0 -> [source, line, column], or null */
static JSValue
modules_find_place(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    int64_t line;
    int64_t column;
    struct modules_place place = {0};
    struct modules_place best = {.source = -1};
    const char *text = JS_ToCString(context, argv[0]);
    if (text == NULL || JS_ToInt64(context, &line, argv[1]) != 0 ||
        JS_ToInt64(context, &column, argv[2]) != 0)
        return JS_EXCEPTION;
    for (const char *at = text; *at != '\0' && line >= 0;) {
        if (*at == ';' || *at == ',') {
            line -= *at == ';' ? 1 : 0;
            place.column = *at == ';' ? 0 : place.column;
            at++;
            continue;
        }
        int64_t name = 0;
        if (!modules_take_number(&at, &place.column))
            break;
        if (modules_take_number(&at, &place.source) && modules_take_number(&at, &place.line) &&
            modules_take_number(&at, &place.source_column) && line == 0 && place.column <= column)
            best = place;
        (void)modules_take_number(&at, &name);
    }
    JS_FreeCString(context, text);
    if (best.source < 0)
        return JS_NULL;
    JSValue list = JS_NewArray(context);
    JS_SetPropertyUint32(context, list, 0, JS_NewInt64(context, best.source));
    JS_SetPropertyUint32(context, list, 1, JS_NewInt64(context, best.line));
    JS_SetPropertyUint32(context, list, 2, JS_NewInt64(context, best.source_column));
    return list;
}

void modules_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("sourceMap", 1, modules_source_map),
        GUEST_FUNCTION("findPlace", 3, modules_find_place),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
