/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB that fails: link with LMDB_FAILS_ARGS (tests/meson.build), and the calls that the tested
 * code makes come by here.
 *
 *   for (uint32_t nth = 1; ; nth++) {
 *       lmdb_fails_at(nth);
 *       status = whatever is tested;
 *       if (!lmdb_fails_over())         the nth call was never made: it went well
 *           break;
 *       status is not STATUS_OK, and nothing has changed
 *   }
 */
#ifndef SKERRY_TESTS_SUPPORT_LMDB_FAILS_H
#define SKERRY_TESTS_SUPPORT_LMDB_FAILS_H

#include <stdbool.h>
#include <stdint.h>

/* The nth call from now on answers EBADF, once: no word for a full disk, which some try again. */
void lmdb_fails_at(uint32_t nth);
/* Calls are LMDB's again. Did one fail? */
bool lmdb_fails_over(void);

#endif
