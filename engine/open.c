/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens images of this very build.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/engine.h"
#include "engine/image/image.h"
#include "engine/image/image_check.h"

/* Is this the base that the image was made on, and nothing else? */
static enum status open_check_base(const struct image_header *header,
                                   const struct engine_module *base,
                                   struct report *report)
{
    if (!image_has_base(header))
        return image_corrupt(report, "it should have a base");
    if (!base->is_base || base->base != NULL ||
        memcmp(header->base_name, base->name, sizeof(base->name)) != 0 ||
        header->base_bytes != base->state->total_bytes ||
        header->base_checksum != base->state->checksum)
        return report_fail(report, STATUS_STALE, REPORT_OFFSET_NONE,
                           "the image was made on another base; make it again");
    return STATUS_OK;
}

/* `base` may be NULL. */
static enum status open_image(const struct engine_module *base,
                              struct bytes image,
                              bool verify_checksum,
                              struct report *report,
                              struct engine_module **ret_module)
{
    const struct image_header *state = (const struct image_header *)(const void *)image.data;
    const struct image_header *header = base != NULL ? base->header : state;
    enum status status = verify_checksum ? image_check_whole(header, state, report)
                                         : image_check_tables(header, state, report);
    if (status != STATUS_OK)
        return status;
    struct engine_module *module = calloc(1, sizeof(*module));
    if (module == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no memory to open a module");
    *module = (struct engine_module){.header = header, .state = state, .base = base};
    *ret_module = module;
    return STATUS_OK;
}

enum status engine_module_open(struct bytes image,
                               bool verify_checksum,
                               struct report *report,
                               struct engine_module **ret_module)
{
    enum status status = image_check_header(image, image.count, engine_build_id(), report);
    if (status != STATUS_OK)
        return status;
    if (image_has_base((const struct image_header *)(const void *)image.data))
        return image_corrupt(report, "its base is missing");
    return open_image(NULL, image, verify_checksum, report, ret_module);
}

enum status engine_module_open_on(const struct engine_module *base,
                                  struct bytes image,
                                  bool verify_checksum,
                                  struct report *report,
                                  struct engine_module **ret_module)
{
    enum status status = image_check_header(image, image.count, engine_build_id(), report);
    if (status == STATUS_OK)
        status =
            open_check_base((const struct image_header *)(const void *)image.data, base, report);
    if (status != STATUS_OK)
        return status;
    return open_image(base, image, verify_checksum, report, ret_module);
}

const uint8_t *engine_image_base(struct bytes image)
{
    const struct image_header *header = (const struct image_header *)(const void *)image.data;
    if (image_check_header(image, image.count, engine_build_id(), NULL) != STATUS_OK ||
        !image_has_base(header))
        return NULL;
    return header->base_name;
}

void engine_module_close(struct engine_module *module)
{
    if (module != NULL && module->native != NULL)
        (void)munmap((void *)(uintptr_t)module->native, module->header->native.count);
    free(module);
}
