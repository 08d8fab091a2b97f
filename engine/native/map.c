/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native code becomes executable here and nowhere else: pages of a file, mapped readable and
 * executable from the start. A page that can be executed was never writable in this process.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/image/names.h"
#include "engine/native.h"
#include "engine/native/native.h"
#include "engine/run/machine.h"

bool engine_has_native(void)
{
    return native_is_built();
}

uint64_t engine_module_native_bytes(const struct engine_module *module)
{
    return module->header->native.count;
}

void engine_module_stay_threaded(struct engine_module *module)
{
    module->is_threaded = true;
}

uint64_t engine_machine_native_fuel(const struct engine_machine *machine)
{
    return machine->fuel_native;
}

bool engine_module_native_func(const struct engine_module *module,
                               uint32_t func,
                               struct engine_native_func *ret_func)
{
    const struct image_header *header = module->header;
    if (module->native == NULL || func >= header->funcs.count)
        return false;
    const struct code_native *rows = image_at(header, header->native_rows);
    uint32_t count = rows[func + 1].offset - rows[func].offset;
    if (func < header->imported_func_count || count == 0)
        return false;
    *ret_func =
        (struct engine_native_func){.code = bytes_make(module->native + rows[func].offset, count),
                                    .name = names_func(header, func)};
    return true;
}

/* A nameless file of the native code, for an image that is in memory only. */
static int map_copy(const struct engine_module *module)
{
    const uint8_t *at = image_at(module->header, module->header->native);
    size_t left = module->header->native.count;
    int fd = memfd_create("skerry-native", MFD_CLOEXEC);
    while (fd >= 0 && left > 0) {
        ssize_t written = write(fd, at, left);
        if (written <= 0) {
            (void)close(fd);
            return -1;
        }
        at += written;
        left -= (size_t)written;
    }
    return fd;
}

/* Not over the image, where it would fall into three mappings: that is 3 us more of a cold start.
 */
static void *map_file(const struct engine_module *module, int fd, uint32_t offset)
{
    return mmap(NULL, module->header->native.count, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
                (off_t)offset);
}

static void *map_of_copy(const struct engine_module *module)
{
    AUTO_CLOSE int copy = map_copy(module);
    return copy < 0 ? MAP_FAILED : map_file(module, copy, 0);
}

enum status engine_module_map_native(struct engine_module *module, int fd, struct report *report)
{
    if (module->header->native.count == 0 || module->native != NULL || module->base != NULL)
        return STATUS_OK;
    void *data =
        fd >= 0 ? map_file(module, fd, module->header->native.offset) : map_of_copy(module);
    if (data == MAP_FAILED)
        return report_errno(report, "cannot map native code so that it can be executed");
    module->native = data;
    return STATUS_OK;
}

void engine_module_vacate_native(const struct engine_module *module)
{
    if (module->native != NULL)
        (void)madvise((void *)(uintptr_t)module->native, module->header->native.count,
                      MADV_DONTNEED);
}
