/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks an image that lies in a file, piece by piece: for whoever looks after files that
 * nobody has opened, and must neither map them (a bad sector would be a SIGBUS) nor read them
 * at one go.
 *
 * A check that ended with STATUS_OK has seen all bytes that the checksum covers.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "engine/image/image.h"
#include "engine/image/image_check.h"
#include "engine/inspect.h"

_Static_assert(sizeof(struct image_header) <= ENGINE_IMAGE_HEAD_BYTES, "a head has the header");

struct engine_image_check {
    XXH64_state_t *hash; /* owned */
    uint64_t checksum;   /* as the header says */
    uint64_t total_bytes;
    uint64_t seen_bytes;
};

void engine_image_check_free(struct engine_image_check *check)
{
    if (check == NULL)
        return;
    (void)XXH64_freeState(check->hash);
    free(check);
}

enum status engine_image_check_begin(struct bytes head,
                                     uint64_t total_bytes,
                                     struct report *report,
                                     struct engine_image_check **ret_check)
{
    enum status status = image_check_header(head, total_bytes, engine_build_id(), report);
    if (status != STATUS_OK)
        return status;
    struct image_header header;
    memcpy(&header, head.data, sizeof(header));
    struct engine_image_check *check = calloc(1, sizeof(*check));
    if (check != NULL)
        check->hash = XXH64_createState();
    if (check == NULL || check->hash == NULL || XXH64_reset(check->hash, 0) != XXH_OK) {
        engine_image_check_free(check);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no memory to check an image");
    }
    check->checksum = header.checksum;
    check->total_bytes = total_bytes;
    *ret_check = check;
    return STATUS_OK;
}

void engine_image_check_feed(struct engine_image_check *check, struct bytes piece)
{
    uint64_t skipped =
        check->seen_bytes < IMAGE_CHECKSUM_FROM ? IMAGE_CHECKSUM_FROM - check->seen_bytes : 0;
    skipped = MIN(skipped, (uint64_t)piece.count);
    check->seen_bytes += piece.count;
    if (piece.count > skipped)
        (void)XXH64_update(check->hash, piece.data + skipped, piece.count - skipped);
}

enum status engine_image_check_end(const struct engine_image_check *check, struct report *report)
{
    if (check->seen_bytes != check->total_bytes)
        return image_corrupt(report, "cut or extended");
    if (XXH64_digest(check->hash) != check->checksum)
        return image_corrupt(report, "wrong checksum");
    return STATUS_OK;
}
