/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a version brought, as its guests see them: at `/`, to be read and never written.
 * A list that outlives the request; what is in a file is opened when it is read.
 */
#ifndef SKERRY_HOSTAPI_FILES_H
#define SKERRY_HOSTAPI_FILES_H

#include "engine/base/bytes.h"

struct hostapi_file {
    struct bytes name; /* "templates/a.html" */
    const uint8_t *sha256;
    uint64_t size;
};

struct hostapi_files {
    const struct hostapi_file *rows; /* by the names' bytes; none twice, none a folder of another */
    uint32_t count;
    /* A descriptor of what is in the file, which the caller closes; negative: minus an errno. */
    int (*open)(void *context, const struct hostapi_file *file);
    void *context;
};

#endif
