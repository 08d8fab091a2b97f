/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening an artifact: fstat, mmap, check; nothing is read that the check does not need.
 *
 * The engine checks its own format; what is checked here is the one thing that this
 * layer does with the file by itself: the memory images lie inside it and on page
 * borders, so that they can be mapped.
 */
#include "isolate/artifact.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/native.h"

#define ARTIFACT_BYTES_MAX ((uint64_t)16 << 30)

static enum status artifact_map(struct isolate_artifact *artifact, int fd, struct report *report)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return report_errno(report, "artifact: cannot read its size");
    if (!S_ISREG(info.st_mode) || info.st_size <= 0 || (uint64_t)info.st_size > ARTIFACT_BYTES_MAX)
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "artifact: not a file of a sensible size");
    artifact->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (artifact->fd < 0)
        return report_errno(report, "artifact: cannot keep its descriptor");
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, artifact->fd, 0);
    if (data == MAP_FAILED)
        return report_errno(report, "artifact: cannot map it");
    artifact->data = data;
    artifact->count = (size_t)info.st_size;
    return STATUS_OK;
}

static bool artifact_holds(const struct isolate_artifact *artifact,
                           struct engine_memory_image image,
                           uint64_t page)
{
    return image.offset % page == 0 && image.bytes % page == 0 && image.offset <= artifact->count &&
           image.bytes <= artifact->count - image.offset;
}

/* Where memory `index` is mapped from. */
static enum status artifact_check_memory(const struct isolate_artifact *artifact,
                                         uint32_t index,
                                         struct report *report)
{
    const struct isolate_artifact *first = artifact->base != NULL ? artifact->base : artifact;
    struct engine_memory_image image = engine_module_memory_image(artifact->module, index);
    struct engine_memory_mapping mapping;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    bool holds = artifact_holds(first, image, page);
    for (uint32_t i = 0;
         holds && engine_module_next_mapping(artifact->module, index, &i, &mapping);) {
        image = (struct engine_memory_image){.offset = mapping.offset, .bytes = mapping.bytes};
        holds = mapping.at % page == 0 && artifact_holds(artifact, image, page);
    }
    if (holds)
        return STATUS_OK;
    return report_fail(report, STATUS_CORRUPT, image.offset,
                       "artifact: image of memory %u does not lie inside it on page borders",
                       index);
}

static enum status artifact_check(const struct isolate_artifact *artifact, struct report *report)
{
    if (!engine_module_has_snapshot(artifact->module))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "artifact: it has no snapshot");
    enum status status = STATUS_OK;
    uint32_t count = engine_module_memory_count(artifact->module);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        status = artifact_check_memory(artifact, i, report);
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static enum status artifact_create(int fd, struct report *report, struct isolate_artifact **ret)
{
    struct isolate_artifact *artifact = calloc(1, sizeof(*artifact));
    if (artifact == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "artifact: out of memory");
    artifact->references = 1;
    artifact->fd = -1;
    enum status status = artifact_map(artifact, fd, report);
    if (status != STATUS_OK) {
        isolate_artifact_unref(artifact);
        return status;
    }
    *ret = artifact;
    return STATUS_OK;
}

static struct bytes artifact_bytes(const struct isolate_artifact *artifact)
{
    return bytes_make(artifact->data, artifact->count);
}

/* Who may map nothing executable loses speed and nothing else: no artifact is refused for it. */
static void artifact_map_native(struct isolate_artifact *artifact, struct isolate_bases *bases)
{
    struct report unheard = REPORT_INIT;
    if (bases != NULL && bases->runs_native &&
        engine_module_map_native(artifact->module, artifact->fd, &unheard) != STATUS_OK)
        bases->native_refused++;
}

/* One that is open, unless another file has taken its place. */
static struct isolate_artifact *artifact_find_base(const struct isolate_bases *bases,
                                                   const uint8_t name[ENGINE_BASE_NAME_BYTES])
{
    LIST_FOREACH(base, &bases->in_use, struct isolate_artifact, link) {
        if (memcmp(base->name, name, sizeof(base->name)) == 0 && !isolate_artifact_is_gone(base))
            return isolate_artifact_ref(base);
    }
    return NULL;
}

static enum status artifact_open_base(struct isolate_bases *bases,
                                      const uint8_t name[ENGINE_BASE_NAME_BYTES],
                                      struct report *report,
                                      struct isolate_artifact **ret_base)
{
    AUTO_CLOSE int fd = -1;
    *ret_base = artifact_find_base(bases, name);
    if (*ret_base != NULL)
        return STATUS_OK;
    struct isolate_artifact *base = NULL;
    enum status status = bases->open(bases->context, name, report, &fd);
    if (status == STATUS_OK)
        status = artifact_create(fd, report, &base);
    if (status == STATUS_OK)
        status = engine_module_open(artifact_bytes(base), false, report, &base->module);
    if (status == STATUS_OK)
        status = artifact_check(base, report);
    if (status != STATUS_OK) {
        isolate_artifact_unref(base);
        return status;
    }
    memcpy(base->name, name, sizeof(base->name));
    engine_module_name_base(base->module, name);
    artifact_map_native(base, bases);
    list_append(&bases->in_use, &base->link);
    *ret_base = base;
    return STATUS_OK;
}

static enum status artifact_open_module(struct isolate_artifact *artifact,
                                        bool verify_checksum,
                                        struct isolate_bases *bases,
                                        struct report *report)
{
    struct bytes image = artifact_bytes(artifact);
    const uint8_t *name = engine_image_base(image);
    if (name == NULL)
        return engine_module_open(image, verify_checksum, report, &artifact->module);
    ASSERT(bases != NULL);
    enum status status = artifact_open_base(bases, name, report, &artifact->base);
    if (status != STATUS_OK)
        return status;
    return engine_module_open_on(artifact->base->module, image, verify_checksum, report,
                                 &artifact->module);
}

enum status isolate_artifact_open(int fd,
                                  bool verify_checksum,
                                  struct isolate_bases *bases,
                                  struct report *report,
                                  struct isolate_artifact **ret_artifact)
{
    struct isolate_artifact *artifact = NULL;
    enum status status = artifact_create(fd, report, &artifact);
    if (status != STATUS_OK)
        return status;
    status = artifact_open_module(artifact, verify_checksum, bases, report);
    if (status == STATUS_OK)
        status = artifact_check(artifact, report);
    if (status != STATUS_OK) {
        isolate_artifact_unref(artifact);
        return status;
    }
    artifact_map_native(artifact, bases);
    *ret_artifact = artifact;
    return STATUS_OK;
}

struct isolate_artifact *isolate_artifact_ref(struct isolate_artifact *artifact)
{
    ASSERT(artifact->references > 0 && artifact->references < UINT32_MAX);
    artifact->references++;
    return artifact;
}

void isolate_artifact_unref(struct isolate_artifact *artifact)
{
    if (artifact == NULL)
        return;
    ASSERT(artifact->references > 0);
    if (--artifact->references > 0)
        return;
    if (list_is_linked(&artifact->link))
        list_remove(&artifact->link);
    if (artifact->module != NULL)
        engine_module_close(artifact->module);
    if (artifact->data != NULL)
        (void)munmap(artifact->data, artifact->count);
    if (artifact->fd >= 0)
        (void)close(artifact->fd);
    isolate_artifact_unref(artifact->base);
    free(artifact);
}

const struct engine_module *isolate_artifact_module(const struct isolate_artifact *artifact)
{
    return artifact->module;
}

void isolate_artifact_stay_threaded(struct isolate_artifact *artifact)
{
    engine_module_stay_threaded(artifact->module);
}

bool isolate_artifact_is_gone(const struct isolate_artifact *artifact)
{
    struct stat info;
    return fstat(artifact->fd, &info) != 0 || info.st_nlink == 0 ||
           (artifact->base != NULL && isolate_artifact_is_gone(artifact->base));
}
