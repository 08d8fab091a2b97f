/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Native code becomes executable here and nowhere else: pages of a file, mapped readable and
 * executable from the start. A page that can be executed was never writable in this process.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/native.h"
#include "engine/native/native.h"

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

enum status engine_module_map_native(struct engine_module *module, int fd, struct report *report)
{
    struct image_span native = module->header->native;
    if (native.count == 0 || module->native != NULL || module->base != NULL)
        return STATUS_OK;
    int copy = fd < 0 ? map_copy(module) : -1;
    if (fd < 0 && copy < 0)
        return report_errno(report, "cannot copy native code to where it can be executed");
    void *data = mmap(NULL, native.count, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd < 0 ? copy : fd,
                      fd < 0 ? 0 : (off_t)native.offset);
    enum status status = STATUS_OK;
    if (data == MAP_FAILED)
        status = report_errno(report, "cannot map native code so that it can be executed");
    else
        module->native = data;
    if (copy >= 0)
        (void)close(copy);
    return status;
}
