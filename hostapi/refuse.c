/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals of modules, put together in buffers of a report's size: what does not fit is cut.
 */
#include "hostapi/refuse.h"

#include <stdio.h>

#include "hostapi/foreign.h"

#define REFUSE_NAME_BYTES  100
#define REFUSE_TYPE_BYTES  100
#define REFUSE_KINDS_BYTES 200

/* ---- texts ----------------------------------------------------------------------------------- */

struct refuse_name {
    char text[2 * REFUSE_NAME_BYTES];
};

static size_t refuse_put(char *to, size_t bytes, struct bytes name)
{
    size_t count = MIN(name.count, bytes - 1);
    for (size_t i = 0; i < count; i++) {
        bool plain = name.data[i] >= ' ' && name.data[i] < 0x7f;
        to[i] = plain ? (char)name.data[i] : '?';
    }
    to[count] = '\0';
    return count;
}

/* "module.name" */
static struct refuse_name refuse_import_name(const struct engine_import_desc *import)
{
    struct refuse_name name;
    size_t used = refuse_put(name.text, REFUSE_NAME_BYTES, import->module_name);
    name.text[used++] = '.';
    (void)refuse_put(name.text + used, REFUSE_NAME_BYTES - 1, import->name);
    return name;
}

struct refuse_type_text {
    char text[REFUSE_TYPE_BYTES];
    size_t used;
};

static void refuse_add(struct refuse_type_text *to, const char *text)
{
    int count = snprintf(to->text + to->used, sizeof(to->text) - to->used, "%s", text);
    to->used = MIN(to->used + (size_t)count, sizeof(to->text) - 1);
}

static void refuse_add_types(struct refuse_type_text *to, const uint32_t *types, uint32_t count)
{
    refuse_add(to, "[");
    for (uint32_t i = 0; i < count; i++) {
        refuse_add(to, i > 0 ? " " : "");
        refuse_add(to, engine_type_text(types[i]).text);
    }
    refuse_add(to, "]");
}

/* "[i32] -> [i64]" */
static struct refuse_type_text refuse_type_of(const struct engine_functype *type)
{
    struct refuse_type_text text = {.used = 0};
    refuse_add_types(&text, type->params, type->param_count);
    refuse_add(&text, " -> ");
    refuse_add_types(&text, type->results, type->result_count);
    return text;
}

/* The same of a signature. */
static struct refuse_type_text refuse_type_of_signature(const char *signature)
{
    uint32_t types[16];
    uint32_t count = 0;
    uint32_t param_count = 0;
    for (const char *at = signature; *at != '\0'; at++) {
        if (*at == ':')
            param_count = count;
        else if (count < COUNT_OF(types))
            types[count++] = hostcalls_letter_type(*at);
    }
    const struct engine_functype type = {.params = types,
                                         .results = types + param_count,
                                         .param_count = param_count,
                                         .result_count = count - param_count};
    return refuse_type_of(&type);
}

struct refuse_kinds {
    char text[REFUSE_KINDS_BYTES];
};

static struct refuse_kinds refuse_kinds(void)
{
    struct refuse_kinds kinds = {.text = ""};
    size_t used = 0;
    for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; k < HOSTAPI_KIND_COUNT; k++) {
        const struct hostapi_family *family = hostapi_family((enum hostapi_kind)k);
        if (family->text == NULL || used >= sizeof(kinds.text))
            continue;
        used += (size_t)snprintf(kinds.text + used, sizeof(kinds.text) - used, "%s%s",
                                 used > 0 ? "; " : "", family->text);
    }
    return kinds;
}

/* ---- one import or export -------------------------------------------------------------------- */

void refuse_export(const struct hostapi_entry *entry,
                   const struct engine_functype *found,
                   struct report *report)
{
    (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                      "export %s has the wrong type: it must be %s, and is %s", entry->name,
                      refuse_type_of_signature(entry->signature).text, refuse_type_of(found).text);
}

void refuse_type(const struct engine_import_desc *import,
                 const struct hostcalls_row *row,
                 struct report *report)
{
    (void)report_fail(report, STATUS_FOREIGN_IMPORT, REPORT_OFFSET_NONE,
                      "import `%s` has the wrong type: it must be %s, and is %s, as in "
                      "another version of this interface",
                      refuse_import_name(import).text,
                      refuse_type_of_signature(row->signature).text,
                      refuse_type_of(&import->type).text);
}

void refuse_foreign(const struct engine_import_desc *import,
                    const struct hostapi_family *family,
                    struct report *report)
{
    const struct foreign *foreign = foreign_of_import(import);
    bool advises = foreign != NULL && foreign->advice[0] != '\0';
    (void)report_fail(report, STATUS_FOREIGN_IMPORT, REPORT_OFFSET_NONE,
                      "import `%s` is of %s, and nothing here provides it to a %s function%s%s",
                      refuse_import_name(import).text,
                      foreign != NULL ? foreign->family : "no interface that is known", family->id,
                      advises ? ": " : "", advises ? foreign->advice : "");
}

/* ---- no kind --------------------------------------------------------------------------------- */

/* The first func import that no family of ours has; false: there is none. */
static bool refuse_find_foreign(const struct engine_module *module,
                                struct engine_import_desc *ret_import)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        const struct hostcalls_row *row;
        bool ours = import.kind != ENGINE_EXTERN_FUNC;
        for (uint32_t k = HOSTAPI_KIND_UNKNOWN + 1; !ours && k < HOSTAPI_KIND_COUNT; k++)
            ours = hostcalls_look(&import, hostapi_family((enum hostapi_kind)k), &row) !=
                   HOSTCALLS_FOREIGN;
        if (!ours) {
            *ret_import = import;
            return true;
        }
    }
    return false;
}

static bool refuse_exports(const struct engine_module *module, const char *name)
{
    struct engine_export_desc found;
    return engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &found);
}

static bool refuse_imports_handler(const struct engine_module *module)
{
    uint32_t count = engine_module_import_count(module);
    for (uint32_t i = 0; i < count; i++) {
        if (bytes_equal_text(engine_module_import(module, i).module_name, "http_handler"))
            return true;
    }
    return false;
}

/* What the module lacks, when all that it imports is ours. */
static const char *refuse_what_lacks(const struct engine_module *module)
{
    if (refuse_imports_handler(module))
        return refuse_exports(module, "_start")
                   ? "it imports http_handler and exports _start, but not handle_request: build a "
                     "reactor that exports it, not a command"
                   : "it imports http_handler, but exports no handle_request";
    if (engine_module_import_count(module) == 0)
        return "it imports nothing, and exports neither handle_request nor _start";
    return refuse_exports(module, "_initialize")
               ? "it is a WASI reactor, which exports no _start: build a command, whose main runs "
                 "for each request, or export handle_request"
               : "it imports WASI, but exports no _start: build a command, whose main runs for "
                 "each request, or export handle_request";
}

void refuse_unknown(const struct engine_module *module, struct report *report)
{
    struct engine_import_desc import;
    bool has_foreign = refuse_find_foreign(module, &import);
    const struct foreign *foreign = has_foreign ? foreign_of_import(&import) : NULL;
    if (foreign == NULL)
        foreign = foreign_of_exports(module);
    bool advises = foreign != NULL && foreign->advice[0] != '\0';
    if (foreign != NULL)
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: %s%s%s are those of %s, which is not "
                          "supported%s%s; kinds: %s",
                          has_foreign ? "imports like `" : "its exports",
                          has_foreign ? refuse_import_name(&import).text : "",
                          has_foreign ? "`" : "", foreign->family, advises ? ": " : "",
                          advises ? foreign->advice : "", refuse_kinds().text);
    else if (has_foreign)
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: import `%s` is of no interface that is "
                          "known, and it exports neither handle_request nor _start; kinds: %s",
                          refuse_import_name(&import).text, refuse_kinds().text);
    else
        (void)report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                          "no kind of function recognised: %s; kinds: %s",
                          refuse_what_lacks(module), refuse_kinds().text);
}
