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

static enum status artifact_check(struct isolate_artifact *artifact, struct report *report)
{
    if (!engine_module_has_snapshot(artifact->module))
        return report_fail(report, STATUS_CORRUPT, REPORT_OFFSET_NONE,
                           "artifact: it has no snapshot");
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (uint32_t i = 0; i < engine_module_memory_count(artifact->module); i++) {
        struct engine_memory_image image = engine_module_memory_image(artifact->module, i);
        if (!artifact_holds(artifact, image, page))
            return report_fail(report, STATUS_CORRUPT, image.offset,
                               "artifact: image of memory %u does not lie inside it on page "
                               "borders",
                               i);
    }
    return STATUS_OK;
}

enum status isolate_artifact_open(int fd,
                                  bool verify_checksum,
                                  struct report *report,
                                  struct isolate_artifact **ret_artifact)
{
    struct isolate_artifact *artifact = calloc(1, sizeof(*artifact));
    if (artifact == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "artifact: out of memory");
    artifact->references = 1;
    artifact->fd = -1;
    enum status status = artifact_map(artifact, fd, report);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(artifact->data, artifact->count), verify_checksum,
                                    report, &artifact->module);
    if (status == STATUS_OK)
        status = artifact_check(artifact, report);
    if (status != STATUS_OK) {
        isolate_artifact_unref(artifact);
        return status;
    }
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
    if (artifact->module != NULL)
        engine_module_close(artifact->module);
    if (artifact->data != NULL)
        (void)munmap(artifact->data, artifact->count);
    if (artifact->fd >= 0)
        (void)close(artifact->fd);
    free(artifact);
}

const struct engine_module *isolate_artifact_module(const struct isolate_artifact *artifact)
{
    return artifact->module;
}

bool isolate_artifact_is_gone(const struct isolate_artifact *artifact)
{
    struct stat info;
    return fstat(artifact->fd, &info) != 0 || info.st_nlink == 0;
}
