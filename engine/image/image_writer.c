/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for images, and what is put there one after another.
 */
#include "engine/image/image_writer.h"

#include <sys/mman.h>
#include <xxhash.h>

void image_write(struct image_writer *writer, uint64_t offset, const void *data, uint64_t count)
{
    if (writer->data != NULL && count > 0)
        memcpy(writer->data + offset, data, count);
}

struct image_span image_reserve(struct image_writer *writer, uint64_t count, size_t size)
{
    uint64_t offset = ALIGN_UP(writer->count, (uint64_t)8);
    writer->count = offset + count * size;
    return (struct image_span){.offset = (uint32_t)offset, .count = (uint32_t)count};
}

void image_set(struct image_writer *writer,
               struct image_span span,
               uint64_t index,
               const void *element,
               size_t size)
{
    ASSERT(index < span.count);
    image_write(writer, span.offset + index * size, element, size);
}

struct image_span
image_put(struct image_writer *writer, const void *array, uint64_t count, size_t size)
{
    struct image_span span = image_reserve(writer, count, size);
    image_write(writer, span.offset, array, count * size);
    return span;
}

enum status image_allocate(uint64_t bytes, struct report *report, struct engine_image *ret_image)
{
    void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no memory for an image of %llu bytes", (unsigned long long)bytes);
    /* A hint: fewer faults while it is written. */
    (void)madvise(data, bytes, MADV_HUGEPAGE);
    *ret_image = (struct engine_image){.data = data, .count = bytes};
    return STATUS_OK;
}

void image_seal(struct engine_image *image)
{
    struct image_header *header = (struct image_header *)(void *)image->data;
    ASSERT(header->total_bytes == image->count);
    header->checksum =
        XXH64(image->data + IMAGE_CHECKSUM_FROM, image->count - IMAGE_CHECKSUM_FROM, 0);
}

void engine_image_free(struct engine_image *image)
{
    if (image->data != NULL)
        (void)munmap(image->data, image->count);
    *image = (struct engine_image){0};
}
