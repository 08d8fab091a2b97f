/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations and their variants: the table and its arithmetic, and that each operation
 * computes the same wherever its operands are and wherever its result goes.
 *
 * For the second, modules are made of one small function per combination of places; what it
 * must return is computed by numeric.h, which numeric_test.c checks.
 */
#include "engine/ops/numeric.h"
#include "engine/ops/ops.h"
#include "engine/run/memory.h"
#include "engine/translate/simple.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_build.h"
#include "tests/unit/engine/guest.h"

/* ---- the table ------------------------------------------------------------------------------- */

static void every_variant_has_a_handler_of_its_own(void **state)
{
    (void)state;
    size_t count = 0;
    for (uint32_t op = 0; op < OP_COUNT; op++)
        count += operation_variants((enum operation)op);
    int32_t *offsets = test_calloc(count, sizeof(*offsets));
    size_t next = 0;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        for (uint32_t i = 0; i < operation_variants((enum operation)op); i++) {
            assert_true(operation_rows[op].handlers[i] != NULL);
            uint8_t places[OPS_OPERANDS_MAX] = {0};
            operation_variant_places((enum operation)op, i, places);
            offsets[next++] = operation_handler((enum operation)op, places);
        }
    }
    assert_int_equal(next, count);
    for (size_t gap = count / 2; gap > 0; gap /= 2) { /* Shell's sort: there is no other here */
        for (size_t i = gap; i < count; i++) {
            for (size_t j = i; j >= gap && offsets[j - gap] > offsets[j]; j -= gap) {
                int32_t offset = offsets[j];
                offsets[j] = offsets[j - gap];
                offsets[j - gap] = offset;
            }
        }
    }
    for (size_t i = 1; i < count; i++)
        assert_true(offsets[i - 1] < offsets[i]);
    test_free(offsets);
}

static void places_and_handlers_are_inverse(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        const struct operation_row *row = &operation_rows[op];
        uint32_t operands = operation_shape_rows[row->shape].operand_count;
        for (uint32_t i = 0; i < operation_variants((enum operation)op); i++) {
            uint8_t places[OPS_OPERANDS_MAX] = {0};
            operation_variant_places((enum operation)op, i, places);
            for (uint32_t n = 0; n < operands; n++)
                assert_true(operation_allows((enum operation)op, n, places[n]));
            intptr_t handler =
                (intptr_t)&dispatch_base + operation_handler((enum operation)op, places);
            assert_true(handler == (intptr_t)row->handlers[i]);
        }
    }
}

static void an_operand_is_allowed_as_many_places_as_there_are_variants(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        uint32_t operands = operation_shape_rows[operation_rows[op].shape].operand_count;
        uint32_t variants = 1;
        for (uint32_t n = 0; n < operands; n++) {
            uint32_t allowed = 0;
            for (uint32_t place = 0; place < PLACE_COUNT; place++)
                allowed += operation_allows((enum operation)op, n, place);
            variants *= allowed;
        }
        assert_int_equal(variants, operation_variants((enum operation)op));
    }
}

static void rows_name_a_type_for_each_operand(void **state)
{
    (void)state;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        const struct operation_row *row = &operation_rows[op];
        assert_int_equal(strlen(row->types), operation_shape_rows[row->shape].operand_count);
        assert_int_equal(strspn(row->types, "ilfdv"), strlen(row->types));
        assert_int_equal(strspn(row->fields, "hwqbt"), strlen(row->fields));
        for (uint32_t other = 0; other < op; other++)
            assert_string_not_equal(row->name, operation_rows[other].name);
    }
}

/* ---- what instructions must compute ---------------------------------------------------------- */

struct expected {
    enum engine_trap trap;
    uint64_t bits;
};

struct instruction_row {
    uint8_t code[12];  /* the instruction, or a few that leave one result */
    uint8_t middle[6]; /* comes between the operands ... */
    uint8_t code_bytes;
    uint8_t middle_bytes;
    uint8_t middle_after; /* ... behind this one */
    uint8_t sources;
    uint8_t types[4]; /* of the sources, then of the result */
    uint8_t width;    /* memory: bytes accessed */
    bool is_signed;
    struct expected (*expect)(const struct instruction_row *row, const uint64_t *values);
};

#define GET_i32(bits)  ((uint32_t)(bits))
#define GET_i64(bits)  (bits)
#define GET_f32(bits)  numeric_f32_bits((uint32_t)(bits))
#define GET_f64(bits)  numeric_f64_bits(bits)
#define PUT_i32(value) (value)
#define PUT_i64(value) (value)
#define PUT_f32(value) numeric_bits_f32(value)
#define PUT_f64(value) numeric_bits_f64(value)
#define TYPE_i32       ENGINE_I32
#define TYPE_i64       ENGINE_I64
#define TYPE_f32       ENGINE_F32
#define TYPE_f64       ENGINE_F64

/* BINARY(opcode, operands, result, name), UNARY alike; *_TRAPS: numeric.h's can trap. */
#define INTEGER_ROWS(BINARY, BINARY_TRAPS, UNARY, type, compare, arithmetic, bits)                 \
    UNARY((compare)-1, type, i32, eqz)                                                             \
    BINARY((compare) + 0, type, i32, eq)                                                           \
    BINARY((compare) + 1, type, i32, ne)                                                           \
    BINARY((compare) + 2, type, i32, lt_s)                                                         \
    BINARY((compare) + 3, type, i32, lt_u)                                                         \
    BINARY((compare) + 4, type, i32, gt_s)                                                         \
    BINARY((compare) + 5, type, i32, gt_u)                                                         \
    BINARY((compare) + 6, type, i32, le_s)                                                         \
    BINARY((compare) + 7, type, i32, le_u)                                                         \
    BINARY((compare) + 8, type, i32, ge_s)                                                         \
    BINARY((compare) + 9, type, i32, ge_u)                                                         \
    UNARY((bits) + 0, type, type, clz)                                                             \
    UNARY((bits) + 1, type, type, ctz)                                                             \
    UNARY((bits) + 2, type, type, popcnt)                                                          \
    BINARY((arithmetic) + 0, type, type, add)                                                      \
    BINARY((arithmetic) + 1, type, type, sub)                                                      \
    BINARY((arithmetic) + 2, type, type, mul)                                                      \
    BINARY_TRAPS((arithmetic) + 3, type, type, div_s)                                              \
    BINARY_TRAPS((arithmetic) + 4, type, type, div_u)                                              \
    BINARY_TRAPS((arithmetic) + 5, type, type, rem_s)                                              \
    BINARY_TRAPS((arithmetic) + 6, type, type, rem_u)                                              \
    BINARY((arithmetic) + 7, type, type, and)                                                      \
    BINARY((arithmetic) + 8, type, type, or)                                                       \
    BINARY((arithmetic) + 9, type, type, xor)                                                      \
    BINARY((arithmetic) + 10, type, type, shl)                                                     \
    BINARY((arithmetic) + 11, type, type, shr_s)                                                   \
    BINARY((arithmetic) + 12, type, type, shr_u)                                                   \
    BINARY((arithmetic) + 13, type, type, rotl)                                                    \
    BINARY((arithmetic) + 14, type, type, rotr)

#define FLOAT_ROWS(BINARY, UNARY, type, compare, arithmetic)                                       \
    BINARY((compare) + 0, type, i32, eq)                                                           \
    BINARY((compare) + 1, type, i32, ne)                                                           \
    BINARY((compare) + 2, type, i32, lt)                                                           \
    BINARY((compare) + 3, type, i32, gt)                                                           \
    BINARY((compare) + 4, type, i32, le)                                                           \
    BINARY((compare) + 5, type, i32, ge)                                                           \
    UNARY((arithmetic) + 0, type, type, abs)                                                       \
    UNARY((arithmetic) + 1, type, type, neg)                                                       \
    UNARY((arithmetic) + 2, type, type, ceil)                                                      \
    UNARY((arithmetic) + 3, type, type, floor)                                                     \
    UNARY((arithmetic) + 4, type, type, trunc)                                                     \
    UNARY((arithmetic) + 5, type, type, nearest)                                                   \
    UNARY((arithmetic) + 6, type, type, sqrt)                                                      \
    BINARY((arithmetic) + 7, type, type, add)                                                      \
    BINARY((arithmetic) + 8, type, type, sub)                                                      \
    BINARY((arithmetic) + 9, type, type, mul)                                                      \
    BINARY((arithmetic) + 10, type, type, div)                                                     \
    BINARY((arithmetic) + 11, type, type, min)                                                     \
    BINARY((arithmetic) + 12, type, type, max)                                                     \
    BINARY((arithmetic) + 13, type, type, copysign)

/* CONVERT(opcode, operand, result, name without the result's type) */
#define CONVERT_ROWS(CONVERT, CONVERT_TRAPS)                                                       \
    CONVERT(0xa7, i64, i32, wrap_i64)                                                              \
    CONVERT_TRAPS(0xa8, f32, i32, trunc_f32_s)                                                     \
    CONVERT_TRAPS(0xa9, f32, i32, trunc_f32_u)                                                     \
    CONVERT_TRAPS(0xaa, f64, i32, trunc_f64_s)                                                     \
    CONVERT_TRAPS(0xab, f64, i32, trunc_f64_u)                                                     \
    CONVERT(0xac, i32, i64, extend_i32_s)                                                          \
    CONVERT(0xad, i32, i64, extend_i32_u)                                                          \
    CONVERT_TRAPS(0xae, f32, i64, trunc_f32_s)                                                     \
    CONVERT_TRAPS(0xaf, f32, i64, trunc_f32_u)                                                     \
    CONVERT_TRAPS(0xb0, f64, i64, trunc_f64_s)                                                     \
    CONVERT_TRAPS(0xb1, f64, i64, trunc_f64_u)                                                     \
    CONVERT(0xb2, i32, f32, convert_i32_s)                                                         \
    CONVERT(0xb3, i32, f32, convert_i32_u)                                                         \
    CONVERT(0xb4, i64, f32, convert_i64_s)                                                         \
    CONVERT(0xb5, i64, f32, convert_i64_u)                                                         \
    CONVERT(0xb6, f64, f32, demote_f64)                                                            \
    CONVERT(0xb7, i32, f64, convert_i32_s)                                                         \
    CONVERT(0xb8, i32, f64, convert_i32_u)                                                         \
    CONVERT(0xb9, i64, f64, convert_i64_s)                                                         \
    CONVERT(0xba, i64, f64, convert_i64_u)                                                         \
    CONVERT(0xbb, f32, f64, promote_f32)                                                           \
    CONVERT(0xbc, f32, i32, reinterpret_f32)                                                       \
    CONVERT(0xbd, f64, i64, reinterpret_f64)                                                       \
    CONVERT(0xbe, i32, f32, reinterpret_i32)                                                       \
    CONVERT(0xbf, i64, f64, reinterpret_i64)                                                       \
    CONVERT(0xc0, i32, i32, extend8_s)                                                             \
    CONVERT(0xc1, i32, i32, extend16_s)                                                            \
    CONVERT(0xc2, i64, i64, extend8_s)                                                             \
    CONVERT(0xc3, i64, i64, extend16_s)                                                            \
    CONVERT(0xc4, i64, i64, extend32_s)                                                            \
    CONVERT(0xfc00, f32, i32, trunc_sat_f32_s)                                                     \
    CONVERT(0xfc01, f32, i32, trunc_sat_f32_u)                                                     \
    CONVERT(0xfc02, f64, i32, trunc_sat_f64_s)                                                     \
    CONVERT(0xfc03, f64, i32, trunc_sat_f64_u)                                                     \
    CONVERT(0xfc04, f32, i64, trunc_sat_f32_s)                                                     \
    CONVERT(0xfc05, f32, i64, trunc_sat_f32_u)                                                     \
    CONVERT(0xfc06, f64, i64, trunc_sat_f64_s)                                                     \
    CONVERT(0xfc07, f64, i64, trunc_sat_f64_u)

#define ALL_ROWS(BINARY, BINARY_TRAPS, UNARY, CONVERT, CONVERT_TRAPS)                              \
    INTEGER_ROWS(BINARY, BINARY_TRAPS, UNARY, i32, 0x46, 0x6a, 0x67)                               \
    INTEGER_ROWS(BINARY, BINARY_TRAPS, UNARY, i64, 0x51, 0x7c, 0x79)                               \
    FLOAT_ROWS(BINARY, UNARY, f32, 0x5b, 0x8b)                                                     \
    FLOAT_ROWS(BINARY, UNARY, f64, 0x61, 0x99)                                                     \
    CONVERT_ROWS(CONVERT, CONVERT_TRAPS)

#define EXPECT(name, expression)                                                                   \
    static struct expected expect_##name(const struct instruction_row *row,                        \
                                         const uint64_t *values)                                   \
    {                                                                                              \
        (void)row;                                                                                 \
        uint64_t x = values[0];                                                                    \
        uint64_t y = values[1];                                                                    \
        (void)y;                                                                                   \
        struct expected expected = {0};                                                            \
        expression;                                                                                \
        return expected;                                                                           \
    }
#define EXPECT_BINARY(opcode, type, result, name)                                                  \
    EXPECT(type##_##name,                                                                          \
           expected.bits = PUT_##result(numeric_##type##_##name(GET_##type(x), GET_##type(y))))
#define EXPECT_BINARY_TRAPS(opcode, type, result, name)                                            \
    EXPECT(type##_##name, ctype_##result value = 0;                                                \
           expected.trap = numeric_##type##_##name(GET_##type(x), GET_##type(y), &value);          \
           expected.bits = value)
#define EXPECT_UNARY(opcode, type, result, name)                                                   \
    EXPECT(type##_##name, expected.bits = PUT_##result(numeric_##type##_##name(GET_##type(x))))
#define EXPECT_CONVERT(opcode, type, result, name)                                                 \
    EXPECT(result##_##name, expected.bits = PUT_##result(numeric_##result##_##name(GET_##type(x))))
#define EXPECT_CONVERT_TRAPS(opcode, type, result, name)                                           \
    EXPECT(result##_##name, ctype_##result value = 0;                                              \
           expected.trap = numeric_##result##_##name(GET_##type(x), &value);                       \
           expected.bits = value)
typedef uint32_t ctype_i32;
typedef uint64_t ctype_i64;
ALL_ROWS(EXPECT_BINARY, EXPECT_BINARY_TRAPS, EXPECT_UNARY, EXPECT_CONVERT, EXPECT_CONVERT_TRAPS)

static struct expected expect_select(const struct instruction_row *row, const uint64_t *values)
{
    (void)row;
    return (struct expected){.bits = (uint32_t)values[2] != 0 ? values[0] : values[1]};
}

/* ---- memory: one page, filled with a pattern; all accesses have this offset */

#define OFFSET 8

static uint8_t pattern(uint64_t address)
{
    return (uint8_t)(address * 37 + 11);
}

static uint64_t truncated(uint64_t bits, uint32_t bytes)
{
    return bytes < 8 ? bits & (((uint64_t)1 << 8 * bytes) - 1) : bits;
}

static struct expected expect_load_at(const struct instruction_row *row, uint32_t address)
{
    uint64_t at = (uint64_t)address + OFFSET;
    struct expected expected = {0};
    if (at + row->width > WASM_PAGE_BYTES) {
        expected.trap = TRAP_MEMORY_OUT_OF_BOUNDS;
        return expected;
    }
    for (uint32_t i = 0; i < row->width; i++)
        expected.bits |= (uint64_t)pattern(at + i) << 8 * i;
    if (row->is_signed) {
        uint32_t unused = 64 - 8 * row->width;
        expected.bits = (uint64_t)((int64_t)(expected.bits << unused) >> unused);
    }
    if (row->types[row->sources] == ENGINE_I32)
        expected.bits = (uint32_t)expected.bits;
    return expected;
}

static struct expected expect_load(const struct instruction_row *row, const uint64_t *values)
{
    return expect_load_at(row, (uint32_t)values[0]);
}

static struct expected expect_loadx(const struct instruction_row *row, const uint64_t *values)
{
    return expect_load_at(row, (uint32_t)(values[0] + values[1]));
}

static struct expected expect_store(const struct instruction_row *row, const uint64_t *values)
{
    struct expected expected = expect_load_at(row, (uint32_t)values[0]);
    expected.bits = truncated(values[1], row->width);
    return expected;
}

static struct expected expect_storex(const struct instruction_row *row, const uint64_t *values)
{
    struct expected expected = expect_load_at(row, (uint32_t)(values[0] + values[1]));
    expected.bits = truncated(values[2], row->width);
    return expected;
}

/* ---- x += constant, then a comparison */

#define ADDED 5

static struct expected expect_add_compare(const struct instruction_row *row,
                                          const uint64_t *values);

/* ---- all of them */

#define CODE(...) .code = {__VA_ARGS__}, .code_bytes = sizeof((uint8_t[]){__VA_ARGS__})
#define MIDDLE(after, ...)                                                                         \
    .middle = {__VA_ARGS__}, .middle_bytes = sizeof((uint8_t[]){__VA_ARGS__}),                     \
    .middle_after = (after)
#define ROW_BINARY(opcode, type, result, name)                                                     \
    {CODE(opcode), .sources = 2, .types = {TYPE_##type, TYPE_##type, TYPE_##result},               \
     .expect = expect_##type##_##name},
#define ROW_UNARY(opcode, type, result, name)                                                      \
    {CODE(opcode), .sources = 1, .types = {TYPE_##type, TYPE_##result},                            \
     .expect = expect_##type##_##name},
#define ROW_CONVERT(opcode, type, result, name)                                                    \
    {.code = {(uint8_t)((opcode) > 0xff ? 0xfc : (opcode)), (opcode)&0xff},                        \
     .code_bytes = (opcode) > 0xff ? 2 : 1,                                                        \
     .sources = 1,                                                                                 \
     .types = {TYPE_##type, TYPE_##result},                                                        \
     .expect = expect_##result##_##name},
#define ROW_SELECT(type)                                                                           \
    {CODE(0x1b), .sources = 3, .types = {TYPE_##type, TYPE_##type, ENGINE_I32, TYPE_##type},       \
     .expect = expect_select},
#define ROW_LOAD(opcode, type, bytes, sign)                                                        \
    {CODE(opcode, 0, OFFSET), .sources = 1,     .types = {ENGINE_I32, TYPE_##type},                \
     .expect = expect_load,   .width = (bytes), .is_signed = (sign)},                              \
        {CODE(0x6a, opcode, 0, OFFSET),                                                            \
         .sources = 2,                                                                             \
         .types = {ENGINE_I32, ENGINE_I32, TYPE_##type},                                           \
         .expect = expect_loadx,                                                                   \
         .width = (bytes),                                                                         \
         .is_signed = (sign)},
/* and what was stored is loaded again */
#define ROW_STORE(opcode, load, type, bytes)                                                       \
    {CODE(opcode, 0, OFFSET, 0x20, 0, load, 0, OFFSET), .sources = 2,                              \
     .types = {ENGINE_I32, TYPE_##type, TYPE_##type}, .expect = expect_store, .width = (bytes)},   \
        {CODE(opcode, 0, OFFSET, 0x20, 0, 0x20, 1, 0x6a, load, 0, OFFSET),                         \
         MIDDLE(1, 0x6a),                                                                          \
         .sources = 3,                                                                             \
         .types = {ENGINE_I32, ENGINE_I32, TYPE_##type, TYPE_##type},                              \
         .expect = expect_storex,                                                                  \
         .width = (bytes)},
#define ROW_ADD_COMPARE(opcode)                                                                    \
    {CODE(opcode), MIDDLE(0, 0x41, ADDED, 0x6a, 0x22, 0), .sources = 2,                            \
     .types = {ENGINE_I32, ENGINE_I32, ENGINE_I32}, .expect = expect_add_compare},

static const struct instruction_row instruction_rows[] = {
    ALL_ROWS(ROW_BINARY, ROW_BINARY, ROW_UNARY, ROW_CONVERT, ROW_CONVERT) ROW_SELECT(i32)
        ROW_SELECT(i64) ROW_SELECT(f32) ROW_SELECT(f64) ROW_LOAD(0x28, i32, 4, false) ROW_LOAD(
            0x29, i64, 8, false) ROW_LOAD(0x2a, f32, 4, false) ROW_LOAD(0x2b, f64, 8, false)
            ROW_LOAD(0x2c, i32, 1, true) ROW_LOAD(0x2d, i32, 1, false) ROW_LOAD(0x2e, i32, 2, true)
                ROW_LOAD(0x2f, i32, 2, false) ROW_LOAD(0x30, i64, 1, true) ROW_LOAD(
                    0x31, i64, 1, false) ROW_LOAD(0x32, i64, 2, true) ROW_LOAD(0x33, i64, 2, false)
                    ROW_LOAD(0x34, i64, 4, true) ROW_LOAD(0x35, i64, 4, false)
                        ROW_STORE(0x36, 0x28, i32, 4) ROW_STORE(0x37, 0x29, i64, 8)
                            ROW_STORE(0x38, 0x2a, f32, 4) ROW_STORE(0x39, 0x2b, f64, 8)
                                ROW_STORE(0x3a, 0x2d, i32, 1) ROW_STORE(0x3b, 0x2f, i32, 2)
                                    ROW_STORE(0x3c, 0x31, i64, 1) ROW_STORE(0x3d, 0x33, i64, 2)
                                        ROW_STORE(0x3e, 0x35, i64, 4) ROW_ADD_COMPARE(0x46)
                                            ROW_ADD_COMPARE(0x47) ROW_ADD_COMPARE(0x48)
                                                ROW_ADD_COMPARE(0x49) ROW_ADD_COMPARE(0x4a)
                                                    ROW_ADD_COMPARE(0x4b) ROW_ADD_COMPARE(0x4c)
                                                        ROW_ADD_COMPARE(0x4d) ROW_ADD_COMPARE(0x4e)
                                                            ROW_ADD_COMPARE(0x4f)};

/* As the comparison alone, which comes first in the table. */
static struct expected expect_add_compare(const struct instruction_row *row, const uint64_t *values)
{
    const struct instruction_row *alone = instruction_rows;
    while (alone->code[0] != row->code[0])
        alone++;
    return alone->expect(alone, (uint64_t[]){(uint32_t)(values[0] + ADDED), values[1], 0});
}

/* ---- values to compute with ------------------------------------------------------------------ */

#define VALUES_PER_TYPE 12

/* The first ones are ordinary, so that not everything traps or is zero. */
static uint64_t test_value(uint8_t type, uint32_t index)
{
    static const uint64_t integers[VALUES_PER_TYPE] = {
        7,          3, 0xfffffff8, 0x80000000, 0x7fffffff, 0xffffffff,
        0x12345678, 0, 1,          31,         0x9e3779b9, 0x100,
    };
    static const uint64_t wide[VALUES_PER_TYPE] = {
        7,
        0xfffffffffffffffd,
        0x8000000000000000,
        0x7fffffffffffffff,
        0xffffffff,
        0xffffffffffffffff,
        0x123456789abcdef0,
        0,
        1,
        63,
        0x80000000,
        0xffffffff80000000,
    };
    static const double floats[VALUES_PER_TYPE] = {
        1.5, -0.25, 3.0, -2.5, 0.0, -0.0, 1e9, -4e9, __builtin_inf(), -__builtin_inf(), 2e20, 0.5,
    };
    index %= VALUES_PER_TYPE;
    switch (type) {
    case ENGINE_I32:
        return integers[index];
    case ENGINE_I64:
        return wide[index];
    case ENGINE_F32:
        return numeric_bits_f32((float)floats[index]);
    default:
        return numeric_bits_f64(floats[index]);
    }
}

/* ---- one function for each combination of places --------------------------------------------- */

/* Where an operand is: SLOT a local, PIN a local used so often that it has a register, FRESH
 * the result of the operation before, HOME of an earlier one. */
enum from { FROM_SLOT, FROM_PIN, FROM_CONSTANT, FROM_FRESH, FROM_HOME, FROM_COUNT };
/* Where the result goes: FIRST the local that is the first operand, if the types are equal; the
 * last two only for i32. */
enum to { TO_RETURN, TO_SLOT, TO_PIN, TO_FIRST, TO_IF, TO_EQZ_IF, TO_COUNT };

/* A function has one call, so a local needs more than three uses to be worth a register. */
#define USES_FOR_A_PIN 4

static void put_sleb(struct buffer *wasm, int64_t value)
{
    for (;;) {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        bool last = value == ((byte & 0x40) != 0 ? -1 : 0);
        byte |= last ? 0 : 0x80;
        wasm_append(wasm, &byte, 1);
        if (last)
            return;
    }
}

static void put_constant(struct buffer *wasm, uint8_t type, uint64_t bits)
{
    wasm_append(wasm, (uint8_t[]){(uint8_t)(0x41 + ENGINE_I32 - type)}, 1);
    if (type == ENGINE_I32)
        put_sleb(wasm, (int32_t)bits);
    else if (type == ENGINE_I64)
        put_sleb(wasm, (int64_t)bits);
    else
        wasm_append(wasm, &bits, type == ENGINE_F32 ? 4 : 8);
}

/* The most used local gets the first register: `more` is for changing the order. */
static void put_local_uses(struct buffer *wasm, uint8_t local, uint32_t more)
{
    for (uint32_t i = 0; i < USES_FOR_A_PIN + more; i++)
        WASM(wasm, 0x20, local, 0x1a);
}

/* Globals hold the same values as the parameters: number of the one with this value. */
static uint32_t global_of(uint8_t type, uint32_t index)
{
    return (uint32_t)(ENGINE_I32 - type) * VALUES_PER_TYPE + index % VALUES_PER_TYPE;
}

static void
put_operand(struct buffer *wasm, enum from from, uint8_t local, uint8_t type, uint32_t value)
{
    switch (from) {
    case FROM_SLOT:
    case FROM_PIN:
        WASM(wasm, 0x20, local);
        return;
    case FROM_CONSTANT:
        put_constant(wasm, type, test_value(type, value));
        return;
    case FROM_FRESH:
        WASM(wasm, 0x23);
        wasm_u32(wasm, global_of(type, value));
        return;
    default: /* through the end of a block, where all values are in their slots */
        WASM(wasm, 0x02, type, 0x23);
        wasm_u32(wasm, global_of(type, value));
        WASM(wasm, 0x0b);
    }
}

static void put_use(struct buffer *wasm, enum to to, uint8_t local)
{
    switch (to) {
    case TO_RETURN:
        return;
    case TO_SLOT:
    case TO_PIN:
    case TO_FIRST:
        WASM(wasm, 0x21, local, 0x20, local);
        return;
    case TO_IF:
        WASM(wasm, 0x04, ENGINE_I32, 0x41, 1, 0x05, 0x41, 0, 0x0b);
        return;
    default:
        WASM(wasm, 0x45, 0x04, ENGINE_I32, 0x41, 0, 0x05, 0x41, 1, 0x0b);
    }
}

/* One function to run: with which values, from where, to where. */
struct combination {
    const struct instruction_row *row;
    uint8_t from[3];
    uint8_t to;
    uint32_t values[3];
};

static void put_function(struct buffer *wasm, const struct combination *c)
{
    const struct instruction_row *row = c->row;
    uint8_t result = row->types[row->sources];
    size_t function = wasm_open_size(wasm);
    WASM(wasm, 1, 1, result, 0x10, 0);
    for (uint8_t i = 0; i < row->sources; i++) {
        if (c->from[i] == FROM_PIN)
            put_local_uses(wasm, i, (c->values[0] + i) % 3);
    }
    if (c->to == TO_PIN)
        put_local_uses(wasm, row->sources, (c->values[0] + row->sources) % 3);
    for (uint8_t i = 0; i < row->sources; i++) {
        put_operand(wasm, c->from[i], i, row->types[i], c->values[i]);
        if (row->middle_bytes > 0 && i == row->middle_after)
            wasm_append(wasm, row->middle, row->middle_bytes);
    }
    wasm_append(wasm, row->code, row->code_bytes);
    bool same = c->to == TO_FIRST && row->types[0] == result;
    put_use(wasm, c->to, same ? 0 : row->sources);
    WASM(wasm, 0x0b);
    wasm_close(wasm, function);
}

static void put_globals(struct buffer *wasm)
{
    size_t section = wasm_open(wasm, WASM_GLOBAL);
    wasm_u32(wasm, 4 * VALUES_PER_TYPE);
    for (uint8_t type = ENGINE_I32; type >= ENGINE_F64; type--) {
        for (uint32_t i = 0; i < VALUES_PER_TYPE; i++) {
            WASM(wasm, type, 1);
            put_constant(wasm, type, test_value(type, i));
            WASM(wasm, 0x0b);
        }
    }
    wasm_close(wasm, section);
}

/* Function 0 does nothing; behind it one for each combination, all of the row's type. */
static struct buffer put_module(const struct combination *all, uint32_t count)
{
    const struct instruction_row *row = all[0].row;
    struct buffer wasm = wasm_begin();
    size_t section = wasm_open(&wasm, WASM_TYPE);
    WASM(&wasm, 2, 0x60, 0, 0, 0x60, row->sources);
    wasm_append(&wasm, row->types, row->sources);
    WASM(&wasm, 1, row->types[row->sources]);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, count + 1);
    WASM(&wasm, 0);
    wasm_fill(&wasm, 1, count);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_MEMORY, 1, 1, 1, 1);
    put_globals(&wasm);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, count + 1);
    WASM(&wasm, 2, 0, 0x0b);
    for (uint32_t i = 0; i < count; i++)
        put_function(&wasm, &all[i]);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_DATA);
    WASM(&wasm, 1, 0, 0x41, 0, 0x0b);
    wasm_u32(&wasm, WASM_PAGE_BYTES);
    for (uint32_t i = 0; i < WASM_PAGE_BYTES; i++)
        WASM(&wasm, pattern(i));
    wasm_close(&wasm, section);
    return wasm;
}

/* What makes floats by arithmetic: these bits of NaNs the specification leaves open. */
static uint64_t canonical(const struct instruction_row *row, uint64_t bits)
{
    enum operation operation = row->code_bytes == 1 ? simple_operation(row->code[0]) : OP_COUNT;
    if (operation == OP_COUNT || operation_rows[operation].faults != OPERATION_NANS)
        return bits;
    if (row->types[row->sources] == ENGINE_F32)
        return isnan(numeric_f32_bits((uint32_t)bits)) ? 0x7fc00000 : bits;
    return isnan(numeric_f64_bits(bits)) ? 0x7ff8000000000000 : bits;
}

static void check_combination(struct guest *guest,
                              uint32_t func,
                              const struct combination *c,
                              const struct engine_options *options)
{
    const struct instruction_row *row = c->row;
    uint64_t values[3] = {0};
    for (uint32_t i = 0; i < row->sources; i++)
        values[i] = test_value(row->types[i], c->values[i]);
    struct expected expected = row->expect(row, values);
    if (options->deterministic)
        expected.bits = canonical(row, expected.bits);
    if (c->to >= TO_IF)
        expected.bits = expected.bits != 0;
    engine_call_begin(guest->machine, guest->instance, func, (const union engine_value *)values,
                      row->sources);
    enum engine_outcome outcome = guest_run(guest, 1000);
    uint64_t result = engine_call_results(guest->machine)[0].bits;
    bool right = outcome == ENGINE_DONE && expected.trap == TRAP_NONE && result == expected.bits;
    if (outcome == ENGINE_TRAPPED) {
        right = engine_machine_trap(guest->machine).trap == expected.trap;
        engine_call_cancel(guest->machine);
    }
    if (!right)
        fail_msg("%02x %02x from %u %u %u to %u of 0x%llx, 0x%llx, 0x%llx: 0x%llx, not 0x%llx",
                 row->code[0], row->code[1], c->from[0], c->from[1], c->from[2], c->to,
                 (unsigned long long)values[0], (unsigned long long)values[1],
                 (unsigned long long)values[2], (unsigned long long)result,
                 (unsigned long long)expected.bits);
}

/* Each combination several times with other values, which change at different speeds. */
#define ROUNDS           6
#define COMBINATIONS_MAX (FROM_COUNT * FROM_COUNT * FROM_COUNT * TO_COUNT * ROUNDS)

static uint32_t combine(const struct instruction_row *row, struct combination *ret_all)
{
    uint32_t to_count = row->types[row->sources] == ENGINE_I32 ? TO_COUNT : TO_IF;
    uint32_t second_count = row->sources > 1 ? FROM_COUNT : 1;
    uint32_t third_count = row->sources > 2 ? FROM_COUNT : 1;
    uint32_t count = FROM_COUNT * second_count * third_count * to_count * ROUNDS;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t rest = n / ROUNDS;
        struct combination *c = &ret_all[n];
        *c = (struct combination){.row = row, .values = {n, n / 5 + 1, n / 3 + 7}};
        c->from[0] = (uint8_t)(rest % FROM_COUNT);
        rest /= FROM_COUNT;
        c->from[1] = (uint8_t)(rest % second_count);
        rest /= second_count;
        c->from[2] = (uint8_t)(rest % third_count);
        c->to = (uint8_t)(rest / third_count);
    }
    return count;
}

static void check_everywhere(const struct engine_options *options)
{
    struct combination *all = test_calloc(COMBINATIONS_MAX, sizeof(*all));
    for (size_t i = 0; i < COUNT_OF(instruction_rows); i++) {
        uint32_t count = combine(&instruction_rows[i], all);
        struct buffer wasm = put_module(all, count);
        struct guest guest = guest_make_for(&wasm, options);
        for (uint32_t j = 0; j < count; j++)
            check_combination(&guest, j + 1, &all[j], options);
        guest_done(&guest);
    }
    test_free(all);
}

static void an_operation_computes_the_same_from_and_to_everywhere(void **state)
{
    (void)state;
    check_everywhere(&engine_options_default);
}

static void deterministic_code_computes_the_same_with_canonical_nans(void **state)
{
    (void)state;
    check_everywhere(&(const struct engine_options){.deterministic = true});
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_has_a_handler_of_its_own),
        cmocka_unit_test(places_and_handlers_are_inverse),
        cmocka_unit_test(an_operand_is_allowed_as_many_places_as_there_are_variants),
        cmocka_unit_test(rows_name_a_type_for_each_operand),
        cmocka_unit_test(an_operation_computes_the_same_from_and_to_everywhere),
        cmocka_unit_test(deterministic_code_computes_the_same_with_canonical_nans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
