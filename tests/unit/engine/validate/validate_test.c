/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation: each rule once on the accepted and once on the refused side, limits at L
 * and L+1, and the shapes that are meant to take longer than their bytes.
 */
#include "engine/read/module.h"
#include "engine/read/opcodes.h"
#include "engine/validate/validate.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

static const struct engine_limits limits = {
    .module_bytes = 256u << 20,
    .arena_bytes = 1u << 30,
};

static enum status validate_and_free(struct buffer *wasm, struct report *report)
{
    *report = (struct report)REPORT_INIT;
    enum status status = engine_validate(buffer_bytes(wasm), &limits, report);
    assert_int_equal(report->status, status);
    assert_true(status == STATUS_OK || report->offset <= wasm->count);
    buffer_done(wasm);
    return status;
}

static void assert_valid(struct buffer *wasm)
{
    struct report report;
    if (validate_and_free(wasm, &report) != STATUS_OK)
        fail_msg("at %llu: %s", (unsigned long long)report.offset, report.text);
}

static void assert_refused(struct buffer *wasm, enum status status, const char *text)
{
    struct report report;
    enum status found = validate_and_free(wasm, &report);
    if (found != status || strncmp(report.text, text, strlen(text)) != 0)
        fail_msg("%s `%s` instead of %s `%s`", status_code(found), report.text, status_code(status),
                 text);
}

/*
 * A module with something of every kind, and as function 2 the body under test:
 * one i32 parameter, one i32 result.
 *   types 0 []->[]  1 [i32 i64]->[f32]  2 []->[i32]  3 [i32]->[i32]
 *   functions 0 type 0, declared; 1 type 1, not declared
 *   tables 0 funcref 1 externref 2 funcref, 64-bit; memories 0 32-bit 1 64-bit
 */
static struct buffer with_code(const uint8_t *body, size_t count)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 4, 0x60, 0, 0, 0x60, 2, 0x7f, 0x7e, 1, 0x7d, 0x60, 0, 1, 0x7f,
                 0x60, 1, 0x7f, 1, 0x7f);
    WASM_SECTION(&wasm, WASM_IMPORT, 2, 0, 0, 0, 0, 0, 0, 0, 1);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 3);
    WASM_SECTION(&wasm, WASM_TABLE, 3, 0x70, 0, 1, 0x6f, 0, 1, 0x70, 4, 1);
    WASM_SECTION(&wasm, WASM_MEMORY, 2, 0, 1, 4, 1);
    WASM_SECTION(&wasm, WASM_GLOBAL, 2, 0x7f, 0, 0x41, 0, 0x0b, 0x7e, 1, 0x42, 0, 0x0b);
    WASM_SECTION(&wasm, WASM_ELEM, 2, 1, 0, 1, 0, 5, 0x6f, 0);
    WASM_SECTION(&wasm, WASM_DATA_COUNT, 1);
    size_t section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 1);
    size_t start = wasm_open_size(&wasm);
    wasm_append(&wasm, body, count);
    wasm_close(&wasm, start);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_DATA, 1, 1, 0);
    return wasm;
}

struct body {
    uint8_t bytes[32];
    size_t count;
    const char *text; /* how the refusal begins */
};

#define BODY(text_, ...)                                                                           \
    {                                                                                              \
        .bytes = {__VA_ARGS__}, .count = sizeof((const uint8_t[]){__VA_ARGS__}), .text = (text_)   \
    }

/* Shorthands of the binary format, so that bodies read like code. */
#define I32    0x41
#define I64    0x42
#define GET    0x20
#define DROP   0x1a
#define END    0x0b
#define STOP   0x00 /* unreachable */
#define EMPTY  0x40
#define NO_VAR 0x00 /* a body without locals of its own */

static void accepted_bodies_validate(void **state)
{
    (void)state;
    static const struct body bodies[] = {
        BODY("local.get", NO_VAR, GET, 0, END),
        BODY("locals of two runs", 2, 1, 0x7e, 2, 0x7d, GET, 2, DROP, GET, 0, END),
        BODY("runs of no locals", 2, 0, 0x7e, 1, 0x7f, GET, 1, END),
        BODY("if else", NO_VAR, GET, 0, 0x04, 0x7f, I32, 1, 0x05, I32, 2, END, END),
        BODY("block of a type", NO_VAR, I32, 1, 0x02, 3, END, END),
        BODY("loop with parameter", NO_VAR, I32, 1, 0x03, 3, GET, 0, 0x0d, 0, END, END),
        BODY("if without else", NO_VAR, I32, 1, GET, 0, 0x04, 3, END, END),
        BODY("br_table", NO_VAR, 0x02, EMPTY, 0x02, EMPTY, GET, 0, 0x0e, 1, 0, 1, END, END, I32, 0,
             END),
        BODY("values of any type", NO_VAR, STOP, 0x6a, END),
        BODY("select of the unknown", NO_VAR, STOP, 0x1b, END),
        BODY("unknown drop", NO_VAR, STOP, DROP, DROP, END),
        BODY("br keeps outer values", NO_VAR, I32, 7, 0x02, EMPTY, 0x0c, 0, END, END),
        BODY("code after return", NO_VAR, GET, 0, 0x0f, I64, 0, 0x51, END),
        BODY("call", NO_VAR, I32, 0, I64, 0, 0x10, 1, 0xa8, END),
        BODY("call_indirect", NO_VAR, I32, 0, 0x11, 2, 0, END),
        BODY("return_call", NO_VAR, GET, 0, 0x12, 2, END),
        BODY("return_call_indirect", NO_VAR, I32, 0, 0x13, 2, 0, END),
        BODY("typed select", NO_VAR, 0xd0, 0x6f, 0xd0, 0x6f, GET, 0, 0x1c, 1, 0x6f, 0xd1, END),
        BODY("load", NO_VAR, GET, 0, 0x28, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, END),
        BODY("store", NO_VAR, GET, 0, I64, 1, 0x37, 3, 0, GET, 0, END),
        BODY("memory", NO_VAR, 0x3f, 0, 0x40, 0, END),
        BODY("atomic", NO_VAR, GET, 0, I64, 0, 0xfe, 0x18, 3, 0, 0xfe, 3, 0, GET, 0, END),
        BODY("bulk memory", NO_VAR, I32, 0, I32, 0, I32, 0, 0xfc, 8, 0, 0, I32, 0, I32, 0, I32, 0,
             0xfc, 10, 0, 0, 0xfc, 9, 0, I32, 0, END),
        BODY("load of memory 1", NO_VAR, I64, 0, 0x28, 0x42, 1, 0x80, 0x80, 0x80, 0x80, 0x10, END),
        BODY("memory 0 by number", NO_VAR, I32, 0, 0x28, 0x42, 0, 0, END),
        BODY("store to memory 1", NO_VAR, I64, 0, GET, 0, 0x36, 0x42, 1, 0, GET, 0, END),
        BODY("memory 1", NO_VAR, 0x3f, 1, 0x40, 1, DROP, GET, 0, END),
        BODY("memory.fill 1", NO_VAR, I64, 0, I32, 0, I64, 0, 0xfc, 11, 1, GET, 0, END),
        BODY("memory.init 1", NO_VAR, I64, 0, I32, 0, I32, 0, 0xfc, 8, 0, 1, GET, 0, END),
        BODY("memory.copy 1 0", NO_VAR, I64, 0, I32, 0, I32, 0, 0xfc, 10, 1, 0, GET, 0, END),
        BODY("memory.copy 0 1", NO_VAR, I32, 0, I64, 0, I32, 0, 0xfc, 10, 0, 1, GET, 0, END),
        BODY("memory.copy 1 1", NO_VAR, I64, 0, I64, 0, I64, 0, 0xfc, 10, 1, 1, GET, 0, END),
        BODY("table 2", NO_VAR, I64, 0, I64, 0, 0x25, 2, 0x26, 2, 0xfc, 16, 2, DROP, GET, 0, END),
        BODY("table.grow 2", NO_VAR, 0xd0, 0x70, I64, 1, 0xfc, 15, 2, DROP, GET, 0, END),
        BODY("table.fill 2", NO_VAR, I64, 1, 0xd0, 0x70, I64, 1, 0xfc, 17, 2, GET, 0, END),
        BODY("table.init 2", NO_VAR, I64, 0, I32, 0, I32, 0, 0xfc, 12, 0, 2, GET, 0, END),
        BODY("table.copy 0 2", NO_VAR, I32, 0, I64, 0, I32, 0, 0xfc, 14, 0, 2, GET, 0, END),
        BODY("call_indirect 2", NO_VAR, I64, 0, 0x11, 2, 2, END),
        BODY("globals", NO_VAR, I64, 0, 0x24, 1, 0x23, 0, END),
        BODY("ref.func", NO_VAR, 0xd2, 0, 0xd1, END),
        BODY("table of references", NO_VAR, I32, 0, 0xd2, 0, 0x26, 0, I32, 0, 0x25, 0, 0xd1, END),
        BODY("table.grow", NO_VAR, 0xd0, 0x6f, I32, 1, 0xfc, 15, 1, END),
        BODY("table.fill", NO_VAR, I32, 1, 0xd0, 0x70, I32, 1, 0xfc, 17, 0, 0xfc, 16, 0, END),
        BODY("table.init", NO_VAR, I32, 0, I32, 0, I32, 0, 0xfc, 12, 1, 1, 0xfc, 13, 0, I32, 0,
             END),
        BODY("saturating", NO_VAR, 0x43, 0, 0, 0, 0, 0xfc, 0, END),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buffer wasm = with_code(bodies[i].bytes, bodies[i].count);
        struct report report;
        if (validate_and_free(&wasm, &report) != STATUS_OK)
            fail_msg("%s: %s", bodies[i].text, report.text);
    }
}

static void invalid_bodies_are_refused_with_the_specifications_words(void **state)
{
    (void)state;
    static const struct body bodies[] = {
        BODY("type mismatch: end needs i32, the stack is empty, in function 2", NO_VAR, END),
        BODY("type mismatch: end needs i32, found i64", NO_VAR, I64, 0, END),
        BODY("type mismatch: 1 values too many", NO_VAR, I32, 0, I32, 0, END),
        BODY("type mismatch: i32.add needs i32, found i64", NO_VAR, GET, 0, I64, 0, 0x6a, END),
        BODY("type mismatch: i32.add needs i32, found i64", NO_VAR, I64, 0, GET, 0, 0x6a, END),
        BODY("type mismatch: i32.add needs i32, the stack", NO_VAR, GET, 0, 0x6a, END),
        BODY("type mismatch: i32.add needs i32, the stack", NO_VAR, GET, 0, 0x02, 0x7f, GET, 0,
             0x6a, END, END),
        BODY("type mismatch: i32.add needs i32, found f32", NO_VAR, STOP, 0x43, 0, 0, 0, 0, 0x6a,
             END),
        BODY("type mismatch: if without else", NO_VAR, GET, 0, 0x04, 0x7f, I32, 0, END, END),
        BODY("type mismatch: else needs i32", NO_VAR, GET, 0, 0x04, 0x7f, 0x05, I32, 0, END, END),
        BODY("type mismatch: br_table labels with 0 and 1", NO_VAR, 0x02, EMPTY, GET, 0, 0x0e, 1, 0,
             1, END, END),
        BODY("type mismatch: select needs numbers", NO_VAR, STOP, 0xd0, 0x70, GET, 0, 0x1b, DROP,
             I32, 0, END),
        BODY("type mismatch: select needs i32, found i64", NO_VAR, GET, 0, I64, 0, GET, 0, 0x1b,
             END),
        BODY("invalid result arity", NO_VAR, GET, 0, GET, 0, GET, 0, 0x1c, 2, 0x7f, 0x7f, END),
        BODY("type mismatch: ref.is_null needs a reference", NO_VAR, GET, 0, 0xd1, END),
        BODY("type mismatch: call_indirect through table 1", NO_VAR, GET, 0, 0x11, 2, 1, END),
        BODY("type mismatch: return_call of a function with other", NO_VAR, 0x12, 0, END),
        BODY("type mismatch: table.init needs externref, found (ref func)", NO_VAR, I32, 0, I32, 0,
             I32, 0, 0xfc, 12, 0, 1, END),
        BODY("type mismatch: table.copy needs funcref, found externref", NO_VAR, I32, 0, I32, 0,
             I32, 0, 0xfc, 14, 0, 1, END),
        BODY("type mismatch: call needs i64, found i32", NO_VAR, GET, 0, GET, 0, 0x10, 1, END),
        BODY("unknown local 1: there are 1", NO_VAR, GET, 1, END),
        BODY("unknown label 1: there are 1", NO_VAR, GET, 0, 0x0c, 1, END),
        BODY("unknown function 3", NO_VAR, 0x10, 3, END),
        BODY("unknown type 4", NO_VAR, GET, 0, 0x11, 4, 0, END),
        BODY("unknown type 4", NO_VAR, 0x02, 4, END, END),
        BODY("unknown table 3", NO_VAR, GET, 0, 0x25, 3, END),
        BODY("unknown global 2", NO_VAR, 0x23, 2, END),
        BODY("unknown memory 2", NO_VAR, 0x3f, 2, END),
        BODY("unknown memory 2: there are 2", NO_VAR, GET, 0, 0x28, 0x40, 2, 0, END),
        BODY("type mismatch: i32.load needs i64, found i32", NO_VAR, GET, 0, 0x28, 0x40, 1, 0, END),
        BODY("type mismatch: i32.load needs i32, found i64", NO_VAR, I64, 0, 0x28, 0x40, 0, 0, END),
        BODY("type mismatch: memory.grow needs i64, found i32", NO_VAR, GET, 0, 0x40, 1, END),
        BODY("type mismatch: end needs i32, found i64", NO_VAR, 0x3f, 1, END),
        BODY("type mismatch: memory.copy needs i32, found i64", NO_VAR, I64, 0, I32, 0, I64, 0,
             0xfc, 10, 1, 0, END),
        BODY("type mismatch: memory.copy needs i64, found i32", NO_VAR, I64, 0, I64, 0, I32, 0,
             0xfc, 10, 1, 1, END),
        BODY("type mismatch: memory.init needs i64, found i32", NO_VAR, I32, 0, I32, 0, I32, 0,
             0xfc, 8, 0, 1, END),
        BODY("type mismatch: table.get needs i64, found i32", NO_VAR, GET, 0, 0x25, 2, END),
        BODY("type mismatch: call_indirect needs i64, found i32", NO_VAR, GET, 0, 0x11, 2, 2, END),
        BODY("alignment must not be larger", NO_VAR, I64, 0, 0x28, 0x43, 1, 0, END),
        BODY("unknown data segment 1", NO_VAR, 0xfc, 9, 1, END),
        BODY("unknown elem segment 2", NO_VAR, 0xfc, 13, 2, END),
        BODY("immutable global", NO_VAR, GET, 0, 0x24, 0, GET, 0, END),
        BODY("undeclared function reference", NO_VAR, 0xd2, 1, 0xd1, END),
        BODY("alignment must not be larger than natural", NO_VAR, GET, 0, 0x2d, 1, 0, END),
        BODY("atomic alignment must be natural", NO_VAR, GET, 0, 0xfe, 0x10, 1, 0, END),
        BODY("atomic alignment must be natural", NO_VAR, GET, 0, 0xfe, 0x12, 1, 0, END),
        BODY("unknown memory 5", NO_VAR, GET, 0, 0xfe, 0x10, 0x42, 5, 0, END),
        BODY("offset out of range", NO_VAR, GET, 0, 0x28, 0, 0x80, 0x80, 0x80, 0x80, 0x10, END),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buffer wasm = with_code(bodies[i].bytes, bodies[i].count);
        assert_refused(&wasm, STATUS_INVALID, bodies[i].text);
    }
}

static void malformed_bodies_are_told_from_invalid_ones(void **state)
{
    (void)state;
    static const struct body bodies[] = {
        BODY("END opcode expected", NO_VAR, GET, 0),
        BODY("END opcode expected", NO_VAR, 0x02, EMPTY, END),
        BODY("END opcode expected: else without if", NO_VAR, 0x05, END),
        BODY("malformed memop flags 0x80", NO_VAR, GET, 0, 0x28, 0x80, 1, 0, END),
        BODY("section size mismatch: 1 bytes after the end", NO_VAR, GET, 0, END, END),
        BODY("illegal opcode ff", NO_VAR, 0xff, END),
        BODY("illegal opcode fc12", NO_VAR, 0xfc, 18, END),
        BODY("illegal opcode fc", NO_VAR, 0xfc, 0x80, 0x02, END),
        BODY("illegal opcode fe04", NO_VAR, 0xfe, 0x04, END),
        BODY("zero byte expected", NO_VAR, 0xfe, 0x03, 1, END),
        BODY("malformed block type", NO_VAR, 0x02, 0x80, 0x7f, END),
        BODY("malformed value type 0x41", NO_VAR, 0x02, 0x41, END),
        BODY("malformed memop flags", NO_VAR, GET, 0, 0x28, 0x80, 1, 0, END),
        BODY("malformed heap type 0x7f", NO_VAR, 0xd0, 0x7f, END),
        BODY("too many locals: 4294967297", 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7e, END),
        BODY("integer too large", 1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0x7f, END),
        BODY("integer representation too long", NO_VAR, I32, 0x80, 0x80, 0x80, 0x80, 0x80, 0, END),
        BODY("unexpected end", NO_VAR, 0x44, 0, 0, 0),
        BODY("unexpected end", 9, 1, 0x7f, END),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buffer wasm = with_code(bodies[i].bytes, bodies[i].count);
        assert_refused(&wasm, STATUS_MALFORMED, bodies[i].text);
    }
    struct buffer nothing = with_code(NULL, 0);
    assert_refused(&nothing, STATUS_MALFORMED, "unexpected end");
}

static void reports_point_at_the_instruction_and_name_the_function(void **state)
{
    (void)state;
    const uint8_t body[] = {NO_VAR, 0x01, I64, 0, 0x45, END};
    struct buffer wasm = with_code(body, sizeof(body));
    size_t at = 0;
    while (memcmp(wasm.data + at, body, sizeof(body)) != 0)
        at++;
    WASM_SECTION(&wasm, WASM_CUSTOM, 4, 'n', 'a', 'm', 'e', 1, 6, 1, 2, 3, 'o', 'n', 'e');
    struct report report;
    assert_int_equal(validate_and_free(&wasm, &report), STATUS_INVALID);
    assert_string_equal(report.text,
                        "type mismatch: i32.eqz needs i32, found i64, in function 2 (one)");
    assert_int_equal(report.offset, at + 4);
}

static void names_cannot_break_the_line_of_a_report(void **state)
{
    (void)state;
    const uint8_t body[] = {NO_VAR, END};
    struct buffer wasm = with_code(body, sizeof(body));
    WASM_SECTION(&wasm, WASM_CUSTOM, 4, 'n', 'a', 'm', 'e', 1, 7, 1, 2, 4, 'a', '\n', '\\', 0x7f);
    struct report report;
    assert_int_equal(validate_and_free(&wasm, &report), STATUS_INVALID);
    assert_string_equal(report.text,
                        "type mismatch: end needs i32, the stack is empty, in function "
                        "2 (a\\0a\\5c\\7f)");
    /* A long one is cut, and still leaves room for the rest. */
    wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    size_t section = wasm_open(&wasm, WASM_EXPORT);
    WASM(&wasm, 2);
    for (int i = 0; i < 2; i++) {
        wasm_u32(&wasm, 5000);
        wasm_fill(&wasm, '\n', 5000);
        WASM(&wasm, 2, 0);
    }
    wasm_close(&wasm, section);
    assert_int_equal(validate_and_free(&wasm, &report), STATUS_INVALID);
    assert_null(strchr(report.text, '\n'));
    assert_non_null(strstr(report.text, "\\0a\", in export section, entry 1"));
}

static void bulk_memory_needs_the_data_count_section(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 5, NO_VAR, 0xfc, 9, 0, END);
    WASM_SECTION(&wasm, WASM_DATA, 1, 1, 0);
    assert_refused(&wasm, STATUS_MALFORMED, "data count section required by data.drop");
}

/* ---- references, objects and exceptions ------------------------------------------------------ */

#define OBJECT      0xfb /* prefix */
#define ANY         0x6e
#define EQ          0x6d
#define I31         0x6c
#define REF_NULL    0xd0
#define TRY_TABLE   0x1f
#define TRY         0x06
#define CATCH       0x07
#define CATCH_ALL   0x19
#define DELEGATE    0x18
#define RETHROW     0x09
#define BR_ON_CAST  0x18
#define SECTION_TAG 13

/*
 * A body under test as function 0, without parameters or results.
 *   types 0 []->[]  1 [i32]->[]  2 struct (ref any)  3 array of (ref any)  4 struct i32 i8
 *   tags 0 type 1
 */
static struct buffer with_objects(const uint8_t *body, size_t count)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 5, 0x60, 0, 0, 0x60, 1, 0x7f, 0, 0x5f, 1, 0x64, ANY, 0, 0x5e,
                 0x64, ANY, 0, 0x5f, 2, 0x7f, 0, 0x78, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, SECTION_TAG, 1, 0, 1);
    size_t section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 1);
    size_t start = wasm_open_size(&wasm);
    wasm_append(&wasm, body, count);
    wasm_close(&wasm, start);
    wasm_close(&wasm, section);
    return wasm;
}

static void bodies_with_objects_validate(void **state)
{
    (void)state;
    static const struct body bodies[] = {
        BODY("default values", NO_VAR, OBJECT, 1, 4, DROP, END),
        BODY("plain field", NO_VAR, REF_NULL, 4, OBJECT, 2, 4, 0, DROP, END),
        BODY("packed field", NO_VAR, REF_NULL, 4, OBJECT, 3, 4, 1, DROP, END),
        BODY("cast", NO_VAR, 0x02, ANY, REF_NULL, EQ, OBJECT, BR_ON_CAST, 3, 0, EQ, I31, END, DROP,
             END),
        BODY("br_on_non_null", NO_VAR, 0x02, 0x64, ANY, REF_NULL, ANY, 0xd6, 0, STOP, END, DROP,
             END),
        BODY("conversions", NO_VAR, REF_NULL, 0x6f, OBJECT, 26, OBJECT, 27, DROP, END),
        BODY("catch", NO_VAR, 0x02, 0x7f, TRY_TABLE, EMPTY, 1, 0, 0, 0, END, STOP, END, DROP, END),
        BODY("catch_all", NO_VAR, TRY_TABLE, EMPTY, 1, 2, 0, END, END),
        BODY("try", NO_VAR, TRY, EMPTY, END, END),
        BODY("try with a result", NO_VAR, TRY, 0x7f, I32, 1, CATCH, 0, CATCH_ALL, I32, 2, END, DROP,
             END),
        BODY("rethrow", NO_VAR, TRY, 0x7f, I32, 1, CATCH, 0, RETHROW, 0, CATCH_ALL, RETHROW, 0, END,
             DROP, END),
        BODY("rethrow out of a block", NO_VAR, TRY, EMPTY, CATCH_ALL, 0x02, EMPTY, RETHROW, 1, END,
             END, END),
        BODY("delegate to a try", NO_VAR, TRY, EMPTY, TRY, EMPTY, DELEGATE, 0, CATCH_ALL, END, END),
        BODY("delegate to the caller", NO_VAR, TRY, 0x7f, STOP, DELEGATE, 0, DROP, END),
        BODY("both forms", NO_VAR, TRY, EMPTY, TRY_TABLE, EMPTY, 1, 2, 0, END, CATCH_ALL, END, END),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buffer wasm = with_objects(bodies[i].bytes, bodies[i].count);
        struct report report;
        if (validate_and_free(&wasm, &report) != STATUS_OK)
            fail_msg("%s: %s", bodies[i].text, report.text);
    }
}

static void invalid_bodies_with_objects_are_refused(void **state)
{
    (void)state;
    static const struct body bodies[] = {
        BODY("type mismatch: struct.new_default of a type with fields that need a value", NO_VAR,
             OBJECT, 1, 2, DROP, END),
        BODY("type mismatch: array.new_default of a type with fields that need a value", NO_VAR,
             I32, 1, OBJECT, 7, 3, DROP, END),
        BODY("type mismatch: struct.get_s of a field that is not packed", NO_VAR, REF_NULL, 4,
             OBJECT, 3, 4, 0, DROP, END),
        BODY("type mismatch: struct.get of a field that is packed", NO_VAR, REF_NULL, 4, OBJECT, 2,
             4, 1, DROP, END),
        BODY("type mismatch: br_on_cast needs eqref, found anyref", NO_VAR, 0x02, ANY, REF_NULL, EQ,
             OBJECT, BR_ON_CAST, 3, 0, EQ, ANY, END, DROP, END),
        BODY("type mismatch: br_on_cast to a label without values", NO_VAR, 0x02, EMPTY, REF_NULL,
             ANY, OBJECT, BR_ON_CAST, 3, 0, ANY, I31, DROP, END, END),
        BODY("type mismatch: br_on_non_null to a label without values", NO_VAR, 0x02, EMPTY,
             REF_NULL, ANY, 0xd6, 0, END, END),
        BODY("type mismatch: any.convert_extern needs externref, found anyref", NO_VAR, REF_NULL,
             ANY, OBJECT, 26, DROP, END),
        BODY("type mismatch: extern.convert_any needs anyref, found externref", NO_VAR, REF_NULL,
             0x6f, OBJECT, 27, DROP, END),
        BODY("unknown tag 1: there are 1", NO_VAR, 0x02, 0x7f, TRY_TABLE, EMPTY, 1, 0, 1, 0, END,
             STOP, END, DROP, END),
        BODY("unknown label 1: there are 1", NO_VAR, TRY_TABLE, EMPTY, 1, 2, 1, END, END),
        BODY("unknown tag 1: there are 1", NO_VAR, TRY, EMPTY, CATCH, 1, DROP, END, END),
        BODY("type mismatch: try needs i32", NO_VAR, TRY, 1, CATCH_ALL, END, END),
        BODY("type mismatch: catch needs i32", NO_VAR, TRY, 0x7f, CATCH, 0, END, DROP, END),
        BODY("type mismatch: 1 values too many at the end of the block", NO_VAR, TRY, EMPTY, CATCH,
             0, END, END),
        BODY("type mismatch: end needs i32", NO_VAR, TRY, 0x7f, I32, 1, CATCH_ALL, END, DROP, END),
        BODY("type mismatch: delegate needs i32", NO_VAR, TRY, 0x7f, DELEGATE, 0, DROP, END),
        BODY("uninitialized local: 0 has no value yet", 1, 1, 0x64, ANY, TRY, EMPTY, REF_NULL, ANY,
             0xd4, 0x21, 0, CATCH_ALL, 0x20, 0, DROP, END, END),
        BODY("unknown label 1: there are 1", NO_VAR, TRY, EMPTY, DELEGATE, 1, END),
        BODY("unknown label 2: there are 2", NO_VAR, TRY, EMPTY, CATCH_ALL, RETHROW, 2, END, END),
        BODY("invalid rethrow label: 0 is no catch block", NO_VAR, TRY, EMPTY, RETHROW, 0,
             CATCH_ALL, END, END),
        BODY("invalid rethrow label: 1 is no catch block", NO_VAR, TRY, EMPTY, CATCH_ALL, RETHROW,
             1, END, END),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct buffer wasm = with_objects(bodies[i].bytes, bodies[i].count);
        assert_refused(&wasm, STATUS_INVALID, bodies[i].text);
    }
    static const struct body malformed[] = {
        BODY("malformed cast flags 0x04", NO_VAR, 0x02, ANY, REF_NULL, EQ, OBJECT, BR_ON_CAST, 4, 0,
             EQ, I31, END, DROP, END),
        BODY("catch without a try, or behind catch_all", NO_VAR, 0x02, EMPTY, CATCH, 0, END, END),
        BODY("catch without a try, or behind catch_all", NO_VAR, TRY, EMPTY, CATCH_ALL, CATCH, 0,
             DROP, END, END),
        BODY("catch_all without a try, or behind catch_all", NO_VAR, TRY, EMPTY, CATCH_ALL,
             CATCH_ALL, END, END),
        BODY("catch_all without a try, or behind catch_all", NO_VAR, CATCH_ALL, END),
        BODY("delegate without a try, or behind its catch", NO_VAR, TRY, EMPTY, CATCH_ALL, DELEGATE,
             0, END),
        BODY("delegate without a try, or behind its catch", NO_VAR, 0x02, EMPTY, DELEGATE, 0, END),
        BODY("delegate without a try, or behind its catch", NO_VAR, DELEGATE, 0),
        BODY("END opcode expected", NO_VAR, TRY, EMPTY, DELEGATE, 0),
    };
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        struct buffer wasm = with_objects(malformed[i].bytes, malformed[i].count);
        assert_refused(&wasm, STATUS_MALFORMED, malformed[i].text);
    }
}

static void a_constant_object_has_default_values_only_if_all_fields_have(void **state)
{
    (void)state;
    for (uint8_t nullable = 0; nullable < 2; nullable++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_TYPE, 1, 0x5f, 1, nullable ? 0x63 : 0x64, ANY, 0);
        WASM_SECTION(&wasm, WASM_GLOBAL, 1, 0x64, 0, 0, OBJECT, 1, 0, END);
        if (nullable)
            assert_valid(&wasm);
        else
            assert_refused(&wasm, STATUS_INVALID,
                           "type mismatch: type 0 has fields that need a value");
    }
}

static void vectors_are_fields_and_items(void **state)
{
    (void)state;
    for (uint8_t is_array = 0; is_array < 2; is_array++) {
        struct buffer wasm = wasm_begin();
        if (is_array)
            WASM_SECTION(&wasm, WASM_TYPE, 1, 0x5e, 0x7b, 0);
        else
            WASM_SECTION(&wasm, WASM_TYPE, 1, 0x5f, 1, 0x7b, 0);
        assert_valid(&wasm);
    }
}

/* ---- constant expressions -------------------------------------------------------------------- */

/* Imports: immutable i32, mutable i32, a function; then one global of `type`. */
static struct buffer with_global(const struct body *init, uint8_t type)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_IMPORT, 3, 0, 0, 3, 0x7f, 0, 0, 0, 3, 0x7f, 1, 0, 0, 0, 0);
    size_t section = wasm_open(&wasm, WASM_GLOBAL);
    WASM(&wasm, 2, 0x7e, 0, I64, 0, END);
    WASM(&wasm, type, 0);
    wasm_append(&wasm, init->bytes, init->count);
    wasm_close(&wasm, section);
    return wasm;
}

static void constant_expressions_may_add_and_name_earlier_globals(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        struct body init;
    } rows[] = {
        {0x7f, BODY("", I32, 1, END)},
        {0x7f, BODY("", 0x23, 0, I32, 1, 0x6a, I32, 2, 0x6c, END)},
        {0x7e, BODY("own earlier global", 0x23, 2, I64, 1, 0x7d, END)},
        {0x7d, BODY("", 0x43, 0, 0, 0, 0, END)},
        {0x7c, BODY("", 0x44, 0, 0, 0, 0, 0, 0, 0, 0, END)},
        {0x70, BODY("", 0xd2, 0, END)},
        {0x6f, BODY("", 0xd0, 0x6f, END)},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer wasm = with_global(&rows[i].init, rows[i].type);
        assert_valid(&wasm);
    }
}

static void other_constant_expressions_are_refused(void **state)
{
    (void)state;
    static const struct body rows[] = {
        BODY("constant expression required: global 1 is mutable", 0x23, 1, END),
        BODY("constant expression required: opcode 45", I32, 1, 0x45, END),
        BODY("constant expression required", 0x02, 0x7f, I32, 0, END, END),
        BODY("unknown global 3: 3 are defined before it", 0x23, 3, END),
        BODY("unknown function 1", 0xd2, 1, END),
        BODY("type mismatch: constant i32 expected, found i64", I64, 1, END),
        BODY("type mismatch: one constant i32 expected, found 0", END),
        BODY("type mismatch: one constant i32 expected, found 2", I32, 1, I32, 1, END),
        BODY("type mismatch: i32 operands expected", I64, 1, I32, 1, 0x6a, END),
        BODY("type mismatch: i32 operands expected", I32, 1, 0x6a, END),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer wasm = with_global(&rows[i], 0x7f);
        assert_refused(&wasm, STATUS_INVALID, rows[i].text);
    }
    static const struct body endless = BODY("", I32, 1);
    struct buffer wasm = with_global(&endless, 0x7f);
    assert_refused(&wasm, STATUS_MALFORMED, "unexpected end");
}

static void constant_expressions_hold_a_limited_number_of_values(void **state)
{
    (void)state;
    for (unsigned over = 0; over < 2; over++) {
        unsigned count = MODULE_MAX_CONST_STACK + over;
        struct buffer wasm = wasm_begin();
        size_t section = wasm_open(&wasm, WASM_GLOBAL);
        WASM(&wasm, 1, 0x7f, 0);
        for (unsigned i = 0; i < count; i++)
            WASM(&wasm, I32, 1);
        wasm_fill(&wasm, 0x6a, count - 1);
        WASM(&wasm, END);
        wasm_close(&wasm, section);
        if (over == 0)
            assert_valid(&wasm);
        else
            assert_refused(&wasm, STATUS_LIMIT, "constant expression with more than 10000 values");
    }
}

static void segments_fit_their_tables_and_memories(void **state)
{
    (void)state;
    struct buffer type = wasm_begin();
    WASM_SECTION(&type, WASM_TABLE, 1, 0x6f, 0, 1);
    WASM_SECTION(&type, WASM_ELEM, 1, 0, I32, 0, END, 0);
    assert_refused(&type, STATUS_INVALID,
                   "type mismatch: table 0 has externref, the segment (ref func), in ");
    struct buffer offset = wasm_begin();
    WASM_SECTION(&offset, WASM_MEMORY, 1, 0, 1);
    WASM_SECTION(&offset, WASM_DATA, 1, 0, I64, 0, END, 0);
    assert_refused(&offset, STATUS_INVALID,
                   "type mismatch: constant i32 expected, found i64, in "
                   "data section, entry 0");
    struct buffer item = wasm_begin();
    WASM_SECTION(&item, WASM_ELEM, 1, 5, 0x70, 2, 0xd0, 0x70, END, 0xd0, 0x6f, END);
    assert_refused(&item, STATUS_INVALID, "type mismatch: constant funcref expected");
}

static void export_names_are_unique(void **state)
{
    (void)state;
    for (unsigned is_double = 0; is_double < 2; is_double++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
        size_t section = wasm_open(&wasm, WASM_EXPORT);
        wasm_u32(&wasm, 1000);
        for (unsigned i = 0; i < 1000; i++) {
            unsigned name = i == 999 && is_double ? 123 : i;
            WASM(&wasm, 3, (uint8_t)('a' + name / 100), (uint8_t)('a' + name / 10 % 10),
                 (uint8_t)('a' + name % 10), 2, 0);
        }
        wasm_close(&wasm, section);
        if (is_double)
            assert_refused(&wasm, STATUS_INVALID, "duplicate export name \"bcd\"");
        else
            assert_valid(&wasm);
    }
}

static void equal_types_share_the_smallest_index(void **state)
{
    (void)state;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 6, 0x60, 0, 0, 0x60, 1, 0x7f, 0, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7f,
                 0, 0x60, 0, 0, 0x60, 1, 0x7f, 0);
    static const uint32_t expected[] = {0, 1, 2, 1, 0, 1};
    struct module module = {0};
    assert_int_equal(decode_module(buffer_bytes(&wasm), &limits, NULL, &module), STATUS_OK);
    assert_int_equal(validate_module(&module, NULL), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        assert_int_equal(module.types[i].canonical, expected[i]);
    module_done(&module);
    buffer_done(&wasm);
}

/* ---- limits and hostile shapes --------------------------------------------------------------- */

/* One function of type []->[] whose body is given by `write`. */
static struct buffer with_body(void (*write)(struct buffer *wasm, uint32_t count), uint32_t count)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 0, 0, 0x5e, 0x7f, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    size_t section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    write(&wasm, count);
    wasm_close(&wasm, body);
    wasm_close(&wasm, section);
    return wasm;
}

static void write_nesting(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, NO_VAR);
    for (uint32_t i = 0; i < count; i++)
        WASM(wasm, 0x03, EMPTY);
    wasm_fill(wasm, END, count + 1);
}

static void write_locals(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, 2);
    wasm_u32(wasm, count - 1);
    WASM(wasm, 0x7f, 1, 0x7e, GET);
    wasm_u32(wasm, count - 1);
    WASM(wasm, 0x50, DROP, GET);
    wasm_u32(wasm, count - 2);
    WASM(wasm, 0x45, DROP, END);
}

static void write_labels(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, NO_VAR, I32, 0, 0x0e);
    wasm_u32(wasm, count);
    wasm_fill(wasm, 0, count + 1);
    WASM(wasm, END);
}

static void write_values(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, 1, 2, 0x7f); /* two of the slots are locals */
    for (uint32_t i = 2; i < count; i++)
        WASM(wasm, I32, 0);
    WASM(wasm, STOP, END);
}

/* Type 1 of a module that with_body makes is an array of i32. */
static void write_array(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, NO_VAR);
    for (uint32_t i = 0; i < count; i++)
        WASM(wasm, I32, 0);
    WASM(wasm, 0xfb, 0x08, 1);
    wasm_u32(wasm, count);
    WASM(wasm, DROP, END);
}

/* The same number of values, by instructions that have no rule in a table. */
static void write_objects(struct buffer *wasm, uint32_t count)
{
    WASM(wasm, NO_VAR);
    for (uint32_t i = 0; i < count; i++)
        WASM(wasm, 0xfb, 0x08, 1, 0);
    WASM(wasm, STOP, END);
}

static void limits_of_a_function_hold_exactly(void **state)
{
    (void)state;
    static const struct {
        void (*write)(struct buffer *wasm, uint32_t count);
        uint32_t limit;
        const char *text;
    } rows[] = {
        {write_nesting, MODULE_MAX_NESTING, "blocks nested deeper than 100000"},
        {write_locals, MODULE_MAX_LOCALS, "function with 50001 locals, the limit is 50000"},
        {write_labels, MODULE_MAX_BR_TABLE, "br_table with 65521 labels, the limit is 65520"},
        {write_array, MODULE_MAX_ARRAY_FIXED, "array.new_fixed with 10001 operands"},
        {write_values, MODULE_MAX_FRAME_SLOTS, "function needs more than 65000 stack slots"},
        {write_objects, MODULE_MAX_FRAME_SLOTS, "function needs more than 65000 stack slots"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer at_limit = with_body(rows[i].write, rows[i].limit);
        assert_valid(&at_limit);
        struct buffer over = with_body(rows[i].write, rows[i].limit + 1);
        assert_refused(&over, STATUS_LIMIT, rows[i].text);
    }
}

/* A function that calls another one with 1000 results and then runs `after`, `count` times. */
static struct buffer with_calls(uint8_t wanted, uint8_t found, uint8_t after, uint32_t count)
{
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    WASM(&wasm, 2);
    for (unsigned i = 0; i < 2; i++) {
        WASM(&wasm, 0x60, 0);
        wasm_u32(&wasm, MODULE_MAX_RESULTS);
        wasm_fill(&wasm, i == 0 ? wanted : found, MODULE_MAX_RESULTS);
    }
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 0, 0, 0, 1);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, NO_VAR);
    for (uint32_t i = 0; i < count; i++)
        WASM(&wasm, 0x10, 0, after);
    WASM(&wasm, STOP, END);
    wasm_close(&wasm, body);
    wasm_close(&wasm, section);
    return wasm;
}

static void many_results_at_once_are_counted_against_the_slots(void **state)
{
    (void)state;
    enum { NOP = 0x01, MOST = MODULE_MAX_FRAME_SLOTS / MODULE_MAX_RESULTS };
    struct buffer at_limit = with_calls(0x7f, 0x7f, NOP, MOST);
    assert_valid(&at_limit);
    struct buffer over = with_calls(0x7f, 0x7f, NOP, MOST + 1);
    assert_refused(&over, STATUS_LIMIT, "function needs more than 65000 stack slots");
}

/* Three bytes make a thousand comparisons of subtypes. */
static void comparisons_of_subtypes_are_limited(void **state)
{
    (void)state;
    enum { RETURN = 0x0f, NONE = 0x71 };
    struct buffer some = with_calls(ANY, NONE, RETURN, 100);
    assert_valid(&some);
    struct buffer many = with_calls(ANY, NONE, RETURN, 110);
    assert_refused(&many, STATUS_LIMIT, "more comparisons of subtypes than a function may need");
    struct buffer equal = with_calls(ANY, ANY, RETURN, 1000);
    assert_valid(&equal);
}

static void locals_beyond_the_expanded_ones_are_found(void **state)
{
    (void)state;
    /* Twenty runs of 2000, i32 and i64 in turn, far more than the body expands. */
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 1, 0x7d, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    size_t section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t body = wasm_open_size(&wasm);
    WASM(&wasm, 20);
    for (unsigned i = 0; i < 20; i++) {
        wasm_u32(&wasm, 2000);
        WASM(&wasm, i % 2 == 0 ? 0x7f : 0x7e);
    }
    for (unsigned i = 0; i < 20; i++) {
        WASM(&wasm, GET);
        wasm_u32(&wasm, 1 + 2000 * i); /* first of its run, after the parameter */
        WASM(&wasm, i % 2 == 0 ? 0x45 : 0x50, DROP, GET);
        wasm_u32(&wasm, 2000 + 2000 * i); /* last of its run */
        WASM(&wasm, i % 2 == 0 ? 0x45 : 0x50, DROP);
    }
    WASM(&wasm, END);
    wasm_close(&wasm, body);
    wasm_close(&wasm, section);
    assert_valid(&wasm);
}

/* A million functions that declare 50,000 locals in six bytes would be 50 GB of types. */
static void runs_of_locals_cost_their_bytes_only(void **state)
{
    (void)state;
    const uint32_t count = 200000;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    size_t funcs = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, count);
    wasm_fill(&wasm, 0, count);
    wasm_close(&wasm, funcs);
    size_t code = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(&wasm, 6, 1, 0xd0, 0x86, 3, 0x7f, END);
    wasm_close(&wasm, code);
    assert_valid(&wasm);
}

/* Many equal types, with equal beginnings, do not take a comparison each with each. */
static void many_types_cost_their_bytes_only(void **state)
{
    (void)state;
    const uint32_t count = 200000;
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    wasm_u32(&wasm, count);
    for (uint32_t i = 0; i < count; i++) {
        WASM(&wasm, 0x60, 20);
        for (unsigned bit = 0; bit < 20; bit++)
            WASM(&wasm, (i >> bit & 1) != 0 ? 0x7f : 0x7e);
        WASM(&wasm, 0);
    }
    wasm_close(&wasm, section);
    assert_valid(&wasm);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_bodies_validate),
        cmocka_unit_test(invalid_bodies_are_refused_with_the_specifications_words),
        cmocka_unit_test(malformed_bodies_are_told_from_invalid_ones),
        cmocka_unit_test(reports_point_at_the_instruction_and_name_the_function),
        cmocka_unit_test(names_cannot_break_the_line_of_a_report),
        cmocka_unit_test(bulk_memory_needs_the_data_count_section),
        cmocka_unit_test(bodies_with_objects_validate),
        cmocka_unit_test(invalid_bodies_with_objects_are_refused),
        cmocka_unit_test(a_constant_object_has_default_values_only_if_all_fields_have),
        cmocka_unit_test(vectors_are_fields_and_items),
        cmocka_unit_test(constant_expressions_may_add_and_name_earlier_globals),
        cmocka_unit_test(other_constant_expressions_are_refused),
        cmocka_unit_test(constant_expressions_hold_a_limited_number_of_values),
        cmocka_unit_test(segments_fit_their_tables_and_memories),
        cmocka_unit_test(export_names_are_unique),
        cmocka_unit_test(equal_types_share_the_smallest_index),
        cmocka_unit_test(limits_of_a_function_hold_exactly),
        cmocka_unit_test(many_results_at_once_are_counted_against_the_slots),
        cmocka_unit_test(comparisons_of_subtypes_are_limited),
        cmocka_unit_test(locals_beyond_the_expanded_ones_are_found),
        cmocka_unit_test(runs_of_locals_cost_their_bytes_only),
        cmocka_unit_test(many_types_cost_their_bytes_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
