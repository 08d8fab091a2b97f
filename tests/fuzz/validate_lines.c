/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A validator on a pipe, for validate_vs_v8.py: reads frames of a 4-byte little-endian
 * length and a module, writes a line with the status and the report for each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/engine.h"

enum { MODULE_BYTES_MAX = 64 << 20 };

static const struct engine_limits limits = {
    .module_bytes = MODULE_BYTES_MAX,
    .arena_bytes = 1u << 30,
};

int main(void)
{
    uint8_t size[4];
    while (fread(size, 1, sizeof(size), stdin) == sizeof(size)) {
        uint32_t count = (uint32_t)size[0] | (uint32_t)size[1] << 8 | (uint32_t)size[2] << 16 |
                         (uint32_t)size[3] << 24;
        if (count > MODULE_BYTES_MAX)
            return 2;
        uint8_t *module = malloc(count + 1);
        if (module == NULL || fread(module, 1, count, stdin) != count)
            return 2;
        struct report report = REPORT_INIT;
        enum status status = engine_validate(bytes_make(module, count), &limits, &report);
        free(module);
        (void)printf("%s\t%" PRIu64 "\t%s\n", status_code(status), report.offset, report.text);
        if (fflush(stdout) != 0)
            return 2;
    }
    return 0;
}
