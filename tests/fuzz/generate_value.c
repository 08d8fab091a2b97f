/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values for generated instructions: constants worth trying, objects, variables (generate_body.h).
 */
#include "tests/fuzz/generate_body.h"

/* ---- writing --------------------------------------------------------------------------------- */

void body_put_opcode(struct body *b, uint32_t opcode)
{
    if (opcode < 0x100) {
        WASM(b->out, (uint8_t)opcode);
        return;
    }
    uint32_t prefix = opcode >= OPCODE_SIMD_FIRST ? OPCODE_PREFIX_SIMD : opcode >> 8;
    WASM(b->out, (uint8_t)prefix);
    wasm_u32(b->out, opcode - (prefix << 8));
}

static void put_signed(struct body *b, int64_t value)
{
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        bool is_last = (value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0);
        WASM(b->out, is_last ? byte : byte | 0x80);
        if (is_last)
            return;
    }
}

void body_put_number(struct body *b, bool is_64, int64_t value)
{
    body_put_opcode(b, is_64 ? OPCODE_I64_CONST : OPCODE_I32_CONST);
    put_signed(b, value);
}

void body_put_chosen(struct body *b, uint32_t count, uint8_t below)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = choose_byte(b->choices);
        WASM(b->out, below == 0 ? byte : byte % below);
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

void body_push(struct body *b, uint32_t type)
{
    ASSERT(b->height < BODY_STACK_MAX);
    b->stack[b->height++] = type;
}

void body_push_all(struct body *b, const struct world_types *types)
{
    for (uint32_t i = 0; i < types->count; i++)
        body_push(b, types->at[i]);
}

static int64_t interesting(struct body *b, uint32_t bytes)
{
    static const int64_t numbers[] = {
        0,     1,     -1,     2,         7,         8,          31,          32,         63,
        64,    127,   128,    255,       65535,     65536,      INT32_MAX,   INT32_MIN,  4096,
        -4096, 65528, 100000, INT64_MAX, INT64_MIN, UINT32_MAX, 0x3f800000u, 0x7fc00000u};
    int64_t number = choose_once_in(b->choices, 4) ? (int64_t)choose_bits(b->choices, bytes)
                                                   : numbers[choose(b->choices, COUNT_OF(numbers))];
    return bytes == 4 ? (int32_t)number : number;
}

static void put_float(struct body *b, bool is_64)
{
    static const double numbers[] = {0,    -0.0, 1,   -1,   0.5, 1e9, 2147483648.0, -2147483649.0,
                                     1e20, 1e-9, 3.7, -2.5, 100, 255, 4294967295.5, 9.3e18};
    bool is_raw = choose_once_in(b->choices, 4);
    double number = is_raw ? 0 : numbers[choose(b->choices, COUNT_OF(numbers))];
    float narrow = (float)number;
    body_put_opcode(b, is_64 ? OPCODE_F64_CONST : OPCODE_F32_CONST);
    if (is_raw)
        body_put_chosen(b, is_64 ? 8 : 4, 0);
    else if (is_64)
        wasm_append(b->out, &number, sizeof(number));
    else
        wasm_append(b->out, &narrow, sizeof(narrow));
}

/* A function whose type has this index; one past the last if there is none. */
static uint32_t func_of_type(const struct body *b, uint32_t type)
{
    uint32_t func = 0;
    while (func < b->world->func_count && WORLD_FUNCTYPES + b->world->funcs[func] != type)
        func++;
    return func;
}

/* A reference that is not null, as far as that can be had. */
static void put_object(struct body *b, uint32_t heap)
{
    uint32_t index = heap & ~ENGINE_TYPE_CONCRETE;
    bool is_func = (heap & ENGINE_TYPE_CONCRETE) != 0 && index >= WORLD_FUNCTYPES;
    uint32_t func = heap == ENGINE_FUNCREF ? choose(b->choices, b->world->func_count)
                                           : func_of_type(b, is_func ? index : UINT32_MAX);
    if (func < b->world->func_count) {
        body_put_opcode(b, OPCODE_REF_FUNC);
        wasm_u32(b->out, func);
    } else if (heap == ENGINE_STRUCTREF || heap == world_type('S') || heap == world_type('T')) {
        body_put_opcode(b, OPCODE_STRUCT_NEW_DEFAULT);
        wasm_u32(b->out, heap == ENGINE_STRUCTREF ? WORLD_STRUCT2 : index);
    } else if (heap == ENGINE_ARRAYREF || (heap & ENGINE_TYPE_CONCRETE) != 0) {
        body_put_number(b, false, choose(b->choices, BODY_NUMBER_MAX));
        body_put_opcode(b, OPCODE_ARRAY_NEW_DEFAULT);
        wasm_u32(b->out, heap == ENGINE_ARRAYREF ? WORLD_ARRAY8 : index);
    } else if (heap == ENGINE_EXNREF) {
        body_put_opcode(b, OPCODE_REF_NULL);
        world_put_heap_type(b->out, heap);
        body_put_opcode(b, OPCODE_REF_AS_NON_NULL);
    } else {
        body_put_number(b, false, choose_byte(b->choices));
        body_put_opcode(b, OPCODE_REF_I31);
        if (heap == ENGINE_EXTERNREF)
            body_put_opcode(b, OPCODE_EXTERN_CONVERT_ANY);
    }
}

static void put_constant(struct body *b, uint32_t type)
{
    switch (type) {
    case ENGINE_I32:
    case ENGINE_I64:
        body_put_number(b, type == ENGINE_I64, interesting(b, type == ENGINE_I64 ? 8 : 4));
        return;
    case ENGINE_F32:
    case ENGINE_F64:
        put_float(b, type == ENGINE_F64);
        return;
    case ENGINE_V128:
        body_put_opcode(b, OPCODE_V128_CONST);
        body_put_chosen(b, 16, 0);
        return;
    default:
        break;
    }
    uint32_t heap = type & ~ENGINE_TYPE_NON_NULL;
    bool is_func = type >= ENGINE_TYPE_CONCRETE + WORLD_FUNCTYPES && type == heap &&
                   func_of_type(b, type - ENGINE_TYPE_CONCRETE) == b->world->func_count;
    if (is_func || (type == heap && choose_once_in(b->choices, 4))) {
        body_put_opcode(b, OPCODE_REF_NULL);
        world_put_heap_type(b->out, heap);
    } else {
        put_object(b, heap);
    }
}

/* Looks for a variable of a subtype, from any of them on; `count` if there is none. */
uint32_t body_find(struct body *b, const uint32_t *types, uint32_t count, uint32_t wanted)
{
    uint32_t start = count == 0 ? 0 : choose(b->choices, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = (start + i) % count;
        if (world_is_subtype(types[index], wanted))
            return index;
    }
    return count;
}

/* Pushes a value of the type: of a local, mostly. */
void body_value(struct body *b, uint32_t type)
{
    uint32_t source = choose(b->choices, 8);
    uint32_t local = source < 5 ? body_find(b, b->locals, b->local_count, type) : b->local_count;
    uint32_t global = b->world->global_count;
    if (source == 5)
        global = body_find(b, b->world->globals, global, type);
    if (local < b->local_count) {
        body_put_opcode(b, OPCODE_LOCAL_GET);
        wasm_u32(b->out, local);
    } else if (global < b->world->global_count) {
        body_put_opcode(b, OPCODE_GLOBAL_GET);
        wasm_u32(b->out, global);
    } else {
        put_constant(b, type);
    }
    body_push(b, type);
}

static bool top_fits(const struct body *b, const struct world_types *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!world_is_subtype(b->stack[b->height - count + i], types->at[i]))
            return false;
    }
    return true;
}

/* Brings operands of these types to the top and takes them off. */
void body_want(struct body *b, const struct world_types *types)
{
    uint32_t fit = MIN(types->count, b->height - body_frame(b)->base);
    while (!top_fits(b, types, fit))
        fit--;
    for (uint32_t i = fit; i < types->count; i++)
        body_value(b, types->at[i]);
    b->height -= types->count;
}

void body_want_one(struct body *b, uint32_t type)
{
    body_want(b, &(struct world_types){.at = {type}, .count = 1});
}

/* The frame's operands become exactly its results. */
void body_settle(struct body *b)
{
    const struct frame *frame = body_frame(b);
    uint32_t fit = 0;
    while (fit < frame->results.count && frame->base + fit < b->height &&
           world_is_subtype(b->stack[frame->base + fit], frame->results.at[fit]))
        fit++;
    while (b->height > frame->base + fit) {
        body_put_opcode(b, OPCODE_DROP);
        b->height--;
    }
    for (uint32_t i = fit; i < frame->results.count; i++)
        body_value(b, frame->results.at[i]);
}
