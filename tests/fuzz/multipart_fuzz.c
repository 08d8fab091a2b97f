/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a body of multipart/related says, it is refused with a reason, or its parts
 * lie within it, one behind the other.
 *
 *   | bytes of the type, 1 byte | that many bytes behind "multipart/related" | body |
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/api/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(struct bytes body, const struct multipart_part *parts, size_t count)
{
    const uint8_t *at = body.data;
    for (size_t i = 0; i < count; i++) {
        struct bytes type = parts[i].content_type;
        struct bytes text = parts[i].data;
        ASSERT(type.data == NULL || (type.data >= at && type.data + type.count <= text.data));
        ASSERT(text.data >= at && text.data + text.count <= body.data + body.count);
        at = text.data + text.count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char type[300];
    struct report report = REPORT_INIT;
    struct multipart_part parts[3];
    size_t part_count = 0;
    if (size == 0 || data[0] > size - 1)
        return 0;
    int count = snprintf(type, sizeof(type), MULTIPART_TYPE);
    memcpy(type + count, data + 1, data[0]);
    struct bytes content_type = bytes_make(type, (size_t)count + data[0]);
    /* In memory of exactly its size, where what reads past its end is noticed. */
    size_t bytes = size - 1 - data[0];
    uint8_t *copy = malloc(bytes == 0 ? 1 : bytes);
    ASSERT(copy != NULL);
    memcpy(copy, data + 1 + data[0], bytes);
    enum status status = multipart_parse(content_type, bytes_make(copy, bytes), &report,
                                         COUNT_OF(parts), parts, &part_count);
    ASSERT(status == STATUS_OK || (status == STATUS_MALFORMED && report.text[0] != '\0'));
    if (status == STATUS_OK)
        check_parts(bytes_make(copy, bytes), parts, part_count);
    free(copy);
    return 0;
}
