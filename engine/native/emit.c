/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From cells to native code: function by function, cell by cell, a copy of each one's stencil.
 *
 *   native code:  | thunks | function | function | ... | ways to functions without | pool |
 *
 *   function:     | pop | stencil of a cell | stencil | ... | ways out | tables of br_table |
 *
 *   thunk         counts fuel, leaves for threaded code: to the cell in PC, or to wait there
 *   way out       12 bytes: makes CODE the address of a cell, jumps to a thunk
 *
 * A call of native code comes in at the pop, which takes the address off the machine's stack that
 * the call put there (ops/stencil.h); who jumps comes in behind it.
 *
 * A cell without a stencil is a way out to itself. Jumps ahead are filled in when the function is
 * done, calls of functions further on when all are. Nothing here looks at Wasm: what cells say is
 * what native code does.
 */
#include <stddef.h>
#include <stdlib.h>

#include "engine/native/cells.h"
#include "engine/native/faults.h"
#include "engine/native/native.h"

/* At 16, a processor's predictor takes indirect calls for each other (docs/native.md). */
#define EMIT_FUNC_ALIGN 32
#define EMIT_WAY_BYTES  12

/* pop %rax, which is nobody's between stencils */
static const uint8_t emit_pop = 0x58;

/* What is still to be filled in: 32 bits at `at`. */
struct emit_fix {
    uint32_t at;
    uint32_t cell; /* POOL: where in the pool, less 4 */
    uint32_t kind; /* enum stencil_hole_kind */
};

struct emitter {
    struct code *code;
    const struct engine_options *options;
    struct native_cells cells;
    struct buffer *out;
    struct buffer fixes; /* array of struct emit_fix: of the function at hand */
    struct buffer later; /* and what has to wait for the end of all */
    uint32_t *labels;    /* native offset of each cell of the function; by half its own offset */
    uint32_t *ways;      /* ways out to wait for fuel, likewise; 0: none yet */
    uint32_t label_capacity;
    uint32_t entry; /* of the function */
    uint32_t end;
    uint32_t to_cell; /* thunks */
    uint32_t to_suspend;
    uint32_t to_func;
    uint32_t to_func_suspend;
    uint32_t to_return;
    int32_t enter; /* distances of handlers */
    int32_t back;
    int32_t skip;
    enum status status; /* sticky */
};

static uint32_t emit_offset(const struct emitter *e)
{
    return (uint32_t)e->out->count;
}

static bool emit_room(struct emitter *e, size_t bytes)
{
    if (e->status == STATUS_OK && UNLIKELY(e->out->capacity - e->out->count < bytes))
        e->status = buffer_reserve(e->out, bytes);
    return e->status == STATUS_OK;
}

static void emit_bytes(struct emitter *e, const void *bytes, size_t count)
{
    if (!emit_room(e, count))
        return;
    memcpy(e->out->data + e->out->count, bytes, count);
    e->out->count += count;
}

static void emit_pad(struct emitter *e, size_t align)
{
    static const uint8_t trap = 0xcc;
    for (size_t count = -e->out->count & (align - 1); count > 0; count--)
        emit_bytes(e, &trap, sizeof(trap));
}

static void emit_put32(struct emitter *e, uint32_t at, uint32_t value)
{
    memcpy(e->out->data + at, &value, sizeof(value));
}

/* A jump's or constant's 32 bits, which count from behind themselves. */
static void emit_relate(struct emitter *e, uint32_t at, uint32_t target)
{
    emit_put32(e, at, target - (at + STENCIL_ADDRESS_BYTES));
}

static void emit_fix_later(struct emitter *e, struct buffer *list, struct emit_fix fix)
{
    if (e->status == STATUS_OK)
        e->status = buffer_append(list, &fix, sizeof(fix));
}

/* ---- the ways to threaded code --------------------------------------------------------------- */

/* mov machine(%rdi),%rax; sub %r15,fuel_native(%rax): what GO_TO_NATIVE has put there */
static void emit_count(struct emitter *e)
{
    uint8_t count[] = {0x48, 0x8b, 0x87, 0, 0, 0, 0, 0x4c, 0x29, 0xb8, 0, 0, 0, 0};
    const uint32_t machine = offsetof(struct engine_instance, machine);
    const uint32_t fuel = offsetof(struct engine_machine, fuel_native);
    memcpy(count + 3, &machine, sizeof(machine));
    memcpy(count + 10, &fuel, sizeof(fuel));
    emit_bytes(e, count, sizeof(count));
}

static void emit_thunks(struct emitter *e)
{
    /* movslq (%r12),%rax; add %rsi,%rax; jmp *%rax */
    static const uint8_t dispatch[] = {0x49, 0x63, 0x04, 0x24, 0x48, 0x01, 0xf0, 0xff, 0xe0};
    /* lea distance(%rsi),%rax; jmp *%rax */
    uint8_t suspend[] = {0x48, 0x8d, 0x86, 0, 0, 0, 0, 0xff, 0xe0};
    /* mov (%r9),%r9d; add %r9,%r12: the cell of a function's row */
    static const uint8_t func[] = {0x45, 0x8b, 0x09, 0x4d, 0x01, 0xcc};
    /* mov %r9,%r12 */
    static const uint8_t pin[] = {0x4d, 0x89, 0xcc};
    _Static_assert(offsetof(struct image_func, entry) == 0, "found by its row's address");
    int32_t distance = operation_distance(dispatch_suspend);
    memcpy(suspend + 3, &distance, sizeof(distance));
    e->to_func = emit_offset(e);
    emit_bytes(e, func, sizeof(func));
    e->to_cell = emit_offset(e);
    emit_count(e);
    emit_bytes(e, dispatch, sizeof(dispatch));
    e->to_func_suspend = emit_offset(e);
    emit_bytes(e, func, sizeof(func));
    e->to_suspend = emit_offset(e);
    emit_count(e);
    emit_bytes(e, suspend, sizeof(suspend));
    e->to_return = emit_offset(e);
    emit_bytes(e, pin, sizeof(pin));
    emit_count(e);
    emit_bytes(e, dispatch, sizeof(dispatch));
}

/* add $cell,%r12; jmp thunk */
static void emit_way(struct emitter *e, uint32_t cell, uint32_t thunk)
{
    uint8_t way[EMIT_WAY_BYTES] = {0x49, 0x81, 0xc4, 0, 0, 0, 0, 0xe9};
    memcpy(way + 3, &cell, sizeof(cell));
    uint32_t at = emit_offset(e);
    emit_bytes(e, way, sizeof(way));
    if (e->status == STATUS_OK)
        emit_relate(e, at + EMIT_WAY_BYTES - STENCIL_ADDRESS_BYTES, thunk);
}

/* sub $frame,%r13: where a callee comes back to */
static void emit_back(struct emitter *e, uint32_t frame)
{
    uint8_t back[STENCIL_BACK_BYTES] = {0x49, 0x81, 0xed};
    memcpy(back + 3, &frame, sizeof(frame));
    emit_bytes(e, back, sizeof(back));
}

/* ---- one cell -------------------------------------------------------------------------------- */

struct emit_at {
    uint32_t cell; /* offset in the code */
    const uint8_t *bytes;
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
    else if (e->labels[(target - e->entry) / DISPATCH_CELL_ALIGN] != 0)
        emit_relate(e, place, e->labels[(target - e->entry) / DISPATCH_CELL_ALIGN]);
    else
        emit_fix_later(e, &e->fixes, fix);
}

static bool emit_hole(struct emitter *e, const struct stencil_hole *hole, const struct emit_at *at)
{
    uint32_t place = at->native + hole->at;
    struct emit_fix fix = {.at = place, .cell = at->cell, .kind = hole->kind};
    switch ((enum stencil_hole_kind)hole->kind) {
    case STENCIL_NEXT:
        emit_relate(e, place, at->end);
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
        emit_relate(e, place, e->to_suspend);
        return true;
    case STENCIL_FUNC:
        emit_relate(e, place, e->to_func);
        return true;
    case STENCIL_FUNC_WAIT:
        emit_relate(e, place, e->to_func_suspend);
        return true;
    case STENCIL_RETURN_CELL:
        emit_relate(e, place, e->to_return);
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
        return emit_number(e->out->data + place, hole, emit_value(e, hole, at));
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
    size_t rounded = ALIGN_UP((size_t)stencil->count, (size_t)16);
    if (!emit_room(e, rounded))
        return true;
    memcpy(e->out->data + e->out->count, stencils_bytes + stencil->bytes, rounded);
    at->end = at->native + stencil->count;
    const struct stencil_hole *hole = &stencils_holes[stencil->first_hole];
    for (uint32_t i = 0; i < stencil->hole_count; i++) {
        if (!emit_hole(e, &hole[i], at)) {
            e->fixes.count = fixes;
            e->later.count = later;
            return false;
        }
    }
    e->out->count += stencil->count;
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
        emit_way(e, at->cell, e->to_cell);
    if (!done && operation_is_call(at->row->operation))
        emit_back(e, (uint32_t)dispatch_field16(at->bytes + at->row->fields) * 8);
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
    e->status = STATUS_NO_MEMORY;
    return false;
}

static uint32_t emit_way_to_wait(struct emitter *e, uint32_t cell)
{
    uint32_t *way =
        emit_is_inside(e, cell) ? &e->ways[(cell - e->entry) / DISPATCH_CELL_ALIGN] : NULL;
    if (way != NULL && *way != 0)
        return *way;
    uint32_t offset = emit_offset(e);
    emit_way(e, cell, e->to_suspend);
    if (way != NULL)
        *way = offset;
    return offset;
}

/* The native offsets that a br_table's entries lead to. */
static uint32_t emit_table(struct emitter *e, uint32_t cell)
{
    const uint8_t *bytes = e->code->cells.data + cell;
    const struct native_cell *row = native_cells_find(&e->cells, (int32_t)dispatch_field32(bytes));
    uint32_t count = (native_cell_bytes(row, bytes) - row->bytes) / BRANCH_BYTES;
    emit_pad(e, sizeof(uint32_t));
    uint32_t offset = emit_offset(e);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t target = cell + dispatch_field32(bytes + row->bytes + (size_t)i * BRANCH_BYTES);
        ASSERT(emit_is_inside(e, target));
        emit_bytes(e, &e->labels[(target - e->entry) / DISPATCH_CELL_ALIGN], sizeof(uint32_t));
    }
    return offset;
}

static void emit_fix_function(struct emitter *e)
{
    const struct emit_fix *fixes = (const void *)e->fixes.data;
    uint32_t count = (uint32_t)(e->fixes.count / sizeof(*fixes));
    uint32_t deferred = UINT32_MAX; /* the cell whose way out was written last */
    uint32_t way = 0;
    for (uint32_t i = 0; i < count && e->status == STATUS_OK; i++) {
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
                way = emit_offset(e);
                emit_way(e, fix.cell, e->to_cell);
            }
            to = way;
            break;
        default:
            ASSERT(fix.kind == STENCIL_TABLE);
            emit_put32(e, fix.at, emit_table(e, fix.cell));
            continue;
        }
        emit_relate(e, fix.at, to);
    }
    e->fixes.count = 0;
}

static void emit_function(struct emitter *e)
{
    uint32_t halves = (e->end - e->entry) / DISPATCH_CELL_ALIGN + 1;
    if (!emit_reserve_labels(e, halves))
        return;
    const uint8_t *code = e->code->cells.data;
    bool behind_call = false;
    uint32_t fault_native = emit_offset(e);
    uint32_t fault_cell = e->entry;
    emit_bytes(e, &emit_pop, sizeof(emit_pop));
    for (uint32_t cell = e->entry; cell < e->end && e->status == STATUS_OK;) {
        struct emit_at at = {
            .cell = cell,
            .bytes = code + cell,
            .row = native_cells_find(&e->cells, (int32_t)dispatch_field32(code + cell)),
            .native = emit_offset(e),
        };
        at.next = cell + native_cell_bytes(at.row, at.bytes);
        e->labels[(cell - e->entry) / DISPATCH_CELL_ALIGN] = at.native;
        if (at.row->distance == e->enter) {
            emit_enter(e, cell, at.native, behind_call);
        } else {
            emit_native_cell(e, &at);
            if ((at.row->faults || e->options->all_marks) && e->status == STATUS_OK) {
                e->status =
                    native_fault_put(&e->code->faults, at.native - fault_native, cell - fault_cell);
                fault_native = at.native;
                fault_cell = cell;
            }
        }
        behind_call = operation_is_call(at.row->operation);
        cell = at.next;
    }
    emit_fix_function(e);
    memset(e->labels, 0, halves * sizeof(*e->labels));
    memset(e->ways, 0, halves * sizeof(*e->ways));
}

/* The function's cells that lead to native code lead nowhere. */
static void emit_skip_function(struct emitter *e)
{
    uint8_t *code = e->code->cells.data;
    for (uint32_t cell = e->entry; cell < e->end;) {
        const struct native_cell *row =
            native_cells_find(&e->cells, (int32_t)dispatch_field32(code + cell));
        if (row->distance == e->enter)
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
    for (uint32_t i = 0; i < count && e->status == STATUS_OK; i++) {
        struct emit_fix fix = fixes[i];
        if (fix.kind == STENCIL_POOL) {
            if (pool == 0) {
                emit_pad(e, STENCIL_POOL_ALIGN);
                pool = emit_offset(e);
                emit_bytes(e, stencils_pool, stencils_pool_bytes);
            }
            if (e->status == STATUS_OK)
                emit_put32(e, fix.at, pool + fix.cell - fix.at);
            continue;
        }
        uint32_t to = emit_entry(e, fix.cell);
        if (to == 0) {
            to = emit_offset(e);
            emit_bytes(e, &emit_pop, sizeof(emit_pop));
            emit_way(e, fix.cell, e->to_cell);
        }
        if (fix.kind == STENCIL_TARGET)
            to += STENCIL_POP_BYTES;
        if (e->status == STATUS_OK)
            emit_relate(e, fix.at, to);
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
    for (uint32_t i = 0; i < module->func_count && e->status == STATUS_OK; i++) {
        bool is_last = i + 1 == module->func_count;
        e->entry = code->entries[i];
        e->end = is_last ? (uint32_t)code->cells.count
                         : code->entries[i + 1] - (uint32_t)CODE_LOCALS_BYTES;
        emit_pad(e, EMIT_FUNC_ALIGN);
        code->native_rows[i] =
            (struct code_native){.offset = emit_offset(e), .fault = (uint32_t)code->faults.count};
        if (i < module->imported_func_count)
            continue;
        if (emit_is_left_out(e, ~i) || e->out->count >= enough)
            emit_skip_function(e);
        else
            emit_function(e);
        if (e->status == STATUS_OK)
            code->native_entries[i] = emit_entry(e, e->entry);
    }
    if (e->status != STATUS_OK)
        return;
    code->native_rows[module->func_count] =
        (struct code_native){.offset = emit_offset(e), .fault = (uint32_t)code->faults.count};
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
        .out = &code->native,
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
    e.status = has_rows ? native_cells_init(&e.cells) : STATUS_LIMIT;
    emit_thunks(&e);
    emit_functions(&e, module);
    emit_fix_module(&e);
    if (e.status != STATUS_OK)
        emit_give_up(code);
    native_cells_done(&e.cells);
    buffer_done(&e.fixes);
    buffer_done(&e.later);
    free(e.labels);
    free(e.ways);
}
