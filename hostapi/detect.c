/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of function a module is, from its imports and exports alone.
 *
 *   exports handle_request: [] -> [i64]    http-wasm handler
 *   exports _start: [] -> []               WAGI command
 *
 * in this order. A module for another platform often exports _start too, and would deploy
 * well and then fail at each request: it is known by its imports and refused by name. So is
 * one whose pointers the host would not understand.
 * Other unknown imports do not decide: they link as traps, and the upload's answer warns.
 */
#include "hostapi/hostcalls.h"

static const struct {
    const char *id;
    bool keeps_memory;
    const char *text;
} detect_kinds[HOSTAPI_KIND_COUNT] = {
#define KIND(name, id, keeps, text) [HOSTAPI_KIND_##name] = {id, keeps, text},
    HOSTAPI_KINDS(KIND)
#undef KIND
};

const char *hostapi_kind_id(enum hostapi_kind kind)
{
    ASSERT(kind < HOSTAPI_KIND_COUNT);
    return detect_kinds[kind].id;
}

bool hostapi_kind_keeps_memory(enum hostapi_kind kind)
{
    ASSERT(kind < HOSTAPI_KIND_COUNT);
    return detect_kinds[kind].keeps_memory;
}

enum hostapi_kind hostapi_kind_from_id(const char *id)
{
    for (uint32_t i = 0; i < HOSTAPI_KIND_COUNT; i++) {
        if (strcmp(detect_kinds[i].id, id) == 0)
            return (enum hostapi_kind)i;
    }
    return HOSTAPI_KIND_UNKNOWN;
}

/* Imports that only other platforms provide: module and name begin like this. */
static const struct {
    const char *module;
    const char *name;
    const char *platform;
} detect_foreign[] = {
    {"fastly_", "", "Fastly Compute"},
    {"env", "proxy_", "proxy-wasm"},
    {"env", "opa_", "Open Policy Agent"},
    {"wapc", "", "waPC"},
    {"extism:", "", "Extism"},
    {"env", "extism_", "Extism"},
    {"wasi:", "", "the WASI component model"},
    {"go", "", "Go's js/wasm port (build with GOOS=wasip1 instead)"},
};

static bool detect_begins_with(struct bytes text, const char *prefix)
{
    size_t count = strlen(prefix);
    return text.count >= count && memcmp(text.data, prefix, count) == 0;
}

/* NULL: none. */
static const char *detect_foreign_platform(const struct engine_module *module)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        for (size_t k = 0; k < COUNT_OF(detect_foreign); k++) {
            if (detect_begins_with(import.module_name, detect_foreign[k].module) &&
                detect_begins_with(import.name, detect_foreign[k].name))
                return detect_foreign[k].platform;
        }
    }
    return NULL;
}

static bool detect_imports_from(const struct engine_module *module, const char *module_name)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        if (bytes_equal_text(engine_module_import(module, i).module_name, module_name))
            return true;
    }
    return false;
}

/* False, and a report, if the export is there with another type. */
static bool detect_export(const struct engine_module *module,
                          const char *name,
                          const char *signature,
                          bool *ret_present,
                          struct report *report)
{
    struct engine_export_desc found;
    *ret_present = engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &found);
    if (!*ret_present || hostcalls_signature_matches(signature, &found.type))
        return true;
    (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                      "export %s has the wrong type: it must be %s", name,
                      strcmp(signature, ":I") == 0    ? "[] -> [i64]"
                      : strcmp(signature, "ii:") == 0 ? "[i32 i32] -> []"
                                                      : "[] -> []");
    return false;
}

/*
 * The host reads and writes memory 0 at 32-bit pointers. False, and a report, if a guest
 * means another memory by its pointers, or pointers of 64 bits.
 */
static bool detect_memory(const struct engine_module *module, struct report *report)
{
    if (engine_module_memory_count(module) == 0)
        return true;
    if (engine_module_memory(module, 0).is_64) {
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "memory 0 has 64-bit addresses: the host's functions take 32-bit "
                          "pointers; build for wasm32");
        return false;
    }
    struct engine_export_desc exported;
    if (!engine_module_find_export(module, "memory", ENGINE_EXTERN_MEMORY, &exported) ||
        exported.index == 0)
        return true;
    (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                      "memory %u is exported as \"memory\": the host's functions use memory 0, "
                      "which must be the one",
                      exported.index);
    return false;
}

static void detect_report_unknown(const struct engine_module *module, struct report *report)
{
    const char *platform = detect_foreign_platform(module);
    if (platform != NULL)
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: the imports are those of %s, which is "
                          "not supported; kinds: %s; %s",
                          platform, detect_kinds[HOSTAPI_KIND_HTTP_WASM].text,
                          detect_kinds[HOSTAPI_KIND_WAGI].text);
    else
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: the module %s, and exports neither "
                          "handle_request nor _start; kinds: %s; %s",
                          detect_imports_from(module, "http_handler") ? "imports http_handler"
                          : engine_module_import_count(module) == 0   ? "imports nothing"
                                                                      : "imports other things",
                          detect_kinds[HOSTAPI_KIND_HTTP_WASM].text,
                          detect_kinds[HOSTAPI_KIND_WAGI].text);
}

enum hostapi_kind hostapi_detect(const struct engine_module *module, struct report *report)
{
    bool handles = false;
    bool responds = false;
    bool starts = false;
    if (detect_foreign_platform(module) == NULL) {
        if (!detect_export(module, "handle_request", ":I", &handles, report) ||
            !detect_export(module, "handle_response", "ii:", &responds, report) ||
            !detect_export(module, "_start", ":", &starts, report) ||
            !detect_memory(module, report))
            return HOSTAPI_KIND_UNKNOWN;
        if (handles)
            return HOSTAPI_KIND_HTTP_WASM;
        if (starts && !detect_imports_from(module, "http_handler"))
            return HOSTAPI_KIND_WAGI;
    }
    detect_report_unknown(module, report);
    return HOSTAPI_KIND_UNKNOWN;
}
