/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens images of this very build.
 */
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/image/image.h"
#include "engine/image/image_check.h"

enum status engine_module_open(struct bytes image,
                               bool verify_checksum,
                               struct report *report,
                               struct engine_module **ret_module)
{
    enum status status = image_check_header(image, image.count, engine_build_id(), report);
    if (status != STATUS_OK)
        return status;
    const struct image_header *header = (const struct image_header *)(const void *)image.data;
    status =
        verify_checksum ? image_check_whole(header, report) : image_check_tables(header, report);
    if (status != STATUS_OK)
        return status;
    struct engine_module *module = malloc(sizeof(*module));
    if (module == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no memory to open a module");
    *module = (struct engine_module){.base = image.data, .count = image.count, .header = header};
    *ret_module = module;
    return STATUS_OK;
}

void engine_module_close(struct engine_module *module)
{
    free(module);
}
