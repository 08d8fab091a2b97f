/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which build this is: 16 bytes that artifacts carry and that must be equal to run them.
 *
 *   sources, compiler, options  --build_id.py-->  BUILD_ID  --+
 *                                                             +--> engine_build_id
 *   where the link put each handler, from dispatch_base  -----+
 *
 * Cells name handlers by distance, and only the linker knows distances: two programs with the
 * same engine, or one program before and after a change elsewhere that moved the archive's
 * members, may have others. So the id is made when it is first asked for, from what is there.
 *
 * The second mutable global of the engine: written once, with what any other thread would write.
 */
#include "engine/build_id.h"

#include <xxhash.h>

#include "engine/ops/ops.h"
#include "engine/ops/stencils.h"

/* Distances hashed at one go. */
#define BUILD_ID_CHUNK 512

_Static_assert(sizeof(XXH128_canonical_t) == ENGINE_BUILD_ID_BYTES, "a hash is an id");

/* One after the other, by digests of digests: a state that takes all of it would be allocated, and
 * where there is no memory the first upload would end its builder. */
struct build_hash {
    XXH128_canonical_t all;
    XXH128_canonical_t next;
};

static void hash_take(struct build_hash *hash, const void *data, size_t count)
{
    XXH128_canonicalFromHash(&hash->next, XXH3_128bits(data, count));
    XXH128_canonicalFromHash(&hash->all, XXH3_128bits(hash, sizeof(*hash)));
}

static void hash_handlers(struct build_hash *hash)
{
    int32_t distances[BUILD_ID_CHUNK];
    uint32_t count = 0;
    for (uint32_t operation = 0; operation < OP_COUNT; operation++) {
        uint32_t variants = operation_variants((enum operation)operation);
        for (uint32_t i = 0; i < variants; i++) {
            distances[count++] = operation_distance(operation_rows[operation].handlers[i]);
            if (count == BUILD_ID_CHUNK) {
                hash_take(hash, distances, sizeof(distances));
                count = 0;
            }
        }
    }
    hash_take(hash, distances, count * sizeof(distances[0]));
}

const uint8_t *engine_build_id(void)
{
    static const uint8_t of_sources[] = {BUILD_ID};
    static XXH128_canonical_t id;
    static bool is_made;
    if (is_made)
        return id.digest;
    struct build_hash hash = {.all = {{0}}};
    hash_take(&hash, of_sources, sizeof(of_sources));
    hash_handlers(&hash);
    /* Native code is made of stencils, and nothing but those. There is a megabyte of them, which a
     * process that starts shall not read: they are hashed where they are made. */
    hash_take(&hash, stencils_digest, sizeof(stencils_digest));
    id = hash.all;
    is_made = true;
    return id.digest;
}
