/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: a module's code and data as position-independent bytes. Internal to the
 * engine.
 *
 *   +--------+------+-------+-----+-------+--------+----------+---------------------------+
 *   | header | code | funcs | ... | names | bytes  | page     | snapshot: globals, tables,|
 *   |        |      |       |     | marks | (pool) | | native | dropped, | page | memories|
 *   +--------+------+-------+-----+-------+--------+----------+----------+------+---------+
 *
 * Every reference inside is an offset from the start of the image (struct image_span:
 * offset and element count). Byte strings (names, segments, constant expressions) are
 * spans into the pool. Arrays are 8-byte aligned, images of memories page aligned. Native code
 * has its pages to itself, because who maps them may execute all that is on them.
 *
 * An image may have a *base*: another image, with a snapshot. Then it has no module part, code
 * included, but the base's; its snapshot is its own, but for what is as in the base's:
 *
 *   base    | header | module part | snapshot | page 0 | 1 | 2 | 3 | 4 | ...
 *   image   | header | snapshot | runs: 1..2, 4   | 1 | 2 | 4 |
 */
#ifndef SKERRY_ENGINE_IMAGE_IMAGE_H
#define SKERRY_ENGINE_IMAGE_IMAGE_H

#include "engine/engine.h"
#include "engine/heap/heap.h"
#include "engine/image/code.h"
#include "engine/read/module.h"

#define IMAGE_MAGIC      0x796b7331u /* "1sky" */
#define IMAGE_PAGE_BYTES 4096u

struct image_span {
    uint32_t offset;
    uint32_t count; /* of elements; of bytes for byte strings */
};

/* One function, imports first; the interpreter reads this on indirect calls. */
struct image_func {
    uint32_t entry;  /* byte offset of its first cell from the start of the code */
    uint32_t type;   /* canonical type index: equal numbers, equal types, within an image */
    uint32_t native; /* where native code calls its native code; 0: it has none */
    uint32_t locals; /* slots below its link: what is before its first cell, too */
};

/* A field of a structure; the only one of an array. */
struct image_field {
    uint32_t type;   /* value type, or TYPES_I8, TYPES_I16 */
    uint32_t offset; /* from the start of the object's contents */
    uint8_t bytes;   /* 1, 2, 4, 8 or 16 */
    uint8_t is_mutable;
    uint8_t padding[2];
};

/* Types by index; only constant expressions name those that are not canonical, and their rows
 * have nothing but the canonical index. */
struct image_type {
    struct image_span params; /* u32 each: value types */
    struct image_span results;
    struct image_span fields;
    /* u32 each: canonical indices of the supertypes, the topmost first. So a type is below
     * another, which has n supertypes, if it is that one or has it as number n. */
    struct image_span supers;
    uint32_t canonical;
    uint32_t group_first; /* its recursion group; canonical indices */
    uint32_t group_count;
    uint32_t bytes; /* STRUCT: of an object's contents */
    uint8_t kind;   /* enum types_kind */
    uint8_t is_final;
    uint8_t padding[2];
};

struct image_import {
    struct image_span module_name;
    struct image_span name;
    uint32_t kind; /* enum engine_extern_kind */
    uint32_t index;
};

struct image_export {
    struct image_span name;
    uint32_t kind;
    uint32_t index;
};

struct image_global {
    struct image_span init; /* constant expression; empty for imports */
    uint32_t type;
    uint32_t slot; /* of the module's own ones */
    uint32_t is_mutable;
};

struct image_table {
    struct image_span init; /* constant expression; empty: null, or an import */
    uint64_t minimum;
    uint64_t maximum; /* UINT64_MAX: none */
    uint32_t type;
    uint32_t is_64; /* 64-bit indices */
};

struct image_memory {
    uint64_t minimum; /* pages */
    uint64_t maximum; /* UINT64_MAX: none */
    uint8_t is_64;    /* 64-bit addresses */
    uint8_t page_shift;
    uint8_t padding[6];
};

/* As memory 0 it is accessed without bounds checks. */
static inline bool image_memory_is_plain(const struct image_memory *row)
{
    return !row->is_64 && row->page_shift == MODULE_PAGE_SHIFT;
}

/*
 * One item of an element segment: a func index, a global's index with this bit, or null.
 * Expressions become items when the image is built, so that table.init costs the same
 * for every item.
 */
#define IMAGE_ITEM_GLOBAL 0x80000000u
#define IMAGE_ITEM_NULL   UINT32_MAX

struct image_elem {
    struct image_span offset; /* constant expression */
    struct image_span items;  /* u32 each */
    uint32_t table;
    uint32_t type;
    uint8_t mode; /* enum module_segment_mode */
    uint8_t padding[3];
};

struct image_data {
    struct image_span offset;
    struct image_span content;
    uint32_t memory;
    uint32_t mode;
};

struct image_table_snapshot {
    struct image_span entries; /* u64 references */
    uint32_t is_base;          /* they are the base's, and `entries` has only their count */
    uint32_t padding;
};

/* Pages of a memory that are not as in the base. */
struct image_run {
    uint64_t page; /* the first; runs of a memory ascend */
    uint64_t page_count;
    uint64_t offset;    /* of the contents, page aligned */
    uint64_t is_mapped; /* 0: too small for a mapping of its own, to be copied */
};

struct image_memory_snapshot {
    uint64_t pages;         /* present size */
    uint64_t offset;        /* of the contents, page aligned; with a base these two are 0 */
    uint64_t bytes;         /* page aligned; the rest of the memory is zero */
    struct image_span runs; /* struct image_run each; without a base none */
};

struct image_header {
    uint32_t magic;
    uint32_t header_bytes;
    uint8_t build_id[ENGINE_BUILD_ID_BYTES];
    uint64_t total_bytes;
    uint64_t checksum; /* XXH64 of everything after this field */
    /* of the image that this one has for its base; all zero: none */
    uint8_t base_name[ENGINE_BASE_NAME_BYTES]; /* the caller's, to find it again */
    uint64_t base_bytes;
    uint64_t base_checksum;
    struct image_span code; /* bytes */
    struct image_span funcs;
    struct image_span types;
    struct image_span layouts;     /* struct heap_layout of each type */
    struct image_span layout_maps; /* u64 each */
    struct image_span imports;
    struct image_span exports;
    struct image_span globals;
    struct image_span tables;
    struct image_span memories;
    struct image_span elems;
    struct image_span datas;
    struct image_span func_names;  /* image_span each, or empty */
    struct image_span marks;       /* struct code_mark each */
    struct image_span tags;        /* u32 each: type, canonical index */
    struct image_span regions;     /* struct code_region each */
    struct image_span clauses;     /* struct code_clause each */
    struct image_span native;      /* bytes: machine code, whole pages; empty without */
    struct image_span native_rows; /* struct code_native each; as many as functions, and one */
    struct image_span faults;      /* bytes (native/native.h) */
    uint32_t imported_func_count;
    uint32_t imported_table_count;
    uint32_t imported_memory_count;
    uint32_t imported_global_count;
    uint32_t imported_tag_count;
    uint32_t global_slots; /* of own globals */
    uint32_t has_start;
    uint32_t start;
    uint64_t module_bytes;    /* where the module ends and a snapshot may begin */
    uint32_t frame_slots_max; /* no frame has more */
    /* snapshot; all zero if there is none */
    uint32_t has_snapshot;
    struct image_span global_values; /* u64 each: slots of own globals */
    struct image_span table_values;  /* struct image_table_snapshot each: own tables */
    struct image_span dropped_elems; /* bytes */
    struct image_span dropped_datas; /* bytes */
    struct image_span memory_values; /* struct image_memory_snapshot each: own memories */
    struct image_span heap;          /* bytes, as heap_image_write wrote them */
    /* a call that waits in a host function; no links if there is none (life/checkpoint.c) */
    struct image_span frame_slots; /* u64 each: the guest stack, links as struct image_link */
    struct image_span frame_links; /* u32 each: slots where the links are, outermost first */
    uint32_t frame_pc;             /* of the code: the cell that calls the host */
    uint32_t frame_fp;             /* slot where its frame begins */
    uint32_t frame_func;           /* that was called */
    uint32_t frame_padding;
    struct image_span frame_note; /* bytes of the host's */
};

/* A frame's link (run/frames.h) in frame_slots: no addresses. Of the outermost both are 0. */
struct image_link {
    uint64_t return_pc; /* of the code */
    uint64_t caller_fp; /* slot */
};
#define IMAGE_LINK_SLOTS (sizeof(struct image_link) / sizeof(uint64_t))

static inline const void *image_at(const struct image_header *header, struct image_span span)
{
    return (const uint8_t *)header + span.offset;
}

/* Rows of the module's own tables. */
static inline const struct image_table *image_own_tables(const struct image_header *header)
{
    const struct image_table *rows = (const struct image_table *)image_at(header, header->tables);
    return rows + header->imported_table_count;
}

static inline struct heap_layouts image_layouts(const struct image_header *header)
{
    return (struct heap_layouts){.rows = image_at(header, header->layouts),
                                 .maps = image_at(header, header->layout_maps),
                                 .count = header->layouts.count};
}

/* The checksum covers everything behind itself. */
#define IMAGE_CHECKSUM_FROM (offsetof(struct image_header, checksum) + sizeof(uint64_t))

_Static_assert(sizeof(struct image_header) % 8 == 0, "arrays after the header stay aligned");

/* The engine's view of an open image. */
struct engine_module {
    const struct image_header *header;    /* what has the module: the base's, if there is one */
    const struct image_header *state;     /* what has the snapshot: the image's own */
    const struct engine_module *base;     /* borrowed; NULL: none */
    uint8_t name[ENGINE_BASE_NAME_BYTES]; /* by which images name it as their base */
    bool is_base;                         /* it has such a name */
    const uint8_t *native; /* owned mapping, executable; NULL: threaded, or the base's */
    bool is_threaded;      /* its instances run none, whoever has it mapped */
};

static inline bool image_has_base(const struct image_header *header)
{
    return header->base_bytes > 0;
}

struct bytes image_text(const struct image_header *header, struct image_span span);
/* Types by canonical index, and of the combined func index space. */
struct engine_functype image_functype(const struct image_header *header, uint32_t type);
struct engine_functype image_tag_type(const struct image_header *header, uint32_t tag);
struct engine_functype image_func_type(const struct image_header *header, uint32_t func);

#endif
