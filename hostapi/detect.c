/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which kind of function a module is, from its imports and exports alone.
 *
 *   exports of a kind? --no--> UNKNOWN          families are asked in the order of families.def
 *     | yes
 *   right types, a memory that the host understands? --no--> UNKNOWN
 *     | yes
 *   each func import of the kind's families, with their type? --no--> UNKNOWN, foreign import
 *     | yes, or the deployer allows it to be missing
 *   the kind
 *
 * A module for another platform often exports _start too, and would deploy well and then fail at
 * each request. Why one is refused is worded in refuse.c.
 */
#include "hostapi/refuse.h"

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

/* Does it import from a module of ours that a guest of this family may not import from? */
static bool detect_imports_from_others(const struct engine_module *module,
                                       const struct hostapi_family *family)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name = engine_module_import(module, i).module_name;
        if (detect_provides(family, name))
            continue;
        for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
            if (detect_has_table(hostapi_family((enum hostapi_kind)k), name))
                return true;
        }
    }
    return false;
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
    refuse_export(entry, &found.type, report);
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

/* The kind whose exports the module has, if its other imports do not say otherwise. NULL: none. */
static const struct hostapi_family *detect_family(const struct engine_module *module)
{
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        if (family->detect != NULL && family->detect(module) &&
            !detect_imports_from_others(module, family))
            return family;
    }
    return NULL;
}

/*
 * Funcs that a known family lacks link as traps without being asked: guests import many calls that
 * they never make. What is of no family of this kind, or of another type, would be called.
 */
static bool detect_imports(const struct engine_module *module,
                           const struct hostapi_family *family,
                           struct report *report)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        const struct hostcalls_row *row;
        if (import.kind != ENGINE_EXTERN_FUNC)
            continue;
        switch (hostcalls_look(&import, family, &row)) {
        case HOSTCALLS_FOUND:
        case HOSTCALLS_UNKNOWN:
            break;
        case HOSTCALLS_OTHER_TYPE:
            refuse_type(&import, row, report);
            return false;
        case HOSTCALLS_FOREIGN:
            refuse_foreign(&import, family, report);
            return false;
        }
    }
    return true;
}

enum hostapi_kind
hostapi_detect(const struct engine_module *module, bool allow_missing, struct report *report)
{
    const struct hostapi_family *family = detect_family(module);
    if (!detect_exports(module, report) || !detect_memory(module, report))
        return HOSTAPI_KIND_UNKNOWN;
    if (family == NULL) {
        refuse_unknown(module, report);
        return HOSTAPI_KIND_UNKNOWN;
    }
    if (!allow_missing && !detect_imports(module, family, report))
        return HOSTAPI_KIND_UNKNOWN;
    return family->kind;
}

void hostapi_missing_imports(const struct engine_module *module,
                             enum hostapi_kind kind,
                             void (*missing)(void *context, const struct engine_import_desc *),
                             void *context)
{
    const struct hostapi_family *family = hostapi_family(kind);
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        if (import.kind == ENGINE_EXTERN_FUNC && hostcalls_find(&import, family) == NULL)
            missing(context, &import);
    }
}
