/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells by their handlers: how long they are, and which stencils they have. Private to the tier.
 */
#ifndef SKERRY_ENGINE_NATIVE_CELLS_H
#define SKERRY_ENGINE_NATIVE_CELLS_H

#include "engine/base/status.h"
#include "engine/ops/ops.h"

struct native_cell {
    int32_t distance; /* of the handler */
    uint16_t operation;
    uint16_t narrow; /* stencils, or STENCIL_NONE */
    uint16_t wide;
    uint8_t bytes;  /* of the cell; 0: no handler is here */
    uint8_t target; /* where in the cell the field of its branch or callee is, or 0 */
    uint8_t fields; /* where in the cell its fields begin */
    bool faults;    /* it may fault or call */
};

/* Open addressing, a power of two of places. */
struct native_cells {
    struct native_cell *places; /* owned */
    uint32_t mask;
};

NODISCARD enum status native_cells_init(struct native_cells *cells);
void native_cells_done(struct native_cells *cells);

static inline uint32_t native_cells_place(const struct native_cells *cells, int32_t distance)
{
    return ((uint32_t)distance * 0x9e3779b1u >> 8) & cells->mask;
}

/* Never NULL: whoever asks has a cell that the translator wrote. */
static inline const struct native_cell *native_cells_find(const struct native_cells *cells,
                                                          int32_t distance)
{
    uint32_t place = native_cells_place(cells, distance);
    while (cells->places[place].distance != distance || cells->places[place].bytes == 0) {
        ASSERT(cells->places[place].bytes != 0);
        place = (place + 1) & cells->mask;
    }
    return &cells->places[place];
}

/* Bytes of the cell at `at`, with the entries of a br_table. */
static inline uint32_t native_cell_bytes(const struct native_cell *cell, const uint8_t *at)
{
    if (UNLIKELY(cell->operation == OP_br_table))
        return cell->bytes + (dispatch_field32(at + cell->fields + 4) + 1) * BRANCH_BYTES;
    return cell->bytes;
}

#endif
