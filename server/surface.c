/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports first, then exports, in the module's order. Names are the guest's: they become plain text
 * here, and there is always room left for the line that says how many were left out.
 */
#include "server/surface.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SURFACE_MORE_BYTES 24

struct surface {
    char *text;
    size_t bytes;
    size_t used;
    uint32_t left_out;
};

/* Once one is left out all later ones are: the list is a beginning of the whole. */
static void surface_add(struct surface *surface, const char *line)
{
    size_t count = strlen(line);
    if (surface->left_out > 0 || count + 1 + SURFACE_MORE_BYTES > surface->bytes - surface->used) {
        surface->left_out++;
        return;
    }
    memcpy(surface->text + surface->used, line, count);
    surface->used += count;
    surface->text[surface->used++] = '\n';
}

void server_surface_write(const struct engine_module *module, size_t bytes, char *ret_text)
{
    struct surface surface = {.text = ret_text, .bytes = bytes};
    ASSERT(bytes > SURFACE_MORE_BYTES);
    for (uint32_t i = 0; i < engine_module_import_count(module); i++) {
        const struct engine_import_desc import = engine_module_import(module, i);
        char line[SURFACE_NAME_BYTES] = "import ";
        bytes_append_plain(line, sizeof(line), import.module_name);
        bytes_append_plain(line, sizeof(line), bytes_of_text("."));
        bytes_append_plain(line, sizeof(line), import.name);
        surface_add(&surface, line);
    }
    for (uint32_t i = 0; i < engine_module_export_count(module); i++) {
        char line[SURFACE_NAME_BYTES] = "export ";
        bytes_append_plain(line, sizeof(line), engine_module_export(module, i).name);
        surface_add(&surface, line);
    }
    surface.text[surface.used] = '\0';
    if (surface.left_out > 0)
        (void)snprintf(surface.text + surface.used, SURFACE_MORE_BYTES, "more %" PRIu32 "\n",
                       surface.left_out);
}
