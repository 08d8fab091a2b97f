/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From cells to native code: function by function, cell by cell, a copy of each one's stencil.
 *
 *   native code:  | thunks | function | function | ... | ways to functions without | pool |
 *
 *   function:     | pop | stencil of a cell | stencil | ... | ways out | tables of br_table |
 *
 * Thunks and ways out are in ways.h.
 *
 * A call of native code comes in at the pop, which takes the address off the machine's stack that
 * the call put there (ops/stencil.h); who jumps comes in behind it.
 *
 * A cell without a stencil is a way out to itself. Jumps ahead are filled in when the function is
 * done, calls of functions further on when all are. Nothing here looks at Wasm: what cells say is
 * what native code does.
 */
#include <stdlib.h>

#include "engine/native/cells.h"
#include "engine/native/faults.h"
#include "engine/native/native.h"
#include "engine/native/output.h"
#include "engine/native/ways.h"

/* At 16, a processor's predictor takes indirect calls for each other (docs/native.md). */
#define EMIT_FUNC_ALIGN 32
/* Stencils are copied in steps of this, and what a step copies too much is overwritten. */
#define EMIT_STRIDE 16u
_Static_assert(EMIT_STRIDE <= STENCIL_OVERREAD, "the last step reads behind its stencil");

/* pop %rax, which is nobody's between stencils */
static const uint8_t emit_pop = 0x58;

/* What is still to be filled in: 32 bits at `at`. */
struct emit_fix {
    uint32_t at;
    uint32_t cell;            /* POOL: where in the pool, less 4 */
    uint16_t kind;            /* enum stencil_hole_kind */
    struct code_cell handler; /* TABLE: of the cell */
};

struct emitter {
    struct code *code;
    const struct engine_options *options;
    struct native_cells cells;
    const struct code_cell *handlers; /* of the cell that is next, and all behind it */
    struct native_output out;
    struct buffer fixes; /* array of struct emit_fix: of the function at hand */
    struct buffer later; /* and what has to wait for the end of all */
    uint32_t *labels;    /* native offset of each cell so far; by half its offset in the function */
    uint32_t *ways;      /* ways out to wait for fuel, likewise; 0: none yet */
    uint32_t label_capacity;
    uint32_t entry; /* of the function */
    uint32_t end;
    struct native_thunks thunks;
    int32_t enter; /* distances of handlers */
    int32_t back;
    int32_t skip;
};

static void emit_fix_later(struct emitter *e, struct buffer *list, struct emit_fix fix)
{
    if (UNLIKELY(list->capacity - list->count < sizeof(fix)) && e->out.status == STATUS_OK)
        e->out.status = buffer_reserve(list, sizeof(fix));
    if (e->out.status != STATUS_OK)
        return;
    memcpy(list->data + list->count, &fix, sizeof(fix));
    list->count += sizeof(fix);
}

/* ---- one cell -------------------------------------------------------------------------------- */

struct emit_at {
    uint32_t cell; /* offset in the code */
    const uint8_t *bytes;
    struct code_cell handler;
    const struct native_cell *row;
    uint32_t native; /* where its stencil begins */
    uint32_t next;   /* the cell behind it */
    uint32_t end;    /* where its stencil ends */
};

/* What the cell says for a hole that is not a jump. */
static int64_t
emit_value(const struct emitter *e, const struct stencil_hole *hole, const struct emit_at *at)
{
    const uint8_t *field = at->bytes + hole->field;
    switch ((enum stencil_hole_kind)hole->kind) {
    case STENCIL_SLOT:
        return (int64_t)dispatch_field16(field) * 8 + hole->extra;
    case STENCIL_HALF:
        return dispatch_field16(field) + hole->extra;
    case STENCIL_WORD:
        return (int64_t)dispatch_field32(field) + hole->extra;
    case STENCIL_SIGNED:
        return (int32_t)dispatch_field32(field) + hole->extra;
    case STENCIL_EIGHTS:
        return (int64_t)dispatch_field32(field) * 8 + hole->extra;
    case STENCIL_QUAD:
        return (int64_t)(dispatch_field64(field) + (uint64_t)(int64_t)hole->extra);
    case STENCIL_HERE:
        return (int64_t)at->cell + hole->extra;
    default:
        ASSERT(hole->kind == STENCIL_BACK);
        return (int64_t)(uint32_t)e->back;
    }
}

/* False: the value does not fit what the instruction makes of its hole. */
static bool emit_number(uint8_t *place, const struct stencil_hole *hole, int64_t value)
{
    switch ((enum stencil_hole_width)hole->width) {
    case STENCIL_WIDTH_8:
        *place = (uint8_t)value;
        return true;
    case STENCIL_WIDTH_16:
        memcpy(place, &value, sizeof(uint16_t));
        return true;
    case STENCIL_WIDTH_32:
        memcpy(place, &value, sizeof(uint32_t));
        return value == (int64_t)(uint32_t)value;
    case STENCIL_WIDTH_32S:
        memcpy(place, &value, sizeof(int32_t));
        return value == (int32_t)value;
    case STENCIL_WIDTH_64:
        memcpy(place, &value, sizeof(value));
        return true;
    default:
        return false;
    }
}

static uint32_t emit_target(const struct emit_at *at)
{
    return at->cell + dispatch_field32(at->bytes + at->row->target);
}

static bool emit_is_inside(const struct emitter *e, uint32_t cell)
{
    return cell >= e->entry && cell < e->end;
}

/* A jump to where the cell goes: filled in now or later. */
static void emit_jump(struct emitter *e, const struct emit_at *at, uint32_t place)
{
    uint32_t target = emit_target(at);
    struct emit_fix fix = {.at = place, .cell = target, .kind = STENCIL_TARGET};
    if (!emit_is_inside(e, target))
        emit_fix_later(e, &e->later, fix);
    else if (target <= at->cell)
        output_relate(&e->out, place, e->labels[(target - e->entry) / DISPATCH_CELL_ALIGN]);
    else
        emit_fix_later(e, &e->fixes, fix);
}

static bool emit_hole(struct emitter *e, const struct stencil_hole *hole, const struct emit_at *at)
{
    uint32_t place = at->native + hole->at;
    struct emit_fix fix = {
        .at = place, .cell = at->cell, .kind = hole->kind, .handler = at->handler};
    switch ((enum stencil_hole_kind)hole->kind) {
    case STENCIL_NEXT:
        output_relate(&e->out, place, at->end);
        return true;
    case STENCIL_TARGET:
        emit_jump(e, at, place);
        return true;
    case STENCIL_TARGET_WAIT:
        fix.cell = emit_target(at);
        emit_fix_later(e, &e->fixes, fix);
        return true;
    case STENCIL_NEXT_WAIT:
        fix.cell = at->next;
        emit_fix_later(e, &e->fixes, fix);
        return true;
    case STENCIL_DEFER:
    case STENCIL_TABLE:
        emit_fix_later(e, &e->fixes, fix);
        return true;
    case STENCIL_SUSPEND:
        output_relate(&e->out, place, e->thunks.suspend);
        return true;
    case STENCIL_FUNC:
        output_relate(&e->out, place, e->thunks.func);
        return true;
    case STENCIL_FUNC_WAIT:
        output_relate(&e->out, place, e->thunks.func_suspend);
        return true;
    case STENCIL_RETURN_CELL:
        output_relate(&e->out, place, e->thunks.link);
        return true;
    case STENCIL_CALLEE:
        fix.cell = emit_target(at);
        emit_fix_later(e, &e->later, fix);
        return true;
    case STENCIL_POOL:
        fix.cell = (uint32_t)(int32_t)hole->extra;
        emit_fix_later(e, &e->later, fix);
        return true;
    default:
        return emit_number(e->out.bytes->data + place, hole, emit_value(e, hole, at));
    }
}

/* False, and nothing written: the cell's constants do not fit this stencil. */
static bool emit_stencil(struct emitter *e, uint16_t number, struct emit_at *at)
{
    if (number == STENCIL_NONE)
        return false;
    const struct stencil *stencil = &stencils_rows[number];
    size_t fixes = e->fixes.count;
    size_t later = e->later.count;
    if (!output_room(&e->out, (size_t)stencil->count + EMIT_STRIDE))
        return true;
    const uint8_t *from = stencils_bytes + stencil->bytes;
    uint8_t *to = e->out.bytes->data + e->out.bytes->count;
    for (uint32_t i = 0; i < stencil->count; i += EMIT_STRIDE)
        memcpy(to + i, from + i, EMIT_STRIDE);
    at->end = at->native + stencil->count;
    const struct stencil_hole *hole = &stencils_holes[stencil->first_hole];
    for (uint32_t i = 0; i < stencil->hole_count; i++) {
        if (!emit_hole(e, &hole[i], at)) {
            e->fixes.count = fixes;
            e->later.count = later;
            return false;
        }
    }
    e->out.bytes->count += stencil->count;
    return true;
}

/* A test's choice, the same each time it is asked. */
static bool emit_is_left_out(const struct emitter *e, uint32_t number)
{
    uint32_t mixed = (number ^ e->options->native_seed) * 0x9e3779b1u;
    mixed = (mixed ^ mixed >> 15) * 0x85ebca6bu;
    return e->options->native == ENGINE_NATIVE_MIXED && (mixed >> 13) % 4 == 0;
}

static void emit_native_cell(struct emitter *e, struct emit_at *at)
{
    bool beyond = e->options->native_end != 0 && at->cell >= e->options->native_end;
    bool done = !beyond && !emit_is_left_out(e, at->cell) &&
                (emit_stencil(e, at->row->narrow, at) || emit_stencil(e, at->row->wide, at));
    if (!done)
        ways_put(&e->out, at->cell, e->thunks.cell);
    if (!done && operation_is_call(at->row->operation))
        ways_put_back(&e->out, (uint32_t)dispatch_field16(at->bytes + at->row->fields) * 8);
}

/* Tells a cell that enters native code where that is. */
static void emit_enter(struct emitter *e, uint32_t cell, uint32_t native, bool behind_call)
{
    uint8_t *bytes = e->code->cells.data + cell;
    if (behind_call) {
        memcpy(bytes, &e->back, sizeof(e->back));
        native -= STENCIL_BACK_BYTES;
    }
    memcpy(bytes + sizeof(int32_t), &native, sizeof(native));
}

/* ---- one function ---------------------------------------------------------------------------- */

/* What a cell has to know of those before it. */
struct emit_run {
    bool behind_call;
    uint32_t fault_native; /* of the last row in the table of faults */
    uint32_t fault_cell;
};

static bool emit_reserve_labels(struct emitter *e, uint32_t count)
{
    if (count <= e->label_capacity)
        return true;
    free(e->labels);
    free(e->ways);
    e->label_capacity = count * 2;
    e->labels = calloc(e->label_capacity, sizeof(*e->labels));
    e->ways = calloc(e->label_capacity, sizeof(*e->ways));
    if (e->labels != NULL && e->ways != NULL)
        return true;
    e->out.status = STATUS_NO_MEMORY;
    return false;
}

static uint32_t emit_way_to_wait(struct emitter *e, uint32_t cell)
{
    uint32_t *way =
        emit_is_inside(e, cell) ? &e->ways[(cell - e->entry) / DISPATCH_CELL_ALIGN] : NULL;
    if (way != NULL && *way != 0)
        return *way;
    uint32_t offset = output_offset(&e->out);
    ways_put(&e->out, cell, e->thunks.suspend);
    if (way != NULL)
        *way = offset;
    return offset;
}

/* The native offsets that a br_table's entries lead to. */
static uint32_t emit_table(struct emitter *e, uint32_t cell, struct code_cell handler)
{
    const uint8_t *bytes = e->code->cells.data + cell;
    const struct native_cell *row = native_cells_find(&e->cells, handler);
    uint32_t count = native_cell_entries(row, bytes);
    output_pad(&e->out, sizeof(uint32_t));
    uint32_t offset = output_offset(&e->out);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t target = cell + dispatch_field32(bytes + row->bytes + (size_t)i * BRANCH_BYTES);
        ASSERT(emit_is_inside(e, target));
        output_bytes(&e->out, &e->labels[(target - e->entry) / DISPATCH_CELL_ALIGN],
                     sizeof(uint32_t));
    }
    return offset;
}

static void emit_forget_ways(struct emitter *e)
{
    const struct emit_fix *fixes = (const void *)e->fixes.data;
    uint32_t count = (uint32_t)(e->fixes.count / sizeof(*fixes));
    for (uint32_t i = 0; i < count; i++) {
        bool waits = fixes[i].kind == STENCIL_TARGET_WAIT || fixes[i].kind == STENCIL_NEXT_WAIT;
        if (waits && emit_is_inside(e, fixes[i].cell))
            e->ways[(fixes[i].cell - e->entry) / DISPATCH_CELL_ALIGN] = 0;
    }
}

static void emit_fix_function(struct emitter *e)
{
    const struct emit_fix *fixes = (const void *)e->fixes.data;
    uint32_t count = (uint32_t)(e->fixes.count / sizeof(*fixes));
    uint32_t deferred = UINT32_MAX; /* the cell whose way out was written last */
    uint32_t way = 0;
    for (uint32_t i = 0; i < count && e->out.status == STATUS_OK; i++) {
        struct emit_fix fix = fixes[i];
        uint32_t to;
        switch (fix.kind) {
        case STENCIL_TARGET:
            to = e->labels[(fix.cell - e->entry) / DISPATCH_CELL_ALIGN];
            break;
        case STENCIL_TARGET_WAIT:
        case STENCIL_NEXT_WAIT:
            to = emit_way_to_wait(e, fix.cell);
            break;
        case STENCIL_DEFER:
            if (deferred != fix.cell) {
                deferred = fix.cell;
                way = output_offset(&e->out);
                ways_put(&e->out, fix.cell, e->thunks.cell);
            }
            to = way;
            break;
        default:
            ASSERT(fix.kind == STENCIL_TABLE);
            output_put32(&e->out, fix.at, emit_table(e, fix.cell, fix.handler));
            continue;
        }
        output_relate(&e->out, fix.at, to);
    }
    emit_forget_ways(e);
    e->fixes.count = 0;
}

/* One cell's code; returns the cell behind it. */
static uint32_t emit_next_cell(struct emitter *e, uint32_t cell, struct emit_run *run)
{
    struct emit_at at = {
        .cell = cell,
        .bytes = e->code->cells.data + cell,
        .handler = *e->handlers++,
        .native = output_offset(&e->out),
    };
    at.row = native_cells_find(&e->cells, at.handler);
    at.next = cell + native_cell_bytes(at.row, at.bytes);
    e->labels[(cell - e->entry) / DISPATCH_CELL_ALIGN] = at.native;
    if (at.handler.operation == OP_enter_native) {
        emit_enter(e, cell, at.native, run->behind_call);
    } else {
        emit_native_cell(e, &at);
        if ((at.row->faults || e->options->all_marks) && e->out.status == STATUS_OK) {
            e->out.status = native_fault_put(&e->code->faults, at.native - run->fault_native,
                                             cell - run->fault_cell);
            run->fault_native = at.native;
            run->fault_cell = cell;
        }
    }
    run->behind_call = operation_is_call(at.row->operation);
    return at.next;
}

/* False: native code would end behind `most`, so the function has none. */
static bool emit_function(struct emitter *e, size_t most)
{
    if (!emit_reserve_labels(e, (e->end - e->entry) / DISPATCH_CELL_ALIGN + 1))
        return true;
    const struct code_cell *handlers = e->handlers;
    size_t begin = e->out.bytes->count;
    size_t later = e->later.count;
    size_t faults = e->code->faults.count;
    struct emit_run run = {.fault_native = output_offset(&e->out), .fault_cell = e->entry};
    output_bytes(&e->out, &emit_pop, sizeof(emit_pop));
    uint32_t cell = e->entry;
    while (cell < e->end && e->out.status == STATUS_OK && e->out.bytes->count <= most)
        cell = emit_next_cell(e, cell, &run);
    if (cell == e->end)
        emit_fix_function(e);
    if (e->out.status != STATUS_OK || e->out.bytes->count <= most)
        return true;
    e->handlers = handlers;
    e->out.bytes->count = begin;
    e->fixes.count = 0;
    e->later.count = later;
    e->code->faults.count = faults;
    return false;
}

/* The function's cells that lead to native code lead nowhere. */
static void emit_skip_function(struct emitter *e)
{
    uint8_t *code = e->code->cells.data;
    for (uint32_t cell = e->entry; cell < e->end;) {
        struct code_cell handler = *e->handlers++;
        const struct native_cell *row = native_cells_find(&e->cells, handler);
        if (handler.operation == OP_enter_native)
            memcpy(code + cell, &e->skip, sizeof(e->skip));
        cell += native_cell_bytes(row, code + cell);
    }
}

/* ---- the module ------------------------------------------------------------------------------ */

/* The pop of the function with this first cell; 0: it has no native code. */
static uint32_t emit_entry(const struct emitter *e, uint32_t cell)
{
    const uint8_t *bytes = e->code->cells.data + cell;
    bool enters = (int32_t)dispatch_field32(bytes) == e->enter;
    return enters ? dispatch_field32(bytes + sizeof(int32_t)) - STENCIL_POP_BYTES : 0;
}

static void emit_fix_module(struct emitter *e)
{
    const struct emit_fix *fixes = (const void *)e->later.data;
    uint32_t count = (uint32_t)(e->later.count / sizeof(*fixes));
    uint32_t pool = 0; /* where it is; 0: nowhere yet */
    for (uint32_t i = 0; i < count && e->out.status == STATUS_OK; i++) {
        struct emit_fix fix = fixes[i];
        if (fix.kind == STENCIL_POOL) {
            if (pool == 0) {
                output_pad(&e->out, STENCIL_POOL_ALIGN);
                pool = output_offset(&e->out);
                output_bytes(&e->out, stencils_pool, stencils_pool_bytes);
            }
            if (e->out.status == STATUS_OK)
                output_put32(&e->out, fix.at, pool + fix.cell - fix.at);
            continue;
        }
        uint32_t to = emit_entry(e, fix.cell);
        if (to == 0) {
            to = output_offset(&e->out);
            output_bytes(&e->out, &emit_pop, sizeof(emit_pop));
            ways_put(&e->out, fix.cell, e->thunks.cell);
        }
        if (fix.kind == STENCIL_TARGET)
            to += STENCIL_POP_BYTES;
        if (e->out.status == STATUS_OK)
            output_relate(&e->out, fix.at, to);
    }
}

static size_t emit_enough(const struct module *module)
{
    size_t bytes = NATIVE_BYTES_SPARE;
    for (uint32_t i = module->imported_func_count; i < module->func_count; i++)
        bytes += (size_t)module->funcs[i].body_bytes * NATIVE_GROWTH_MAX;
    return bytes;
}

static void emit_functions(struct emitter *e, const struct module *module)
{
    struct code *code = e->code;
    size_t enough = emit_enough(module);
    for (uint32_t i = 0; i < module->func_count && e->out.status == STATUS_OK; i++) {
        bool is_last = i + 1 == module->func_count;
        e->entry = code->entries[i];
        e->end = is_last ? (uint32_t)code->cells.count
                         : code->entries[i + 1] - (uint32_t)CODE_LOCALS_BYTES;
        output_pad(&e->out, EMIT_FUNC_ALIGN);
        code->native_rows[i] = (struct code_native){.offset = output_offset(&e->out),
                                                    .fault = (uint32_t)code->faults.count};
        if (i < module->imported_func_count)
            continue;
        if (emit_is_left_out(e, ~i) || !emit_function(e, enough))
            emit_skip_function(e);
        if (e->out.status == STATUS_OK)
            code->native_entries[i] = emit_entry(e, e->entry);
    }
    if (e->out.status != STATUS_OK)
        return;
    code->native_rows[module->func_count] = (struct code_native){
        .offset = output_offset(&e->out), .fault = (uint32_t)code->faults.count};
}

/* There was no room: cells that enter native code go on to the next, as in any instance that has
 * none. */
static void emit_give_up(struct code *code)
{
    buffer_done(&code->native);
    buffer_done(&code->faults);
    code->native_rows = NULL;
    code->native_entries = NULL;
}

void native_emit(struct module *module, const struct engine_options *options, struct code *code)
{
    static const uint8_t no_places[OPS_OPERANDS_MAX];
    struct emitter e = {
        .code = code,
        .options = options,
        .handlers = (const void *)code->handlers.data,
        .out.bytes = &code->native,
        .enter = operation_handler(OP_enter_native, no_places),
        .back = operation_handler(OP_back_native, no_places),
        .skip = operation_handler(OP_skip, no_places),
    };
    buffer_init(&e.fixes, NATIVE_BYTES_MAX);
    buffer_init(&e.later, NATIVE_BYTES_MAX);
    code->native_rows =
        ARENA_ARRAY(&module->arena, struct code_native, (size_t)module->func_count + 1);
    code->native_entries = ARENA_ARRAY(&module->arena, uint32_t, module->func_count);
    bool has_rows = code->native_rows != NULL && code->native_entries != NULL;
    e.out.status = has_rows ? native_cells_init(&e.cells) : STATUS_LIMIT;
    ways_put_thunks(&e.out, &e.thunks);
    emit_functions(&e, module);
    emit_fix_module(&e);
    if (e.out.status != STATUS_OK)
        emit_give_up(code);
    native_cells_done(&e.cells);
    buffer_done(&e.fixes);
    buffer_done(&e.later);
    free(e.labels);
    free(e.ways);
}
