/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images are for the very link that made them. This file is two programs, whose handlers lie in
 * another order: called with the other's path, each takes an image from it; called without, it
 * writes one to its standard output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image/image.h"
#include "engine/inspect.h"
#include "engine/ops/ops.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"

#define IMAGE_BYTES_MAX ((size_t)1 << 20)

static const char *other_program;

static struct engine_image compile(void)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
    WASM_SECTION(&wasm, WASM_CODE, 1, 2, 0, 0x0b);
    ASSERT(engine_compile(buffer_bytes(&wasm), &engine_limits_default, &engine_options_default,
                          &report, NULL, &image) == STATUS_OK);
    buffer_done(&wasm);
    return image;
}

/* The other program's image; 8-byte aligned, the caller's to free. */
static struct bytes take_image(void)
{
    FILE *pipe = popen(other_program, "r");
    assert_non_null(pipe);
    uint8_t *data = malloc(IMAGE_BYTES_MAX);
    assert_non_null(data);
    size_t count = fread(data, 1, IMAGE_BYTES_MAX, pipe);
    assert_int_equal(pclose(pipe), 0);
    assert_true(count > sizeof(struct image_header) && count < IMAGE_BYTES_MAX);
    return bytes_make(data, count);
}

static void an_image_of_the_same_program_is_opened(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_module *module;
    struct engine_image image = compile();
    struct bytes bytes = bytes_make(image.data, image.count);
    assert_int_equal(engine_module_open(bytes, true, &report, &module), STATUS_OK);
    engine_module_close(module);
    engine_image_free(&image);
}

static void an_image_of_another_link_is_refused_when_opened_and_when_checked(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_module *module;
    struct engine_image_check *check;
    struct bytes image = take_image();
    assert_int_equal(engine_module_open(image, false, &report, &module), STATUS_STALE);
    assert_int_equal(engine_image_check_begin(image, image.count, &report, &check), STATUS_STALE);
    free((void *)(uintptr_t)image.data);
}

static void only_the_id_keeps_the_links_apart(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_module *module;
    struct bytes image = take_image();
    struct image_header *header = (struct image_header *)(uintptr_t)image.data;
    memcpy(header->build_id, engine_build_id(), ENGINE_BUILD_ID_BYTES);
    assert_int_equal(engine_module_open(image, true, &report, &module), STATUS_OK);
    engine_module_close(module);
    free(header);
}

static void the_id_stays_what_it_was(void **state)
{
    (void)state;
    uint8_t id[ENGINE_BUILD_ID_BYTES];
    memcpy(id, engine_build_id(), sizeof(id));
    assert_memory_equal(engine_build_id(), id, sizeof(id));
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        struct engine_image image = compile();
        bool written = fwrite(image.data, 1, image.count, stdout) == image.count;
        engine_image_free(&image);
        return written && fflush(stdout) == 0 ? 0 : 1;
    }
    other_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_of_the_same_program_is_opened),
        cmocka_unit_test(an_image_of_another_link_is_refused_when_opened_and_when_checked),
        cmocka_unit_test(only_the_id_keeps_the_links_apart),
        cmocka_unit_test(the_id_stays_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
