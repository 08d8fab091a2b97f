/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For whoever looks at what the engine made without running it: images in files that nobody has
 * opened, and threaded code.
 */
#ifndef SKERRY_ENGINE_INSPECT_H
#define SKERRY_ENGINE_INSPECT_H

#include "engine/engine.h"

/*
 * Checks an image of `total_bytes` in a file without mapping it: begin with its first bytes
 * (8-byte aligned; ENGINE_IMAGE_HEAD_BYTES of them are enough), feed all of it from the start,
 * in order. Statuses as of engine_module_open; the tables are left to that.
 */
#define ENGINE_IMAGE_HEAD_BYTES 4096
struct engine_image_check;
NODISCARD enum status engine_image_check_begin(struct bytes head,
                                               uint64_t total_bytes,
                                               struct report *report,
                                               struct engine_image_check **ret_check);
void engine_image_check_feed(struct engine_image_check *check, struct bytes piece);
NODISCARD enum status engine_image_check_end(const struct engine_image_check *check,
                                             struct report *report);
void engine_image_check_free(struct engine_image_check *check);

/* Writes the threaded code of one function as text (Wasm offsets, operations, fuel). */
NODISCARD enum status
engine_disassemble(const struct engine_module *module, uint32_t func_index, struct buffer *out);
/* The same with the Wasm it was made from: before each cell the instructions up to the last that
 * it was made of; behind it its native code, if the module has any. `wasm` is what the module was
 * compiled from, with all_marks. */
NODISCARD enum status engine_disassemble_beside(const struct engine_module *module,
                                                struct bytes wasm,
                                                uint32_t func_index,
                                                struct buffer *out);

#endif
