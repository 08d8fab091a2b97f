/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threaded code as text: what a line says, and that the text of any function is whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/inspect.h"
#include "engine/read/module.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define TEXT_BYTES ((size_t)1 << 20)
#define LINES_MAX  1000

/* The code of one function as text with a NUL; freed with buffer_done. */
static struct buffer disassemble(const struct engine_module *module, uint32_t func)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES);
    assert_int_equal(engine_disassemble(module, func, &text), STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    return text;
}

static bool is_line(const uint32_t *offsets, size_t count, uint32_t offset)
{
    for (size_t i = 0; i < count; i++) {
        if (offsets[i] == offset)
            return true;
    }
    return false;
}

/* The head tells the size, lines follow each other within it, branches go to lines. */
static void check_text(const char *text)
{
    uint32_t offsets[LINES_MAX];
    size_t count = 0;
    uint32_t locals;
    uint32_t bytes;
    assert_int_equal(sscanf(text, "locals %u, %u bytes\n", &locals, &bytes), 2);
    const char *line = strchr(text, '\n') + 1;
    for (; *line != '\0' && strncmp(line, "try ", 4) != 0; line = strchr(line, '\n') + 1) {
        char name[32];
        assert_true(count < LINES_MAX);
        assert_int_equal(sscanf(line, "%u %31s", &offsets[count], name), 2);
        assert_int_equal(offsets[count] % 2, 0);
        assert_true(offsets[count] < bytes);
        assert_true(count == 0 ? offsets[0] == 0 : offsets[count] > offsets[count - 1]);
        count++;
    }
    assert_true(count > 0);
    for (; *line != '\0'; line = strchr(line, '\n') + 1) {
        uint32_t start;
        uint32_t end;
        assert_int_equal(sscanf(line, "try %u..%u", &start, &end), 2);
        assert_true(start <= end && is_line(offsets, count, start) && is_line(offsets, count, end));
    }
    for (const char *arrow = strstr(text, "-> "); arrow != NULL; arrow = strstr(arrow + 1, "-> "))
        assert_true(is_line(offsets, count, (uint32_t)strtoul(arrow + 3, NULL, 10)));
}

static void the_text_of_any_function_is_whole(void **state)
{
    (void)state;
    static const char *const files[] = {"engine_fuel", "engine_other", "engine_run", "engine_try",
                                        "engine_values"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buffer wasm = guest_read(files[i]);
        struct engine_image image;
        struct engine_module *module = guest_open(&wasm, &image);
        for (uint32_t func = 0; func < engine_module_func_count(module); func++) {
            struct buffer text = disassemble(module, func);
            check_text((const char *)text.data);
            buffer_done(&text);
        }
        engine_module_close(module);
        engine_image_free(&image);
    }
}

/* Lines of instructions follow each other to the last `end`; those of cells are as without. */
static void check_beside(const char *text)
{
    struct buffer cells;
    buffer_init(&cells, TEXT_BYTES);
    unsigned long before = 0;
    const char *last = NULL;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t count = strcspn(line, "\n") + 1;
        if (line[0] != ';') {
            assert_int_equal(buffer_append(&cells, line, count), STATUS_OK);
            continue;
        }
        unsigned long offset = strtoul(line + 2, NULL, 16);
        assert_true(offset > before);
        before = offset;
        last = line;
    }
    assert_int_equal(buffer_append(&cells, "", 1), STATUS_OK);
    check_text((const char *)cells.data);
    buffer_done(&cells);
    assert_non_null(last);
    assert_non_null(strstr(last, "  end\n"));
}

static void instructions_stand_beside_the_cells_of_any_function(void **state)
{
    (void)state;
    static const char *const files[] = {"engine_fuel", "engine_other", "engine_run", "engine_try",
                                        "engine_values"};
    const struct engine_options options = {.all_marks = true};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buffer wasm = guest_read(files[i]);
        struct buffer copy = guest_read(files[i]);
        struct engine_image image;
        struct engine_module *module = guest_open_for(&copy, &options, &image);
        uint32_t imported = 0;
        for (uint32_t n = 0; n < engine_module_import_count(module); n++)
            imported += engine_module_import(module, n).kind == ENGINE_EXTERN_FUNC;
        for (uint32_t func = imported; func < engine_module_func_count(module); func++) {
            struct buffer text;
            buffer_init(&text, TEXT_BYTES);
            assert_int_equal(engine_disassemble_beside(module, buffer_bytes(&wasm), func, &text),
                             STATUS_OK);
            assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
            check_beside((const char *)text.data);
            buffer_done(&text);
        }
        engine_module_close(module);
        engine_image_free(&image);
        buffer_done(&wasm);
    }
}

/* (i32, i32, f64) -> i32, body given; `expected` may print the offset of the body's fifth byte. */
static void assert_code(const uint8_t *body, size_t count, const char *expected)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 3, ENGINE_I32, ENGINE_I32, ENGINE_F64, 1, ENGINE_I32);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 1);
    size_t function = wasm_open_size(&wasm);
    WASM(&wasm, 0);
    uint32_t at = (uint32_t)wasm.count;
    wasm_append(&wasm, body, count);
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, function);
    wasm_close(&wasm, code);
    struct engine_image image;
    struct engine_module *module = guest_open(&wasm, &image);
    struct buffer text = disassemble(module, 0);
    char wanted[1000];
    (void)snprintf(wanted, sizeof(wanted), expected, at + 4);
    assert_string_equal((const char *)text.data, wanted);
    buffer_done(&text);
    engine_module_close(module);
    engine_image_free(&image);
}
#define CODE(expected, ...)                                                                        \
    assert_code((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), (expected))

static void a_line_names_places_fields_and_the_place_in_the_binary(void **state)
{
    (void)state;
    CODE("locals 3, 26 bytes\n"
         "     0  i32_div_s            s0 s1 a  wasm 0x%x\n"
         "     8  i32_mul              a k:-2 a\n"
         "    16  return_i32           a 3 #5\n",
         0x20, 0, 0x20, 1, 0x6d, 0x41, 0x7e, 0x6c);
}

static void constants_of_64_bits_are_shown_as_bits(void **state)
{
    (void)state;
    CODE("locals 3, 28 bytes\n"
         "     0  f64_mul              s2 k:0x3fe0000000000000 fa\n"
         "    14  i32_trunc_sat_f64_s  fa a\n"
         "    18  return_i32           a 3 #4\n",
         0x20, 2, 0x44, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 0xa2, 0xfc, 2);
}

static void constants_of_128_bits_are_shown_high_half_first(void **state)
{
    (void)state;
    CODE("locals 3, 50 bytes\n"
         "     0  i32x4_splat          s0 s5\n"
         "     8  i32x4_add            s5 k:0x000000000000000000000000000000ff s5\n"
         "    32  i32x4_extract_lane   s5 a 3\n"
         "    40  return_i32           a 3 #5\n",
         0x20, 0, 0xfd, 0x11, 0xfd, 0x0c, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfd,
         0xae, 0x01, 0xfd, 0x1b, 3);
}

static void pins_and_branches_are_shown_with_target_and_fuel(void **state)
{
    (void)state;
    CODE("locals 3, 38 bytes\n"
         "     0  load_pins_2          0 1\n"
         "     8  i32_add              p0 p1 p0\n"
         "    12  br_i32_lt_s          p0 k:100 -> 8 fuel 7\n"
         "    28  return_i32           p0 3 #8\n",
         0x03, 0x40, 0x20, 0, 0x20, 1, 0x6a, 0x22, 0, 0x41, 0xe4, 0, 0x48, 0x0d, 0, 0x0b, 0x20, 0);
}

static void every_entry_of_a_branch_table_is_shown(void **state)
{
    (void)state;
    /* A nop is no operation, but counted: the two labels differ in fuel alone. */
    CODE("locals 3, 44 bytes\n"
         "     0  br_table             s0 #0 #1 -> 30 fuel 0 -> 30 fuel -1\n"
         "    30  return_i32           k:5 3 #4\n",
         0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e, 1, 0, 1, 0x0b, 0x01, 0x0b, 0x41, 5);
}

/* Of an export of a guest: the lines of what catches. */
static void assert_catches(const struct engine_module *module, const char *name, const char *wanted)
{
    struct engine_export_desc export;
    assert_true(engine_module_find_export(module, name, ENGINE_EXTERN_FUNC, &export));
    struct buffer text = disassemble(module, export.index);
    const char *first = strstr((const char *)text.data, "\ntry ");
    assert_non_null(first);
    assert_string_equal(first + 1, wanted);
    buffer_done(&text);
}

static void what_catches_exceptions_is_shown_with_its_range(void **state)
{
    (void)state;
    struct buffer wasm = guest_read("engine_try");
    struct engine_image image;
    struct engine_module *module = guest_open(&wasm, &image);
    assert_catches(module, "catch",
                   "try 0..38  catch 0 -> 38 fuel 0  exception s3\n"
                   "try 0..38  catch 1 -> 60 fuel 0  values s4  exception s3\n"
                   "try 0..38  catch 2 -> 84 fuel 0  values s4  exception s3\n"
                   "try 0..38  catch_all -> 118 fuel 0  exception s3\n");
    assert_catches(module, "delegate",
                   "try 0..64  catch 1 -> 64 fuel 0  values s4  exception s3\n"
                   "try 0..64  catch_all -> 88 fuel 0  exception s3\n"
                   "try 0..42  catch_all -> 42 fuel 0  exception s3\n"
                   "try 0..30  to 0..64\n");
    assert_catches(module, "to_caller",
                   "try 0..66  catch_all -> 66 fuel 0  exception s2\n"
                   "try 0..44  catch_all -> 44 fuel 0  exception s2\n"
                   "try 0..32  to the caller\n");
    assert_catches(module, "delegate_to_caller",
                   "try 0..30  catch 1 -> 30 fuel 0  values s3  exception s2\n");
    engine_module_close(module);
    engine_image_free(&image);
}

static void text_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct buffer wasm = guest_read("engine_fuel");
    struct engine_image image;
    struct engine_module *module = guest_open(&wasm, &image);
    struct buffer whole = disassemble(module, 0);
    size_t count = whole.count - 1;
    for (size_t room = 1; room <= count; room++) {
        struct buffer text;
        buffer_init(&text, room);
        enum status status = room < count ? STATUS_LIMIT : STATUS_OK;
        assert_int_equal(engine_disassemble(module, 0, &text), status);
        assert_memory_equal(text.data, whole.data, text.count);
        buffer_done(&text);
    }
    buffer_done(&whole);
    engine_module_close(module);
    engine_image_free(&image);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_any_function_is_whole),
        cmocka_unit_test(instructions_stand_beside_the_cells_of_any_function),
        cmocka_unit_test(a_line_names_places_fields_and_the_place_in_the_binary),
        cmocka_unit_test(constants_of_64_bits_are_shown_as_bits),
        cmocka_unit_test(constants_of_128_bits_are_shown_high_half_first),
        cmocka_unit_test(pins_and_branches_are_shown_with_target_and_fuel),
        cmocka_unit_test(every_entry_of_a_branch_table_is_shown),
        cmocka_unit_test(what_catches_exceptions_is_shown_with_its_range),
        cmocka_unit_test(text_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
