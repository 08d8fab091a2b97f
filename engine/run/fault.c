/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an instruction of native code to the cell it belongs to.
 */
#include "engine/run/fault.h"

const uint8_t *fault_number(const uint8_t *at, uint32_t *ret_number)
{
    *ret_number = *at++;
    if (*ret_number < FAULT_WIDE)
        return at;
    memcpy(ret_number, at, sizeof(*ret_number));
    return at + sizeof(*ret_number);
}

uint32_t fault_cell_at(const struct image_header *header, uint32_t native_offset)
{
    const struct code_native *rows = image_at(header, header->native_rows);
    uint32_t low = 0; /* the last function that begins at or before it */
    for (uint32_t high = header->native_rows.count; high - low > 1;) {
        uint32_t middle = low + (high - low) / 2;
        if (rows[middle].offset <= native_offset)
            low = middle;
        else
            high = middle;
    }
    const struct image_func *funcs = image_at(header, header->funcs);
    const uint8_t *faults = image_at(header, header->faults);
    uint32_t native = rows[low].offset;
    uint32_t cell = low < header->funcs.count ? funcs[low].entry : 0;
    uint32_t found = cell;
    uint32_t end = low + 1 < header->native_rows.count ? rows[low + 1].fault : rows[low].fault;
    for (const uint8_t *at = faults + rows[low].fault; at < faults + end;) {
        uint32_t native_further;
        uint32_t cell_further;
        at = fault_number(fault_number(at, &native_further), &cell_further);
        native += native_further;
        cell += cell_further;
        if (native > native_offset)
            break;
        found = cell;
    }
    return found;
}
