/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a handler's cells, from its operation's row and the table of stencils.
 */
#include "engine/native/cells.h"

#include <stdlib.h>

#include "engine/ops/stencils.h"

static uint32_t cell_operands_bytes(const struct operation_row *row, const uint8_t *places)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < row->operand_count; i++) {
        if (places[i] == PLACE_S)
            bytes += sizeof(uint16_t);
        else if (places[i] == PLACE_K)
            bytes += operand_constant_bytes(row->types[i]);
    }
    return bytes;
}

void native_cells_fill(struct native_cell *ret_row, struct code_cell which)
{
    static const uint8_t sizes['w' + 1] = {
        ['b'] = BRANCH_BYTES, ['h'] = 2, ['q'] = 8, ['t'] = 4, ['w'] = 4};
    const struct operation_row *row = &operation_rows[which.operation];
    uint8_t places[OPS_OPERANDS_MAX] = {0};
    operation_variant_places(which.operation, which.variant, places);
    struct native_cell cell = {
        .operation = which.operation,
        .narrow = STENCIL_NONE,
        .wide = STENCIL_NONE,
        .faults = row->faults == OPERATION_TRAPS,
    };
    uint32_t first = stencils_first[which.operation];
    if (first != 0) {
        cell.narrow = stencils_narrow[first - 1 + which.variant];
        cell.wide = stencils_wide[first - 1 + which.variant];
    }
    uint32_t at = (uint32_t)sizeof(int32_t) + cell_operands_bytes(row, places);
    cell.fields = (uint8_t)at;
    for (const char *field = row->fields; *field != '\0'; field++) {
        if (*field == 'b' || *field == 't')
            cell.target = (uint8_t)at;
        at += sizes[(uint8_t)*field];
    }
    at = ALIGN_UP(at, (uint32_t)DISPATCH_CELL_ALIGN);
    ASSERT(at <= UINT8_MAX);
    cell.bytes = (uint8_t)at;
    *ret_row = cell;
}

enum status native_cells_init(struct native_cells *cells)
{
    uint32_t count = 0;
    for (uint32_t operation = 0; operation < OP_COUNT; operation++) {
        cells->first[operation] = count;
        count += operation_variants((enum operation)operation);
    }
    cells->rows = calloc(count, sizeof(struct native_cell));
    return cells->rows == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void native_cells_done(struct native_cells *cells)
{
    free(cells->rows);
    cells->rows = NULL;
}
