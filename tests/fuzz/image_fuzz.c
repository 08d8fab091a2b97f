/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a damaged image is refused, and what opens all the same stays inside itself when it
 * is asked. Damage is put into an image, with a snapshot or without, with native code or without,
 * or with frames of a call; the checksum, which would find all of it, is then made to fit, so that
 * the checks behind it are tried.
 *
 *   | flags | how much to cut off, 3 bytes, if it is said | how many, then each: place 3 bytes,
 *   value 1 byte | module, or bytes to generate one from |
 */
#include <stdlib.h>

#include "engine/image/image_writer.h"
#include "engine/inspect.h"
#include "tests/fuzz/choices.h"
#include "tests/fuzz/run.h"

enum {
    FLAG_SNAPSHOT = 1,
    FLAG_SEAL = 2,
    FLAG_CUT = 4,
    FLAG_TRUST = 8,
    FLAG_CHECKPOINT = 16,
    FLAG_NATIVE = 32
};
enum { DAMAGES_MAX = 8 };

struct damage {
    uint32_t place;
    uint8_t value;
};

static bool make_image(struct bytes input, uint8_t flags, struct engine_image *ret_image)
{
    struct buffer wasm;
    buffer_init(&wasm, run_limits.module_bytes);
    run_module_bytes(input, &wasm);
    struct run run = {0};
    const struct engine_options options = {
        .native = (flags & FLAG_NATIVE) != 0 ? ENGINE_NATIVE_ON : ENGINE_NATIVE_OFF};
    bool is_made = run_open(&run, buffer_bytes(&wasm), &options, NULL);
    if (is_made && (flags & FLAG_CHECKPOINT) != 0) {
        is_made = run_checkpoint(&run, ret_image);
    } else if (is_made && (flags & FLAG_SNAPSHOT) != 0) {
        is_made = run_snapshot(&run, ret_image);
    } else if (is_made) {
        *ret_image = run.image;
        run.image = (struct engine_image){0};
    }
    run_close(&run);
    buffer_done(&wasm);
    return is_made;
}

/* Judged in one piece, then as a file would be; `image` is in memory of exactly its size, where
 * what reads past its end is noticed. */
static void check_image(struct bytes image, bool verify)
{
    struct report report = REPORT_INIT;
    struct engine_module *module = NULL;
    enum status opened = engine_module_open(image, verify, &report, &module);
    ASSERT(opened == STATUS_OK || opened == STATUS_CORRUPT || opened == STATUS_STALE);
    ASSERT(opened == STATUS_OK || report.text[0] != '\0');
    if (opened == STATUS_OK && verify)
        run_ask(module);
    engine_module_close(module);

    struct engine_image_check *check = NULL;
    size_t head = MIN(image.count, (size_t)ENGINE_IMAGE_HEAD_BYTES);
    enum status status =
        engine_image_check_begin(bytes_make(image.data, head), image.count, &report, &check);
    if (status == STATUS_OK) {
        engine_image_check_feed(check, bytes_make(image.data, head));
        engine_image_check_feed(check, bytes_make(image.data + head, image.count - head));
        status = engine_image_check_end(check, &report);
        engine_image_check_free(check);
    }
    ASSERT(!verify || opened != STATUS_OK || status == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report report = REPORT_INIT;
    ASSERT(engine_init(&report) == STATUS_OK);
    struct choices choices = choices_make(data, size);
    uint8_t flags = choose_byte(&choices);
    uint32_t cut = (flags & FLAG_CUT) != 0 ? (uint32_t)choose_bits(&choices, 3) : 0;
    struct damage damages[DAMAGES_MAX];
    uint32_t count = choose(&choices, DAMAGES_MAX + 1);
    for (uint32_t i = 0; i < count; i++) {
        damages[i].place = (uint32_t)choose_bits(&choices, 3);
        damages[i].value = choose_byte(&choices);
    }
    struct engine_image image;
    if (!make_image(bytes_make(choices.at, choices.left), flags, &image))
        return 0;
    for (uint32_t i = 0; i < count; i++)
        image.data[damages[i].place % image.count] ^= damages[i].value;
    struct image_header *header = (struct image_header *)(void *)image.data;
    if ((flags & FLAG_SEAL) != 0 && header->total_bytes == image.count)
        image_seal(&image);
    struct bytes whole = {.count = image.count - cut % image.count};
    uint8_t *copy = malloc(whole.count);
    ASSERT(copy != NULL);
    memcpy(copy, image.data, whole.count);
    whole.data = copy;
    check_image(whole, (flags & FLAG_TRUST) == 0);
    free(copy);
    engine_image_free(&image);
    return 0;
}
