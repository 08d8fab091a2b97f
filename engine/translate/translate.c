/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator's outer loops: functions of a module, stubs of its imports, instructions
 * of a function.
 *
 *   code of one function:  | locals u32 | zero locals | load pins | body ... |
 *                                       ^ entry
 */
#include "engine/translate/translate.h"

#include <stdlib.h>

#include "engine/emit/emit.h"
#include "engine/emit/hold.h"
#include "engine/emit/pins.h"
#include "engine/emit/value.h"
#include "engine/native/native.h"
#include "engine/read/decode_immediate.h"
#include "engine/read/decode_types.h"
#include "engine/run/call.h"
#include "engine/run/frames.h"
#include "engine/translate/block.h"
#include "engine/translate/call.h"
#include "engine/translate/control.h"
#include "engine/translate/simple.h"
#include "engine/translate/try.h"

#define TRANSLATE_CELLS_MAX ((size_t)1 << 30) /* distances between cells are 32 bits */

/* A straight run of so many instructions charges and tests fuel on its way: it bounds how
 * long a slice can overrun. */
#define TRANSLATE_LONG_RUN 4096

/* ---- locals ---------------------------------------------------------------------------------- */

static bool translate_reserve_locals(struct translator *t, uint32_t count)
{
    if (count <= t->locals.capacity)
        return true;
    uint8_t *types = realloc(t->locals.types, count);
    if (types != NULL)
        t->locals.types = types;
    uint8_t *places = realloc(t->locals.places, count);
    if (places != NULL)
        t->locals.places = places;
    bool *zero = realloc(t->locals.needs_zero, count * sizeof(*zero));
    if (zero != NULL)
        t->locals.needs_zero = zero;
    uint32_t *refs = realloc(t->locals.refs, count * sizeof(*refs));
    if (refs != NULL)
        t->locals.refs = refs;
    uint32_t *slots = realloc(t->locals.slots, count * sizeof(*slots));
    if (slots != NULL)
        t->locals.slots = slots;
    if (types == NULL || places == NULL || zero == NULL || refs == NULL || slots == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return false;
    }
    t->locals.capacity = count;
    return true;
}

/* The types of the locals, so far by index, come to their slots. */
static bool translate_spread_vectors(struct translator *t, uint32_t count)
{
    uint32_t slots = count;
    for (uint32_t i = 0; i < count; i++)
        slots += t->locals.types[i] == ENGINE_V128;
    if (slots + FRAME_LINK_SLOTS >= MODULE_MAX_FRAME_SLOTS) {
        emit_fail(t, STATUS_LIMIT, "locals need more slots than a frame has");
        return false;
    }
    if (!translate_reserve_locals(t, slots))
        return false;
    t->locals.count = slots;
    /* From the end: no local moves down. */
    for (uint32_t i = count; i-- > 0;) {
        uint8_t type = t->locals.types[i];
        if (type == ENGINE_V128)
            t->locals.types[--slots] = TYPE_UPPER_HALF;
        t->locals.types[--slots] = type;
        t->locals.slots[i] = slots;
    }
    return true;
}

/* Reads the declarations; two passes, the first only counts. */
static bool translate_read_locals(struct translator *t)
{
    struct reader counting = t->reader;
    uint32_t runs = reader_u32(&counting);
    uint32_t count = t->func.type->param_count;
    for (uint32_t i = 0; i < runs; i++) {
        count += reader_u32(&counting);
        (void)decode_value_type(&counting, t->module);
    }
    t->output.code->local_count += count;
    if (t->output.code->local_count > MODULE_MAX_LOCALS_TOTAL) {
        emit_fail(t, STATUS_LIMIT, TRANSLATE_TOO_MANY_LOCALS);
        return false;
    }
    if (!translate_reserve_locals(t, count))
        return false;
    t->locals.count = count;
    t->locals.has_vectors = false;
    for (uint32_t i = 0; i < t->func.type->param_count; i++) {
        t->locals.types[i] = type_class(t->func.type->params[i]);
        t->locals.has_vectors |= t->locals.types[i] == ENGINE_V128;
    }
    uint32_t next = t->func.type->param_count;
    (void)reader_u32(&t->reader);
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t length = reader_u32(&t->reader);
        uint8_t type = type_class(decode_value_type(&t->reader, t->module));
        if (length > 0)
            memset(t->locals.types + next, type, length);
        t->locals.has_vectors |= type == ENGINE_V128;
        next += length;
    }
    if (t->locals.has_vectors && !translate_spread_vectors(t, count))
        return false;
    if (count > 0) {
        memset(t->locals.places, PLACE_S, t->locals.count);
        memset(t->locals.needs_zero, 0, t->locals.count * sizeof(*t->locals.needs_zero));
        memset(t->locals.refs, 0, t->locals.count * sizeof(*t->locals.refs));
    }
    return true;
}

/* Runs of locals to be zeroed are one run if no more others than this are between them. */
#define TRANSLATE_ZERO_GAP 8

static void translate_zero_run(struct translator *t, uint32_t first, uint32_t count)
{
    static const enum operation by_count[] = {OP_zero_1, OP_zero_2, OP_zero_3, OP_zero_4};
    struct instruction zero = {.operation = OP_zero_many, .fields = {first, count}};
    if (count <= COUNT_OF(by_count))
        zero.operation = by_count[count - 1];
    (void)emit_cell(t, &zero);
}

static bool translate_needs_zero(const struct translator *t, uint32_t slot)
{
    return t->locals.needs_zero[slot - (t->locals.types[slot] == TYPE_UPPER_HALF)];
}

static void translate_zero_locals(struct translator *t)
{
    uint32_t first = 0;
    uint32_t end = 0; /* of the run; 0: none yet */
    uint32_t params = engine_slot_count(t->func.type->params, t->func.type->param_count);
    for (uint32_t slot = params; slot < t->locals.count; slot++) {
        if (!translate_needs_zero(t, slot))
            continue;
        if (end != 0 && slot - end > TRANSLATE_ZERO_GAP) {
            translate_zero_run(t, first, end - first);
            end = 0;
        }
        if (end == 0)
            first = slot;
        end = slot + 1;
    }
    if (end != 0)
        translate_zero_run(t, first, end - first);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* The header and, behind it, the entry. */
static void translate_begin_code(struct translator *t)
{
    uint32_t header = emit_words(t, 1);
    if (t->status != STATUS_OK)
        return;
    memcpy(t->output.code->cells.data + header, &t->locals.count, sizeof(t->locals.count));
    t->output.code->entries[t->func.index] = emit_here(t);
    t->output.wants_enter = t->output.has_native;
    t->executed = 0;
    t->hold.has_pending = false;
    t->output.has_last = false;
}

/* Structure costs no fuel; every other instruction is one unit of it. */
static bool translate_is_free(uint32_t opcode)
{
    return opcode == OPCODE_BLOCK || opcode == OPCODE_LOOP || opcode == OPCODE_ELSE ||
           opcode == OPCODE_END || opcode == OPCODE_TRY_TABLE || opcode == OPCODE_TRY ||
           opcode == OPCODE_CATCH || opcode == OPCODE_CATCH_ALL || opcode == OPCODE_DELEGATE;
}

/* Charges what was executed, with a test. */
static void translate_charge(struct translator *t)
{
    hold_flush(t);
    struct instruction charge = {.operation = OP_charge, .fields = {(uint64_t)t->executed}};
    (void)emit_cell(t, &charge);
    t->executed = 0;
}

static void translate_control(struct translator *t, uint32_t opcode)
{
    static void (*const by_opcode[OPCODE_TRY_TABLE + 1])(struct translator *, uint32_t) = {
        [OPCODE_UNREACHABLE] = control_translate,
        [OPCODE_BLOCK] = block_translate,
        [OPCODE_LOOP] = block_translate,
        [OPCODE_IF] = block_translate,
        [OPCODE_ELSE] = block_translate,
        [OPCODE_TRY] = try_translate,
        [OPCODE_CATCH] = try_translate,
        [OPCODE_THROW] = try_translate,
        [OPCODE_RETHROW] = try_translate,
        [OPCODE_THROW_REF] = try_translate,
        [OPCODE_END] = block_translate,
        [OPCODE_BR] = control_translate,
        [OPCODE_BR_IF] = control_translate,
        [OPCODE_BR_TABLE] = control_translate,
        [OPCODE_RETURN] = control_translate,
        [OPCODE_CALL] = call_translate,
        [OPCODE_CALL_INDIRECT] = call_translate,
        [OPCODE_RETURN_CALL] = call_translate,
        [OPCODE_RETURN_CALL_INDIRECT] = call_translate,
        [OPCODE_CALL_REF] = call_translate,
        [OPCODE_RETURN_CALL_REF] = call_translate,
        [OPCODE_DELEGATE] = try_translate,
        [OPCODE_CATCH_ALL] = try_translate,
        [OPCODE_TRY_TABLE] = try_translate,
    };
    if (opcode > OPCODE_TRY_TABLE)
        return control_translate(t, opcode);
    ASSERT(by_opcode[opcode] != NULL);
    by_opcode[opcode](t, opcode);
}

/* In code that cannot be reached only nesting counts. */
static void translate_dead(struct translator *t, uint32_t opcode)
{
    if (opcode == OPCODE_IF || translate_is_free(opcode))
        translate_control(t, opcode);
    else
        decode_skip_immediate(&t->reader, opcode_row(opcode)->immediate);
}

static void translate_instruction(struct translator *t)
{
    t->opcode_offset = reader_offset(&t->reader);
    uint32_t opcode = decode_opcode(&t->reader);
    if (UNLIKELY(t->dead)) {
        translate_dead(t, opcode);
        return;
    }
    if (!translate_is_free(opcode)) {
        if (UNLIKELY(t->executed >= TRANSLATE_LONG_RUN))
            translate_charge(t);
        t->executed++;
    }
    if (opcode == OPCODE_LOCAL_GET) { /* a third of all instructions */
        uint32_t local = local_slot(t, reader_u32(&t->reader));
        value_push_whole(
            t, (struct value){.kind = VALUE_LOCAL, .type = t->locals.types[local], .local = local});
    } else if (!simple_translate(t, opcode)) {
        translate_control(t, opcode);
    }
}

static void translate_body(struct translator *t)
{
    const struct module_func *func = &t->module->funcs[t->func.index];
    const uint8_t *wasm = t->module->wasm.data;
    t->reader = reader_make(wasm, wasm + func->body_offset,
                            wasm + func->body_offset + func->body_bytes, t->report);
    if (!translate_read_locals(t))
        return;
    pins_choose(t);
    translate_begin_code(t);
    translate_zero_locals(t);
    call_load_pins(t);
    t->output.has_last = false;
    t->stack.height = 0;
    t->stack.limit = 0;
    t->stack.settled = 0;
    t->output.fixup_count = 0;
    t->blocks.region = CODE_NO_REGION;
    t->blocks.count = 0;
    t->dead = false;
    control_begin_function(t);
    while (t->blocks.count > 0 && t->status == STATUS_OK) {
        translate_instruction(t);
        if (reader_failed(&t->reader))
            t->status = t->reader.status;
    }
    hold_flush(t);
}

/* A stub: call the import, bring its results where a caller looks for them, return. */
static void translate_stub(struct translator *t)
{
    uint32_t params = engine_slot_count(t->func.type->params, t->func.type->param_count);
    uint32_t results = t->func.result_slots;
    t->locals.count = MAX(params, results);
    translate_begin_code(t);
    enum call_result class = call_result_of(*t->func.type);
    struct instruction call = {.operation = OP_import_call,
                               .fields = {class, t->locals.count, params, t->func.index}};
    (void)emit_cell(t, &call);
    bool many = class == CALL_RESULT_MANY;
    struct instruction copy = {.operation = OP_import_return,
                               .fields = {t->locals.count, many ? results : 0}};
    (void)emit_cell(t, &copy);
    struct instruction leave = {.operation = OP_return_none, .fields = {t->locals.count, 0}};
    if (many) {
        leave = (struct instruction){.operation = OP_return_many,
                                     .fields = {0, results, t->locals.count}};
    } else if (class != CALL_RESULT_NONE) {
        bool is_float = class == CALL_RESULT_FLOAT;
        leave.operation = is_float ? OP_return_f64 : OP_return_i64; /* from the accumulator */
    }
    (void)emit_cell(t, &leave);
}

static void translate_done(struct translator *t)
{
    free(t->locals.types);
    free(t->locals.refs);
    free(t->locals.slots);
    free(t->locals.places);
    free(t->locals.needs_zero);
    free(t->stack.values);
    free(t->blocks.frames);
    free(t->output.fixups);
}

/*
 * Room for what functions usually become, at once: growing would copy it over and over, and
 * pages that are never written cost nothing.
 */
static enum status
translate_reserve_code(const struct module *module, struct module_range range, struct code *code)
{
    size_t bytes = 0;
    for (uint32_t i = range.first; i < range.end; i++)
        bytes += module->funcs[i].body_bytes;
    buffer_init(&code->cells, TRANSLATE_CELLS_MAX);
    buffer_init(&code->marks, TRANSLATE_CELLS_MAX);
    buffer_init(&code->regions, TRANSLATE_CELLS_MAX);
    buffer_init(&code->clauses, TRANSLATE_CELLS_MAX);
    buffer_init(&code->handlers, TRANSLATE_CELLS_MAX);
    buffer_init(&code->calls, TRANSLATE_CELLS_MAX);
    buffer_init(&code->native, NATIVE_BYTES_MAX);
    buffer_init(&code->faults, NATIVE_BYTES_MAX);
    enum status status = buffer_reserve(&code->cells, MIN(bytes * 3, TRANSLATE_CELLS_MAX));
    if (status == STATUS_OK)
        status = buffer_reserve(&code->marks, MIN(bytes, TRANSLATE_CELLS_MAX));
    return status;
}

enum status translate_funcs(const struct module *module,
                            struct module_range range,
                            const struct engine_options *options,
                            struct report *report,
                            struct code *ret_code)
{
    struct translator t = {
        .module = module, .report = report, .options = options, .output.code = ret_code};
    t.hold.pending = &t.hold.instructions[0];
    t.hold.spare = &t.hold.instructions[1];
    enum status status = translate_reserve_code(module, range, ret_code);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "no memory for the threaded code of this module");
    bool native = options->native != ENGINE_NATIVE_OFF && native_is_built();
    for (uint32_t i = range.first; i < range.end && t.status == STATUS_OK; i++) {
        t.func.index = i;
        t.func.type = module_func_type(module, i);
        t.func.result_slots = engine_slot_count(t.func.type->results, t.func.type->result_count);
        /* A stub's work is the host's: native code would add a way there and back. */
        t.output.has_native = native && i >= module->imported_func_count;
        if (i < module->imported_func_count)
            translate_stub(&t);
        else
            translate_body(&t);
    }
    /* Room for locals and operands only grew: it is what the largest frame needs, or a little
     * more. */
    ret_code->frame_slots = t.locals.capacity + (uint32_t)FRAME_LINK_SLOTS + t.stack.capacity;
    translate_done(&t);
    return t.status;
}
