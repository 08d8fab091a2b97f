/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a fault in native code was. The table of faults has a row for each cell that can fault,
 * function by function, ascending:
 *
 *   | how much further on its native code begins | how much further on the cell is |
 *
 * than those of the row before, or than the function's; each as one byte, or FAULT_WIDE and 32
 * bits. It is read by a signal handler: nothing here allocates or may fail.
 */
#ifndef SKERRY_ENGINE_RUN_FAULT_H
#define SKERRY_ENGINE_RUN_FAULT_H

#include "engine/image/image.h"

#define FAULT_WIDE          255
#define FAULT_ROW_BYTES_MAX 10

/* Reads one of a row's two numbers; returns where the next is. */
const uint8_t *fault_number(const uint8_t *at, uint32_t *ret_number);
/* The cell, as its offset in the code, whose native code has an instruction at this offset. */
uint32_t fault_cell_at(const struct image_header *header, uint32_t native_offset);

#endif
