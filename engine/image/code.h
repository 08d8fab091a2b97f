/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threaded code with its tables: what the translator makes, and what an image holds of it.
 */
#ifndef SKERRY_ENGINE_IMAGE_CODE_H
#define SKERRY_ENGINE_IMAGE_CODE_H

#include "engine/base/bytes.h"

/* Where a cell came from: ascending by cell offset. */
struct code_mark {
    uint32_t cell_offset; /* in cells */
    uint32_t wasm_offset; /* of the instruction in the binary */
};

/*
 * Where exceptions are caught. A region is the code of one try_table that has clauses, or of one
 * `try` up to its first catch; regions are in the order of their starts, and one that lies in
 * another has it as its parent.
 */
#define CODE_NO_REGION UINT32_MAX

struct code_region {
    uint32_t start; /* byte offsets of cells */
    uint32_t end;
    uint32_t parent; /* the region around it, or CODE_NO_REGION */
    /* Where to look next if no clause fits: the parent, but behind `delegate` any region further
     * out, or none. */
    uint32_t next;
    uint32_t first_clause; /* or CODE_NO_CLAUSE */
};

/* Slots of pinned locals: integers, then floats. */
#define CODE_PINS_MAX  6
#define CODE_NO_TAG    UINT32_MAX
#define CODE_NO_SLOT   UINT16_MAX
#define CODE_NO_CLAUSE UINT32_MAX

/* What to do with an exception: values to slots, pins from their slots, on at the target. */
struct code_clause {
    uint32_t tag;            /* index; CODE_NO_TAG: any */
    uint32_t next;           /* of the same region, further on in the table; or CODE_NO_CLAUSE */
    uint32_t target;         /* byte offset of a cell */
    int32_t fuel;            /* to charge on the way there, as a branch does */
    uint16_t slot;           /* of the first value */
    uint16_t value_count;    /* slots of the exception's values that go there */
    uint16_t reference_slot; /* of the exception itself, or CODE_NO_SLOT */
    uint8_t pin_count;
    uint8_t float_pin_count;
    uint16_t pins[CODE_PINS_MAX];
};

/* Where a function's native code begins, and its part of the faults. */
struct code_native {
    uint32_t offset;
    uint32_t fault;
};

/* Before each function's first cell: how many locals it has, in slots (run/frames.h). */
#define CODE_LOCALS_BYTES sizeof(uint32_t)

/* Which handler a cell has. */
struct code_cell {
    uint16_t operation;
    uint16_t variant;
};

struct code {
    struct buffer cells;   /* threaded code of all functions, 8-byte aligned start */
    uint32_t *entries;     /* func_count: offset of each function's first cell; arena */
    struct buffer marks;   /* array of struct code_mark */
    struct buffer regions; /* array of struct code_region */
    struct buffer clauses; /* array of struct code_clause */
    struct buffer calls;   /* array of uint32_t: cells whose callee is an index, until joined */
    uint32_t frame_slots;  /* no frame has more: locals, link, operands */
    uint64_t local_count;  /* of all functions together */
    /* The tier's (engine/native); all empty without. */
    struct buffer handlers; /* array of struct code_cell: of each cell in order; no stubs' */
    struct buffer native;   /* machine code */
    struct buffer faults;   /* which cell an instruction of it belongs to */
    struct code_native *native_rows; /* func_count + 1, ascending; arena */
    uint32_t *native_entries;        /* func_count: where each is called, or 0; arena */
};

static inline void code_done(struct code *code)
{
    buffer_done(&code->cells);
    buffer_done(&code->marks);
    buffer_done(&code->regions);
    buffer_done(&code->clauses);
    buffer_done(&code->handlers);
    buffer_done(&code->calls);
    buffer_done(&code->native);
    buffer_done(&code->faults);
}

#endif
