/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threaded code as text, for `skerry inspect --code`: one line a cell, with the offset in
 * the function, the operation with the places of its operands, fields and branch targets.
 *
 *      12  i32_add      s3 k:1 -> a            wasm 0x4a
 *      20  br_i32_lt_u  a p0                   -> 48  fuel 5
 *
 * Behind the cells, what catches exceptions, innermost last: a range, the tag, where it goes on.
 *
 *   try 12..34  catch 0 -> 40 fuel -2  values s4
 *   try 12..34  catch_all -> 56 fuel 0  exception s4
 *
 * With the module's bytes beside it, a cell comes after the instructions up to its own, each with
 * its offset in the binary: `; 0x4a  i32.add`.
 *
 * Where there is native code and all cells are in the table of faults, a cell's bytes follow it;
 * the last one's go on with the function's ways out and tables (engine/native/emit.c):
 *
 *           | 48 89 c8 83 c1 ff
 *
 * Handlers are found back by their offset in a table made for the occasion: cells hold
 * nothing but that offset.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/image/code.h"
#include "engine/image/image.h"
#include "engine/inspect.h"
#include "engine/ops/ops.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/run/fault.h"

#define DISASM_PIECE_BYTES 64 /* longest text printed at once */
#define DISASM_LINE_BYTES  24 /* of native code */

struct disasm_handler {
    int32_t offset;
    uint16_t operation;
    uint16_t variant;
};

struct disasm {
    struct disasm_handler *handlers; /* by offset */
    size_t handler_count;
    const uint8_t *code;
    uint32_t entry; /* of the function */
    uint32_t end;
    const struct code_mark *marks;
    uint32_t mark_count;
    const uint8_t *native; /* of the module; NULL: none is shown */
    uint32_t native_end;   /* of the function */
    const uint8_t *fault;  /* rows of the table that are not read yet */
    const uint8_t *fault_end;
    uint32_t native_cell; /* whose bytes are next, and where they begin */
    uint32_t native_at;
    struct buffer *out;
    const struct module *module; /* NULL: cells only */
    struct reader wasm;          /* instructions not yet written */
    enum status status;          /* of writing to it; the first failure stays */
};

static PRINTF_LIKE(2, 3) void disasm_print(struct disasm *d, const char *format, ...)
{
    char text[DISASM_PIECE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ASSERT(count >= 0 && (size_t)count < sizeof(text));
    if (d->status == STATUS_OK)
        d->status = buffer_append(d->out, text, (size_t)count);
}

static int disasm_compare(const void *a, const void *b)
{
    const struct disasm_handler *x = a;
    const struct disasm_handler *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum status disasm_index_handlers(struct disasm *d)
{
    size_t count = 0;
    for (uint32_t op = 0; op < OP_COUNT; op++)
        count += operation_variants((enum operation)op);
    d->handlers = calloc(count, sizeof(*d->handlers));
    if (d->handlers == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        for (uint32_t i = 0; i < operation_variants((enum operation)op); i++) {
            uint8_t places[OPS_OPERANDS_MAX] = {0};
            operation_variant_places((enum operation)op, i, places);
            d->handlers[d->handler_count++] = (struct disasm_handler){
                .offset = operation_handler((enum operation)op, places),
                .operation = (uint16_t)op,
                .variant = (uint16_t)i,
            };
        }
    }
    qsort(d->handlers, d->handler_count, sizeof(*d->handlers), disasm_compare);
    return STATUS_OK;
}

static const struct disasm_handler *disasm_find(const struct disasm *d, int32_t offset)
{
    struct disasm_handler key = {.offset = offset};
    return bsearch(&key, d->handlers, d->handler_count, sizeof(key), disasm_compare);
}

/* Returns the bytes the operand takes in the cell. */
static uint32_t disasm_operand(struct disasm *d, uint8_t place, char type, const uint8_t *at)
{
    bool is_float = type == 'f' || type == 'd';
    switch (place) {
    case PLACE_A:
        disasm_print(d, is_float ? " fa" : " a");
        return 0;
    case PLACE_S:
        disasm_print(d, " s%u", dispatch_field16(at));
        return 2;
    case PLACE_K:
        if (type == 'v') {
            disasm_print(d, " k:0x%016" PRIx64 "%016" PRIx64, dispatch_field64(at + 8),
                         dispatch_field64(at));
            return 16;
        }
        if (type == 'd')
            disasm_print(d, " k:0x%" PRIx64, dispatch_field64(at));
        else if (type == 'l')
            disasm_print(d, " k:%" PRId64, (int64_t)dispatch_field64(at));
        else
            disasm_print(d, " k:%" PRId32, (int32_t)dispatch_field32(at));
        return operand_constant_bytes(type);
    default:
        disasm_print(d, is_float ? " f%d" : " p%d", place - PLACE_P0);
        return 0;
    }
}

/* Returns where the fields end. */
static uint32_t disasm_fields(struct disasm *d, const char *fields, uint32_t cell, uint32_t at)
{
    for (; *fields != '\0'; fields++) {
        const uint8_t *field = d->code + at;
        switch (*fields) {
        case 'h':
            disasm_print(d, " %u", dispatch_field16(field));
            at += 2;
            break;
        case 'w':
            disasm_print(d, " #%" PRId32, (int32_t)dispatch_field32(field));
            at += 4;
            break;
        case 't':
            disasm_print(d, " entry %u", cell + dispatch_field32(field));
            at += 4;
            break;
        case 'q':
            disasm_print(d, " 0x%" PRIx64, dispatch_field64(field));
            at += 8;
            break;
        default:
            disasm_print(d, " -> %u fuel %" PRId32, cell + dispatch_field32(field) - d->entry,
                         (int32_t)dispatch_field32(field + 4));
            at += 8;
        }
    }
    return at;
}

static uint32_t disasm_wasm_offset(const struct disasm *d, uint32_t cell)
{
    for (uint32_t low = 0, high = d->mark_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (d->marks[middle].cell_offset == cell)
            return d->marks[middle].wasm_offset;
        if (d->marks[middle].cell_offset < cell)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* ---- the Wasm beside it ---------------------------------------------------------------------- */

/* Numbers as numbers, types and whatever is longer as bytes. */
static void disasm_immediate(struct disasm *d, enum immediate_kind kind)
{
    switch (kind) {
    case IMMEDIATE_LABEL:
    case IMMEDIATE_TAG:
    case IMMEDIATE_FUNC:
    case IMMEDIATE_TYPE:
    case IMMEDIATE_LOCAL:
    case IMMEDIATE_GLOBAL:
    case IMMEDIATE_TABLE:
    case IMMEDIATE_MEMORY:
    case IMMEDIATE_DATA:
    case IMMEDIATE_ELEM:
        disasm_print(d, " %u", reader_u32(&d->wasm));
        return;
    case IMMEDIATE_I32:
        disasm_print(d, " %" PRId32, reader_s32(&d->wasm));
        return;
    case IMMEDIATE_I64:
        disasm_print(d, " %" PRId64, reader_s64(&d->wasm));
        return;
    case IMMEDIATE_MEMARG0:
    case IMMEDIATE_MEMARG1:
    case IMMEDIATE_MEMARG2:
    case IMMEDIATE_MEMARG3:
    case IMMEDIATE_MEMARG4:
    case IMMEDIATE_ATOMIC0:
    case IMMEDIATE_ATOMIC1:
    case IMMEDIATE_ATOMIC2:
    case IMMEDIATE_ATOMIC3: {
        struct decode_memarg memarg = decode_memarg(&d->wasm);
        if (memarg.memory != 0)
            disasm_print(d, " %u", memarg.memory);
        disasm_print(d, " offset=%" PRIu64, memarg.offset);
        return;
    }
    default: {
        const uint8_t *at = d->wasm.at;
        decode_skip_immediate(&d->wasm, kind);
        for (; at < d->wasm.at; at++)
            disasm_print(d, " %02x", *at);
    }
    }
}

/* Writes the instructions up to the one at this offset in the binary. */
static void disasm_wasm(struct disasm *d, uint32_t last)
{
    while (d->module != NULL && d->status == STATUS_OK && reader_left(&d->wasm) > 0 &&
           reader_offset(&d->wasm) <= last) {
        uint32_t offset = (uint32_t)reader_offset(&d->wasm);
        uint32_t opcode = decode_opcode(&d->wasm);
        const struct opcode_row *row = opcode_row(opcode);
        ASSERT(row != NULL); /* it was compiled */
        disasm_print(d, "; 0x%x  %s", offset, row->text);
        disasm_immediate(d, (enum immediate_kind)row->immediate);
        disasm_print(d, "\n");
    }
}

/* To the first instruction of a function, behind its locals. */
static void disasm_open_wasm(struct disasm *d, const struct module *module, uint32_t func_index)
{
    const struct module_func *func = &module->funcs[func_index];
    if (func_index < module->imported_func_count)
        return;
    d->module = module;
    const uint8_t *body = module->wasm.data + func->body_offset;
    d->wasm = reader_make(module->wasm.data, body, body + func->body_bytes, NULL);
    uint32_t runs = reader_u32(&d->wasm);
    for (uint32_t i = 0; i < runs; i++) {
        (void)reader_u32(&d->wasm);
        (void)decode_value_type(&d->wasm, module);
    }
}

/* Writes one cell; returns where the next begins. */
static uint32_t disasm_cell(struct disasm *d, uint32_t cell)
{
    uint32_t wasm_offset = disasm_wasm_offset(d, cell);
    disasm_wasm(d, wasm_offset);
    const struct disasm_handler *handler =
        disasm_find(d, (int32_t)dispatch_field32(d->code + cell));
    ASSERT(handler != NULL);
    const struct operation_row *row = &operation_rows[handler->operation];
    uint8_t places[OPS_OPERANDS_MAX];
    operation_variant_places(handler->operation, handler->variant, places);
    disasm_print(d, "%6u  %-20s", cell - d->entry, row->name);
    uint32_t at = cell + sizeof(int32_t);
    for (uint32_t i = 0; i < operation_shape_rows[row->shape].operand_count; i++)
        at += disasm_operand(d, places[i], row->types[i], d->code + at);
    at = disasm_fields(d, row->fields, cell, at);
    if (handler->operation == OP_br_table) {
        uint32_t entries = dispatch_field32(d->code + at - 4) + 1;
        at = ALIGN_UP(at, (uint32_t)DISPATCH_CELL_ALIGN);
        for (uint32_t i = 0; i < entries; i++)
            at = disasm_fields(d, "b", cell, at);
    }
    if (wasm_offset != 0)
        disasm_print(d, "  wasm 0x%x", wasm_offset);
    disasm_print(d, "\n");
    return ALIGN_UP(at, (uint32_t)DISPATCH_CELL_ALIGN);
}

/* ---- the machine code beside it -------------------------------------------------------------- */

static void disasm_next_native(struct disasm *d)
{
    uint32_t native_further;
    uint32_t cell_further;
    if (d->fault == d->fault_end) {
        d->native_cell = UINT32_MAX;
        d->native_at = d->native_end;
        return;
    }
    d->fault = fault_number(fault_number(d->fault, &native_further), &cell_further);
    d->native_cell += cell_further;
    d->native_at += native_further;
}

static void disasm_open_native(struct disasm *d, const struct image_header *header, uint32_t func)
{
    if (header->native.count == 0)
        return;
    const struct code_native *rows = image_at(header, header->native_rows);
    const uint8_t *faults = image_at(header, header->faults);
    d->native = image_at(header, header->native);
    d->native_at = rows[func].offset;
    d->native_end = rows[func + 1].offset;
    d->native_cell = d->entry;
    d->fault = faults + rows[func].fault;
    d->fault_end = faults + rows[func + 1].fault;
    disasm_next_native(d);
}

static void disasm_native(struct disasm *d, uint32_t cell)
{
    if (d->native == NULL || d->native_cell != cell)
        return;
    uint32_t from = d->native_at;
    disasm_next_native(d);
    for (uint32_t at = from; at < d->native_at; at++) {
        uint32_t column = (at - from) % DISASM_LINE_BYTES;
        disasm_print(d, "%s%02x", column == 0 ? "        | " : " ", d->native[at]);
        if (column + 1 == DISASM_LINE_BYTES || at + 1 == d->native_at)
            disasm_print(d, "\n");
    }
}

/* ---- what catches exceptions ----------------------------------------------------------------- */

static void disasm_clause(struct disasm *d, const struct code_clause *clause)
{
    if (clause->tag == CODE_NO_TAG)
        disasm_print(d, "catch_all");
    else
        disasm_print(d, "catch %u", clause->tag);
    disasm_print(d, " -> %u fuel %" PRId32, clause->target - d->entry, clause->fuel);
    if (clause->value_count > 0)
        disasm_print(d, "  values s%u", clause->slot);
    if (clause->reference_slot != CODE_NO_SLOT)
        disasm_print(d, "  exception s%u", clause->reference_slot);
}

static void disasm_range(struct disasm *d, const struct code_region *region)
{
    disasm_print(d, "%u..%u", region->start - d->entry, region->end - d->entry);
}

/* A line for each clause of each region that begins in the function. */
static void disasm_regions(struct disasm *d, const struct image_header *header)
{
    const struct code_region *regions = image_at(header, header->regions);
    const struct code_clause *clauses = image_at(header, header->clauses);
    for (uint32_t i = 0; i < header->regions.count; i++) {
        if (regions[i].start < d->entry || regions[i].start >= d->end)
            continue;
        uint32_t row = regions[i].first_clause;
        do {
            disasm_print(d, "try ");
            disasm_range(d, &regions[i]);
            disasm_print(d, "  ");
            if (row != CODE_NO_CLAUSE) {
                disasm_clause(d, &clauses[row]);
                row = clauses[row].next;
            } else if (regions[i].next == CODE_NO_REGION) {
                disasm_print(d, "to the caller");
            } else {
                disasm_print(d, "to ");
                disasm_range(d, &regions[regions[i].next]);
            }
            disasm_print(d, "\n");
        } while (row != CODE_NO_CLAUSE);
    }
}

/* `decoded` may be NULL. */
static enum status disasm_func(const struct engine_module *module,
                               const struct module *decoded,
                               uint32_t func_index,
                               struct buffer *out)
{
    const struct image_header *header = module->header;
    ASSERT(func_index < header->funcs.count);
    const struct image_func *funcs = image_at(header, header->funcs);
    struct disasm d = {
        .code = image_at(header, header->code),
        .entry = funcs[func_index].entry,
        .end = header->code.count,
        .marks = image_at(header, header->marks),
        .mark_count = header->marks.count,
        .out = out,
    };
    if (decoded != NULL)
        disasm_open_wasm(&d, decoded, func_index);
    if (func_index + 1 < header->funcs.count)
        d.end = funcs[func_index + 1].entry - (uint32_t)sizeof(uint32_t);
    enum status status = disasm_index_handlers(&d);
    if (status != STATUS_OK)
        return status;
    disasm_print(&d, "locals %u, %u bytes\n", dispatch_field32(d.code + d.entry - 4),
                 d.end - d.entry);
    disasm_open_native(&d, header, func_index);
    for (uint32_t cell = d.entry; cell < d.end && d.status == STATUS_OK;) {
        uint32_t next = disasm_cell(&d, cell);
        disasm_native(&d, cell);
        cell = next;
    }
    disasm_wasm(&d, UINT32_MAX);
    disasm_regions(&d, header);
    free(d.handlers);
    return d.status;
}

enum status
engine_disassemble(const struct engine_module *module, uint32_t func_index, struct buffer *out)
{
    return disasm_func(module, NULL, func_index, out);
}

enum status engine_disassemble_beside(const struct engine_module *module,
                                      struct bytes wasm,
                                      uint32_t func_index,
                                      struct buffer *out)
{
    struct module decoded = {0};
    enum status status = decode_module(wasm, &engine_limits_default, NULL, &decoded);
    if (status == STATUS_OK && decoded.func_count != module->header->funcs.count)
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        status = disasm_func(module, &decoded, func_index, out);
    module_done(&decoded);
    return status;
}
