/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deterministic code: every NaN that arithmetic makes is the canonical one, wherever it goes,
 * and what only hands bits on leaves them as they are.
 *
 * One module per type has a function for each instruction and each way its result can take;
 * each gets operands that are NaNs of several kinds, or make one.
 */
#include "engine/ops/numeric.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

static const struct engine_options deterministic = {.deterministic = true};

struct type {
    uint8_t type;
    uint8_t other; /* demotion, promotion */
    uint8_t bytes;
    uint8_t first; /* opcode of its `abs`; the other arithmetic follows in order */
    uint8_t constant;
    uint8_t load;
    uint8_t store;
    uint8_t to_bits;
    uint8_t from_bits;
    uint8_t integer;
    uint8_t to_other;
    uint8_t from_other;
    uint64_t canonical;
    uint64_t sign;
    uint64_t nans[6];
};

static const struct type types[] = {
    {ENGINE_F32,
     ENGINE_F64,
     4,
     0x8b,
     0x43,
     0x2a,
     0x38,
     0xbc,
     0xbe,
     ENGINE_I32,
     0xbb,
     0xb6,
     0x7fc00000,
     0x80000000,
     {0x7fc00000, 0xffc00000, 0x7fc00001, 0xffffffff, 0x7f800001, 0xffa12345}},
    {ENGINE_F64,
     ENGINE_F32,
     8,
     0x99,
     0x44,
     0x2b,
     0x39,
     0xbd,
     0xbf,
     ENGINE_I64,
     0xb6,
     0xbb,
     0x7ff8000000000000,
     0x8000000000000000,
     {0x7ff8000000000000, 0xfff8000000000000, 0x7ff8000000000001, 0xffffffffffffffff,
      0x7ff0000000000001, 0xfff4123456789abc}},
};

/* Instructions by distance from `abs`. */
enum { ABS, NEG, CEIL, FLOOR, TRUNC, NEAREST, SQRT, ADD, SUB, MUL, DIV, MIN, MAX, COPYSIGN };
static const uint8_t makers[] = {CEIL, FLOOR, TRUNC, NEAREST, SQRT, ADD, SUB, MUL, DIV, MIN, MAX};

/* Where the result goes on its way to be returned. */
enum way {
    RETURNED,
    IN_SLOT,
    PINNED,
    STORED,
    AS_BITS,
    AS_GLOBAL,
    AS_ARGUMENT,
    CHOSEN,
    AT_LABEL,
    BELOW_ANOTHER,
    USED_TWICE,
    ADDED,
    CONVERTED,
    NEGATED,
    WAY_COUNT
};

/* Function 0 gives back its argument; local 2 of the others is free. */
static void put_way(struct buffer *wasm, const struct type *type, enum way way, uint8_t opcode)
{
    switch (way) {
    case RETURNED:
        return;
    case IN_SLOT:
        WASM(wasm, 0x21, 2, 0x20, 2);
        return;
    case PINNED: /* by many uses */
        WASM(wasm, 0x21, 2);
        for (int i = 0; i < 10; i++)
            WASM(wasm, 0x20, 2, 0x1a);
        WASM(wasm, 0x20, 2);
        return;
    case STORED:
        WASM(wasm, 0x21, 2, 0x41, 0, 0x20, 2, type->store, 0, 0, 0x41, 0, type->load, 0, 0);
        return;
    case AS_BITS:
        WASM(wasm, type->to_bits, type->from_bits);
        return;
    case AS_GLOBAL:
        WASM(wasm, 0x24, 0, 0x23, 0);
        return;
    case AS_ARGUMENT:
        WASM(wasm, 0x10, 0);
        return;
    case CHOSEN:
        WASM(wasm, 0x20, 0, 0x41, 1, 0x1b);
        return;
    case AT_LABEL:
        WASM(wasm, 0x21, 2, 0x02, type->type, 0x20, 2, 0x0b);
        return;
    case BELOW_ANOTHER:
        WASM(wasm, 0x20, 0, 0x20, 1, type->first + ADD, 0x1a);
        return;
    case USED_TWICE:
        WASM(wasm, 0x22, 2, 0x20, 2, opcode == type->first + SUB ? opcode : type->first + MIN);
        return;
    case ADDED:
        WASM(wasm, 0x20, 1, type->first + ADD);
        return;
    case CONVERTED:
        WASM(wasm, type->to_other, type->from_other);
        return;
    default:
        WASM(wasm, type->first + NEG);
    }
}

static void
put_function(struct buffer *wasm, const struct type *type, enum way way, uint8_t instruction)
{
    uint8_t opcode = (uint8_t)(type->first + instruction);
    size_t function = wasm_open_size(wasm);
    WASM(wasm, 1, 1, type->type, 0x20, 0);
    if (instruction >= ADD)
        WASM(wasm, 0x20, 1);
    WASM(wasm, opcode);
    put_way(wasm, type, way, opcode);
    WASM(wasm, 0x0b);
    wasm_close(wasm, function);
}

static struct guest
make(const struct type *type, const uint8_t *instructions, uint32_t count, bool is_deterministic)
{
    struct buffer wasm = wasm_begin();
    uint8_t t = type->type;
    WASM_SECTION(&wasm, WASM_TYPE, 2, 0x60, 1, t, 1, t, 0x60, 2, t, t, 1, t);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, count * WAY_COUNT + 1);
    WASM(&wasm, 0);
    wasm_fill(&wasm, 1, (size_t)count * WAY_COUNT);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 0, 1);
    section = wasm_open(&wasm, WASM_GLOBAL);
    WASM(&wasm, 1, t, 1, type->constant);
    wasm_fill(&wasm, 0, type->bytes);
    WASM(&wasm, 0x0b);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, count * WAY_COUNT + 1);
    WASM(&wasm, 4, 0, 0x20, 0, 0x0b);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t way = 0; way < WAY_COUNT; way++)
            put_function(&wasm, type, (enum way)way, instructions[i]);
    }
    wasm_close(&wasm, section);
    return is_deterministic ? guest_make_for(&wasm, &deterministic) : guest_make(&wasm, NULL);
}

static uint64_t call(struct guest *guest, uint32_t func, uint64_t x, uint64_t y)
{
    const union engine_value values[] = {{.bits = x}, {.bits = y}};
    engine_call_begin(guest->machine, guest->instance, func, values, 2);
    assert_int_equal(guest_run(guest, 1000), ENGINE_DONE);
    return engine_call_results(guest->machine)[0].bits;
}

static void every_nan_of_arithmetic_is_canonical_wherever_it_goes(void **state)
{
    (void)state;
    for (size_t n = 0; n < COUNT_OF(types); n++) {
        const struct type *type = &types[n];
        struct guest guest = make(type, makers, COUNT_OF(makers), true);
        for (uint32_t func = 0; func < COUNT_OF(makers) * WAY_COUNT; func++) {
            for (uint32_t i = 0; i < COUNT_OF(type->nans) * COUNT_OF(type->nans); i++) {
                uint64_t x = type->nans[i % COUNT_OF(type->nans)];
                uint64_t y = type->nans[i / COUNT_OF(type->nans)];
                uint64_t wanted = type->canonical;
                wanted |= func % WAY_COUNT == NEGATED ? type->sign : 0;
                uint64_t result = call(&guest, func + 1, x, y);
                if (result != wanted)
                    fail_msg("instruction %u, way %u, of 0x%llx, 0x%llx: 0x%llx",
                             makers[func / WAY_COUNT], func % WAY_COUNT, (unsigned long long)x,
                             (unsigned long long)y, (unsigned long long)result);
            }
        }
        guest_done(&guest);
    }
}

static void a_nan_made_of_numbers_is_canonical(void **state)
{
    (void)state;
    static const struct {
        uint8_t instruction;
        double x;
        double y;
    } rows[] = {{ADD, INFINITY, -INFINITY}, {SUB, INFINITY, INFINITY},
                {MUL, 0, INFINITY},         {DIV, 0, 0},
                {DIV, INFINITY, INFINITY},  {SQRT, -1, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct guest guest = make(&types[0], &rows[i].instruction, 1, true);
        assert_int_equal(
            call(&guest, 1, numeric_bits_f32((float)rows[i].x), numeric_bits_f32((float)rows[i].y)),
            types[0].canonical);
        guest_done(&guest);
        guest = make(&types[1], &rows[i].instruction, 1, true);
        assert_int_equal(call(&guest, 1, numeric_bits_f64(rows[i].x), numeric_bits_f64(rows[i].y)),
                         types[1].canonical);
        guest_done(&guest);
    }
}

static void what_hands_bits_on_leaves_a_nan_as_it_is(void **state)
{
    (void)state;
    static const uint8_t copies[] = {ABS, NEG, COPYSIGN};
    for (size_t n = 0; n < COUNT_OF(types); n++) {
        const struct type *type = &types[n];
        struct guest guest = make(type, copies, COUNT_OF(copies), true);
        for (uint32_t way = RETURNED; way <= BELOW_ANOTHER; way++) {
            for (size_t i = 0; i < COUNT_OF(type->nans); i++) {
                uint64_t x = type->nans[i];
                assert_int_equal(call(&guest, 1 + way, x, 0), x & ~type->sign);
                assert_int_equal(call(&guest, 1 + WAY_COUNT + way, x, 0), x ^ type->sign);
                assert_int_equal(call(&guest, 1 + 2 * WAY_COUNT + way, x, type->sign),
                                 x | type->sign);
            }
        }
        guest_done(&guest);
    }
}

/* Each lane of each source is a NaN of another kind. `codes` ends with 0. */
static void lanes_are_canonical(const struct type *type, uint32_t sources, const uint16_t *codes)
{
    for (; *codes != 0; codes++) {
        struct buffer wasm = wasm_begin();
        WASM_SECTION(&wasm, WASM_TYPE, 1, 0x60, 2, ENGINE_I64, ENGINE_I64, 1, ENGINE_I32);
        WASM_SECTION(&wasm, WASM_FUNC, 1, 0);
        size_t section = wasm_open(&wasm, WASM_CODE);
        WASM(&wasm, 1);
        size_t function = wasm_open_size(&wasm);
        WASM(&wasm, 1, 1, ENGINE_V128);
        for (uint32_t i = 0; i < sources; i++) {
            WASM(&wasm, 0xfd, 12);
            for (uint32_t lane = 0; lane < 16 / type->bytes; lane++)
                wasm_append(&wasm, &type->nans[(lane + i + 1) % COUNT_OF(type->nans)], type->bytes);
        }
        WASM(&wasm, 0xfd);
        wasm_u32(&wasm, *codes);
        /* equal to what is canonical, through a local */
        WASM(&wasm, 0x21, 2, 0x20, 2, 0xfd, 12);
        for (uint32_t lane = 0; lane < 16 / type->bytes; lane++)
            wasm_append(&wasm, &type->canonical, type->bytes);
        WASM(&wasm, 0xfd, 0x51, 0xfd, 0x53, 0x0b);
        wasm_close(&wasm, function);
        wasm_close(&wasm, section);
        struct guest guest = guest_make_for(&wasm, &deterministic);
        if (call(&guest, 0, 0, 0) != 0)
            fail_msg("opcode 0xfd 0x%x", *codes);
        guest_done(&guest);
    }
}

static void nans_in_vectors_are_canonical(void **state)
{
    (void)state;
    static const uint16_t short_unary[] = {0x67, 0x68, 0x69, 0x6a, 0xe3, 0};
    static const uint16_t short_binary[] = {0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0x10d, 0x10e, 0};
    static const uint16_t short_ternary[] = {0x105, 0x106, 0};
    static const uint16_t unary[] = {0x74, 0x75, 0x7a, 0x94, 0xef, 0};
    static const uint16_t binary[] = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0x10f, 0x110, 0};
    static const uint16_t ternary[] = {0x107, 0x108, 0};
    lanes_are_canonical(&types[0], 1, short_unary);
    lanes_are_canonical(&types[0], 2, short_binary);
    lanes_are_canonical(&types[0], 3, short_ternary);
    lanes_are_canonical(&types[1], 1, unary);
    lanes_are_canonical(&types[1], 2, binary);
    lanes_are_canonical(&types[1], 3, ternary);
}

static void without_the_option_the_bits_are_the_machines(void **state)
{
    (void)state;
    static const uint8_t add = ADD;
    struct guest guest = make(&types[1], &add, 1, false);
    for (size_t i = 0; i < COUNT_OF(types[1].nans); i++) {
        uint64_t x = types[1].nans[i];
        volatile double number = 1; /* at run time, as the handler does */
        assert_int_equal(call(&guest, 1, x, numeric_bits_f64(1)),
                         numeric_bits_f64(numeric_f64_add(numeric_f64_bits(x), number)));
    }
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_nan_of_arithmetic_is_canonical_wherever_it_goes),
        cmocka_unit_test(a_nan_made_of_numbers_is_canonical),
        cmocka_unit_test(what_hands_bits_on_leaves_a_nan_as_it_is),
        cmocka_unit_test(nans_in_vectors_are_canonical),
        cmocka_unit_test(without_the_option_the_bits_are_the_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
