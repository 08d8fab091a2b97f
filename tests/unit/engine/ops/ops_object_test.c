/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of structures and arrays as guests meet them: what each storage type keeps, nulls,
 * bounds, and operations on many items that are suspended on the way.
 *
 * One guest is made for each storage type, of the same functions (wabt cannot assemble these).
 * Bodies are bytes, with tokens for what depends on the storage type.
 */
#include <stdlib.h>

#include "engine/run/machine.h"
#include "engine/run/object.h"
#include "tests/support/unit.h"
#include "tests/support/wasm_objects.h"
#include "tests/unit/engine/guest.h"

/* ---- a guest of each storage type ------------------------------------------------------------ */

enum {
    LOOP = 0x03,
    END = 0x0b,
    BR_IF = 0x0d,
    GET = 0x20,
    SET = 0x21,
    TEE = 0x22,
    GLOBAL_GET = 0x23,
    GLOBAL_SET = 0x24,
    I32_CONST = 0x41,
    I64_CONST = 0x42,
    I32_ADD = 0x6a,
    I32_SUB = 0x6b,
    I64_ADD = 0x7c,
    I64_SUB = 0x7d,
    I32_WRAP = 0xa7,
    I64_EXTEND = 0xad,
    I32_OF_F32 = 0xbc,
    I64_OF_F64 = 0xbd,
    F32_OF_I32 = 0xbe,
    F64_OF_I64 = 0xbf,
    REF_NULL = 0xd0,
    REF_IS_NULL = 0xd1,
    REF_FUNC = 0xd2,
    OBJECT = 0xfb,
    BULK = 0xfc,
    SIMD = 0xfd,
};

/* Behind OBJECT, BULK and SIMD. */
enum {
    STRUCT_NEW = 0,
    STRUCT_NEW_DEFAULT = 1,
    STRUCT_GET = 2,
    STRUCT_GET_S = 3,
    STRUCT_GET_U = 4,
    STRUCT_SET = 5,
    ARRAY_NEW = 6,
    ARRAY_NEW_DEFAULT = 7,
    ARRAY_NEW_FIXED = 8,
    ARRAY_NEW_DATA = 9,
    ARRAY_NEW_ELEM = 10,
    ARRAY_GET = 11,
    ARRAY_GET_S = 12,
    ARRAY_GET_U = 13,
    ARRAY_SET = 14,
    ARRAY_LEN = 15,
    ARRAY_FILL = 16,
    ARRAY_COPY = 17,
    ARRAY_INIT_DATA = 18,
    ARRAY_INIT_ELEM = 19,
    REF_TEST = 20,
    REF_TEST_NULL = 21,
    REF_CAST = 22,
    REF_CAST_NULL = 23,
    REF_I31 = 28,
    I31_GET_S = 29,
    I31_GET_U = 30,
    DATA_DROP = 9,
    ELEM_DROP = 13,
    V128_CONST = 12,
    I64X2_EXTRACT_LANE = 0x1d,
};

/* The guest's types, globals, and the local that is a vector. */
enum { RECORD, ARRAY, SIGNATURE };
enum { ITEMS, FIELDS };
enum { PARAMS = 3, VECTOR = PARAMS };

/* Tokens of bodies. */
enum {
    FIRST_TOKEN = 0xe0,
    VALUE_A = FIRST_TOKEN, /* two values of the storage type */
    VALUE_B,
    RESULT,       /* such a value becomes an i64 */
    NOTHING,      /* an i64 for who has no result */
    FIELD,        /* struct.get, of a packed field struct.get_u */
    FIELD_SIGNED, /* the same with struct.get_s */
    ITEM,
    ITEM_SIGNED,
};

struct storage {
    const char *name;
    uint8_t type;
    uint8_t bytes;
    bool is_packed;
};

static const struct storage storages[] = {
    {"i8", TYPES_I8, 1, true},        {"i16", TYPES_I16, 2, true},   {"i32", ENGINE_I32, 4, false},
    {"i64", ENGINE_I64, 8, false},    {"f32", ENGINE_F32, 4, false}, {"f64", ENGINE_F64, 8, false},
    {"v128", ENGINE_V128, 16, false},
};

/* Their low bytes are the values of the smaller types. */
static const uint64_t value_a[2] = {UINT64_C(0x8182838485868788), UINT64_C(0x1112131415161718)};
static const uint64_t value_b[2] = {UINT64_C(0x4142434445464748), UINT64_C(0xf1f2f3f4f5f6f7f8)};

struct function {
    const char *name;
    const uint8_t *body;
    size_t count;
};

#define FUNCTION(name, ...)                                                                        \
    {                                                                                              \
        name, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})               \
    }
#define THE_ITEMS  GLOBAL_GET, ITEMS
#define THE_FIELDS GLOBAL_GET, FIELDS

/* All take three i32 and return an i64. */
/* clang-format off */
static const struct function functions[] = {
    FUNCTION("new", VALUE_A, GET, 0, OBJECT, ARRAY_NEW, ARRAY, GLOBAL_SET, ITEMS, NOTHING),
    FUNCTION("new_default", GET, 0, OBJECT, ARRAY_NEW_DEFAULT, ARRAY, GLOBAL_SET, ITEMS, NOTHING),
    FUNCTION("new_fixed", VALUE_A, VALUE_B, VALUE_A, OBJECT, ARRAY_NEW_FIXED, ARRAY, 3,
             GLOBAL_SET, ITEMS, NOTHING),
    FUNCTION("new_none", OBJECT, ARRAY_NEW_FIXED, ARRAY, 0, GLOBAL_SET, ITEMS, NOTHING),
    FUNCTION("new_data", GET, 0, GET, 1, OBJECT, ARRAY_NEW_DATA, ARRAY, 0, GLOBAL_SET, ITEMS,
             NOTHING),
    FUNCTION("init_data", THE_ITEMS, GET, 0, GET, 1, GET, 2, OBJECT, ARRAY_INIT_DATA, ARRAY, 0,
             NOTHING),
    FUNCTION("drop_data", BULK, DATA_DROP, 0, NOTHING),
    FUNCTION("null", REF_NULL, ARRAY, GLOBAL_SET, ITEMS, REF_NULL, RECORD, GLOBAL_SET, FIELDS,
             NOTHING),
    FUNCTION("len", THE_ITEMS, OBJECT, ARRAY_LEN, I64_EXTEND),
    FUNCTION("get", THE_ITEMS, GET, 0, ITEM, RESULT),
    FUNCTION("get_signed", THE_ITEMS, GET, 0, ITEM_SIGNED, RESULT),
    FUNCTION("set", THE_ITEMS, GET, 0, VALUE_B, OBJECT, ARRAY_SET, ARRAY, NOTHING),
    FUNCTION("fill", THE_ITEMS, GET, 0, VALUE_B, GET, 1, OBJECT, ARRAY_FILL, ARRAY, NOTHING),
    FUNCTION("copy", THE_ITEMS, GET, 0, THE_ITEMS, GET, 1, GET, 2, OBJECT, ARRAY_COPY, ARRAY,
             ARRAY, NOTHING),
    FUNCTION("record", VALUE_A, VALUE_B, VALUE_A, OBJECT, STRUCT_NEW, RECORD, GLOBAL_SET, FIELDS,
             NOTHING),
    FUNCTION("record_default", OBJECT, STRUCT_NEW_DEFAULT, RECORD, GLOBAL_SET, FIELDS, NOTHING),
    FUNCTION("first", THE_FIELDS, FIELD, 0, RESULT),
    FUNCTION("second", THE_FIELDS, FIELD, 1, RESULT),
    FUNCTION("second_signed", THE_FIELDS, FIELD_SIGNED, 1, RESULT),
    FUNCTION("third", THE_FIELDS, FIELD, 2, RESULT),
    FUNCTION("change", THE_FIELDS, VALUE_A, OBJECT, STRUCT_SET, RECORD, 1, NOTHING),
};
/* clang-format on */

static void put_i64(struct buffer *wasm, uint64_t value)
{
    WASM(wasm, I64_CONST);
    for (int i = 0; i < 9; i++)
        WASM(wasm, (uint8_t)(value >> 7 * i | 0x80));
    WASM(wasm, value >> 63 != 0 ? 0x7f : 0);
}

static void put_value(struct buffer *wasm, const struct storage *storage, const uint64_t value[2])
{
    if (storage->type == ENGINE_V128) {
        WASM(wasm, SIMD, V128_CONST);
        wasm_append(wasm, value, 2 * sizeof(*value));
        return;
    }
    put_i64(wasm, value[0]);
    if (storage->bytes <= 4)
        WASM(wasm, I32_WRAP);
    if (storage->type == ENGINE_F32)
        WASM(wasm, F32_OF_I32);
    if (storage->type == ENGINE_F64)
        WASM(wasm, F64_OF_I64);
}

/* Of a vector it is the difference of its lanes. */
static void put_result(struct buffer *wasm, const struct storage *storage)
{
    if (storage->type == ENGINE_V128)
        WASM(wasm, SET, VECTOR, GET, VECTOR, SIMD, I64X2_EXTRACT_LANE, 0, GET, VECTOR, SIMD,
             I64X2_EXTRACT_LANE, 1, I64_SUB);
    if (storage->type == ENGINE_F32)
        WASM(wasm, I32_OF_F32);
    if (storage->type == ENGINE_F64)
        WASM(wasm, I64_OF_F64);
    if (storage->bytes <= 4)
        WASM(wasm, I64_EXTEND);
}

static void put_token(struct buffer *wasm, const struct storage *storage, uint8_t token)
{
    switch (token) {
    case VALUE_A:
        return put_value(wasm, storage, value_a);
    case VALUE_B:
        return put_value(wasm, storage, value_b);
    case RESULT:
        return put_result(wasm, storage);
    case NOTHING:
        return put_i64(wasm, 0);
    case FIELD:
        WASM(wasm, OBJECT, storage->is_packed ? STRUCT_GET_U : STRUCT_GET, RECORD);
        return;
    case FIELD_SIGNED:
        WASM(wasm, OBJECT, storage->is_packed ? STRUCT_GET_S : STRUCT_GET, RECORD);
        return;
    case ITEM:
        WASM(wasm, OBJECT, storage->is_packed ? ARRAY_GET_U : ARRAY_GET, ARRAY);
        return;
    default:
        assert_int_equal(token, ITEM_SIGNED);
        WASM(wasm, OBJECT, storage->is_packed ? ARRAY_GET_S : ARRAY_GET, ARRAY);
    }
}

static void
put_function(struct buffer *wasm, const struct storage *storage, const struct function *function)
{
    size_t body = wasm_open_size(wasm);
    WASM(wasm, 1, 1, ENGINE_V128);
    for (size_t i = 0; i < function->count; i++) {
        uint8_t byte = function->body[i];
        if (byte >= FIRST_TOKEN && byte <= ITEM_SIGNED)
            put_token(wasm, storage, byte);
        else
            WASM(wasm, byte);
    }
    WASM(wasm, END);
    wasm_close(wasm, body);
}

#define DATA_BYTES 80

static struct guest make_guest(const struct storage *storage)
{
    enum { I32 = ENGINE_I32, STRUCT = 0x5f, ARRAY_OF = 0x5e, FUNC = 0x60, NULLABLE = 0x63 };
    const uint8_t type = storage->type;
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, STRUCT, 3, type, 1, type, 1, type, 1, ARRAY_OF, type, 1, FUNC,
                 PARAMS, I32, I32, I32, 1, ENGINE_I64);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, COUNT_OF(functions));
    wasm_fill(&wasm, SIGNATURE, COUNT_OF(functions));
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_GLOBAL, 2, NULLABLE, ARRAY, 1, REF_NULL, ARRAY, END, NULLABLE, RECORD,
                 1, REF_NULL, RECORD, END);
    section = wasm_open(&wasm, WASM_EXPORT);
    wasm_u32(&wasm, COUNT_OF(functions));
    for (uint32_t i = 0; i < COUNT_OF(functions); i++) {
        wasm_name(&wasm, functions[i].name);
        WASM(&wasm, 0);
        wasm_u32(&wasm, i);
    }
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_DATA_COUNT, 1);
    section = wasm_open(&wasm, WASM_CODE);
    wasm_u32(&wasm, COUNT_OF(functions));
    for (uint32_t i = 0; i < COUNT_OF(functions); i++)
        put_function(&wasm, storage, &functions[i]);
    wasm_close(&wasm, section);
    section = wasm_open(&wasm, WASM_DATA);
    WASM(&wasm, 1, 1, DATA_BYTES);
    for (uint8_t i = 0; i < DATA_BYTES; i++)
        WASM(&wasm, (uint8_t)(i * 3 + 1));
    wasm_close(&wasm, section);
    return guest_make(&wasm, NULL);
}

/* ---- calling it ------------------------------------------------------------------------------ */

#define FUEL 1000000

struct arguments {
    uint32_t values[PARAMS];
};
#define ARGUMENTS(...)                                                                             \
    (struct arguments)                                                                             \
    {                                                                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static void begin(struct guest *guest, const char *name, struct arguments arguments)
{
    union engine_value values[PARAMS];
    for (size_t i = 0; i < PARAMS; i++)
        values[i] = (union engine_value){.i64 = arguments.values[i]};
    guest_begin(guest, name, values);
}

static uint64_t call(struct guest *guest, const char *name, struct arguments arguments)
{
    begin(guest, name, arguments);
    if (guest_run(guest, FUEL) != ENGINE_DONE)
        fail_msg("%s traps", name);
    return engine_call_results(guest->machine)[0].i64;
}

static void assert_trap(struct guest *guest,
                        const char *name,
                        struct arguments arguments,
                        enum engine_trap trap)
{
    begin(guest, name, arguments);
    if (guest_run(guest, FUEL) != ENGINE_TRAPPED)
        fail_msg("%s does not trap", name);
    assert_int_equal(engine_machine_trap(guest->machine).trap, trap);
    engine_call_cancel(guest->machine);
}

/* What RESULT makes of the value. */
static uint64_t as_result(const struct storage *storage, const uint64_t value[2], bool is_signed)
{
    if (storage->bytes == 16)
        return value[0] - value[1];
    uint32_t unused = 64 - 8u * storage->bytes;
    if (is_signed && storage->is_packed)
        return (uint32_t)((int64_t)(value[0] << unused) >> unused);
    return value[0] << unused >> unused;
}

/* The array's items, as the heap has them. */
static uint8_t *items_of(const struct guest *guest)
{
    return heap_payload(&guest->machine->heap, guest->instance->globals[ITEMS].ref);
}

static void assert_items(const struct guest *guest,
                         const struct storage *storage,
                         uint32_t from,
                         uint32_t to,
                         const uint64_t value[2])
{
    for (uint32_t i = from; i < to; i++) {
        if (memcmp(items_of(guest) + (size_t)i * storage->bytes, value, storage->bytes) != 0)
            fail_msg("%s: item %u is another", storage->name, i);
    }
}

static const uint64_t zero[2];

/* ---- one field or item ----------------------------------------------------------------------- */

static void a_field_keeps_what_its_storage_can_and_touches_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        struct guest guest = make_guest(storage);
        uint64_t a = as_result(storage, value_a, false);
        uint64_t b = as_result(storage, value_b, false);
        (void)call(&guest, "record", ARGUMENTS(0));
        assert_int_equal(call(&guest, "first", ARGUMENTS(0)), a);
        assert_int_equal(call(&guest, "second", ARGUMENTS(0)), b);
        assert_int_equal(call(&guest, "third", ARGUMENTS(0)), a);
        (void)call(&guest, "record_default", ARGUMENTS(0));
        assert_int_equal(call(&guest, "second", ARGUMENTS(0)), 0);
        (void)call(&guest, "change", ARGUMENTS(0));
        assert_int_equal(call(&guest, "first", ARGUMENTS(0)), 0);
        assert_int_equal(call(&guest, "second", ARGUMENTS(0)), a);
        assert_int_equal(call(&guest, "second_signed", ARGUMENTS(0)),
                         as_result(storage, value_a, true));
        assert_int_equal(call(&guest, "third", ARGUMENTS(0)), 0);
        guest_done(&guest);
    }
}

static void items_are_reached_up_to_the_last(void **state)
{
    (void)state;
    static const uint32_t outside[] = {3, 4, 0x10000000, 0x7fffffff, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new", ARGUMENTS(3));
        assert_int_equal(call(&guest, "len", ARGUMENTS(0)), 3);
        (void)call(&guest, "set", ARGUMENTS(2));
        assert_items(&guest, storage, 0, 2, value_a);
        assert_items(&guest, storage, 2, 3, value_b);
        assert_int_equal(call(&guest, "get", ARGUMENTS(1)), as_result(storage, value_a, false));
        assert_int_equal(call(&guest, "get", ARGUMENTS(2)), as_result(storage, value_b, false));
        assert_int_equal(call(&guest, "get_signed", ARGUMENTS(0)),
                         as_result(storage, value_a, true));
        for (size_t k = 0; k < COUNT_OF(outside); k++) {
            assert_trap(&guest, "get", ARGUMENTS(outside[k]), TRAP_ARRAY_OUT_OF_BOUNDS);
            assert_trap(&guest, "get_signed", ARGUMENTS(outside[k]), TRAP_ARRAY_OUT_OF_BOUNDS);
            assert_trap(&guest, "set", ARGUMENTS(outside[k]), TRAP_ARRAY_OUT_OF_BOUNDS);
        }
        assert_items(&guest, storage, 0, 2, value_a);
        guest_done(&guest);
    }
}

static void null_has_no_fields_and_no_items(void **state)
{
    (void)state;
    static const char *const of_structures[] = {"first", "second_signed", "third", "change"};
    static const char *const of_arrays[] = {"len",  "get",  "get_signed", "set",
                                            "fill", "copy", "init_data"};
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        struct guest guest = make_guest(&storages[i]);
        (void)call(&guest, "new", ARGUMENTS(3));
        (void)call(&guest, "record", ARGUMENTS(0));
        (void)call(&guest, "null", ARGUMENTS(0));
        for (size_t k = 0; k < COUNT_OF(of_structures); k++)
            assert_trap(&guest, of_structures[k], ARGUMENTS(0), TRAP_NULL_STRUCTURE);
        for (size_t k = 0; k < COUNT_OF(of_arrays); k++)
            assert_trap(&guest, of_arrays[k], ARGUMENTS(0), TRAP_NULL_ARRAY);
        guest_done(&guest);
    }
}

/* ---- many items ------------------------------------------------------------------------------ */

/* Runs what was begun in slices of one unit; how often it was suspended. */
static uint32_t run_suspended(struct guest *guest)
{
    uint32_t count = 0;
    enum engine_outcome outcome;
    while ((outcome = engine_run(guest->machine, 1)) == ENGINE_OUT_OF_FUEL)
        count++;
    assert_int_equal(outcome, ENGINE_DONE);
    return count;
}

/* How many items the engine does at a time. */
static uint32_t chunk_of(const struct storage *storage)
{
    return 65536u / storage->bytes;
}

static void arrays_of_any_length_are_made_in_slices_for_the_same_fuel(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        uint32_t chunk = chunk_of(storage);
        const uint32_t lengths[] = {0, 1, 2, chunk - 1, chunk, chunk + 1, 3 * chunk + 5};
        struct guest guest = make_guest(storage);
        for (size_t k = 0; k < COUNT_OF(lengths); k++) {
            uint64_t before = engine_machine_fuel_used(guest.machine);
            (void)call(&guest, "new", ARGUMENTS(lengths[k]));
            uint64_t used = engine_machine_fuel_used(guest.machine) - before;
            assert_in_range(used, (uint64_t)lengths[k] * storage->bytes / 16, 60000);
            begin(&guest, "new", ARGUMENTS(lengths[k]));
            assert_true(run_suspended(&guest) >= lengths[k] / chunk);
            assert_int_equal(engine_machine_fuel_used(guest.machine) - before, 2 * used);
            assert_int_equal(call(&guest, "len", ARGUMENTS(0)), lengths[k]);
            assert_items(&guest, storage, 0, lengths[k], value_a);
            (void)call(&guest, "new_default", ARGUMENTS(lengths[k]));
            assert_int_equal(call(&guest, "len", ARGUMENTS(0)), lengths[k]);
            assert_items(&guest, storage, 0, lengths[k], zero);
        }
        guest_done(&guest);
    }
}

static void an_array_of_given_items_has_them_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new_fixed", ARGUMENTS(0));
        assert_int_equal(call(&guest, "len", ARGUMENTS(0)), 3);
        assert_items(&guest, storage, 0, 1, value_a);
        assert_items(&guest, storage, 1, 2, value_b);
        assert_items(&guest, storage, 2, 3, value_a);
        (void)call(&guest, "new_none", ARGUMENTS(0));
        assert_int_equal(call(&guest, "len", ARGUMENTS(0)), 0);
        guest_done(&guest);
    }
}

static void a_fill_reaches_its_items_and_no_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        uint32_t chunk = chunk_of(storage);
        uint32_t length = 2 * chunk + 10;
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new", ARGUMENTS(length));
        begin(&guest, "fill", ARGUMENTS(3, 2 * chunk + 4));
        assert_true(run_suspended(&guest) >= 2);
        assert_items(&guest, storage, 0, 3, value_a);
        assert_items(&guest, storage, 3, length - 3, value_b);
        assert_items(&guest, storage, length - 3, length, value_a);
        (void)call(&guest, "fill", ARGUMENTS(length, 0));
        (void)call(&guest, "fill", ARGUMENTS(length - 1, 1));
        assert_items(&guest, storage, length - 1, length, value_b);
        assert_trap(&guest, "fill", ARGUMENTS(0, length + 1), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "fill", ARGUMENTS(length, 1), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "fill", ARGUMENTS(length + 1, 0), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "fill", ARGUMENTS(1, UINT32_MAX), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_items(&guest, storage, 0, 3, value_a);
        guest_done(&guest);
    }
}

/* Overlapping, both ways, over several chunks, and suspended between them. */
static void a_copy_within_an_array_does_not_see_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        uint32_t chunk = chunk_of(storage);
        uint32_t length = 4 * chunk;
        uint32_t count = length - chunk - 1;
        const uint32_t places[][2] = {{0, 1}, {1, 0}, {0, chunk + 1}, {chunk + 1, 0}, {5, 5}};
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new_default", ARGUMENTS(length));
        uint8_t *items = items_of(&guest);
        size_t bytes = (size_t)length * storage->bytes;
        uint8_t *wanted = malloc(bytes);
        assert_non_null(wanted);
        for (size_t k = 0; k < COUNT_OF(places); k++) {
            for (size_t byte = 0; byte < bytes; byte++)
                items[byte] = wanted[byte] = (uint8_t)((uint32_t)byte * 2654435761u >> 24);
            memmove(wanted + (size_t)places[k][0] * storage->bytes,
                    wanted + (size_t)places[k][1] * storage->bytes, (size_t)count * storage->bytes);
            begin(&guest, "copy", ARGUMENTS(places[k][0], places[k][1], count));
            assert_true(run_suspended(&guest) >= 2);
            assert_memory_equal(items, wanted, bytes);
        }
        free(wanted);
        assert_trap(&guest, "copy", ARGUMENTS(0, 0, length + 1), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "copy", ARGUMENTS(1, 0, length), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "copy", ARGUMENTS(0, 1, length), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "copy", ARGUMENTS(length + 1, 0, 0), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_trap(&guest, "copy", ARGUMENTS(0, UINT32_MAX, 1), TRAP_ARRAY_OUT_OF_BOUNDS);
        (void)call(&guest, "copy", ARGUMENTS(length, 0, 0));
        guest_done(&guest);
    }
}

/* ---- from a segment -------------------------------------------------------------------------- */

static void assert_data(const struct guest *guest, uint32_t item_at, uint32_t data_at, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(items_of(guest)[item_at + i], (uint8_t)((data_at + i) * 3 + 1));
}

static void items_come_from_a_segment_at_any_byte_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        uint32_t whole = DATA_BYTES / storage->bytes;
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new_data", ARGUMENTS(0, whole));
        assert_int_equal(call(&guest, "len", ARGUMENTS(0)), whole);
        assert_data(&guest, 0, 0, (size_t)whole * storage->bytes);
        (void)call(&guest, "init_data", ARGUMENTS(1, 5, 2));
        assert_data(&guest, 0, 0, storage->bytes);
        assert_data(&guest, storage->bytes, 5, 2u * storage->bytes);
        assert_data(&guest, 3u * storage->bytes, 3u * storage->bytes, storage->bytes);
        guest_done(&guest);
    }
}

static void what_a_segment_does_not_have_is_not_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(storages); i++) {
        const struct storage *storage = &storages[i];
        uint32_t whole = DATA_BYTES / storage->bytes;
        /* Whose product with the bytes of an item is 0 in 32 bits, or nearly. */
        uint32_t wide = UINT32_MAX / storage->bytes + (storage->bytes > 1);
        struct guest guest = make_guest(storage);
        (void)call(&guest, "new", ARGUMENTS(2 * whole));
        assert_trap(&guest, "new_data", ARGUMENTS(0, whole + 1), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "new_data", ARGUMENTS(1, whole), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "new_data", ARGUMENTS(DATA_BYTES + 1, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "new_data", ARGUMENTS(1, wide), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "init_data", ARGUMENTS(0, 0, whole + 1), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "init_data", ARGUMENTS(0, 1, whole), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "init_data", ARGUMENTS(0, UINT32_MAX, 1), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "init_data", ARGUMENTS(whole + 1, 0, whole), TRAP_ARRAY_OUT_OF_BOUNDS);
        assert_items(&guest, storage, 0, 2 * whole, value_a);
        (void)call(&guest, "drop_data", ARGUMENTS(0));
        assert_trap(&guest, "new_data", ARGUMENTS(0, 1), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_trap(&guest, "init_data", ARGUMENTS(0, 0, 1), TRAP_MEMORY_OUT_OF_BOUNDS);
        (void)call(&guest, "init_data", ARGUMENTS(0, 0, 0));
        assert_items(&guest, storage, 0, 2 * whole, value_a);
        (void)call(&guest, "new_data", ARGUMENTS(0, 0));
        assert_int_equal(call(&guest, "len", ARGUMENTS(0)), 0);
        guest_done(&guest);
    }
}

/* ---- vectors in constants and in snapshots --------------------------------------------------- */

/* Globals of constant objects, and a function that returns a lane of each: p of a structure
 * { i8 5, v128 a }, q of an array of two equal vectors b, r of an array of a and b. */
static struct guest make_constants(void)
{
    enum { PAIR, VECTORS, GETTER, NULLABLE = 0x63, V128 = ENGINE_V128 };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 3, 0x5f, 2, TYPES_I8, 0, V128, 1, 0x5e, V128, 1, 0x60, 1,
                 ENGINE_I32, 1, ENGINE_I64);
    WASM_SECTION(&wasm, WASM_FUNC, 3, GETTER, GETTER, GETTER);
    size_t section = wasm_open(&wasm, WASM_GLOBAL);
    WASM(&wasm, 3, NULLABLE, PAIR, 0, 0x41, 5);
    put_value(&wasm, &(struct storage){.type = V128}, value_a);
    WASM(&wasm, OBJECT, STRUCT_NEW, PAIR, END, NULLABLE, VECTORS, 0);
    put_value(&wasm, &(struct storage){.type = V128}, value_b);
    WASM(&wasm, 0x41, 2, OBJECT, ARRAY_NEW, VECTORS, END, NULLABLE, VECTORS, 0);
    put_value(&wasm, &(struct storage){.type = V128}, value_a);
    put_value(&wasm, &(struct storage){.type = V128}, value_b);
    WASM(&wasm, OBJECT, ARRAY_NEW_FIXED, VECTORS, 2, END);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_EXPORT, 3, 1, 'p', 0, 0, 1, 'q', 0, 1, 1, 'r', 0, 2);
    section = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 3);
    WASM_BODY(&wasm, 0, GLOBAL_GET, 0, OBJECT, STRUCT_GET, PAIR, 1, SIMD, I64X2_EXTRACT_LANE, 1,
              END);
    WASM_BODY(&wasm, 0, GLOBAL_GET, 1, GET, 0, OBJECT, ARRAY_GET, VECTORS, SIMD, I64X2_EXTRACT_LANE,
              0, END);
    WASM_BODY(&wasm, 0, GLOBAL_GET, 2, GET, 0, OBJECT, ARRAY_GET, VECTORS, SIMD, I64X2_EXTRACT_LANE,
              1, END);
    wasm_close(&wasm, section);
    return guest_make(&wasm, NULL);
}

static void assert_constants(struct guest *guest)
{
    assert_int_equal(guest_call(guest, "p", 0), value_a[1]);
    assert_int_equal(guest_call(guest, "q", 0), value_b[0]);
    assert_int_equal(guest_call(guest, "q", 1), value_b[0]);
    assert_int_equal(guest_call(guest, "r", 0), value_a[1]);
    assert_int_equal(guest_call(guest, "r", 1), value_b[1]);
}

static void vectors_of_constant_objects_are_there_again_after_a_snapshot(void **state)
{
    (void)state;
    struct guest guest = make_constants();
    assert_constants(&guest);
    struct report report = REPORT_INIT;
    struct guest again = {.module = NULL};
    assert_int_equal(engine_snapshot(guest.instance, &report, &again.image), STATUS_OK);
    guest_done(&guest);
    assert_int_equal(engine_module_open(bytes_make(again.image.data, again.image.count), true,
                                        &report, &again.module),
                     STATUS_OK);
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &again.machine),
                     STATUS_OK);
    assert_int_equal(
        engine_restore(again.machine, again.module, NULL, false, &report, &again.instance),
        STATUS_OK);
    assert_constants(&again);
    guest_done(&again);
}

/* ---- references ------------------------------------------------------------------------------ */

/* Types of the guest with references: $point { i32 }, its subtype $point3 { i32 i32 }, arrays of
 * anything and of functions, and a $pair of points; globals: anything, functions. */
enum { POINT, POINT3, ANYS, PAIR, FUNCS, FUNC_TYPE };
enum { ANY, THE_FUNCS };
enum { SUM = PARAMS, A_PAIR, SOME };

#define NOTHING_LEFT I64_CONST, 0
#define MAKE_POINT   GET, 0, OBJECT, STRUCT_NEW, POINT
#define X_OF_POINT   OBJECT, STRUCT_GET, POINT, 0
#define ADD_TO_SUM   I64_EXTEND, GET, SUM, I64_ADD, SET, SUM
#define ONCE_MORE    GET, 0, I32_CONST, 1, I32_SUB, TEE, 0, BR_IF, 0, END, GET, SUM

/* clang-format off */
static const struct function of_references[] = {
    FUNCTION("n", REF_NULL, ENGINE_ANYREF, GLOBAL_SET, ANY, NOTHING_LEFT),
    FUNCTION("i", GET, 0, OBJECT, REF_I31, GLOBAL_SET, ANY, NOTHING_LEFT),
    FUNCTION("p", OBJECT, STRUCT_NEW_DEFAULT, POINT, GLOBAL_SET, ANY, NOTHING_LEFT),
    FUNCTION("q", OBJECT, STRUCT_NEW_DEFAULT, POINT3, GLOBAL_SET, ANY, NOTHING_LEFT),
    FUNCTION("a", OBJECT, ARRAY_NEW_FIXED, ANYS, 0, GLOBAL_SET, ANY, NOTHING_LEFT),
    FUNCTION("signed", GLOBAL_GET, ANY, OBJECT, REF_CAST_NULL, ENGINE_I31REF, OBJECT, I31_GET_S,
             I64_EXTEND),
    FUNCTION("unsigned", GLOBAL_GET, ANY, OBJECT, REF_CAST_NULL, ENGINE_I31REF, OBJECT, I31_GET_U,
             I64_EXTEND),
    FUNCTION("new_elem", GET, 0, GET, 1, OBJECT, ARRAY_NEW_ELEM, FUNCS, 0, GLOBAL_SET, THE_FUNCS,
             NOTHING_LEFT),
    FUNCTION("init_elem", GLOBAL_GET, THE_FUNCS, GET, 0, GET, 1, GET, 2, OBJECT, ARRAY_INIT_ELEM,
             FUNCS, 0, NOTHING_LEFT),
    FUNCTION("drop_elem", BULK, ELEM_DROP, 0, NOTHING_LEFT),
    FUNCTION("new_nulls", GET, 0, OBJECT, ARRAY_NEW_DEFAULT, FUNCS, GLOBAL_SET, THE_FUNCS,
             NOTHING_LEFT),
    FUNCTION("no_funcs", REF_NULL, FUNCS, GLOBAL_SET, THE_FUNCS, NOTHING_LEFT),
    FUNCTION("is_null", GLOBAL_GET, THE_FUNCS, GET, 0, OBJECT, ARRAY_GET, FUNCS, REF_IS_NULL,
             I64_EXTEND),
    /* For n ... 1: a pair of two new points, whose numbers are added up. */
    FUNCTION("pairs", LOOP, 0x40, MAKE_POINT, MAKE_POINT, OBJECT, STRUCT_NEW, PAIR, SET, A_PAIR,
             GET, A_PAIR, OBJECT, STRUCT_GET, PAIR, 0, X_OF_POINT, GET, A_PAIR, OBJECT,
             STRUCT_GET, PAIR, 1, X_OF_POINT, I32_ADD, ADD_TO_SUM, ONCE_MORE),
    /* The same with an array of three times a new point, and one of two new points. */
    FUNCTION("arrays", LOOP, 0x40, MAKE_POINT, I32_CONST, 3, OBJECT, ARRAY_NEW, ANYS, SET, SOME,
             MAKE_POINT, MAKE_POINT, OBJECT, ARRAY_NEW_FIXED, ANYS, 2, I32_CONST, 1, OBJECT,
             ARRAY_GET, ANYS, OBJECT, REF_CAST, POINT, X_OF_POINT, GET, SOME, I32_CONST, 2,
             OBJECT, ARRAY_GET, ANYS, OBJECT, REF_CAST, POINT, X_OF_POINT, I32_ADD, ADD_TO_SUM,
             ONCE_MORE),
};
/* clang-format on */

/* What casts go to, and which of the values above these letters of functions match. */
static const struct {
    uint8_t heap_type;
    const char *matches;
} casts[] = {
    {ENGINE_ANYREF, "ipqa"},
    {ENGINE_EQREF, "ipqa"},
    {ENGINE_I31REF, "i"},
    {ENGINE_STRUCTREF, "pq"},
    {ENGINE_ARRAYREF, "a"},
    {ENGINE_NULLREF, ""},
    {POINT, "pq"},
    {POINT3, "q"},
    {ANYS, "a"},
};

/* Each as test, test_null, cast, cast_null: functions named by two letters. */
#define CAST_KINDS 4

static void put_cast(struct buffer *wasm, uint8_t heap_type, uint8_t kind)
{
    size_t body = wasm_open_size(wasm);
    WASM(wasm, 0, GLOBAL_GET, ANY, OBJECT, REF_TEST + kind, heap_type);
    if (REF_TEST + kind >= REF_CAST)
        WASM(wasm, REF_IS_NULL);
    WASM(wasm, I64_EXTEND, END);
    wasm_close(wasm, body);
}

static void put_reference_bodies(struct buffer *wasm)
{
    size_t section = wasm_open(wasm, WASM_CODE);
    wasm_u32(wasm, COUNT_OF(of_references) + COUNT_OF(casts) * CAST_KINDS);
    for (uint32_t i = 0; i < COUNT_OF(of_references); i++) {
        size_t body = wasm_open_size(wasm);
        WASM(wasm, 3, 1, ENGINE_I64, 1, 0x63, PAIR, 1, 0x63, ANYS);
        wasm_append(wasm, of_references[i].body, of_references[i].count);
        WASM(wasm, END);
        wasm_close(wasm, body);
    }
    for (uint32_t i = 0; i < COUNT_OF(casts) * CAST_KINDS; i++)
        put_cast(wasm, casts[i / CAST_KINDS].heap_type, i % CAST_KINDS);
    wasm_close(wasm, section);
}

static void cast_name(char name[3], uint32_t cast, uint32_t kind)
{
    name[0] = (char)('A' + cast);
    name[1] = (char)('0' + kind);
    name[2] = '\0';
}

static struct guest make_references(uint64_t heap_bytes)
{
    enum { COUNT = COUNT_OF(of_references) + COUNT_OF(casts) * CAST_KINDS, I32 = ENGINE_I32 };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 6, 0x50, 0, 0x5f, 1, I32, 1, 0x50, 1, POINT, 0x5f, 2, I32, 1,
                 I32, 1, 0x5e, ENGINE_ANYREF, 1, 0x5f, 2, 0x63, POINT, 0, 0x63, POINT, 0, 0x5e,
                 ENGINE_FUNCREF, 1, 0x60, PARAMS, I32, I32, I32, 1, ENGINE_I64);
    size_t section = wasm_open(&wasm, WASM_FUNC);
    wasm_u32(&wasm, COUNT);
    wasm_fill(&wasm, FUNC_TYPE, COUNT);
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_GLOBAL, 2, ENGINE_ANYREF, 1, REF_NULL, ENGINE_ANYREF, END, 0x63, FUNCS,
                 1, REF_NULL, FUNCS, END);
    section = wasm_open(&wasm, WASM_EXPORT);
    wasm_u32(&wasm, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t cast = i - (uint32_t)COUNT_OF(of_references);
        char name[3];
        cast_name(name, cast / CAST_KINDS, cast % CAST_KINDS);
        wasm_name(&wasm, i < COUNT_OF(of_references) ? of_references[i].name : name);
        WASM(&wasm, 0);
        wasm_u32(&wasm, i);
    }
    wasm_close(&wasm, section);
    WASM_SECTION(&wasm, WASM_ELEM, 1, 5, ENGINE_FUNCREF, 4, REF_FUNC, 0, END, REF_NULL,
                 ENGINE_FUNCREF, END, REF_FUNC, 1, END, REF_FUNC, 2, END);
    put_reference_bodies(&wasm);
    struct engine_limits limits = engine_limits_default;
    limits.heap_bytes = heap_bytes;
    return guest_make_within(&wasm, &limits);
}

#define HEAP_BYTES ((uint64_t)1 << 20)

static void assert_cast(struct guest *guest, uint32_t cast, const char *value, bool nullable)
{
    char test[3], to[3];
    cast_name(test, cast, nullable);
    cast_name(to, cast, 2 + nullable);
    bool is_null = value[0] == 'n';
    bool matches = is_null ? nullable : strchr(casts[cast].matches, value[0]) != NULL;
    if (call(guest, test, ARGUMENTS(0)) != matches)
        fail_msg("%s of %s: not %d", test, value, matches);
    if (!matches)
        return assert_trap(guest, to, ARGUMENTS(0), TRAP_CAST_FAILURE);
    assert_int_equal(call(guest, to, ARGUMENTS(0)), is_null); /* the same as before */
}

static void a_cast_traps_where_a_test_says_no(void **state)
{
    (void)state;
    static const char *const values[] = {"n", "i", "p", "q", "a"};
    struct guest guest = make_references(HEAP_BYTES);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        (void)call(&guest, values[i], ARGUMENTS(7));
        for (uint32_t cast = 0; cast < COUNT_OF(casts); cast++) {
            assert_cast(&guest, cast, values[i], false);
            assert_cast(&guest, cast, values[i], true);
        }
    }
    guest_done(&guest);
}

static void an_i31_has_a_sign_only_for_who_asks_and_null_is_none(void **state)
{
    (void)state;
    struct guest guest = make_references(HEAP_BYTES);
    (void)call(&guest, "i", ARGUMENTS(0xc0000000));
    assert_int_equal(call(&guest, "signed", ARGUMENTS(0)), 0xc0000000);
    assert_int_equal(call(&guest, "unsigned", ARGUMENTS(0)), 0x40000000);
    (void)call(&guest, "n", ARGUMENTS(0));
    assert_trap(&guest, "signed", ARGUMENTS(0), TRAP_NULL_I31);
    assert_trap(&guest, "unsigned", ARGUMENTS(0), TRAP_NULL_I31);
    guest_done(&guest);
}

static void assert_nulls(struct guest *guest, const char *nulls)
{
    for (uint32_t i = 0; nulls[i] != '\0'; i++)
        assert_int_equal(call(guest, "is_null", ARGUMENTS(i)), nulls[i] == '-');
    assert_trap(guest, "is_null", ARGUMENTS((uint32_t)strlen(nulls)), TRAP_ARRAY_OUT_OF_BOUNDS);
}

static void references_come_from_a_segment_that_has_them(void **state)
{
    (void)state;
    struct guest guest = make_references(HEAP_BYTES);
    (void)call(&guest, "new_elem", ARGUMENTS(0, 4));
    assert_nulls(&guest, "f-ff");
    (void)call(&guest, "new_elem", ARGUMENTS(1, 2));
    assert_nulls(&guest, "-f");
    (void)call(&guest, "new_elem", ARGUMENTS(4, 0));
    assert_nulls(&guest, "");
    assert_trap(&guest, "new_elem", ARGUMENTS(0, 5), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_trap(&guest, "new_elem", ARGUMENTS(1, 4), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_trap(&guest, "new_elem", ARGUMENTS(5, 0), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_trap(&guest, "new_elem", ARGUMENTS(1, UINT32_MAX), TRAP_TABLE_OUT_OF_BOUNDS);
    (void)call(&guest, "new_nulls", ARGUMENTS(6));
    (void)call(&guest, "init_elem", ARGUMENTS(3, 0, 3));
    assert_nulls(&guest, "---f-f");
    assert_trap(&guest, "init_elem", ARGUMENTS(4, 0, 3), TRAP_ARRAY_OUT_OF_BOUNDS);
    assert_trap(&guest, "init_elem", ARGUMENTS(0, 2, 3), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_trap(&guest, "init_elem", ARGUMENTS(0, UINT32_MAX, 1), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_nulls(&guest, "---f-f");
    (void)call(&guest, "drop_elem", ARGUMENTS(0));
    assert_trap(&guest, "new_elem", ARGUMENTS(0, 1), TRAP_TABLE_OUT_OF_BOUNDS);
    assert_trap(&guest, "init_elem", ARGUMENTS(0, 0, 1), TRAP_TABLE_OUT_OF_BOUNDS);
    (void)call(&guest, "init_elem", ARGUMENTS(6, 0, 0));
    (void)call(&guest, "no_funcs", ARGUMENTS(0));
    assert_trap(&guest, "init_elem", ARGUMENTS(0, 0, 0), TRAP_NULL_ARRAY);
    guest_done(&guest);
}

/* The heap is full of garbage again and again, whichever object is being made; what it is to be
 * made of is only in slots then. */
static void operands_live_through_the_collection_that_makes_room(void **state)
{
    (void)state;
    static const char *const names[] = {"pairs", "arrays"};
    const uint32_t turns = 20000;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct guest guest = make_references(5 * HEAP_BLOCK_BYTES);
        assert_int_equal(call(&guest, names[i], ARGUMENTS(turns)), (uint64_t)turns * (turns + 1));
        begin(&guest, names[i], ARGUMENTS(turns));
        (void)run_suspended(&guest);
        assert_int_equal(engine_call_results(guest.machine)[0].i64, (uint64_t)turns * (turns + 1));
        guest_done(&guest);
    }
}

static void an_array_that_does_not_fit_is_a_trap(void **state)
{
    (void)state;
    struct guest guest = make_references(HEAP_BYTES);
    assert_trap(&guest, "new_nulls", ARGUMENTS(1 << 27), TRAP_HEAP_EXHAUSTED);
    assert_trap(&guest, "new_nulls", ARGUMENTS(UINT32_MAX), TRAP_HEAP_EXHAUSTED);
    assert_trap(&guest, "new_nulls", ARGUMENTS(HEAP_BYTES / 8), TRAP_HEAP_EXHAUSTED);
    (void)call(&guest, "new_nulls", ARGUMENTS(HEAP_BYTES / 8 - 100));
    assert_trap(&guest, "new_nulls", ARGUMENTS(100000), TRAP_HEAP_EXHAUSTED); /* beside it */
    assert_int_equal(call(&guest, "is_null", ARGUMENTS(5)), true);
    (void)call(&guest, "no_funcs", ARGUMENTS(0));
    (void)call(&guest, "new_nulls", ARGUMENTS(100000));
    guest_done(&guest);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_keeps_what_its_storage_can_and_touches_no_other),
        cmocka_unit_test(items_are_reached_up_to_the_last),
        cmocka_unit_test(null_has_no_fields_and_no_items),
        cmocka_unit_test(arrays_of_any_length_are_made_in_slices_for_the_same_fuel),
        cmocka_unit_test(an_array_of_given_items_has_them_in_their_order),
        cmocka_unit_test(a_fill_reaches_its_items_and_no_others),
        cmocka_unit_test(a_copy_within_an_array_does_not_see_itself),
        cmocka_unit_test(items_come_from_a_segment_at_any_byte_of_it),
        cmocka_unit_test(what_a_segment_does_not_have_is_not_read),
        cmocka_unit_test(vectors_of_constant_objects_are_there_again_after_a_snapshot),
        cmocka_unit_test(a_cast_traps_where_a_test_says_no),
        cmocka_unit_test(an_i31_has_a_sign_only_for_who_asks_and_null_is_none),
        cmocka_unit_test(references_come_from_a_segment_that_has_them),
        cmocka_unit_test(operands_live_through_the_collection_that_makes_room),
        cmocka_unit_test(an_array_that_does_not_fit_is_a_trap),
    };
    return cmocka_run_group_tests_name("engine/ops_object", tests, NULL, NULL);
}
