/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the table of faults; engine/run/fault.h has its format, and reads it.
 */
#include "engine/native/faults.h"

#include "engine/run/fault.h"

static size_t fault_put_number(uint8_t *at, uint32_t number)
{
    if (number < FAULT_WIDE) {
        *at = (uint8_t)number;
        return 1;
    }
    *at = FAULT_WIDE;
    memcpy(at + 1, &number, sizeof(number));
    return 1 + sizeof(number);
}

enum status native_fault_put(struct buffer *faults, uint32_t native_further, uint32_t cell_further)
{
    uint8_t row[FAULT_ROW_BYTES_MAX];
    size_t count = fault_put_number(row, native_further);
    count += fault_put_number(row + count, cell_further);
    return buffer_append(faults, row, count);
}
