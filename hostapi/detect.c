/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of function a module is, from its imports and exports alone: families are asked in
 * the order of families.def, and who imports what is another family's is not of the kind.
 *
 * A module for another platform often exports _start too, and would deploy
 * well and then fail at each request: it is known by its imports and refused by name. So is
 * one whose pointers the host would not understand.
 * Other unknown imports do not decide: they link as traps, and the upload's answer warns.
 */
#include <stdio.h>

#include "hostapi/hostcalls.h"

#define DETECT_TYPE_BYTES  64
#define DETECT_KINDS_BYTES 256

const char *hostapi_kind_id(enum hostapi_kind kind)
{
    return kind == HOSTAPI_KIND_UNKNOWN ? "unknown" : hostapi_family(kind)->id;
}

bool hostapi_kind_keeps_memory(enum hostapi_kind kind)
{
    return kind != HOSTAPI_KIND_UNKNOWN && hostapi_family(kind)->keeps_memory;
}

enum hostapi_kind hostapi_kind_from_id(const char *id)
{
    for (uint32_t i = HOSTAPI_KIND_UNKNOWN + 1; i < HOSTAPI_KIND_COUNT; i++) {
        if (strcmp(hostapi_family((enum hostapi_kind)i)->id, id) == 0)
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

static bool detect_has_table(const struct hostapi_family *family, struct bytes module_name)
{
    for (uint32_t i = 0; i < HOSTAPI_TABLES_MAX && family->tables[i] != NULL; i++) {
        if (bytes_equal_text(module_name, family->tables[i]->module))
            return true;
    }
    return false;
}

/* The family that has this import module, among `family` and those it uses. */
static bool detect_provides(const struct hostapi_family *family, struct bytes module_name)
{
    for (; family != NULL; family = family->uses) {
        if (detect_has_table(family, module_name))
            return true;
    }
    return false;
}

/* An import module of ours that a guest of this family may not import from; NULL: none. */
static const char *detect_others_table(const struct engine_module *module,
                                       const struct hostapi_family *family)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name = engine_module_import(module, i).module_name;
        if (family != NULL && detect_provides(family, name))
            continue;
        for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
            const struct hostapi_family *other = hostapi_family((enum hostapi_kind)k);
            if (detect_has_table(other, name))
                return other->tables[0]->module;
        }
    }
    return NULL;
}

/* ":I" as "[] -> [i64]". */
static void detect_put_type(const char *signature, char *out, size_t bytes)
{
    static const struct {
        char letter;
        const char *text;
    } types[] = {{'i', "i32"}, {'I', "i64"}, {'f', "f32"}, {'F', "f64"}, {'v', "v128"}};
    size_t used = (size_t)snprintf(out, bytes, "[");
    bool first = true;
    for (; *signature != '\0'; signature++) {
        const char *text = "] -> [";
        for (size_t i = 0; i < COUNT_OF(types); i++) {
            if (types[i].letter == *signature)
                text = types[i].text;
        }
        bool is_type = *signature != ':';
        if (used < bytes)
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", is_type && !first ? " " : "",
                                     text);
        first = !is_type;
    }
    if (used < bytes)
        (void)snprintf(out + used, bytes - used, "]");
}

/* False, and a report, if the host would call this export and its type is another. */
static bool detect_export(const struct engine_module *module,
                          const struct hostapi_entry *entry,
                          struct report *report)
{
    struct engine_export_desc found;
    if (!engine_module_find_export(module, entry->name, ENGINE_EXTERN_FUNC, &found) ||
        hostcalls_signature_matches(entry->signature, &found.type))
        return true;
    char type[DETECT_TYPE_BYTES];
    detect_put_type(entry->signature, type, sizeof(type));
    (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                      "export %s has the wrong type: it must be %s", entry->name, type);
    return false;
}

static bool detect_exports(const struct engine_module *module, struct report *report)
{
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        for (uint32_t i = 0; i < HOSTAPI_ENTRIES_MAX && family->entries[i].name != NULL; i++) {
            if (!detect_export(module, &family->entries[i], report))
                return false;
        }
    }
    return true;
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

/* "an http-wasm handler: ...; a WAGI command: ..." */
static void detect_put_kinds(char *out, size_t bytes)
{
    size_t used = 0;
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT && used < bytes; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        if (family->text != NULL)
            used += (size_t)snprintf(out + used, bytes - used, "%s%s", used > 0 ? "; " : "",
                                     family->text);
    }
}

static void detect_report_unknown(const struct engine_module *module, struct report *report)
{
    const char *platform = detect_foreign_platform(module);
    const char *ours = detect_others_table(module, NULL);
    char kinds[DETECT_KINDS_BYTES] = "";
    detect_put_kinds(kinds, sizeof(kinds));
    if (platform != NULL)
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: the imports are those of %s, which is "
                          "not supported; kinds: %s",
                          platform, kinds);
    else
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: the module imports %s, and exports "
                          "neither handle_request nor _start; kinds: %s",
                          ours != NULL                              ? ours
                          : engine_module_import_count(module) == 0 ? "nothing"
                                                                    : "other things",
                          kinds);
}

enum hostapi_kind hostapi_detect(const struct engine_module *module, struct report *report)
{
    if (detect_foreign_platform(module) == NULL) {
        if (!detect_exports(module, report) || !detect_memory(module, report))
            return HOSTAPI_KIND_UNKNOWN;
        for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
            const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
            if (family->detect != NULL && family->detect(module) &&
                detect_others_table(module, family) == NULL)
                return family->kind;
        }
    }
    detect_report_unknown(module, report);
    return HOSTAPI_KIND_UNKNOWN;
}
