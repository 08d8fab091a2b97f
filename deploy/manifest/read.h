/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of values to a manifest, by the rows. The tree is jansson's, whichever language it was
 * written in; where its parts stood in a file, `marks` may know.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_READ_H
#define SKERRY_DEPLOY_MANIFEST_READ_H

#include <jansson.h>

#include "deploy/manifest/rows.h"

#define MANIFEST_NODES_MAX 4096
#define MANIFEST_DEPTH_MAX 8

/* Where a value stood, or the key of a mapping. */
struct manifest_mark {
    const json_t *node;
    const char *key; /* NULL: the value itself */
    uint32_t line;   /* from 1 */
    uint32_t column;
};

struct manifest_marks {
    const char *name; /* of the file */
    struct manifest_mark *rows;
    uint32_t count;
};

/* `marks` may be NULL. As deploy_manifest_from_yaml. */
NODISCARD enum status manifest_read(const json_t *tree,
                                    const struct manifest_marks *marks,
                                    struct arena *arena,
                                    struct report *report,
                                    struct deploy_manifest *ret_manifest);

#endif
