/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of generated functions (generate.h), forward, step by step: which instruction comes next
 * says a byte, by the weights at the end of this file. Here is what has to do with control.
 */
#include "tests/fuzz/generate_body.h"

enum {
    STEPS_MAX = 400, /* of one function */
    TURNS_MAX = 12,  /* of a counted loop */
    LABELS_MAX = 5,  /* of a br_table */
};
enum { BLOCK_EMPTY = 0x40, CAST_FROM_NULL = 1 };

static void sequence(struct body *b);

static bool has_room(const struct body *b)
{
    return b->height + BODY_DEEP_MAX + 2 * WORLD_VALUES_MAX < BODY_STACK_MAX;
}

/* Behind an instruction that never falls through. */
static void go_dead(struct body *b)
{
    b->height = body_frame(b)->base;
    b->is_dead = !choose_once_in(b->choices, 4); /* else generate what nobody will execute */
}

static void sink(struct body *b)
{
    if (b->height == body_frame(b)->base)
        return;
    uint32_t type = b->stack[b->height - 1];
    uint32_t local = choose(b->choices, b->local_count + 1);
    b->height--;
    if (local == b->local_count || !world_is_subtype(type, b->locals[local])) {
        body_put_opcode(b, OPCODE_DROP);
    } else if (choose_once_in(b->choices, 2)) {
        body_put_opcode(b, OPCODE_LOCAL_TEE);
        wasm_u32(b->out, local);
        body_push(b, b->locals[local]);
    } else {
        body_put_opcode(b, OPCODE_LOCAL_SET);
        wasm_u32(b->out, local);
    }
}

/* ---- variables ------------------------------------------------------------------------------- */

static void emit_value(struct body *b)
{
    bool from_local = b->local_count > 0 && choose_once_in(b->choices, 2);
    body_value(b, from_local ? b->locals[choose(b->choices, b->local_count)]
                             : world_choose_type(b->choices));
}

static void emit_deep(struct body *b)
{
    uint32_t count = choose(b->choices, BODY_DEEP_MAX);
    uint32_t type = world_choose_type(b->choices);
    for (uint32_t i = 0; i < count; i++)
        body_value(b, type);
}

static void emit_local_set(struct body *b)
{
    if (b->local_count == 0)
        return;
    uint32_t local = choose(b->choices, b->local_count);
    bool tee = choose_once_in(b->choices, 2);
    body_want_one(b, b->locals[local]);
    body_put_opcode(b, tee ? OPCODE_LOCAL_TEE : OPCODE_LOCAL_SET);
    wasm_u32(b->out, local);
    if (tee)
        body_push(b, b->locals[local]);
}

static void emit_global_set(struct body *b)
{
    uint32_t global = choose(b->choices, b->world->global_count);
    body_want_one(b, b->world->globals[global]);
    body_put_opcode(b, OPCODE_GLOBAL_SET);
    wasm_u32(b->out, global);
}

static void emit_select(struct body *b)
{
    bool has_top = b->height > body_frame(b)->base;
    uint32_t type = has_top ? b->stack[b->height - 1] : world_choose_type(b->choices);
    body_want(b, &(struct world_types){.at = {type, type, ENGINE_I32}, .count = 3});
    bool is_plain = !engine_type_is_reference(type) && !choose_once_in(b->choices, 4);
    body_put_opcode(b, is_plain ? OPCODE_SELECT : OPCODE_SELECT_T);
    if (!is_plain) {
        wasm_u32(b->out, 1);
        world_put_type(b->out, type);
    }
    body_push(b, type);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

struct block_type {
    struct world_types params;
    struct world_types results;
    uint32_t functype; /* UINT32_MAX: no parameters, at most one result */
};

static struct block_type choose_block_type(struct body *b)
{
    struct block_type type = {.functype = UINT32_MAX};
    uint32_t kind = choose(b->choices, 4);
    if (kind == 1) {
        type.results.at[type.results.count++] = world_choose_type(b->choices);
    } else if (kind > 1) {
        type.functype = choose(b->choices, b->world->functype_count);
        type.params = b->world->functypes[type.functype].params;
        type.results = b->world->functypes[type.functype].results;
    }
    return type;
}

static void put_block_type(struct body *b, const struct block_type *type)
{
    if (type->functype != UINT32_MAX)
        wasm_u32(b->out, WORLD_FUNCTYPES + type->functype);
    else if (type->results.count > 0)
        world_put_type(b->out, type->results.at[0]);
    else
        WASM(b->out, BLOCK_EMPTY);
}

/* The operands were taken off; they are the block's first values. */
static void enter(struct body *b, const struct block_type *type, bool is_loop)
{
    ASSERT(b->depth < BODY_FRAMES_MAX);
    b->frames[b->depth++] = (struct frame){
        .base = b->height,
        .label = is_loop ? type->params : type->results,
        .results = type->results,
    };
    body_push_all(b, &type->params);
}

static void leave(struct body *b)
{
    struct frame frame = *body_frame(b);
    body_settle(b);
    body_put_opcode(b, OPCODE_END);
    b->depth--;
    b->height = frame.base;
    body_push_all(b, &frame.results);
}

static void block(struct body *b, uint32_t opcode)
{
    if (b->depth == BODY_FRAMES_MAX)
        return;
    struct block_type type = choose_block_type(b);
    body_want(b, &type.params);
    body_put_opcode(b, opcode);
    put_block_type(b, &type);
    enter(b, &type, opcode == OPCODE_LOOP);
    sequence(b);
    leave(b);
}

static void emit_block(struct body *b)
{
    block(b, OPCODE_BLOCK);
}

static void emit_loop(struct body *b)
{
    block(b, OPCODE_LOOP);
}

static void emit_if(struct body *b)
{
    if (b->depth == BODY_FRAMES_MAX)
        return;
    struct block_type type = choose_block_type(b);
    struct world_types operands = type.params;
    if (operands.count == WORLD_VALUES_MAX)
        return;
    operands.at[operands.count++] = ENGINE_I32;
    body_want(b, &operands);
    body_put_opcode(b, OPCODE_IF);
    put_block_type(b, &type);
    enter(b, &type, false);
    sequence(b);
    body_settle(b);
    if (type.functype != UINT32_MAX || type.results.count > 0 || choose_once_in(b->choices, 2)) {
        body_put_opcode(b, OPCODE_ELSE);
        b->height = body_frame(b)->base;
        body_push_all(b, &type.params);
        sequence(b);
    }
    leave(b);
}

/* A loop that ends, if nothing in it disturbs its counter. */
static void emit_counted_loop(struct body *b)
{
    uint32_t counter = body_find(b, b->locals, b->local_count, ENGINE_I32);
    if (b->depth == BODY_FRAMES_MAX || counter == b->local_count)
        return;
    body_put_number(b, false, 1 + choose(b->choices, TURNS_MAX));
    body_put_opcode(b, OPCODE_LOCAL_SET);
    wasm_u32(b->out, counter);
    body_put_opcode(b, OPCODE_LOOP);
    WASM(b->out, BLOCK_EMPTY);
    enter(b, &(struct block_type){.functype = UINT32_MAX}, true);
    sequence(b);
    body_settle(b);
    body_put_opcode(b, OPCODE_LOCAL_GET);
    wasm_u32(b->out, counter);
    body_put_number(b, false, 1);
    body_put_opcode(b, OPCODE_I32_SUB);
    body_put_opcode(b, OPCODE_LOCAL_TEE);
    wasm_u32(b->out, counter);
    body_put_opcode(b, OPCODE_BR_IF);
    wasm_u32(b->out, 0);
    leave(b);
}

/* ---- branches -------------------------------------------------------------------------------- */

static const struct world_types *label_types(const struct body *b, uint32_t label)
{
    return &b->frames[b->depth - 1 - label].label;
}

static bool types_equal(const struct world_types *a, const struct world_types *c)
{
    return a->count == c->count && memcmp(a->at, c->at, a->count * sizeof(a->at[0])) == 0;
}

static void emit_br(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    body_want(b, label_types(b, label));
    body_put_opcode(b, OPCODE_BR);
    wasm_u32(b->out, label);
    go_dead(b);
}

static void emit_br_if(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    struct world_types operands = *label_types(b, label);
    if (operands.count == WORLD_VALUES_MAX)
        return;
    operands.at[operands.count++] = ENGINE_I32;
    body_want(b, &operands);
    body_put_opcode(b, OPCODE_BR_IF);
    wasm_u32(b->out, label);
    body_push_all(b, label_types(b, label));
}

static void emit_br_table(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    const struct world_types *types = label_types(b, label);
    struct world_types operands = *types;
    if (operands.count == WORLD_VALUES_MAX)
        return;
    operands.at[operands.count++] = ENGINE_I32;
    body_want(b, &operands);
    body_put_opcode(b, OPCODE_BR_TABLE);
    uint32_t count = choose(b->choices, LABELS_MAX);
    wasm_u32(b->out, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = choose(b->choices, b->depth);
        wasm_u32(b->out, types_equal(label_types(b, other), types) ? other : label);
    }
    wasm_u32(b->out, label);
    go_dead(b);
}

static void emit_return(struct body *b)
{
    body_want(b, &b->frames[0].results);
    body_put_opcode(b, OPCODE_RETURN);
    go_dead(b);
}

/* br_on_null takes a reference more than its label, br_on_non_null its label's last one. */
static void emit_br_on_null(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    struct world_types types = *label_types(b, label);
    bool has_reference = types.count > 0 && engine_type_is_reference(types.at[types.count - 1]);
    uint32_t heap = has_reference ? types.at[types.count - 1] & ~ENGINE_TYPE_NON_NULL : 0;
    struct world_types operands = types;
    if (!has_reference) {
        if (operands.count == WORLD_VALUES_MAX)
            return;
        operands.at[operands.count++] = ENGINE_ANYREF;
        body_want(b, &operands);
        body_put_opcode(b, OPCODE_BR_ON_NULL);
        types.at[types.count++] = ENGINE_ANYREF | ENGINE_TYPE_NON_NULL;
    } else {
        operands.at[operands.count - 1] = heap;
        body_want(b, &operands);
        body_put_opcode(b, OPCODE_BR_ON_NON_NULL);
        types.count--;
    }
    wasm_u32(b->out, label);
    body_push_all(b, &types);
}

static uint32_t choose_any_subtype(struct body *b)
{
    static const char letters[] = "SQITJBRUYA";
    return world_type(letters[choose(b->choices, sizeof(letters) - 1)]);
}

/* To a label that takes anyref last: `to` on the branch, anyref without it behind. */
static void emit_br_on_cast(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    struct world_types types = *label_types(b, label);
    if (types.count == 0 || types.at[types.count - 1] != ENGINE_ANYREF)
        return;
    bool fails = choose_once_in(b->choices, 2);
    uint32_t to = choose_any_subtype(b);
    body_want(b, &types);
    body_put_opcode(b, fails ? OPCODE_BR_ON_CAST_FAIL : OPCODE_BR_ON_CAST);
    WASM(b->out, CAST_FROM_NULL);
    wasm_u32(b->out, label);
    world_put_heap_type(b->out, ENGINE_ANYREF);
    world_put_heap_type(b->out, to);
    types.at[types.count - 1] = fails ? to | ENGINE_TYPE_NON_NULL : ENGINE_ANYREF;
    body_push_all(b, &types);
}

static void emit_cast(struct body *b)
{
    static const uint32_t opcodes[] = {OPCODE_REF_TEST, OPCODE_REF_TEST_NULL, OPCODE_REF_CAST,
                                       OPCODE_REF_CAST_NULL};
    uint32_t opcode = opcodes[choose(b->choices, COUNT_OF(opcodes))];
    bool of_func = choose_once_in(b->choices, 8);
    uint32_t func = choose(b->choices, b->world->func_count);
    uint32_t to = of_func ? ENGINE_TYPE_CONCRETE | (WORLD_FUNCTYPES + b->world->funcs[func])
                          : choose_any_subtype(b);
    body_want_one(b, of_func ? ENGINE_FUNCREF : ENGINE_ANYREF);
    body_put_opcode(b, opcode);
    world_put_heap_type(b->out, to);
    if (opcode == OPCODE_REF_CAST || opcode == OPCODE_REF_CAST_NULL)
        body_push(b, opcode == OPCODE_REF_CAST ? to | ENGINE_TYPE_NON_NULL : to);
    else
        body_push(b, ENGINE_I32);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool can_return(const struct body *b, const struct world_types *results)
{
    const struct world_types *own = &b->frames[0].results;
    bool fits = own->count == results->count;
    for (uint32_t i = 0; fits && i < own->count; i++)
        fits = world_is_subtype(results->at[i], own->at[i]);
    return fits;
}

enum call_way { CALL_DIRECT, CALL_TABLE, CALL_TABLE64, CALL_REFERENCE };

/* A function that comes later, mostly, so that calls end. */
static uint32_t choose_callee(struct body *b)
{
    uint32_t later = b->world->func_count - b->func - 1;
    if (later == 0 || choose_once_in(b->choices, 3))
        return choose(b->choices, b->world->func_count);
    return b->func + 1 + choose(b->choices, later);
}

static void emit_call(struct body *b)
{
    static const enum call_way ways[] = {CALL_DIRECT, CALL_DIRECT,  CALL_DIRECT,
                                         CALL_TABLE,  CALL_TABLE64, CALL_REFERENCE};
    const struct world *world = b->world;
    uint32_t func = choose_callee(b);
    enum call_way way = ways[choose(b->choices, COUNT_OF(ways))];
    const struct world_functype *type = &world->functypes[world->funcs[func]];
    bool tail = can_return(b, &type->results) && choose_once_in(b->choices, 4);
    body_want(b, &type->params);
    if (way == CALL_TABLE || way == CALL_TABLE64) {
        bool is_64 = way == CALL_TABLE64;
        body_put_number(b, is_64, choose_once_in(b->choices, 8) ? choose_byte(b->choices) : func);
        body_put_opcode(b, tail ? OPCODE_RETURN_CALL_INDIRECT : OPCODE_CALL_INDIRECT);
        wasm_u32(b->out, WORLD_FUNCTYPES + world->funcs[func]);
        wasm_u32(b->out, is_64 ? WORLD_TABLE_FUNC64 : WORLD_TABLE_FUNC);
    } else if (way == CALL_REFERENCE) {
        body_put_opcode(b, OPCODE_REF_FUNC);
        wasm_u32(b->out, func);
        body_put_opcode(b, tail ? OPCODE_RETURN_CALL_REF : OPCODE_CALL_REF);
        wasm_u32(b->out, WORLD_FUNCTYPES + world->funcs[func]);
    } else {
        body_put_opcode(b, tail ? OPCODE_RETURN_CALL : OPCODE_CALL);
        wasm_u32(b->out, func);
    }
    if (tail)
        go_dead(b);
    else
        body_push_all(b, &type->results);
}

/* ---- exceptions ------------------------------------------------------------------------------ */

enum clause_kind { CLAUSE_TAG, CLAUSE_TAG_REF, CLAUSE_ALL, CLAUSE_ALL_REF, CLAUSE_KINDS };

static struct block_type
caught_type(const struct body *b, enum clause_kind kind, const struct world_tag *tag)
{
    struct block_type type = {.functype = UINT32_MAX};
    if (kind == CLAUSE_ALL_REF) {
        type.results.at[type.results.count++] = ENGINE_EXNREF;
    } else if (kind != CLAUSE_ALL) {
        type.functype = tag->caught[kind == CLAUSE_TAG_REF];
        type.results = b->world->functypes[type.functype].results;
    }
    return type;
}

/* A block to catch into, and in it the try. */
static void emit_try(struct body *b)
{
    if (b->depth + 2 > BODY_FRAMES_MAX)
        return;
    enum clause_kind kind = choose(b->choices, CLAUSE_KINDS);
    uint32_t tag = choose(b->choices, WORLD_TAGS);
    struct block_type caught = caught_type(b, kind, &b->world->tags[tag]);
    body_put_opcode(b, OPCODE_BLOCK);
    put_block_type(b, &caught);
    enter(b, &caught, false);
    struct block_type type = choose_block_type(b);
    body_want(b, &type.params);
    body_put_opcode(b, OPCODE_TRY_TABLE);
    put_block_type(b, &type);
    wasm_u32(b->out, 1);
    WASM(b->out, (uint8_t)kind);
    if (kind == CLAUSE_TAG || kind == CLAUSE_TAG_REF)
        wasm_u32(b->out, tag);
    wasm_u32(b->out, 0);
    enter(b, &type, false);
    sequence(b);
    leave(b);
    sequence(b);
    leave(b);
}

/* A clause of the exceptions before WebAssembly 3.0, and in it the exception's values. */
static void legacy_catch(struct body *b, uint32_t tag)
{
    body_settle(b);
    struct frame *frame = body_frame(b);
    frame->is_catch = true;
    b->height = frame->base;
    body_put_opcode(b, tag == WORLD_TAGS ? OPCODE_CATCH_ALL : OPCODE_CATCH);
    if (tag < WORLD_TAGS) {
        wasm_u32(b->out, tag);
        body_push_all(b, &b->world->functypes[b->world->tags[tag].functype].params);
    }
    sequence(b);
}

static void emit_legacy_try(struct body *b)
{
    if (b->depth == BODY_FRAMES_MAX)
        return;
    struct block_type type = choose_block_type(b);
    body_want(b, &type.params);
    body_put_opcode(b, OPCODE_TRY);
    put_block_type(b, &type);
    enter(b, &type, false);
    sequence(b);
    uint32_t tag = choose(b->choices, WORLD_TAGS + 2);
    if (tag > WORLD_TAGS) {
        body_settle(b);
        b->depth--;
        body_put_opcode(b, OPCODE_DELEGATE);
        wasm_u32(b->out, choose(b->choices, b->depth));
        b->height = b->frames[b->depth].base;
        body_push_all(b, &type.results);
        return;
    }
    legacy_catch(b, tag);
    if (tag < WORLD_TAGS && choose_once_in(b->choices, 2))
        legacy_catch(b, WORLD_TAGS);
    leave(b);
}

static void emit_rethrow(struct body *b)
{
    uint32_t label = choose(b->choices, b->depth);
    if (!b->frames[b->depth - 1 - label].is_catch)
        return;
    body_put_opcode(b, OPCODE_RETHROW);
    wasm_u32(b->out, label);
    go_dead(b);
}

static void emit_throw(struct body *b)
{
    uint32_t tag = choose(b->choices, WORLD_TAGS + 1);
    if (tag == WORLD_TAGS) {
        body_want_one(b, ENGINE_EXNREF);
        body_put_opcode(b, OPCODE_THROW_REF);
    } else {
        body_want(b, &b->world->functypes[b->world->tags[tag].functype].params);
        body_put_opcode(b, OPCODE_THROW);
        wasm_u32(b->out, tag);
    }
    go_dead(b);
}

static void emit_unreachable(struct body *b)
{
    body_put_opcode(b, OPCODE_UNREACHABLE);
    go_dead(b);
}

/* ---- all together ---------------------------------------------------------------------------- */

static const struct {
    uint8_t weight; /* of 256 */
    void (*emit)(struct body *body);
} steps[] = {
    {14, NULL}, /* the block ends */
    {51, body_emit_scalar},
    {28, body_emit_vector},
    {16, emit_value},
    {19, emit_local_set},
    {8, emit_global_set},
    {10, sink},
    {6, emit_select},
    {2, emit_deep},
    {3, body_emit_memory_copy},
    {30, body_emit_recipe},
    {8, emit_cast},
    {7, emit_block},
    {4, emit_loop},
    {7, emit_counted_loop},
    {7, emit_if},
    {8, emit_br_if},
    {2, emit_br},
    {3, emit_br_table},
    {1, emit_return},
    {3, emit_br_on_null},
    {3, emit_br_on_cast},
    {8, emit_call},
    {3, emit_try},
    {2, emit_legacy_try},
    {1, emit_rethrow},
    {1, emit_throw},
    {1, emit_unreachable},
};

/* Instructions up to where the block shall end. */
static void sequence(struct body *b)
{
    b->is_dead = false;
    while (!b->is_dead && b->steps_left > 0 && has_room(b)) {
        uint32_t at = choose_byte(b->choices);
        uint32_t step = 0;
        while (step + 1 < COUNT_OF(steps) && at >= steps[step].weight)
            at -= steps[step++].weight;
        if (steps[step].emit == NULL)
            break;
        b->steps_left--;
        steps[step].emit(b);
    }
    b->is_dead = false;
}

void generate_body(const struct world *world, uint32_t func, struct buffer *out)
{
    struct body b = {.world = world,
                     .choices = world->choices,
                     .out = out,
                     .func = func,
                     .steps_left = STEPS_MAX};
    const struct world_functype *type = &world->functypes[world->funcs[func]];
    for (uint32_t i = 0; i < type->params.count; i++)
        b.locals[b.local_count++] = type->params.at[i];
    uint32_t most = choose_once_in(b.choices, 8) ? BODY_LOCALS_MAX - WORLD_VALUES_MAX : 10;
    uint32_t own = choose(b.choices, most + 1);
    wasm_u32(out, own);
    for (uint32_t i = 0; i < own; i++) {
        uint32_t local = i == 0 ? ENGINE_I32 : world_choose_type(b.choices);
        WASM(out, 1);
        world_put_type(out, local);
        b.locals[b.local_count++] = local;
    }
    enter(&b, &(struct block_type){.results = type->results}, false);
    sequence(&b);
    body_settle(&b);
    body_put_opcode(&b, OPCODE_END);
}
