/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the decoder's files share. A struct decode lives for one call of decode_module.
 *
 *   decode.c           header, order and framing of sections, what must agree among them
 *   decode_sections.c  contents of each section that defines something
 *   decode_segments.c  element and data segments
 *   decode_groups.c    the type section: recursion groups, fields, supertypes
 *   decode_types.c     value types, and what of newer proposals is refused, with its name
 *   decode_names.c     the name section, which may be wrong without harm
 */
#ifndef SKERRY_ENGINE_READ_DECODE_H
#define SKERRY_ENGINE_READ_DECODE_H

#include "engine/read/module.h"
#include "engine/read/opcodes.h"

#define DECODE_NO_ITEM UINT32_MAX

struct decode {
    struct module *module;
    struct reader reader;   /* of the section being read */
    uint32_t item;          /* being read, counted in its section; or DECODE_NO_ITEM */
    uint32_t body_count;    /* in the code section */
    uint32_t counted_datas; /* by the data count section */
    struct bytes names;     /* contents of the last section called "name" */
};

/* Zeroed memory of the module; NULL and a failed reader if there is no more. */
void *decode_array(struct decode *decode, size_t count, size_t size);
/* Reads the count of a vector, held against what is left and against `max`. */
uint32_t decode_count(struct decode *decode, size_t item_bytes, uint32_t max, const char *what);

/* What a module imports and defines of one kind, imported ones first. */
struct decode_items {
    void *items; /* the module's array */
    uint32_t count;
    size_t item_bytes;
    uint32_t max; /* imported ones too */
    const char *what;
};

/* Reads the count of a section whose entries take at least `entry_bytes` and makes room for so
 * many more; 0, with nothing changed, if there are too many or memory is out. */
uint32_t decode_extend(struct decode *decode, struct decode_items *items, size_t entry_bytes);

/* Reads an index that must be below `count`; 0 and "unknown <what>" otherwise. */
uint32_t decode_index(struct decode *decode, uint32_t count, const char *what);

void decode_type_section(struct decode *decode);
void decode_import_section(struct decode *decode);
void decode_func_section(struct decode *decode);
void decode_table_section(struct decode *decode);
void decode_memory_section(struct decode *decode);
void decode_tag_section(struct decode *decode);
void decode_global_section(struct decode *decode);
void decode_export_section(struct decode *decode);
void decode_start_section(struct decode *decode);
void decode_code_section(struct decode *decode);
void decode_elem_section(struct decode *decode);
void decode_data_count_section(struct decode *decode);
void decode_data_section(struct decode *decode);

/* Fills func_names, or leaves it NULL. */
void decode_names(struct decode *decode);

/* ---- shared with the validator --------------------------------------------------------------- */

/* One value type; 0 on failure. Type indices become canonical ones of `module`, or positions
 * in the group that is being decoded. */
uint32_t decode_value_type(struct reader *reader, const struct module *module);
uint32_t decode_reference_type(struct reader *reader, const struct module *module);
/* A heap type, as the nullable reference to it. */
uint32_t decode_heap_type(struct reader *reader, const struct module *module);
/* Flags of br_on_cast: which of its types are nullable. */
enum {
    DECODE_CAST_FROM_NULL = 1,
    DECODE_CAST_TO_NULL = 2,
    DECODE_CAST_FLAGS = 3,
};

/* Index of a type that is one of functions, structures or arrays. */
uint32_t
decode_type_index(struct reader *reader, const struct module *module, enum types_kind kind);
/* A clause of try_table. */
enum {
    DECODE_CATCH_REF = 1,
    DECODE_CATCH_ALL = 2,
};
struct decode_clause {
    bool is_all;
    bool with_reference;
    uint32_t tag; /* unless is_all */
    uint32_t label;
};
struct decode_clause decode_clause(struct reader *reader);
/* The rest of an opcode that begins with this prefix; UINT32_MAX if it is none of ours. */
uint32_t decode_prefixed_opcode(struct reader *reader, uint32_t prefix);
/* Ends the reading: `code` is not in opcodes.def. */
void decode_refuse_opcode(struct reader *reader, uint32_t code);
/* Reads over a constant expression without judging it; a view of it, `end` included. */
struct bytes decode_expression(struct reader *reader);
/* What follows a load or store; a memory of its own is announced by a bit of the alignment. */
#define DECODE_MEMARG_HAS_MEMORY 0x40u
struct decode_memarg {
    uint32_t alignment; /* logarithm; not checked */
    uint32_t memory;
    uint64_t offset;
};

static inline struct decode_memarg decode_memarg(struct reader *reader)
{
    struct decode_memarg memarg = {.alignment = reader_u32(reader)};
    if (UNLIKELY((memarg.alignment & DECODE_MEMARG_HAS_MEMORY) != 0)) {
        memarg.alignment &= ~DECODE_MEMARG_HAS_MEMORY;
        memarg.memory = reader_u32(reader);
    }
    memarg.offset = reader_u64(reader);
    return memarg;
}

/* Moves past what follows an opcode. */
void decode_skip_immediate(struct reader *reader, enum immediate_kind kind);

#endif
