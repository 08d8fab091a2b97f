/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated instructions that a row of a table says all about (generate_body.h): those of
 * engine/read/opcodes.def with a signature there, and those of objects and tables listed here.
 */
#include "tests/fuzz/generate_body.h"

enum { PAGE_MASK = 0xffff, MEMARG_MEMORY = 0x40 };

/* ---- instructions by their rows -------------------------------------------------------------- */

struct row {
    uint32_t opcode;
    uint8_t immediate;
    const char *signature;
};

static const struct row rows[] = {
#define OPCODE(code, name, text, immediate, signature) {(code), IMMEDIATE_##immediate, signature},
#include "engine/read/opcodes.def"
};

/*
 * Instructions whose types depend on an immediate, with immediates (a digit each) for which they
 * have these types; `!` makes the type before it non-null, n and N are small numbers.
 */
struct recipe {
    uint32_t opcode;
    const char *immediates;
    const char *signature;
};

static const struct recipe recipes[] = {
    {OPCODE_STRUCT_NEW, "0", "ilidA:S!"},
    {OPCODE_STRUCT_NEW, "1", "ilidAfS:T!"},
    {OPCODE_STRUCT_NEW_DEFAULT, "1", ":T!"},
    {OPCODE_STRUCT_GET, "00", "S:i"},
    {OPCODE_STRUCT_GET, "01", "S:l"},
    {OPCODE_STRUCT_GET_S, "02", "S:i"},
    {OPCODE_STRUCT_GET_U, "02", "S:i"},
    {OPCODE_STRUCT_GET, "03", "S:d"},
    {OPCODE_STRUCT_GET, "04", "S:A"},
    {OPCODE_STRUCT_GET, "15", "T:f"},
    {OPCODE_STRUCT_GET, "16", "T:S"},
    {OPCODE_STRUCT_SET, "00", "Si:"},
    {OPCODE_STRUCT_SET, "01", "Sl:"},
    {OPCODE_STRUCT_SET, "02", "Si:"},
    {OPCODE_STRUCT_SET, "03", "Sd:"},
    {OPCODE_STRUCT_SET, "04", "SA:"},
    {OPCODE_STRUCT_SET, "15", "Tf:"},
    {OPCODE_STRUCT_SET, "16", "TS:"},
    {OPCODE_ARRAY_NEW, "2", "in:J!"},
    {OPCODE_ARRAY_NEW, "3", "in:B!"},
    {OPCODE_ARRAY_NEW, "4", "An:R!"},
    {OPCODE_ARRAY_NEW_DEFAULT, "2", "i:J!"},
    {OPCODE_ARRAY_NEW_DEFAULT, "4", "n:R!"},
    {OPCODE_ARRAY_NEW_FIXED, "23", "iii:J!"},
    {OPCODE_ARRAY_NEW_FIXED, "42", "AA:R!"},
    {OPCODE_ARRAY_NEW_DATA, "20", "nn:J!"},
    {OPCODE_ARRAY_NEW_DATA, "31", "nn:B!"},
    {OPCODE_ARRAY_NEW_ELEM, "41", "nn:R!"},
    {OPCODE_ARRAY_GET, "2", "Jn:i"},
    {OPCODE_ARRAY_GET_S, "3", "Bn:i"},
    {OPCODE_ARRAY_GET_U, "3", "Bn:i"},
    {OPCODE_ARRAY_GET, "4", "Rn:A"},
    {OPCODE_ARRAY_SET, "2", "Jni:"},
    {OPCODE_ARRAY_SET, "3", "Bni:"},
    {OPCODE_ARRAY_SET, "4", "RnA:"},
    {OPCODE_ARRAY_LEN, "", "Y:i"},
    {OPCODE_ARRAY_FILL, "2", "Jnin:"},
    {OPCODE_ARRAY_FILL, "3", "Bnin:"},
    {OPCODE_ARRAY_FILL, "4", "RnAn:"},
    {OPCODE_ARRAY_COPY, "22", "JnJnn:"},
    {OPCODE_ARRAY_COPY, "33", "BnBnn:"},
    {OPCODE_ARRAY_COPY, "44", "RnRnn:"},
    {OPCODE_ARRAY_INIT_DATA, "20", "Jnnn:"},
    {OPCODE_ARRAY_INIT_DATA, "31", "Bnnn:"},
    {OPCODE_ARRAY_INIT_ELEM, "41", "Rnnn:"},
    {OPCODE_REF_IS_NULL, "", "A:i"},
    {OPCODE_REF_IS_NULL, "", "F:i"},
    {OPCODE_REF_IS_NULL, "", "X:i"},
    {OPCODE_REF_EQ, "", "QQ:i"},
    {OPCODE_REF_AS_NON_NULL, "", "S:S!"},
    {OPCODE_REF_AS_NON_NULL, "", "A:A!"},
    {OPCODE_REF_AS_NON_NULL, "", "E:E!"},
    {OPCODE_ANY_CONVERT_EXTERN, "", "E:A"},
    {OPCODE_EXTERN_CONVERT_ANY, "", "A:E"},
    {OPCODE_REF_I31, "", "i:I!"},
    {OPCODE_I31_GET_S, "", "I:i"},
    {OPCODE_I31_GET_U, "", "I:i"},
    {OPCODE_TABLE_GET, "0", "n:F"},
    {OPCODE_TABLE_GET, "1", "n:A"},
    {OPCODE_TABLE_GET, "2", "N:F"},
    {OPCODE_TABLE_SET, "0", "nF:"},
    {OPCODE_TABLE_SET, "1", "nA:"},
    {OPCODE_TABLE_SET, "2", "NF:"},
    {OPCODE_TABLE_GROW, "0", "Fn:i"},
    {OPCODE_TABLE_GROW, "1", "An:i"},
    {OPCODE_TABLE_GROW, "2", "FN:l"},
    {OPCODE_TABLE_FILL, "0", "nFn:"},
    {OPCODE_TABLE_FILL, "1", "nAn:"},
    {OPCODE_TABLE_FILL, "2", "NFN:"},
    {OPCODE_TABLE_COPY, "00", "nnn:"},
    {OPCODE_TABLE_COPY, "11", "nnn:"},
    {OPCODE_TABLE_COPY, "02", "nNn:"},
    {OPCODE_TABLE_COPY, "20", "Nnn:"},
    {OPCODE_TABLE_COPY, "22", "NNN:"},
    {OPCODE_TABLE_INIT, "00", "nnn:"},
    {OPCODE_TABLE_INIT, "11", "nnn:"},
    {OPCODE_TABLE_INIT, "02", "Nnn:"},
    {OPCODE_I64_ADD128, "", "llll:ll"},
    {OPCODE_I64_SUB128, "", "llll:ll"},
    {OPCODE_I64_MUL_WIDE_S, "", "ll:ll"},
    {OPCODE_I64_MUL_WIDE_U, "", "ll:ll"},
};

/* Reads the types up to the colon or the end; `address` is what `a` stands for. */
static const char *
read_signature(const char *at, uint32_t address, struct world_types *ret_types, bool *ret_small)
{
    struct world_types types = {0};
    for (; *at != ':' && *at != '\0'; at++) {
        uint32_t type = *at == 'a'   ? address
                        : *at == 'n' ? (uint32_t)ENGINE_I32
                        : *at == 'N' ? (uint32_t)ENGINE_I64
                                     : world_type(*at);
        *ret_small = *ret_small || *at == 'n' || *at == 'N';
        type |= at[1] == '!' ? ENGINE_TYPE_NON_NULL : 0;
        at += at[1] == '!';
        types.at[types.count++] = type;
    }
    *ret_types = types;
    return at + (*at == ':');
}

void body_emit_recipe(struct body *b)
{
    const struct recipe *recipe = &recipes[choose(b->choices, COUNT_OF(recipes))];
    struct world_types operands, results;
    bool has_small = false, ignored = false;
    const char *behind = read_signature(recipe->signature, 0, &operands, &has_small);
    (void)read_signature(behind, 0, &results, &ignored);
    /* Numbers from anywhere would nearly always be out of bounds. */
    if (has_small && !choose_once_in(b->choices, 8)) {
        const char *letter = recipe->signature;
        for (uint32_t i = 0; i < operands.count; i++, letter++) {
            if (*letter == 'n' || *letter == 'N') {
                body_put_number(b, *letter == 'N', choose(b->choices, BODY_NUMBER_MAX) / 2);
                body_push(b, operands.at[i]);
            } else {
                body_value(b, operands.at[i]);
            }
        }
    }
    body_want(b, &operands);
    body_put_opcode(b, recipe->opcode);
    for (const char *digit = recipe->immediates; *digit != '\0'; digit++)
        wasm_u32(b->out, (uint32_t)(*digit - '0'));
    body_push_all(b, &results);
}

static void put_memarg(struct body *b, uint32_t memory, uint32_t align_max)
{
    uint32_t align = choose(b->choices, align_max + 1);
    wasm_u32(b->out, memory == 0 ? align : align | MEMARG_MEMORY);
    if (memory != 0)
        wasm_u32(b->out, memory);
    wasm_u32(b->out, choose_once_in(b->choices, 8) ? (uint32_t)choose_bits(b->choices, 4)
                                                   : choose(b->choices, 64));
}

static void put_immediate(struct body *b, enum immediate_kind kind, uint32_t memory)
{
    static const uint8_t lanes[] = {
        [IMMEDIATE_LANE2] = 2,        [IMMEDIATE_LANE4] = 4,         [IMMEDIATE_LANE8] = 8,
        [IMMEDIATE_LANE16] = 16,      [IMMEDIATE_MEMARG0_LANE] = 16, [IMMEDIATE_MEMARG1_LANE] = 8,
        [IMMEDIATE_MEMARG2_LANE] = 4, [IMMEDIATE_MEMARG3_LANE] = 2};
    if (kind >= IMMEDIATE_MEMARG0 && kind <= IMMEDIATE_MEMARG4)
        put_memarg(b, memory, kind - IMMEDIATE_MEMARG0);
    if (kind >= IMMEDIATE_MEMARG0_LANE && kind <= IMMEDIATE_MEMARG3_LANE)
        put_memarg(b, memory, kind - IMMEDIATE_MEMARG0_LANE);
    if (kind == IMMEDIATE_DATA || kind == IMMEDIATE_DATA_MEMORY)
        wasm_u32(b->out, choose(b->choices, WORLD_DATA_COUNT));
    if (kind == IMMEDIATE_DATA_MEMORY || kind == IMMEDIATE_MEMORY)
        wasm_u32(b->out, memory);
    if (kind == IMMEDIATE_ELEM)
        wasm_u32(b->out, choose(b->choices, WORLD_ELEM_COUNT));
    if (kind == IMMEDIATE_TABLE)
        wasm_u32(b->out, WORLD_TABLE_ANY);
    if (kind == IMMEDIATE_SHUFFLE)
        body_put_chosen(b, 16, 32);
    if (kind < COUNT_OF(lanes) && lanes[kind] != 0)
        body_put_chosen(b, 1, lanes[kind]);
}

/* Pushes an address that is mostly inside, and fresh values for what comes behind it. */
static void fresh_operands(struct body *b, const struct world_types *operands)
{
    bool is_64 = operands->at[0] == ENGINE_I64;
    if (choose_once_in(b->choices, 2)) {
        body_put_number(b, is_64, (int64_t)choose_bits(b->choices, 2) & ~7);
        body_push(b, operands->at[0]);
    } else {
        body_value(b, operands->at[0]);
        body_put_number(b, is_64, PAGE_MASK);
        body_put_opcode(b, is_64 ? OPCODE_I64_AND : OPCODE_I32_AND);
    }
    for (uint32_t i = 1; i < operands->count; i++)
        body_value(b, operands->at[i]);
}

static void emit_row(struct body *b, const struct row *row)
{
    bool is_table = row->immediate == IMMEDIATE_TABLE;
    bool has_address = strchr(row->signature, 'a') != NULL;
    uint32_t memory = 0;
    if (has_address && !is_table) {
        if (b->world->memory_count == 0)
            return;
        memory = choose(b->choices, b->world->memory_count);
    }
    bool is_64 = has_address && !is_table && b->world->memory_is_64[memory];
    struct world_types operands, results;
    bool ignored = false;
    const char *behind =
        read_signature(row->signature, is_64 ? ENGINE_I64 : ENGINE_I32, &operands, &ignored);
    (void)read_signature(behind, is_64 ? ENGINE_I64 : ENGINE_I32, &results, &ignored);
    if (row->signature[0] == 'a' && !choose_once_in(b->choices, 4))
        fresh_operands(b, &operands);
    body_want(b, &operands);
    body_put_opcode(b, row->opcode);
    put_immediate(b, row->immediate, memory);
    body_push_all(b, &results);
}

/* Any row of one half of the table that says all about its instruction; constants are values. */
static void emit_any_row(struct body *b, bool of_vectors)
{
    uint32_t index = choose(b->choices, COUNT_OF(rows));
    for (;; index = (index + 1) % COUNT_OF(rows)) {
        const struct row *row = &rows[index];
        bool is_constant = row->immediate >= IMMEDIATE_I32 && row->immediate <= IMMEDIATE_V128;
        /* Not every peer has atomic instructions for memories that are not shared. */
        if (row->opcode < OPCODE_ATOMIC_FIRST && (row->opcode >= OPCODE_SIMD_FIRST) == of_vectors &&
            row->signature[0] != '*' && row->immediate != IMMEDIATE_ELEM_TABLE && !is_constant) {
            emit_row(b, row);
            return;
        }
    }
}

void body_emit_scalar(struct body *b)
{
    emit_any_row(b, false);
}

void body_emit_vector(struct body *b)
{
    emit_any_row(b, true);
}

void body_emit_memory_copy(struct body *b)
{
    if (b->world->memory_count == 0)
        return;
    uint32_t to = choose(b->choices, b->world->memory_count);
    uint32_t from = choose(b->choices, b->world->memory_count);
    uint32_t memories[] = {to, from, b->world->memory_is_64[to] ? from : to};
    for (uint32_t i = 0; i < COUNT_OF(memories); i++) {
        bool is_64 = b->world->memory_is_64[memories[i]];
        body_put_number(b, is_64, (int64_t)choose_bits(b->choices, 2));
    }
    body_put_opcode(b, OPCODE_MEMORY_COPY);
    wasm_u32(b->out, to);
    wasm_u32(b->out, from);
}
