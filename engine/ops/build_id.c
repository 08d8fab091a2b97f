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

static void hash_handlers(XXH3_state_t *hash)
{
    int32_t distances[BUILD_ID_CHUNK];
    uint32_t count = 0;
    for (uint32_t operation = 0; operation < OP_COUNT; operation++) {
        uint32_t variants = operation_variants((enum operation)operation);
        for (uint32_t i = 0; i < variants; i++) {
            distances[count++] = operation_distance(operation_rows[operation].handlers[i]);
            if (count == BUILD_ID_CHUNK) {
                (void)XXH3_128bits_update(hash, distances, sizeof(distances));
                count = 0;
            }
        }
    }
    (void)XXH3_128bits_update(hash, distances, count * sizeof(distances[0]));
}

/* Native code is made of these, and nothing but these. */
static void hash_stencils(XXH3_state_t *hash)
{
    const struct stencils_extents *extents = &stencils_extents;
    (void)XXH3_128bits_update(hash, extents, sizeof(*extents));
    (void)XXH3_128bits_update(hash, stencils_bytes, extents->bytes);
    (void)XXH3_128bits_update(hash, stencils_holes, extents->holes);
    (void)XXH3_128bits_update(hash, stencils_rows, extents->stencils);
    (void)XXH3_128bits_update(hash, stencils_narrow, extents->handlers);
    (void)XXH3_128bits_update(hash, stencils_wide, extents->handlers);
    (void)XXH3_128bits_update(hash, stencils_pool, extents->pool);
}

const uint8_t *engine_build_id(void)
{
    static const uint8_t of_sources[] = {BUILD_ID};
    static XXH128_canonical_t id;
    static bool is_made;
    if (is_made)
        return id.digest;
    XXH3_state_t *hash = XXH3_createState();
    ASSERT(hash != NULL);
    (void)XXH3_128bits_reset(hash);
    (void)XXH3_128bits_update(hash, of_sources, sizeof(of_sources));
    hash_handlers(hash);
    hash_stencils(hash);
    XXH128_canonicalFromHash(&id, XXH3_128bits_digest(hash));
    (void)XXH3_freeState(hash);
    is_made = true;
    return id.digest;
}
