/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all handlers, made once a module: cells hold nothing but where their handler is.
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

static struct native_cell cell_of(enum operation operation, uint32_t variant)
{
    static const uint8_t sizes['w' + 1] = {
        ['b'] = BRANCH_BYTES, ['h'] = 2, ['q'] = 8, ['t'] = 4, ['w'] = 4};
    const struct operation_row *row = &operation_rows[operation];
    uint8_t places[OPS_OPERANDS_MAX] = {0};
    operation_variant_places(operation, variant, places);
    struct native_cell cell = {
        .distance = operation_distance(row->handlers[variant]),
        .operation = (uint16_t)operation,
        .narrow = STENCIL_NONE,
        .wide = STENCIL_NONE,
        .faults = row->faults == OPERATION_TRAPS,
    };
    if (stencils_first[operation] != 0) {
        cell.narrow = stencils_narrow[stencils_first[operation] - 1 + variant];
        cell.wide = stencils_wide[stencils_first[operation] - 1 + variant];
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
    return cell;
}

static void cells_put(struct native_cells *cells, const struct native_cell *cell)
{
    uint32_t place = native_cells_place(cells, cell->distance);
    while (cells->places[place].bytes != 0) {
        if (cells->places[place].distance == cell->distance)
            return; /* two operations share it, and so its cells */
        place = (place + 1) & cells->mask;
    }
    cells->places[place] = *cell;
}

enum status native_cells_init(struct native_cells *cells)
{
    uint32_t count = 0;
    for (uint32_t operation = 0; operation < OP_COUNT; operation++)
        count += operation_variants((enum operation)operation);
    uint32_t places = 1;
    while (places < count * 2)
        places *= 2;
    *cells = (struct native_cells){.places = calloc(places, sizeof(struct native_cell)),
                                   .mask = places - 1};
    if (cells->places == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t operation = 0; operation < OP_COUNT; operation++) {
        uint32_t variants = operation_variants((enum operation)operation);
        for (uint32_t i = 0; i < variants; i++) {
            struct native_cell cell = cell_of((enum operation)operation, i);
            cells_put(cells, &cell);
        }
    }
    return STATUS_OK;
}

void native_cells_done(struct native_cells *cells)
{
    free(cells->places);
    *cells = (struct native_cells){0};
}
