/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to isolate/: what an artifact is made of.
 *
 * The file is mapped once, shared and read-only, for the module's code and as the
 * source of resets; isolates map its memory images a second time, privately, through
 * the descriptor kept here. The mapping lives as long as anything refers to it. A base is an
 * artifact that others refer to, and is in its process once.
 */
#ifndef SKERRY_ISOLATE_ARTIFACT_H
#define SKERRY_ISOLATE_ARTIFACT_H

#include "engine/base/list.h"
#include "isolate/isolate.h"

struct isolate_artifact {
    uint32_t references;
    int fd;        /* owned */
    uint8_t *data; /* the whole file, PROT_READ, MAP_SHARED */
    size_t count;
    struct engine_module *module;         /* owned; borrows data, and its base's */
    struct isolate_artifact *base;        /* a reference; NULL: it has none */
    struct list_link link;                /* of a base: in the isolate_bases that opened it */
    uint8_t name[ENGINE_BASE_NAME_BYTES]; /* of a base */
};

#endif
