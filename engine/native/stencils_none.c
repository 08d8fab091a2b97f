/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of stencils of a build that has no native tier.
 */
#include "engine/ops/ops.h"
#include "engine/ops/stencils.h"

const uint8_t stencils_digest[STENCILS_DIGEST_BYTES] = {0};
const uint32_t stencils_count = 0;
const size_t stencils_pool_bytes = 0;
const uint8_t stencils_bytes[] = {0};
const struct stencil_hole stencils_holes[] = {{0}};
const struct stencil stencils_rows[] = {{0}};
const uint16_t stencils_narrow[] = {STENCIL_NONE};
const uint16_t stencils_wide[] = {STENCIL_NONE};
const uint16_t stencils_first[OP_COUNT] = {0};
const uint8_t stencils_pool[] = {0};
