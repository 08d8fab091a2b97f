/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for the stage's function, in a data directory that is real: `small`, `big` (two pieces and
 * a little), `gone` (without a blob) and `wrong` (a blob of another size). Rules: X-A twice,
 * `small` without Cache-Control; `old` leads to `small`.
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_REQUEST_STAGE_SITE_H
#define SKERRY_TESTS_UNIT_SERVER_REQUEST_STAGE_SITE_H

#include "tests/unit/server/request/stage.h"

#define STAGE_SMALL_BYTES 10
#define STAGE_PIECE_BYTES ((size_t)256 << 10)
#define STAGE_BIG_BYTES   (2 * STAGE_PIECE_BYTES + STAGE_SMALL_BYTES)

/* The function has no module. One stage at a time. */
void stage_site_make(struct stage *stage);
/* ... but for this. */
void stage_site_has_module(void);
void stage_site_done(void);

#endif
