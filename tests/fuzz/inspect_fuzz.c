/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: of every valid module each function can be printed, its Wasm beside both its codes, and
 * everything that a module can be asked has an answer; also when the names in it are nonsense.
 *
 *   | module, or bytes to generate one from |
 */
#include "engine/inspect.h"
#include "tests/fuzz/run.h"

enum { TEXT_BYTES_MAX = 16 << 20, FUNCS_MAX = 100 };

static void check_text(enum status status, struct buffer *text)
{
    /* A function of 64 KiB can have more to print than is kept here. */
    ASSERT(status == STATUS_OK || status == STATUS_LIMIT);
    ASSERT(text->count > 0 && memchr(text->data, '\0', text->count) == NULL);
    text->count = 0;
}

static void print_funcs(const struct engine_module *module, struct bytes wasm)
{
    struct buffer text;
    buffer_init(&text, TEXT_BYTES_MAX);
    uint32_t count = MIN(engine_module_func_count(module), FUNCS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        check_text(engine_disassemble(module, i, &text), &text);
        check_text(engine_disassemble_beside(module, wasm, i, &text), &text);
    }
    buffer_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer wasm;
    buffer_init(&wasm, run_limits.module_bytes);
    struct bytes input = bytes_make(data, size);
    run_module_bytes(input, &wasm);
    struct engine_options options = {.all_marks = true, .native = ENGINE_NATIVE_ON};
    struct report report = REPORT_INIT;
    struct engine_image image = {0};
    struct engine_module *module = NULL;
    enum status status =
        engine_compile(buffer_bytes(&wasm), &run_limits, &options, &report, NULL, &image);
    ASSERT(status == STATUS_OK || !run_is_generated(input));
    if (status == STATUS_OK) {
        ASSERT(engine_module_open(bytes_make(image.data, image.count), true, &report, &module) ==
               STATUS_OK);
        run_ask(module);
        print_funcs(module, buffer_bytes(&wasm));
    }
    engine_module_close(module);
    engine_image_free(&image);
    buffer_done(&wasm);
    return 0;
}
