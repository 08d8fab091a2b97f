/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's errors in WASI's numbers, and paths by segment: what all trees share.
 */
#include <errno.h>

#include "hostapi/wasi/tree.h"

enum wasi_errno wasi_errno_of(int error)
{
    static const struct {
        int host;
        enum wasi_errno error;
    } rows[] = {
#define ERRNO(NAME, number, host) {(host), WASI_##NAME},
#include "hostapi/wasi/errno.def"
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].host == error && error != 0)
            return rows[i].error;
    }
    return WASI_IO;
}

bool wasi_next_segment(struct bytes *path, struct bytes *ret_segment)
{
    while (path->count > 0 && path->data[0] == '/')
        *path = bytes_make(path->data + 1, path->count - 1);
    if (path->count == 0)
        return false;
    const uint8_t *slash = memchr(path->data, '/', path->count);
    size_t count = slash == NULL ? path->count : (size_t)(slash - path->data);
    *ret_segment = bytes_make(path->data, count);
    *path = bytes_make(path->data + count, path->count - count);
    return true;
}
