/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the decoder's files share. A struct decode lives for one call of decode_module.
 *
 *   decode.c           header, order and framing of sections, what must agree among them
 *   decode_sections.c  contents of each section that defines something
 *   decode_segments.c  element and data segments
 *   decode_groups.c    the type section: recursion groups, fields, supertypes
 *   decode_types.{h,c}      value types
 *   decode_immediate.{h,c}  opcodes and what follows them
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

#endif
