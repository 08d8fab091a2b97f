/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function names from the custom section "name" [Wasm core 7.4.1].
 *
 * A custom section cannot make a module wrong: whatever is amiss here (no room for the
 * names, too) only means that functions have no names.
 */
#include "engine/read/decode.h"

enum { NAMES_FUNCTIONS = 1 };

static void decode_func_names(struct decode *decode, struct reader reader)
{
    struct module *module = decode->module;
    uint32_t count = reader_count(&reader, 2, "names");
    if (reader_failed(&reader) || count == 0)
        return;
    struct bytes *names = ARENA_ARRAY(&module->arena, struct bytes, module->func_count);
    if (names == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = reader_u32(&reader);
        struct bytes name = reader_name(&reader);
        if (reader_failed(&reader))
            return;
        if (index < module->func_count)
            names[index] = name;
    }
    module->func_names = names;
}

void decode_names(struct decode *decode)
{
    if (decode->names.count == 0)
        return;
    struct reader reader = reader_make(decode->module->wasm.data, decode->names.data,
                                       decode->names.data + decode->names.count, NULL);
    while (reader_left(&reader) > 0) {
        uint8_t id = reader_u8(&reader);
        struct bytes part = reader_take(&reader, reader_u32(&reader));
        if (reader_failed(&reader))
            return;
        if (id != NAMES_FUNCTIONS)
            continue;
        decode_func_names(decode,
                          reader_make(reader.base, part.data, part.data + part.count, NULL));
        return;
    }
}
