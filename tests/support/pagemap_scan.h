/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own record of which pages of a private mapping were written: the oracle for
 * the engine's software dirty map. Linux 6.7; Debian 12's headers are older, so the call is
 * declared in pagemap_scan.c.
 *
 * A written page is no longer the file's and not the shared zero page, and is PRESENT *or
 * SWAPPED*: one that was swapped out was written all the same.
 */
#ifndef SKERRY_TESTS_SUPPORT_PAGEMAP_SCAN_H
#define SKERRY_TESTS_SUPPORT_PAGEMAP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One byte a page of 4096: 1 if written. False if this kernel cannot tell. */
bool pagemap_scan_written(const void *start, size_t bytes, uint8_t *ret_written);

#endif
