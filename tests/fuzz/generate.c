/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections of a generated module around its bodies, and its types (generate.h).
 */
#include "tests/fuzz/generate.h"

#include "engine/read/opcodes.h"
#include "tests/fuzz/generate_world.h"
#include "tests/support/wasm_build.h"

/* Sections that wasm_build.h has no name for, and pieces of the binary format. */
enum { SECTION_TAG = 13 };
enum {
    FORM_FUNC = 0x60,
    FORM_STRUCT = 0x5f,
    FORM_ARRAY = 0x5e,
    FORM_SUB = 0x50,
    FORM_REC = 0x4e,
    FORM_REF_NULL = 0x63,
    FORM_REF = 0x64,
    FORM_I8 = 0x78,
};
enum { LIMITS_MAX = 1, LIMITS_64 = 4, LIMITS_PAGE = 8 };
enum { DATA_BYTES = 300, PLAIN_PAGES_MAX = 3, BYTES_MIN = 1000, BYTES_MAX = 70000 };

/* ---- types ----------------------------------------------------------------------------------- */

uint32_t world_type(char letter)
{
    switch (letter) {
    case 'i':
        return ENGINE_I32;
    case 'l':
        return ENGINE_I64;
    case 'f':
        return ENGINE_F32;
    case 'd':
        return ENGINE_F64;
    case 'v':
        return ENGINE_V128;
    case 'F':
        return ENGINE_FUNCREF;
    case 'E':
        return ENGINE_EXTERNREF;
    case 'A':
        return ENGINE_ANYREF;
    case 'Q':
        return ENGINE_EQREF;
    case 'I':
        return ENGINE_I31REF;
    case 'U':
        return ENGINE_STRUCTREF;
    case 'Y':
        return ENGINE_ARRAYREF;
    case 'X':
        return ENGINE_EXNREF;
    default: {
        static const char concrete[] = "STJBR";
        const char *at = strchr(concrete, letter);
        ASSERT(at != NULL && *at != '\0');
        return ENGINE_TYPE_CONCRETE | (uint32_t)(at - concrete);
    }
    }
}

uint32_t world_choose_type(struct choices *choices)
{
    static const char letters[] = "iiiiiiiillllffdddvvFEAQISTJBRXUY";
    return world_type(letters[choose(choices, sizeof(letters) - 1)]);
}

/* The next heap type above; 0: none. */
static uint32_t heap_parent(uint32_t heap)
{
    switch (heap) {
    case ENGINE_TYPE_CONCRETE | WORLD_STRUCT2:
        return ENGINE_TYPE_CONCRETE | WORLD_STRUCT;
    case ENGINE_TYPE_CONCRETE | WORLD_STRUCT:
        return ENGINE_STRUCTREF;
    case ENGINE_TYPE_CONCRETE | WORLD_ARRAY32:
    case ENGINE_TYPE_CONCRETE | WORLD_ARRAY8:
    case ENGINE_TYPE_CONCRETE | WORLD_ARRAY_ANY:
        return ENGINE_ARRAYREF;
    case ENGINE_STRUCTREF:
    case ENGINE_ARRAYREF:
    case ENGINE_I31REF:
        return ENGINE_EQREF;
    case ENGINE_EQREF:
        return ENGINE_ANYREF;
    default:
        return (heap & ENGINE_TYPE_CONCRETE) != 0 ? ENGINE_FUNCREF : 0;
    }
}

bool world_is_subtype(uint32_t type, uint32_t super)
{
    if (type == super)
        return true;
    bool may_be_null = (type & ENGINE_TYPE_NON_NULL) == 0;
    if (may_be_null && (super & ENGINE_TYPE_NON_NULL) != 0)
        return false;
    uint32_t heap = type & ~ENGINE_TYPE_NON_NULL;
    uint32_t wanted = super & ~ENGINE_TYPE_NON_NULL;
    while (heap != 0 && heap != wanted)
        heap = engine_type_is_reference(heap) ? heap_parent(heap) : 0;
    return heap != 0;
}

void world_put_heap_type(struct buffer *out, uint32_t type)
{
    uint32_t index = type & ~(ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE);
    ASSERT(index < 0x40 || (type & ENGINE_TYPE_CONCRETE) == 0); /* one signed byte */
    WASM(out, (uint8_t)index);
}

void world_put_type(struct buffer *out, uint32_t type)
{
    if ((type & (ENGINE_TYPE_NON_NULL | ENGINE_TYPE_CONCRETE)) != 0)
        WASM(out, (type & ENGINE_TYPE_NON_NULL) != 0 ? FORM_REF : FORM_REF_NULL);
    world_put_heap_type(out, type);
}

static void put_types(struct buffer *out, const struct world_types *types)
{
    wasm_u32(out, types->count);
    for (uint32_t i = 0; i < types->count; i++)
        world_put_type(out, types->at[i]);
}

/* ---- decisions ------------------------------------------------------------------------------- */

static struct world_types choose_types(struct choices *choices, uint32_t most)
{
    struct world_types types = {.count = choose(choices, most + 1)};
    for (uint32_t i = 0; i < types.count; i++)
        types.at[i] = world_choose_type(choices);
    return types;
}

static uint32_t add_functype(struct world *world, struct world_functype type)
{
    ASSERT(world->functype_count < WORLD_FUNCTYPES_MAX);
    world->functypes[world->functype_count] = type;
    return world->functype_count++;
}

static void choose_functypes(struct world *world)
{
    (void)add_functype(world, (struct world_functype){0});
    uint32_t count = 3 + choose(world->choices, 4);
    while (world->functype_count < count) {
        /* Most functions have few results; some have many parameters. */
        uint32_t params = choose_once_in(world->choices, 8) ? WORLD_VALUES_MAX - 2 : 4;
        struct world_functype type = {.params = choose_types(world->choices, params)};
        type.results = choose_types(world->choices, choose_once_in(world->choices, 4) ? 4 : 1);
        (void)add_functype(world, type);
    }
    for (uint32_t i = 0; i < WORLD_TAGS; i++) {
        struct world_functype type = {.params = choose_types(world->choices, i * 2)};
        struct world_functype caught = {.results = type.params};
        struct world_tag *tag = &world->tags[i];
        tag->functype = add_functype(world, type);
        tag->caught[0] = add_functype(world, caught);
        caught.results.at[caught.results.count++] = ENGINE_EXNREF;
        tag->caught[1] = add_functype(world, caught);
    }
}

static void choose_world(struct world *world)
{
    struct choices *choices = world->choices;
    choose_functypes(world);
    uint32_t plain_types = world->tags[0].functype;
    world->imported_count = choose(choices, WORLD_IMPORTS_MAX + 1);
    uint32_t own = 1 + choose(choices, WORLD_FUNCS_MAX - WORLD_IMPORTS_MAX);
    world->func_count = world->imported_count + own;
    for (uint32_t i = 0; i < world->func_count; i++)
        world->funcs[i] = choose(choices, plain_types);
    static const uint8_t memory_counts[] = {1, 1, 1, 2, 2, 3, 1, 0};
    world->memory_count = memory_counts[choose(choices, COUNT_OF(memory_counts))];
    for (uint32_t i = 0; i < world->memory_count; i++) {
        world->memory_is_64[i] = choose_once_in(choices, i == 0 ? 8 : 2);
        world->memory_has_bytes[i] = choose_once_in(choices, 8);
    }
    world->global_count = 2 + choose(choices, WORLD_GLOBALS_MAX - 1);
    for (uint32_t i = 0; i < world->global_count; i++)
        world->globals[i] = i == 0 ? ENGINE_I32 : world_choose_type(choices);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void put_struct_fields(struct buffer *out, uint32_t extra)
{
    WASM(out, FORM_STRUCT, (uint8_t)(5 + extra), ENGINE_I32, 1, ENGINE_I64, 1, FORM_I8, 1,
         ENGINE_F64, 1, ENGINE_ANYREF, 1);
}

static void put_types_section(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_TYPE);
    wasm_u32(out, 4 + world->functype_count);
    WASM(out, FORM_REC, 2, FORM_SUB, 0);
    put_struct_fields(out, 0);
    WASM(out, FORM_SUB, 1, WORLD_STRUCT);
    put_struct_fields(out, 2);
    WASM(out, ENGINE_F32, 1, FORM_REF_NULL, WORLD_STRUCT, 1);
    WASM(out, FORM_ARRAY, ENGINE_I32, 1, FORM_ARRAY, FORM_I8, 1, FORM_ARRAY, ENGINE_ANYREF, 1);
    for (uint32_t i = 0; i < world->functype_count; i++) {
        WASM(out, FORM_FUNC);
        put_types(out, &world->functypes[i].params);
        put_types(out, &world->functypes[i].results);
    }
    wasm_close(out, section);
}

static void put_table(struct buffer *out, uint32_t table)
{
    WASM(out, table == WORLD_TABLE_ANY ? ENGINE_ANYREF : ENGINE_FUNCREF,
         table == WORLD_TABLE_FUNC64 ? LIMITS_MAX | LIMITS_64 : LIMITS_MAX, WORLD_TABLE_ENTRIES,
         WORLD_TABLE_MAX);
}

static void put_memory(const struct world *world, uint32_t memory, struct buffer *out)
{
    bool has_bytes = world->memory_has_bytes[memory];
    WASM(out, LIMITS_MAX | (world->memory_is_64[memory] ? LIMITS_64 : 0) |
                  (has_bytes ? LIMITS_PAGE : 0));
    wasm_u32(out, has_bytes ? BYTES_MIN : 1);
    wasm_u32(out, has_bytes ? BYTES_MAX : PLAIN_PAGES_MAX);
    if (has_bytes)
        WASM(out, 0);
}

static void put_global(const struct world *world, uint32_t global, struct buffer *out)
{
    world_put_type(out, world->globals[global]);
    WASM(out, 1);
}

static void put_tag(const struct world *world, uint32_t tag, struct buffer *out)
{
    WASM(out, 0);
    wasm_u32(out, WORLD_FUNCTYPES + world->tags[tag].functype);
}

/* How many there are of each kind, its letter in names, and its writer. */
static uint32_t world_count(const struct world *world, enum engine_extern_kind kind)
{
    switch (kind) {
    case ENGINE_EXTERN_TABLE:
        return WORLD_TABLE_COUNT;
    case ENGINE_EXTERN_MEMORY:
        return world->memory_count;
    case ENGINE_EXTERN_GLOBAL:
        return world->global_count;
    case ENGINE_EXTERN_TAG:
        return WORLD_TAGS;
    default:
        return world->func_count;
    }
}

static void put_extern_name(struct buffer *out, enum engine_extern_kind kind, uint32_t index)
{
    char name[] = {"ftmge"[kind], (char)('a' + index), '\0'};
    wasm_name(out, name);
}

static void put_imports(const struct world *world, enum generate_kind linked, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_IMPORT);
    uint32_t count = world->imported_count;
    for (int kind = ENGINE_EXTERN_TABLE; kind <= ENGINE_EXTERN_TAG; kind++)
        count += linked ? world_count(world, kind) : 0;
    wasm_u32(out, count);
    for (uint32_t i = 0; i < world->imported_count; i++) {
        wasm_name(out, "host");
        put_extern_name(out, ENGINE_EXTERN_FUNC, i);
        WASM(out, ENGINE_EXTERN_FUNC);
        wasm_u32(out, WORLD_FUNCTYPES + world->funcs[i]);
    }
    for (int kind = ENGINE_EXTERN_TABLE; linked && kind <= ENGINE_EXTERN_TAG; kind++) {
        for (uint32_t i = 0; i < world_count(world, kind); i++) {
            wasm_name(out, "first");
            put_extern_name(out, kind, i);
            WASM(out, (uint8_t)kind);
            if (kind == ENGINE_EXTERN_TABLE)
                put_table(out, i);
            else if (kind == ENGINE_EXTERN_MEMORY)
                put_memory(world, i, out);
            else if (kind == ENGINE_EXTERN_GLOBAL)
                put_global(world, i, out);
            else
                put_tag(world, i, out);
        }
    }
    wasm_close(out, section);
}

/* A constant expression. */
static void put_constant(struct buffer *out, uint32_t type)
{
    switch (type) {
    case ENGINE_I32:
        WASM(out, OPCODE_I32_CONST, 7);
        break;
    case ENGINE_I64:
        WASM(out, OPCODE_I64_CONST, 9);
        break;
    case ENGINE_F32:
        WASM(out, OPCODE_F32_CONST, 0, 0, 0x80, 0x3f);
        break;
    case ENGINE_F64:
        WASM(out, OPCODE_F64_CONST, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f);
        break;
    case ENGINE_V128:
        WASM(out, OPCODE_PREFIX_SIMD, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
        break;
    case ENGINE_TYPE_CONCRETE | WORLD_STRUCT:
        WASM(out, OPCODE_PREFIX_GC, OPCODE_STRUCT_NEW_DEFAULT & 0xff, WORLD_STRUCT);
        break;
    case ENGINE_ANYREF:
        WASM(out, OPCODE_I32_CONST, 5, OPCODE_PREFIX_GC, OPCODE_REF_I31 & 0xff);
        break;
    default:
        WASM(out, OPCODE_REF_NULL);
        world_put_heap_type(out, type);
    }
    WASM(out, OPCODE_END);
}

static void put_state(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_TABLE);
    wasm_u32(out, WORLD_TABLE_COUNT);
    for (uint32_t i = 0; i < WORLD_TABLE_COUNT; i++) {
        if (i == WORLD_TABLE_ANY)
            WASM(out, 0x40, 0); /* with an initial value */
        put_table(out, i);
        if (i == WORLD_TABLE_ANY)
            put_constant(out, ENGINE_ANYREF);
    }
    wasm_close(out, section);
    section = wasm_open(out, WASM_MEMORY);
    wasm_u32(out, world->memory_count);
    for (uint32_t i = 0; i < world->memory_count; i++)
        put_memory(world, i, out);
    wasm_close(out, section);
    section = wasm_open(out, SECTION_TAG);
    wasm_u32(out, WORLD_TAGS);
    for (uint32_t i = 0; i < WORLD_TAGS; i++)
        put_tag(world, i, out);
    wasm_close(out, section);
    section = wasm_open(out, WASM_GLOBAL);
    wasm_u32(out, world->global_count);
    for (uint32_t i = 0; i < world->global_count; i++) {
        put_global(world, i, out);
        put_constant(out, world->globals[i]);
    }
    wasm_close(out, section);
}

static void put_exports(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_EXPORT);
    uint32_t count = 0;
    for (int kind = ENGINE_EXTERN_FUNC; kind <= ENGINE_EXTERN_TAG; kind++)
        count += world_count(world, kind);
    wasm_u32(out, count);
    for (int kind = ENGINE_EXTERN_FUNC; kind <= ENGINE_EXTERN_TAG; kind++) {
        for (uint32_t i = 0; i < world_count(world, kind); i++) {
            put_extern_name(out, kind, i);
            WASM(out, (uint8_t)kind, (uint8_t)i);
        }
    }
    wasm_close(out, section);
}

static void put_elems(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_ELEM);
    WASM(out, 3, 1, 0, (uint8_t)world->func_count); /* passive */
    for (uint32_t i = 0; i < world->func_count; i++)
        WASM(out, (uint8_t)i);
    WASM(out, 5, ENGINE_ANYREF, 3); /* passive expressions */
    for (uint32_t i = 0; i < 3; i++)
        put_constant(out, ENGINE_ANYREF);
    WASM(out, 0, OPCODE_I32_CONST, 0, OPCODE_END, (uint8_t)world->func_count);
    for (uint32_t i = 0; i < world->func_count; i++)
        WASM(out, (uint8_t)i);
    wasm_close(out, section);
}

static void put_datas(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_DATA);
    WASM(out, (uint8_t)(WORLD_DATA_COUNT + (world->memory_count > 0)));
    for (uint32_t i = 0; i < WORLD_DATA_COUNT; i++) {
        WASM(out, 1);
        wasm_u32(out, DATA_BYTES);
        for (uint32_t k = 0; k < DATA_BYTES; k++)
            WASM(out, (uint8_t)(k * 37 + i));
    }
    if (world->memory_count > 0)
        WASM(out, 0, world->memory_is_64[0] ? OPCODE_I64_CONST : OPCODE_I32_CONST, 32, OPCODE_END,
             5, 'h', 'e', 'l', 'l', 'o');
    wasm_close(out, section);
}

/* The name section: names of functions, or anything. */
static void put_names(const struct world *world, struct buffer *out)
{
    size_t section = wasm_open(out, WASM_CUSTOM);
    wasm_name(out, "name");
    if (choose_once_in(world->choices, 2)) {
        for (uint32_t i = choose(world->choices, 32); i > 0; i--)
            WASM(out, choose_byte(world->choices));
    } else {
        WASM(out, 1);
        size_t names = wasm_open_size(out);
        wasm_u32(out, world->func_count);
        for (uint32_t i = 0; i < world->func_count; i++) {
            WASM(out, (uint8_t)i);
            put_extern_name(out, ENGINE_EXTERN_FUNC, i);
        }
        wasm_close(out, names);
    }
    wasm_close(out, section);
}

void generate_module(struct choices *choices, enum generate_kind kind, struct buffer *out)
{
    struct world world = {.choices = choices};
    choose_world(&world);
    wasm_append(out, "\0asm\1\0\0\0", 8);
    put_types_section(&world, out);
    put_imports(&world, kind, out);
    size_t section = wasm_open(out, WASM_FUNC);
    wasm_u32(out, world.func_count - world.imported_count);
    for (uint32_t i = world.imported_count; i < world.func_count; i++)
        wasm_u32(out, WORLD_FUNCTYPES + world.funcs[i]);
    wasm_close(out, section);
    if (kind == GENERATE_ALONE)
        put_state(&world, out);
    put_exports(&world, out);
    uint32_t last = world.func_count - 1;
    if (world.funcs[last] == 0 && choose_once_in(choices, 4))
        WASM_SECTION(out, WASM_START, (uint8_t)last);
    put_elems(&world, out);
    WASM_SECTION(out, WASM_DATA_COUNT, (uint8_t)(WORLD_DATA_COUNT + (world.memory_count > 0)));
    section = wasm_open(out, WASM_CODE);
    wasm_u32(out, world.func_count - world.imported_count);
    for (uint32_t i = world.imported_count; i < world.func_count; i++) {
        size_t body = wasm_open_size(out);
        generate_body(&world, i, out);
        wasm_close(out, body);
    }
    wasm_close(out, section);
    put_datas(&world, out);
    put_names(&world, out);
}
