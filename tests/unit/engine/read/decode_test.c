/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sections: what is read, what is malformed, and each limit at L and L+1.
 */
#include "engine/read/module.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

static const struct engine_limits limits = {
    .module_bytes = 256u << 20,
    .arena_bytes = 1u << 30,
};

/* Decodes and frees `wasm`; the report is for the caller. */
static enum status decode_and_free(struct buffer *wasm, struct report *report)
{
    struct module module = {0};
    *report = (struct report)REPORT_INIT;
    enum status status = decode_module(buffer_bytes(wasm), &limits, report, &module);
    assert_int_equal(report->status, status);
    module_done(&module);
    buffer_done(wasm);
    return status;
}

static void assert_decodes(struct buffer *wasm)
{
    struct report report;
    if (decode_and_free(wasm, &report) != STATUS_OK)
        fail_msg("at %llu: %s", (unsigned long long)report.offset, report.text);
}

static void assert_refused(struct buffer *wasm, enum status status, const char *text)
{
    struct report report;
    assert_int_equal(decode_and_free(wasm, &report), status);
    if (strncmp(report.text, text, strlen(text)) != 0)
        fail_msg("`%s` does not begin with `%s`", report.text, text);
    assert_true(report.offset != REPORT_OFFSET_NONE);
}

static void headers_that_are_not_ours_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        const char *text;
    } rows[] = {
        {"", 0, "unexpected end"},
        {"\0as", 3, "unexpected end"},
        {"\0asm\1\0\0", 7, "unexpected end"},
        {"\x7f"
         "ELF\1\0\0\0",
         8, "magic header not detected"},
        {"\0asm\2\0\0\0", 8, "unknown binary version 0x00000002"},
        {"\0asm\r\0\1\0", 8, "unknown binary version 0x0001000d: a component"},
        {"\0asm\x0c\0\1\0", 8, "unknown binary version 0x0001000c: a component"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer wasm;
        buffer_init(&wasm, 64);
        wasm_append(&wasm, rows[i].bytes, rows[i].count);
        assert_refused(&wasm, STATUS_MALFORMED, rows[i].text);
    }
    struct report report = REPORT_INIT;
    struct module module = {0};
    assert_int_equal(decode_module(bytes_make(NULL, 0), &limits, &report, &module),
                     STATUS_MALFORMED);
    module_done(&module);
}

static void an_empty_module_is_a_module(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    assert_decodes(&wasm);
}

static void modules_larger_than_the_operator_allows_are_refused(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    struct engine_limits tight = limits;
    for (size_t slack = 0; slack < 2; slack++) {
        tight.module_bytes = wasm.count - slack;
        struct report report = REPORT_INIT;
        struct module module = {0};
        enum status status = decode_module(buffer_bytes(&wasm), &tight, &report, &module);
        assert_int_equal(status, slack == 0 ? STATUS_OK : STATUS_LIMIT);
        module_done(&module);
    }
    buffer_done(&wasm);
}

static void a_module_that_needs_more_memory_than_allowed_is_refused(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, 1000);
    for (int i = 0; i < 1000; i++)
        WASM(&wasm, 0x60, 0, 0);
    wasm_close(&wasm, section);
    struct engine_limits tight = limits;
    tight.arena_bytes = 1000 * sizeof(struct engine_functype) - 16;
    struct report report = REPORT_INIT;
    struct module module = {0};
    assert_int_equal(decode_module(buffer_bytes(&wasm), &tight, &report, &module), STATUS_LIMIT);
    assert_non_null(strstr(report.text, "module needs more than 23984 bytes to load"));
    module_done(&module);
    buffer_done(&wasm);
}

/* One of everything. */
static struct buffer everything(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_CUSTOM, 1, 'x', 1, 2, 3);
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 0, 0, 0x60, 2, 0x7f, 0x7e, 1, 0x7d);
    WASM_SECTION(&wasm, WASM_IMPORT, 4,             /* */
                 1, 'm', 1, 'f', 0, 1,              /* */
                 1, 'm', 1, 't', 1, 0x6f, 1, 1, 2,  /* */
                 1, 'm', 3, 'm', 'e', 'm', 2, 0, 1, /* */
                 1, 'm', 1, 'g', 3, 0x7e, 1);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_TABLE, 1, 0x70, 0, 3);
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, 0x7f, 0, 0x41, 42, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 1, 2, 'h', 'i', 0, 1);
    WASM_SECTION(&wasm, WASM_START, 1);
    WASM_SECTION(&wasm, WASM_ELEM, 2,             /* */
                 2, 1, 0x41, 0, 0x0b, 0, 2, 0, 1, /* */
                 7, 0x70, 1, 0xd2, 1, 0x0b);
    WASM_SECTION(&wasm, WASM_DATA_COUNT, 2);
    WASM_SECTION(&wasm, WASM_CODE, 1, 2, 0, 0x0b);
    WASM_SECTION(&wasm, WASM_DATA, 2, 0, 0x41, 8, 0x0b, 2, 0xaa, 0xbb, 1, 1, 0xcc);
    WASM_SECTION(&wasm, WASM_CUSTOM, 4, 'n', 'a', 'm', 'e', 1, 6, 1, 1, 3, 'o', 'n', 'e');
    return wasm;
}

static void every_section_arrives_in_the_module(void **state)
{
    (void)state;
    struct buffer wasm = everything();
    struct report report = REPORT_INIT;
    struct module module = {0};
    if (decode_module(buffer_bytes(&wasm), &limits, &report, &module) != STATUS_OK)
        fail_msg("%s", report.text);
    assert_int_equal(module.type_count, 2);
    assert_int_equal(module.types[1].func.param_count, 2);
    assert_int_equal(module.types[1].func.params[1], ENGINE_I64);
    assert_int_equal(module.types[1].func.results[0], ENGINE_F32);
    assert_int_equal(module.import_count, 4);
    assert_true(bytes_equal_text(module.imports[2].name, "mem"));
    assert_int_equal(module.imports[3].kind, ENGINE_EXTERN_GLOBAL);
    assert_int_equal(module.imported_func_count, 1);
    assert_int_equal(module.func_count, 2);
    assert_int_equal(module.funcs[0].type, 1);
    assert_int_equal(module.funcs[0].body_offset, 0);
    assert_int_equal(wasm.data[module.funcs[1].body_offset + 1], 0x0b);
    assert_int_equal(module.funcs[1].body_bytes, 2);
    assert_int_equal(module.table_count, 2);
    assert_int_equal(module.tables[0].type, ENGINE_EXTERNREF);
    assert_int_equal(module.tables[0].limits.maximum, 2);
    assert_true(module.tables[1].limits.maximum == UINT64_MAX);
    assert_int_equal(module.memory_count, 1);
    assert_int_equal(module.memories[0].limits.minimum, 1);
    assert_int_equal(module.global_count, 2);
    assert_true(module.globals[0].is_mutable);
    assert_int_equal(module.globals[1].init.count, 3);
    assert_true(bytes_equal_text(module.exports[0].name, "hi"));
    assert_true(module.has_start);
    assert_int_equal(module.start, 1);
    assert_int_equal(module.elem_count, 2);
    assert_int_equal(module.elems[0].table, 1);
    assert_int_equal(module.elems[0].funcs[1], 1);
    assert_int_equal(module.elems[1].mode, MODULE_SEGMENT_DECLARATIVE);
    assert_null(module.elems[1].funcs);
    assert_int_equal(module.elems[1].expressions.count, 3);
    assert_int_equal(module.data_count, 2);
    assert_true(module.has_data_count);
    assert_int_equal(module.datas[0].content.count, 2);
    assert_int_equal(module.datas[1].mode, MODULE_SEGMENT_PASSIVE);
    assert_true(bytes_equal_text(module.func_names[1], "one"));
    assert_int_equal(module.func_names[0].count, 0);
    module_done(&module);
    buffer_done(&wasm);
}

static void every_prefix_of_a_module_is_malformed_or_a_module(void **state)
{
    (void)state;
    struct buffer wasm = everything();
    for (size_t count = 0; count < wasm.count; count++) {
        /* A copy of exactly this length, so that a sanitizer sees one byte too many. */
        struct buffer prefix;
        buffer_init(&prefix, wasm.count);
        wasm_append(&prefix, wasm.data, count);
        struct report report;
        enum status status = decode_and_free(&prefix, &report);
        assert_true(status == STATUS_OK || status == STATUS_MALFORMED);
        assert_true(status == STATUS_OK || report.offset <= count);
    }
    buffer_done(&wasm);
}

static void running_out_of_memory_anywhere_is_a_limit_and_never_half_a_module(void **state)
{
    (void)state;
    struct buffer wasm = everything();
    struct engine_limits tight = limits;
    enum status status = STATUS_LIMIT;
    for (tight.arena_bytes = 0; status != STATUS_OK; tight.arena_bytes += 16) {
        struct report report = REPORT_INIT;
        status = engine_validate(buffer_bytes(&wasm), &tight, &report);
        assert_int_equal(report.status, status);
        assert_true(status == STATUS_OK || status == STATUS_LIMIT);
        assert_true(tight.arena_bytes < 1u << 16);
    }
    buffer_done(&wasm);
}

static void a_bad_name_section_costs_only_the_names(void **state)
{
    (void)state;
    static const uint8_t bad[][8] = {
        {1, 3, 1, 0, 9},             /* the name is longer than its part */
        {1, 5, 1, 0, 2, 0xff, 0xff}, /* not UTF-8 */
        {1, 0x7f},                   /* the part is longer than the section */
        {1, 4, 1, 0x85, 0x80, 0x80}, /* an index without end */
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
        WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
        WASM_SECTION(&wasm, WASM_CODE, 1, 2, 0, 0x0b);
        size_t section = wasm_open(&wasm, WASM_CUSTOM);
        wasm_name(&wasm, "name");
        wasm_append(&wasm, bad[i], sizeof(bad[i]));
        wasm_close(&wasm, section);
        struct module module = {0};
        assert_int_equal(decode_module(buffer_bytes(&wasm), &limits, NULL, &module), STATUS_OK);
        assert_null(module.func_names);
        module_done(&module);
        buffer_done(&wasm);
    }
}

static void names_of_functions_that_do_not_exist_are_passed_over(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 0, 0, 0, 0);
    WASM_SECTION(&wasm, WASM_CUSTOM, 4, 'n', 'a', 'm', 'e', 0, 0, 1, 7, 2, 0, 1, 'a', 9, 1, 'b');
    struct module module = {0};
    assert_int_equal(decode_module(buffer_bytes(&wasm), &limits, NULL, &module), STATUS_OK);
    assert_true(bytes_equal_text(module.func_names[0], "a"));
    module_done(&module);
    buffer_done(&wasm);
}

static void sections_come_once_and_in_order(void **state)
{
    (void)state;
    struct buffer twice = wasm_begin();
    WASM_SECTION(&twice, WASM_TYPE, 0);
    WASM_SECTION(&twice, WASM_TYPE, 0);
    assert_refused(&twice, STATUS_MALFORMED, "unexpected content after last section: type section");
    struct buffer swapped = wasm_begin();
    WASM_SECTION(&swapped, WASM_CODE, 0);
    WASM_SECTION(&swapped, WASM_DATA_COUNT, 0);
    assert_refused(&swapped, STATUS_MALFORMED, "unexpected content after last section");
    struct buffer unknown = wasm_begin();
    WASM_SECTION(&unknown, 14, 0);
    assert_refused(&unknown, STATUS_MALFORMED, "malformed section id 14");
}

static void sections_are_exactly_filled_and_reports_say_where(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0, 0);
    struct report report;
    assert_int_equal(decode_and_free(&wasm, &report), STATUS_MALFORMED);
    assert_string_equal(report.text, "section size mismatch: 1 bytes too many, in type section");
    assert_int_equal(report.offset, 8 + 1 + 5 + 4);
    wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 0, 0, 0x60, 1, 0x11, 0);
    assert_int_equal(decode_and_free(&wasm, &report), STATUS_MALFORMED);
    assert_string_equal(report.text, "malformed value type 0x11, in type section, entry 1");
    assert_int_equal(report.offset, 8 + 1 + 5 + 6);
}

static void counts_of_different_sections_must_agree(void **state)
{
    (void)state;
    struct buffer no_code = wasm_begin();
    WASM_SECTION(&no_code, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&no_code, WASM_FUNC, 1, 0);
    assert_refused(&no_code, STATUS_MALFORMED,
                   "function and code section have inconsistent lengths: 1 and 0");
    struct buffer more_code = wasm_begin();
    WASM_SECTION(&more_code, WASM_CODE, 1, 2, 0, 0x0b);
    assert_refused(&more_code, STATUS_MALFORMED,
                   "function and code section have inconsistent lengths: 0 and 1");
    struct buffer datas = wasm_begin();
    WASM_SECTION(&datas, WASM_DATA_COUNT, 1);
    assert_refused(&datas, STATUS_MALFORMED,
                   "data count and data section have inconsistent lengths: 1 and 0");
}

static void parts_of_newer_proposals_are_refused_by_name(void **state)
{
    (void)state;
    struct buffer shared = wasm_begin();
    WASM_SECTION(&shared, WASM_MEMORY, 1, 3, 1, 1);
    assert_refused(&shared, STATUS_UNSUPPORTED, "shared memory: threads are not supported");
}

static void indices_and_sizes_out_of_range_are_invalid(void **state)
{
    (void)state;
    struct buffer type = wasm_begin();
    WASM_SECTION(&type, WASM_FUNC, 1, 0);
    assert_refused(&type, STATUS_INVALID, "unknown type 0: there are 0, in function section");
    struct buffer exported = wasm_begin();
    WASM_SECTION(&exported, WASM_EXPORT, 1, 0, 3, 0);
    assert_refused(&exported, STATUS_INVALID, "unknown global 0");
    struct buffer start = wasm_begin();
    WASM_SECTION(&start, WASM_START, 0);
    assert_refused(&start, STATUS_INVALID, "unknown function 0");
    struct buffer elem = wasm_begin();
    WASM_SECTION(&elem, WASM_ELEM, 1, 0, 0x41, 0, 0x0b, 0);
    assert_refused(&elem, STATUS_INVALID, "unknown table 0");
    struct buffer data = wasm_begin();
    WASM_SECTION(&data, WASM_DATA, 1, 0, 0x41, 0, 0x0b, 0);
    assert_refused(&data, STATUS_INVALID, "unknown memory 0");
    struct buffer pages = wasm_begin();
    WASM_SECTION(&pages, WASM_MEMORY, 1, 0, 0x81, 0x80, 4);
    assert_refused(&pages, STATUS_INVALID, "memory size must be at most 65536 pages");
    struct buffer wide = wasm_begin();
    WASM_SECTION(&wide, WASM_MEMORY, 1, 4, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40);
    assert_refused(&wide, STATUS_INVALID, "memory size must be at most 281474976710656 pages");
    struct buffer bytes = wasm_begin();
    WASM_SECTION(&bytes, WASM_MEMORY, 1, 8, 0x80, 0x80, 0x80, 0x80, 0x10, 0);
    assert_refused(&bytes, STATUS_INVALID, "memory size must be at most 4294967295 pages");
    struct buffer odd = wasm_begin();
    WASM_SECTION(&odd, WASM_MEMORY, 1, 8, 0, 12);
    assert_refused(&odd, STATUS_INVALID, "invalid custom page size: 2^12 bytes");
    struct buffer absurd = wasm_begin();
    WASM_SECTION(&absurd, WASM_MEMORY, 1, 8, 0, 65);
    assert_refused(&absurd, STATUS_MALFORMED, "invalid custom page size: 2^65 bytes");
    struct buffer entries = wasm_begin();
    WASM_SECTION(&entries, WASM_TABLE, 1, 0x70, 0, 0x80, 0x80, 0x80, 0x80, 0x10);
    assert_refused(&entries, STATUS_INVALID, "table size must be at most 4294967295 entries");
    struct buffer paged_table = wasm_begin();
    WASM_SECTION(&paged_table, WASM_TABLE, 1, 0x70, 8, 0, 0);
    assert_refused(&paged_table, STATUS_MALFORMED, "malformed limits flags 0x08");
    struct buffer order = wasm_begin();
    WASM_SECTION(&order, WASM_TABLE, 1, 0x70, 1, 2, 1);
    assert_refused(&order, STATUS_INVALID, "size minimum must not be greater than maximum");
}

static void unknown_kinds_of_segments_are_malformed(void **state)
{
    (void)state;
    struct buffer elems = wasm_begin();
    WASM_SECTION(&elems, WASM_TABLE, 1, 0x70, 0, 1);
    WASM_SECTION(&elems, WASM_ELEM, 1, 8, 0x41, 0, 0x0b, 0);
    assert_refused(&elems, STATUS_MALFORMED, "malformed elements segment kind 8");
    struct buffer datas = wasm_begin();
    WASM_SECTION(&datas, WASM_MEMORY, 1, 0, 1);
    WASM_SECTION(&datas, WASM_DATA, 1, 3, 0x41, 0, 0x0b, 0);
    assert_refused(&datas, STATUS_MALFORMED, "malformed data segment kind 3");
}

static void a_type_has_one_supertype_which_it_matches(void **state)
{
    (void)state;
    struct buffer two = wasm_begin();
    WASM_SECTION(&two, WASM_TYPE, 3, 0x50, 0, 0x5f, 0, 0x50, 0, 0x5f, 0, 0x50, 2, 0, 1, 0x5f, 0);
    assert_refused(&two, STATUS_INVALID, "sub type with 2 supertypes");
    struct buffer fewer = wasm_begin();
    WASM_SECTION(&fewer, WASM_TYPE, 2, 0x50, 0, 0x5f, 1, 0x7f, 0, 0x50, 1, 0, 0x5f, 0);
    assert_refused(&fewer, STATUS_INVALID, "sub type: type 1 does not match its supertype 0");
}

static void a_start_function_has_no_parameters(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, 0x7f, 0);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 0, 0, 0, 0);
    WASM_SECTION(&wasm, WASM_START, 0);
    assert_refused(&wasm, STATUS_INVALID, "start function 0");
}

/* A section of `count` equal entries, after what `wasm` has already. */
static void append_entries(struct buffer *wasm, uint8_t id, uint32_t count, struct bytes entry)
{
    size_t section = wasm_open(wasm, id);
    wasm_u32(wasm, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_append(wasm, entry.data, entry.count);
    wasm_close(wasm, section);
}

#define ENTRY(...)                                                                                 \
    bytes_make((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static struct buffer with_types(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_TYPE, count, ENTRY(0x60, 0, 0));
    return wasm;
}

/* In recursion groups of two, which count as what they hold. */
static struct buffer with_grouped_types(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, count / 2 + count % 2);
    for (uint32_t i = 0; i < count / 2; i++)
        WASM(&wasm, 0x4e, 2, 0x60, 0, 0, 0x60, 0, 0);
    if (count % 2 != 0)
        WASM(&wasm, 0x60, 0, 0);
    wasm_close(&wasm, section);
    return wasm;
}

static struct buffer with_imports(uint32_t count)
{
    struct buffer wasm = with_types(1);
    append_entries(&wasm, WASM_IMPORT, count, ENTRY(0, 0, 0, 0));
    return wasm;
}

static struct buffer with_funcs(uint32_t count)
{
    struct buffer wasm = with_imports(1);
    append_entries(&wasm, WASM_FUNC, count - 1, ENTRY(0));
    append_entries(&wasm, WASM_CODE, count - 1, ENTRY(2, 0, 0x0b));
    return wasm;
}

static struct buffer with_tables(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 0, 0, 1, 0x70, 0, 0);
    append_entries(&wasm, WASM_TABLE, count - 1, ENTRY(0x70, 0, 0));
    return wasm;
}

static struct buffer with_imported_tables(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_IMPORT, count, ENTRY(0, 0, 1, 0x70, 0, 0));
    return wasm;
}

static struct buffer with_memories(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 0, 0, 2, 0, 0);
    append_entries(&wasm, WASM_MEMORY, count - 1, ENTRY(0, 0));
    return wasm;
}

static struct buffer with_imported_memories(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_IMPORT, count, ENTRY(0, 0, 2, 0, 0));
    return wasm;
}

static struct buffer with_tags(uint32_t count)
{
    struct buffer wasm = with_types(1);
    append_entries(&wasm, 13, count, ENTRY(0, 0));
    return wasm;
}

static struct buffer with_globals(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_GLOBAL, count, ENTRY(0x7f, 0, 0x41, 0, 0x0b));
    return wasm;
}

static struct buffer with_exports(uint32_t count)
{
    struct buffer wasm = with_imports(1);
    append_entries(&wasm, WASM_EXPORT, count, ENTRY(0, 0, 0));
    return wasm;
}

static struct buffer with_elems(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_ELEM, count, ENTRY(1, 0, 0));
    return wasm;
}

static struct buffer with_datas(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    append_entries(&wasm, WASM_DATA, count, ENTRY(1, 0));
    return wasm;
}

static struct buffer with_params(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    WASM(&wasm, 1, 0x60);
    wasm_u32(&wasm, count);
    wasm_fill(&wasm, 0x7f, count);
    WASM(&wasm, 0);
    wasm_close(&wasm, section);
    return wasm;
}

static struct buffer with_results(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    WASM(&wasm, 1, 0x60, 0);
    wasm_u32(&wasm, count);
    wasm_fill(&wasm, 0x7f, count);
    wasm_close(&wasm, section);
    return wasm;
}

static struct buffer with_body(uint32_t bytes)
{
    struct buffer wasm = with_types(1);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    size_t section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    wasm_fill(&wasm, 0x01, bytes);
    wasm_close(&wasm, body);
    wasm_close(&wasm, section);
    return wasm;
}

static struct buffer with_fields(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    WASM(&wasm, 1, 0x5f);
    wasm_u32(&wasm, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(&wasm, 0x7f, 0);
    wasm_close(&wasm, section);
    return wasm;
}

/* With fields that no structure with another `number` has: equal types would count once. */
static void append_structure(struct buffer *wasm, bool has_super, uint32_t super, uint32_t number)
{
    WASM(wasm, 0x50, has_super);
    if (has_super)
        wasm_u32(wasm, super);
    uint32_t fields = number < 1u << 12 ? 6 : 7;
    WASM(wasm, 0x5f, (uint8_t)fields);
    for (uint32_t i = 0; i < fields; i++)
        WASM(wasm, (uint8_t)(0x7c + (number >> 2 * i) % 4), 0);
}

static struct buffer with_supertypes(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, count + 1);
    for (uint32_t i = 0; i <= count; i++)
        append_structure(&wasm, i > 0, i - 1, 0);
    wasm_close(&wasm, section);
    return wasm;
}

/* Chains as long as they may be, then one type that has what is left of `count`. */
static struct buffer with_supertypes_in_all(uint32_t count)
{
    struct buffer wasm = wasm_begin();
    struct buffer types = wasm_begin();
    uint32_t type_count = 0;
    uint32_t depth = 0;
    for (; depth <= count; depth = type_count % (MODULE_MAX_SUPERTYPES + 1)) {
        append_structure(&types, depth > 0, type_count - 1,
                         type_count / (MODULE_MAX_SUPERTYPES + 1));
        type_count++;
        count -= depth;
    }
    append_structure(&types, count > 0, count - 1, 1u << 12); /* of the first chain, and more */
    size_t section = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, type_count + 1);
    wasm_append(&wasm, types.data + 8, types.count - 8);
    wasm_close(&wasm, section);
    buffer_done(&types);
    return wasm;
}

static void each_limit_holds_exactly(void **state)
{
    (void)state;
    static const struct {
        struct buffer (*build)(uint32_t count);
        uint32_t limit;
        const char *text;
    } rows[] = {
        {with_types, MODULE_MAX_TYPES, "too many types: 1000001, the limit is 1000000"},
        {with_grouped_types, MODULE_MAX_TYPES, "too many types: the limit is 1000000"},
        {with_imports, MODULE_MAX_IMPORTS, "too many imports"},
        {with_funcs, MODULE_MAX_FUNCS, "too many functions: 1000001"},
        {with_tables, MODULE_MAX_TABLES, "too many tables: 101"},
        {with_imported_tables, MODULE_MAX_TABLES, "too many tables: 101"},
        {with_memories, MODULE_MAX_MEMORIES, "too many memories: 101"},
        {with_imported_memories, MODULE_MAX_MEMORIES, "too many memories: 101"},
        {with_tags, MODULE_MAX_TAGS, "too many tags"},
        {with_globals, MODULE_MAX_GLOBALS, "too many globals"},
        {with_exports, MODULE_MAX_EXPORTS, "too many exports"},
        {with_elems, MODULE_MAX_SEGMENTS, "too many element segments"},
        {with_datas, MODULE_MAX_SEGMENTS, "too many data segments"},
        {with_fields, MODULE_MAX_FIELDS, "too many fields: 10001"},
        {with_supertypes, MODULE_MAX_SUPERTYPES, "too many supertypes: 63 above one type"},
        {with_supertypes_in_all, MODULE_MAX_SUPERTYPES_TOTAL, "too many supertypes"},
        {with_params, MODULE_MAX_PARAMS, "too many parameters"},
        {with_results, MODULE_MAX_RESULTS, "too many results"},
        {with_body, MODULE_MAX_BODY_BYTES, "function body of 7654322 bytes, the limit is 7654321"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer at_limit = rows[i].build(rows[i].limit);
        assert_decodes(&at_limit);
        struct buffer over = rows[i].build(rows[i].limit + 1);
        assert_refused(&over, STATUS_LIMIT, rows[i].text);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_are_not_ours_are_named),
        cmocka_unit_test(an_empty_module_is_a_module),
        cmocka_unit_test(modules_larger_than_the_operator_allows_are_refused),
        cmocka_unit_test(a_module_that_needs_more_memory_than_allowed_is_refused),
        cmocka_unit_test(every_section_arrives_in_the_module),
        cmocka_unit_test(every_prefix_of_a_module_is_malformed_or_a_module),
        cmocka_unit_test(running_out_of_memory_anywhere_is_a_limit_and_never_half_a_module),
        cmocka_unit_test(a_bad_name_section_costs_only_the_names),
        cmocka_unit_test(names_of_functions_that_do_not_exist_are_passed_over),
        cmocka_unit_test(sections_come_once_and_in_order),
        cmocka_unit_test(sections_are_exactly_filled_and_reports_say_where),
        cmocka_unit_test(counts_of_different_sections_must_agree),
        cmocka_unit_test(parts_of_newer_proposals_are_refused_by_name),
        cmocka_unit_test(indices_and_sizes_out_of_range_are_invalid),
        cmocka_unit_test(unknown_kinds_of_segments_are_malformed),
        cmocka_unit_test(a_type_has_one_supertype_which_it_matches),
        cmocka_unit_test(a_start_function_has_no_parameters),
        cmocka_unit_test(each_limit_holds_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
