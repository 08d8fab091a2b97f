/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells by their handlers: how long they are, and which stencils they have. Private to the tier.
 *
 * There are some thousands of handlers and a small module has cells of a hundred, so that what is
 * known of a handler is worked out when the first cell of it comes.
 */
#ifndef SKERRY_ENGINE_NATIVE_CELLS_H
#define SKERRY_ENGINE_NATIVE_CELLS_H

#include "engine/base/status.h"
#include "engine/image/code.h"
#include "engine/ops/ops.h"

struct native_cell {
    uint16_t operation;
    uint16_t narrow; /* stencils, or STENCIL_NONE */
    uint16_t wide;
    uint8_t bytes;  /* of the cell; 0: not worked out yet */
    uint8_t target; /* where in the cell the field of its branch or callee is, or 0 */
    uint8_t fields; /* where in the cell its fields begin */
    bool faults;    /* it may fault or call */
};

struct native_cells {
    struct native_cell *rows; /* by first + variant; owned */
    uint32_t first[OP_COUNT];
};

NODISCARD enum status native_cells_init(struct native_cells *cells);
void native_cells_done(struct native_cells *cells);
void native_cells_fill(struct native_cell *row, struct code_cell cell);

static inline const struct native_cell *native_cells_find(struct native_cells *cells,
                                                          struct code_cell cell)
{
    struct native_cell *row = &cells->rows[cells->first[cell.operation] + cell.variant];
    if (UNLIKELY(row->bytes == 0))
        native_cells_fill(row, cell);
    return row;
}

/* Entries of a br_table, whose cell is at `at`. */
static inline uint32_t native_cell_entries(const struct native_cell *row, const uint8_t *at)
{
    return dispatch_field32(at + row->fields + sizeof(uint32_t)) + 1;
}

/* Bytes of the cell at `at`, with the entries of a br_table. */
static inline uint32_t native_cell_bytes(const struct native_cell *row, const uint8_t *at)
{
    if (UNLIKELY(row->operation == OP_br_table))
        return row->bytes + native_cell_entries(row, at) * BRANCH_BYTES;
    return row->bytes;
}

#endif
