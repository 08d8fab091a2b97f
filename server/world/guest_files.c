/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row by row.
 */
#include "server/world/guest_files.h"

bool guest_files_make(struct bytes list, struct arena *arena, struct hostapi_files *ret_files)
{
    struct deploy_file file;
    uint64_t count;
    uint64_t bytes;
    if (!deploy_files_measure(list, &count, &bytes) || count > UINT32_MAX)
        return false;
    struct hostapi_file *rows = ARENA_ARRAY(arena, struct hostapi_file, count + 1);
    if (rows == NULL)
        return false;
    for (uint32_t i = 0; i < count && deploy_files_next(&list, &file); i++)
        rows[i] =
            (struct hostapi_file){.name = file.name, .sha256 = file.sha256, .size = file.size};
    *ret_files = (struct hostapi_files){.rows = rows, .count = (uint32_t)count};
    return true;
}
