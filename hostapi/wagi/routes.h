/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module's `_routes` prints: which of its exports answers which paths.
 *
 *   /exact on_exact             this path alone
 *   /wildcard/... on_wildcard   this path and all below it
 *
 * An exact path goes before all others, then the longest that fits; a path that none fits is
 * answered by `_start`.
 */
#ifndef SKERRY_HOSTAPI_WAGI_ROUTES_H
#define SKERRY_HOSTAPI_WAGI_ROUTES_H

#include "engine/base/bytes.h"

struct routes_match {
    struct bytes prefix;     /* what was matched of the path, without "/..." */
    struct bytes entrypoint; /* of the text; empty: no route fits */
    bool whole;              /* the path alone, and nothing below it */
};

/* `path` is encoded and without a query. Lines that are no route are passed over. */
struct routes_match routes_find(struct bytes text, struct bytes path);

#endif
