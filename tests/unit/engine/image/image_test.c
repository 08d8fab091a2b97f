/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: what engine_module_open lets in, and what a module then tells.
 */
#include <stdlib.h>

#include "engine/image/code.h"
#include "engine/image/image.h"
#include "engine/image/image_writer.h"
#include "engine/inspect.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

/* One of everything: import, table, memory, global, export, elements, data, a name. */
static struct buffer everything(void)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 0, 0, 0x60, 1, ENGINE_I32, 1, ENGINE_I64);
    WASM_SECTION(&wasm, WASM_IMPORT, 1, 1, 'm', 1, 'f', ENGINE_EXTERN_FUNC, 1);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ENGINE_FUNCREF, 0, 4);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    WASM_SECTION(&wasm, WASM_GLOBAL, 1, ENGINE_I32, 1, 0x41, 5, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 2, 2, 'g', 'o', ENGINE_EXTERN_FUNC, 1, 1, 'm',
                 ENGINE_EXTERN_MEMORY, 0);
    WASM_SECTION(&wasm, WASM_START, 1);
    WASM_SECTION(&wasm, WASM_ELEM, 2, 0, 0x41, 0, 0x0b, 1, 1, /* active: [func 1] */
                 5, ENGINE_FUNCREF, 2, 0xd2, 0, 0x0b, 0xd0, ENGINE_FUNCREF, 0x0b);
    WASM_SECTION(&wasm, WASM_CODE, 1, 2, 0, 0x0b);
    WASM_SECTION(&wasm, WASM_DATA, 1, 1, 3, 'a', 'b', 'c');
    WASM_SECTION(&wasm, WASM_CUSTOM, 4, 'n', 'a', 'm', 'e', 1, 6, 1, 1, 3, 'f', 'o', 'o');
    return wasm;
}

static enum status reopen(struct bytes image, bool verify, struct report *report)
{
    struct engine_module *module;
    enum status status = engine_module_open(image, verify, report, &module);
    if (status == STATUS_OK)
        engine_module_close(module);
    return status;
}

static void an_open_module_tells_its_imports_and_exports(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = everything();
    struct engine_module *module = guest_open(&wasm, &image);
    assert_int_equal(engine_module_import_count(module), 1);
    struct engine_import_desc import = engine_module_import(module, 0);
    assert_true(bytes_equal_text(import.module_name, "m"));
    assert_true(bytes_equal_text(import.name, "f"));
    assert_int_equal(import.type.param_count, 1);
    assert_int_equal(import.type.results[0], ENGINE_I64);
    struct engine_export_desc export;
    assert_true(engine_module_find_export(module, "go", ENGINE_EXTERN_FUNC, &export));
    assert_int_equal(export.index, 1);
    assert_int_equal(export.type.param_count, 0);
    assert_false(engine_module_find_export(module, "go", ENGINE_EXTERN_MEMORY, &export));
    assert_false(engine_module_find_export(module, "g", ENGINE_EXTERN_FUNC, &export));
    assert_true(engine_module_find_export(module, "m", ENGINE_EXTERN_MEMORY, &export));
    assert_true(engine_module_has_start(module));
    assert_false(engine_module_has_snapshot(module));
    assert_int_equal(engine_module_func_count(module), 2);
    assert_int_equal(engine_module_global_type(module, 0), ENGINE_I32);
    engine_module_close(module);
    engine_image_free(&image);
}

static void element_expressions_become_items(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = everything();
    struct engine_module *module = guest_open(&wasm, &image);
    const struct image_elem *elems = image_at(module->header, module->header->elems);
    const uint32_t *items = image_at(module->header, elems[1].items);
    assert_int_equal(elems[1].items.count, 2);
    assert_int_equal(items[0], 0);
    assert_int_equal(items[1], IMAGE_ITEM_NULL);
    engine_module_close(module);
    engine_image_free(&image);
}

static void the_same_module_compiles_to_the_same_image(void **state)
{
    (void)state;
    struct engine_image images[2];
    for (int i = 0; i < 2; i++) {
        struct buffer wasm = everything();
        engine_module_close(guest_open(&wasm, &images[i]));
    }
    assert_int_equal(images[0].count, images[1].count);
    assert_memory_equal(images[0].data, images[1].data, images[0].count);
    engine_image_free(&images[0]);
    engine_image_free(&images[1]);
}

static void an_image_of_another_build_is_stale(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = everything();
    engine_module_close(guest_open(&wasm, &image));
    struct image_header *header = (struct image_header *)(void *)image.data;
    header->build_id[3] ^= 1;
    struct report report = REPORT_INIT;
    assert_int_equal(reopen(bytes_make(image.data, image.count), false, &report), STATUS_STALE);
    engine_image_free(&image);
}

static void a_truncated_image_is_corrupt_at_every_length(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = everything();
    engine_module_close(guest_open(&wasm, &image));
    for (size_t count = 0; count < image.count; count++) {
        struct report report = REPORT_INIT;
        /* A copy of just these bytes, so that reading past them is seen. */
        uint8_t *copy = malloc(MAX(count, (size_t)1));
        assert_non_null(copy);
        memcpy(copy, image.data, count);
        assert_int_equal(reopen(bytes_make(copy, count), true, &report), STATUS_CORRUPT);
        free(copy);
    }
    engine_image_free(&image);
}

static void a_changed_byte_is_found_by_the_checksum(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = everything();
    engine_module_close(guest_open(&wasm, &image));
    for (size_t i = offsetof(struct image_header, checksum); i < image.count; i++) {
        struct report report = REPORT_INIT;
        image.data[i] ^= 0x10;
        assert_int_equal(reopen(bytes_make(image.data, image.count), true, &report),
                         STATUS_CORRUPT);
        image.data[i] ^= 0x10;
    }
    engine_image_free(&image);
}

/* Damage to any table's place or length must be seen even without the checksum. */
static void tables_that_lie_outside_are_found_without_the_checksum(void **state)
{
    (void)state;
    static const size_t spans[] = {
        offsetof(struct image_header, code),       offsetof(struct image_header, funcs),
        offsetof(struct image_header, types),      offsetof(struct image_header, imports),
        offsetof(struct image_header, exports),    offsetof(struct image_header, globals),
        offsetof(struct image_header, tables),     offsetof(struct image_header, memories),
        offsetof(struct image_header, elems),      offsetof(struct image_header, datas),
        offsetof(struct image_header, func_names), offsetof(struct image_header, marks),
        offsetof(struct image_header, tags),       offsetof(struct image_header, regions),
        offsetof(struct image_header, clauses),
    };
    struct engine_image image;
    struct buffer wasm = everything();
    engine_module_close(guest_open(&wasm, &image));
    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        struct image_span *span = (struct image_span *)(void *)(image.data + spans[i]);
        struct image_span saved = *span;
        static const struct image_span bad[] = {{.offset = UINT32_MAX & ~7u, .count = 1},
                                                {.offset = 8, .count = UINT32_MAX}};
        for (size_t j = 0; j < COUNT_OF(bad); j++) {
            struct report report = REPORT_INIT;
            *span = bad[j];
            assert_int_equal(reopen(bytes_make(image.data, image.count), false, &report),
                             STATUS_CORRUPT);
        }
        *span = saved;
    }
    engine_image_free(&image);
}

/* Writes a number into a sealed image, looks at it, and puts it back. */
static void assert_refused_with(struct engine_image *image, uint32_t *field, uint32_t number)
{
    struct report report = REPORT_INIT;
    uint32_t saved = *field;
    *field = number;
    image_seal(image);
    assert_int_equal(reopen(bytes_make(image->data, image->count), true, &report), STATUS_CORRUPT);
    *field = saved;
    image_seal(image);
    assert_int_equal(reopen(bytes_make(image->data, image->count), true, &report), STATUS_OK);
}

static void rows_of_what_catches_cannot_lead_astray_or_in_circles(void **state)
{
    (void)state;
    struct engine_image image;
    struct buffer wasm = guest_read("engine_try");
    engine_module_close(guest_open(&wasm, &image));
    const struct image_header *header = (const struct image_header *)(const void *)image.data;
    struct code_region *regions =
        (struct code_region *)(void *)(image.data + header->regions.offset);
    for (uint32_t i = 0; i < header->regions.count; i++) {
        assert_refused_with(&image, &regions[i].parent, i);
        assert_refused_with(&image, &regions[i].next, i);
        assert_refused_with(&image, &regions[i].first_clause, header->clauses.count);
    }
    struct code_clause *clauses =
        (struct code_clause *)(void *)(image.data + header->clauses.offset);
    for (uint32_t i = 0; i < header->clauses.count; i++) {
        assert_refused_with(&image, &clauses[i].tag, header->tags.count);
        assert_refused_with(&image, &clauses[i].target, header->code.count);
        assert_refused_with(&image, &clauses[i].next, i);
        assert_refused_with(&image, &clauses[i].next, header->clauses.count);
    }
    uint32_t *tags = (uint32_t *)(void *)(image.data + header->tags.offset);
    assert_refused_with(&image, tags, header->types.count);
    engine_image_free(&image);
}

static enum status
check_in_pieces(struct bytes image, uint64_t total_bytes, size_t piece_bytes, struct report *report)
{
    struct engine_image_check *check;
    struct bytes head = bytes_make(image.data, MIN(image.count, (size_t)ENGINE_IMAGE_HEAD_BYTES));
    enum status status = engine_image_check_begin(head, total_bytes, report, &check);
    if (status != STATUS_OK)
        return status;
    for (size_t at = 0; at < image.count; at += piece_bytes)
        engine_image_check_feed(check,
                                bytes_make(image.data + at, MIN(piece_bytes, image.count - at)));
    status = engine_image_check_end(check, report);
    engine_image_check_free(check);
    return status;
}

static void an_image_is_checked_the_same_in_pieces_of_any_size(void **state)
{
    (void)state;
    struct buffer wasm = everything();
    struct engine_image image;
    engine_module_close(guest_open(&wasm, &image));
    struct bytes bytes = bytes_make(image.data, image.count);
    for (size_t piece = 1; piece <= image.count; piece++)
        assert_int_equal(check_in_pieces(bytes, image.count, piece, NULL), STATUS_OK);
    assert_int_equal(check_in_pieces(bytes, image.count + 1, 64, NULL), STATUS_CORRUPT);
    struct report report = REPORT_INIT;
    assert_int_equal(
        check_in_pieces(bytes_make(image.data, image.count - 1), image.count, 64, &report),
        STATUS_CORRUPT);
    assert_non_null(strstr(report.text, "cut or extended"));
    assert_int_equal(check_in_pieces(bytes_make(image.data, 8), 8, 8, NULL), STATUS_CORRUPT);
    for (size_t at = 0; at < image.count; at++) {
        image.data[at] ^= 0x10;
        assert_int_not_equal(check_in_pieces(bytes, image.count, 100, NULL), STATUS_OK);
        image.data[at] ^= 0x10;
    }
    engine_image_free(&image);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_module_tells_its_imports_and_exports),
        cmocka_unit_test(element_expressions_become_items),
        cmocka_unit_test(the_same_module_compiles_to_the_same_image),
        cmocka_unit_test(an_image_of_another_build_is_stale),
        cmocka_unit_test(a_truncated_image_is_corrupt_at_every_length),
        cmocka_unit_test(a_changed_byte_is_found_by_the_checksum),
        cmocka_unit_test(tables_that_lie_outside_are_found_without_the_checksum),
        cmocka_unit_test(rows_of_what_catches_cannot_lead_astray_or_in_circles),
        cmocka_unit_test(an_image_is_checked_the_same_in_pieces_of_any_size),
    };
    return cmocka_run_group_tests_name("engine/image", tests, NULL, NULL);
}
