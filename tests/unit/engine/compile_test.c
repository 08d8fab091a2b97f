/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large modules, whose bodies are taken in parts by several threads: the same comes of it.
 */
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

#define FUNCS      3000
#define REPEATS    200 /* bodies of 1.6 KiB: 4.8 MB of them */
#define NOWHERE    UINT32_MAX
#define BODY_BYTES (1 + REPEATS * 8 + 5)

/* Each function calls the next one, and those named here have a body that is not valid. */
static struct buffer large_module(uint32_t bad, uint32_t worse)
{
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 1, 0x7f);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, FUNCS);
    wasm_fill(&wasm, 0, FUNCS);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, FUNCS);
    for (uint32_t i = 0; i < FUNCS; i++) {
        uint32_t next = (i + 1) % FUNCS;
        wasm_u32(&wasm, BODY_BYTES);
        WASM(&wasm, 0); /* no locals; then: constant, drop; the call */
        for (int k = 0; k < REPEATS; k++)
            WASM(&wasm, 0x41, 0xff, 0x80, 0x81, (uint8_t)(0x80 | k), 0x03, 0x1a, 0x01);
        WASM(&wasm, i == bad || i == worse ? 0x11 : 0x10, 0x80 | (next & 0x7f),
             0x80 | (next >> 7 & 0x7f), (uint8_t)(next >> 14), 0x0b);
    }
    wasm_close(&wasm, section);
    return wasm;
}

static enum status compile(const struct buffer *wasm,
                           uint32_t threads,
                           struct report *report,
                           struct engine_image *image)
{
    const struct engine_options options = {.threads = threads, .native = ENGINE_NATIVE_ON};
    return engine_compile(buffer_bytes(wasm), &engine_limits_default, &options, report, NULL,
                          image);
}

static void an_image_is_the_same_from_any_number_of_threads(void **state)
{
    (void)state;
    struct buffer wasm = large_module(NOWHERE, NOWHERE);
    struct engine_image one;
    assert_int_equal(compile(&wasm, 0, NULL, &one), STATUS_OK);
    static const uint32_t threads[] = {1, 2, 3, 4, 8, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        struct engine_image image;
        assert_int_equal(compile(&wasm, threads[i], NULL, &image), STATUS_OK);
        assert_int_equal(image.count, one.count);
        assert_memory_equal(image.data, one.data, one.count);
        engine_image_free(&image);
    }
    engine_image_free(&one);
    buffer_done(&wasm);
}

/* Wherever they lie, and whichever thread comes upon its own first. */
static void of_two_faults_the_first_in_the_module_is_reported(void **state)
{
    (void)state;
    static const uint32_t bad[] = {0, FUNCS / 2, FUNCS - 2};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct buffer wasm = large_module(bad[i], FUNCS - 1);
        struct report expected = REPORT_INIT;
        struct engine_image image;
        assert_int_equal(compile(&wasm, 1, &expected, &image), STATUS_INVALID);
        struct report report = REPORT_INIT;
        assert_int_equal(compile(&wasm, 4, &report, &image), STATUS_INVALID);
        assert_int_equal(report.status, STATUS_INVALID);
        assert_int_equal(report.offset, expected.offset);
        assert_string_equal(report.text, expected.text);
        assert_int_equal(compile(&wasm, 4, NULL, &image), STATUS_INVALID);
        buffer_done(&wasm);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_the_same_from_any_number_of_threads),
        cmocka_unit_test(of_two_faults_the_first_in_the_module_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
