/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: any bytes are a valid module or are refused with a report that has a reason
 * and an offset inside them; the same bytes have the same end twice.
 */
#include "engine/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct engine_limits limits = {
        .module_bytes = 1u << 20,
        .arena_bytes = 64u << 20,
    };
    struct report first = REPORT_INIT;
    struct report second = REPORT_INIT;
    enum status status = engine_validate(bytes_make(data, size), &limits, &first);
    ASSERT(status == first.status);
    ASSERT(status == STATUS_OK || first.text[0] != '\0');
    ASSERT(status == STATUS_OK || first.offset <= size);
    ASSERT(engine_validate(bytes_make(data, size), &limits, &second) == status);
    ASSERT(first.offset == second.offset && strcmp(first.text, second.text) == 0);
    return 0;
}
