/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skerry validate and skerry inspect: looking at modules without running them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/inspect.h"
#include "engine/native.h"
#include "hostapi/hostapi.h"
#include "server/cli/values.h"
#include "server/cli/verbs_engine.h"

#define INSPECT_CODE_BYTES ((size_t)256 << 20)
#define WASM_HEADER_BYTES  8

int verb_validate(int argc, char **argv)
{
    struct engine_limits limits = engine_limits_default;
    int first = 0;
    for (; first + 1 < argc && strcmp(argv[first], "--max-module") == 0; first += 2) {
        if (!verb_read_size(argv[first + 1], &limits.module_bytes))
            return verb_usage("validate", "--max-module %s: a size like 100MiB is wanted",
                              argv[first + 1]);
    }
    if (first >= argc)
        return verb_usage("validate", "which file?");
    int exit_status = 0;
    for (int i = first; i < argc; i++) {
        struct report report = REPORT_INIT;
        struct buffer wasm = {0};
        enum status status = verb_read_file(argv[i], limits.module_bytes, &report, &wasm);
        if (status == STATUS_OK)
            status = engine_validate(buffer_bytes(&wasm), &limits, &report);
        buffer_done(&wasm);
        int file_status = 0;
        if (status == STATUS_OK)
            (void)printf("%s: valid\n", argv[i]);
        else
            file_status = verb_fail_report("validate", argv[i], &report);
        exit_status = MAX(exit_status, file_status);
    }
    return exit_status;
}

/* ---- inspect --------------------------------------------------------------------------------- */

static const char *const section_names[] = {
    "custom", "type",  "import",  "function", "table", "memory",     "global",
    "export", "start", "element", "code",     "data",  "data count",
};

/* A LEB128 number of a module that was validated. */
static uint32_t leb_read(struct bytes wasm, size_t *at)
{
    uint32_t number = 0;
    for (unsigned shift = 0; *at < wasm.count && shift < 32; shift += 7) {
        uint8_t byte = wasm.data[(*at)++];
        number |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return number;
}

static void print_sections(struct bytes wasm)
{
    (void)printf("sections:\n");
    size_t at = WASM_HEADER_BYTES;
    while (at < wasm.count) {
        uint8_t id = wasm.data[at++];
        uint32_t bytes = leb_read(wasm, &at);
        if (bytes > wasm.count - at)
            return;
        size_t name_at = at;
        uint32_t name_bytes = id == 0 ? leb_read(wasm, &name_at) : 0;
        (void)printf("  0x%06zx %8u  %s", at, bytes,
                     id < COUNT_OF(section_names) ? section_names[id] : "?");
        if (id == 0 && name_bytes <= wasm.count - name_at) {
            (void)printf(" ");
            verb_print_name(stdout, bytes_make(wasm.data + name_at, name_bytes));
        }
        (void)printf("\n");
        at += bytes;
    }
}

static const char *kind_name(enum engine_extern_kind kind)
{
    static const char *const names[] = {"func", "table", "memory", "global", "tag"};
    ASSERT(kind < COUNT_OF(names));
    return names[kind];
}

static void print_functype(const struct engine_functype *type)
{
    (void)printf(" (");
    for (uint32_t i = 0; i < type->param_count; i++)
        (void)printf("%s%s", i > 0 ? " " : "", engine_type_text(type->params[i]).text);
    (void)printf(") -> (");
    for (uint32_t i = 0; i < type->result_count; i++)
        (void)printf("%s%s", i > 0 ? " " : "", engine_type_text(type->results[i]).text);
    (void)printf(")");
}

static void print_externs(const struct engine_module *module)
{
    (void)printf("imports:\n");
    for (uint32_t i = 0; i < engine_module_import_count(module); i++) {
        struct engine_import_desc import = engine_module_import(module, i);
        (void)printf("  %-6s ", kind_name(import.kind));
        verb_print_name(stdout, import.module_name);
        (void)printf(".");
        verb_print_name(stdout, import.name);
        if (import.kind == ENGINE_EXTERN_FUNC)
            print_functype(&import.type);
        (void)printf("\n");
    }
    (void)printf("exports:\n");
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        struct engine_export_desc export = engine_module_export(module, i);
        (void)printf("  %-6s %5u ", kind_name(export.kind), export.index);
        verb_print_name(stdout, export.name);
        if (export.kind == ENGINE_EXTERN_FUNC)
            print_functype(&export.type);
        (void)printf("\n");
    }
}

static void print_kind(const struct engine_module *module)
{
    struct report report = REPORT_INIT;
    enum hostapi_kind kind = hostapi_detect(module, false, &report);
    (void)printf("kind: %s\n", hostapi_kind_id(kind));
    if (kind == HOSTAPI_KIND_UNKNOWN)
        (void)printf("  %s\n", report.text);
}

/* The threaded code of a function given by index or exported name. */
static int print_code(const struct engine_module *module, struct bytes wasm, const char *func)
{
    unsigned long index = strtoul(func, NULL, 10); /* of too many digits: too large as well */
    struct engine_export_desc export;
    if (func[0] == '\0' || func[strspn(func, "0123456789")] != '\0') {
        if (!engine_module_find_export(module, func, ENGINE_EXTERN_FUNC, &export))
            return verb_fail("inspect", STATUS_NOT_FOUND,
                             "no exported function '%s'; `skerry inspect FILE` lists them", func);
        index = export.index;
    }
    if (index >= engine_module_func_count(module))
        return verb_fail("inspect", STATUS_NOT_FOUND,
                         "no function %s; the module has %u, imported ones first, from 0", func,
                         engine_module_func_count(module));
    struct buffer text;
    buffer_init(&text, INSPECT_CODE_BYTES);
    enum status status = engine_disassemble_beside(module, wasm, (uint32_t)index, &text);
    if (status == STATUS_OK)
        (void)fwrite(text.data, 1, text.count, stdout);
    buffer_done(&text);
    return status == STATUS_OK ? 0 : verb_fail("inspect", status, "%s", status_text(status));
}

static void
print_stats(const struct engine_timings *timings, size_t module_bytes, size_t image_bytes)
{
    (void)printf("{\"module_bytes\":%zu,\"body_bytes\":%" PRIu64 ",\"code_bytes\":%" PRIu64
                 ",\"image_bytes\":%zu,\"validate_us\":%" PRIu64 ",\"translate_us\":%" PRIu64 "}\n",
                 module_bytes, timings->body_bytes, timings->code_bytes, image_bytes,
                 timings->validate_ns / 1000, timings->translate_ns / 1000);
}

static int inspect(const char *file,
                   const char *func,
                   bool stats,
                   enum engine_native native,
                   const struct engine_limits *limits)
{
    struct engine_timings timings;
    struct report report = REPORT_INIT;
    struct buffer wasm = {0};
    struct engine_image image = {0};
    struct engine_module *module = NULL;
    const struct engine_options options = {.all_marks = func != NULL, .native = native};
    int exit_status = 0;
    enum status status = verb_read_file(file, limits->module_bytes, &report, &wasm);
    if (status == STATUS_OK)
        status = engine_compile(buffer_bytes(&wasm), limits, &options, &report, &timings, &image);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(image.data, image.count), false, &report, &module);
    if (status != STATUS_OK) {
        exit_status = verb_fail_report("inspect", file, &report);
    } else if (stats) {
        print_stats(&timings, wasm.count, image.count);
    } else if (native != ENGINE_NATIVE_OFF && engine_module_native_bytes(module) == 0) {
        exit_status = verb_fail("inspect", STATUS_UNSUPPORTED,
                                "there is no native code: this build of skerry makes none, or the "
                                "module would have too much");
    } else if (func != NULL) {
        exit_status = print_code(module, buffer_bytes(&wasm), func);
    } else {
        (void)printf("%s: %zu bytes, image %zu bytes, %u functions\n", file, wasm.count,
                     image.count, engine_module_func_count(module));
        print_kind(module);
        print_sections(buffer_bytes(&wasm));
        print_externs(module);
    }
    engine_module_close(module);
    engine_image_free(&image);
    buffer_done(&wasm);
    return exit_status;
}

int verb_inspect(int argc, char **argv)
{
    const char *file = NULL;
    const char *func = NULL;
    bool stats = false;
    enum engine_native native = ENGINE_NATIVE_OFF;
    struct engine_limits limits = engine_limits_default;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--max-module") == 0 && i + 1 < argc &&
            verb_read_size(argv[i + 1], &limits.module_bytes))
            i++;
        else if (strcmp(argv[i], "--code") == 0 && i + 1 < argc)
            func = argv[++i];
        else if (strcmp(argv[i], "--stats") == 0)
            stats = true;
        else if (strcmp(argv[i], "--native") == 0)
            native = ENGINE_NATIVE_ON;
        else if (argv[i][0] != '-' && file == NULL)
            file = argv[i];
        else
            return verb_usage("inspect", "`%s`: unknown, incomplete or one too many", argv[i]);
    }
    if (file == NULL)
        return verb_usage("inspect", "which file?");
    if (stats && func != NULL)
        return verb_usage("inspect", "--code or --stats, not both");
    if (native != ENGINE_NATIVE_OFF && func == NULL)
        return verb_usage("inspect", "--native belongs to --code");
    return inspect(file, func, stats, native, &limits);
}
