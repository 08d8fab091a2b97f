/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module with objects on the heap, for tests of the engine and of isolates (wabt cannot
 * assemble one). Types and what it keeps:
 *
 *   (type $node (struct (field (mut (ref null $node))) (field (mut i64))))
 *   (type $text (array (mut i8)))
 *   (global $list (mut (ref null $node)))  (global $any (mut anyref))  (table 2 anyref)
 *
 * Exports:
 *   keep(i32 n)      puts nodes with n, n - 1 ... 1 on the list; n = 0: for ever
 *   drop(i32 n)      makes n texts of 1,000 bytes that nobody keeps; n = 0: for ever
 *   sum() -> i64     of the list's values           forget()     the list is empty
 *   spoil()          the first node has 99; a null list traps
 *   store(i32)       $any and table[1] are a text of this length
 */
#ifndef SKERRY_TESTS_SUPPORT_WASM_OBJECTS_H
#define SKERRY_TESTS_SUPPORT_WASM_OBJECTS_H

#include "tests/support/wasm_build.h"

/* A body without its length; `locals` are part of it. */
#define WASM_BODY(wasm, ...)                                                                       \
    do {                                                                                           \
        wasm_u32((wasm), (uint32_t)sizeof((const uint8_t[]){__VA_ARGS__}));                        \
        WASM((wasm), __VA_ARGS__);                                                                 \
    } while (0)

static inline struct buffer wasm_objects(void)
{
    enum { I32 = 0x7f, I64 = 0x7e, ANYREF = 0x6e, NULLABLE = 0x63, NODE = 0, TEXT = 1 };
    enum { STRUCT = 0x5f, ARRAY = 0x5e, FUNC = 0x60, LIST = 0, ANY = 1 };
    struct buffer wasm = wasm_begin();
    WASM_SECTION(&wasm, WASM_TYPE, 5, STRUCT, 2, NULLABLE, NODE, 1, I64, 1, ARRAY, 0x78, 1, FUNC, 1,
                 I32, 0, FUNC, 0, 1, I64, FUNC, 0, 0);
    WASM_SECTION(&wasm, WASM_FUNC, 6, 2, 2, 3, 4, 4, 2);
    WASM_SECTION(&wasm, WASM_TABLE, 1, ANYREF, 0, 2);
    WASM_SECTION(&wasm, WASM_GLOBAL, 2, NULLABLE, NODE, 1, 0xd0, NODE, 0x0b, ANYREF, 1, 0xd0,
                 ANYREF, 0x0b);
    WASM_SECTION(&wasm, WASM_EXPORT, 6, 4, 'k', 'e', 'e', 'p', 0, 0, 4, 'd', 'r', 'o', 'p', 0, 1, 3,
                 's', 'u', 'm', 0, 2, 6, 'f', 'o', 'r', 'g', 'e', 't', 0, 3, 5, 's', 'p', 'o', 'i',
                 'l', 0, 4, 5, 's', 't', 'o', 'r', 'e', 0, 5);
    size_t code = wasm_open(&wasm, WASM_CODE);
    WASM(&wasm, 6);
    WASM_BODY(&wasm, 0, 0x03, 0x40, 0x23, LIST, 0x20, 0, 0xad, 0xfb, 0x00, NODE, 0x24, LIST, 0x20,
              0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b);
    WASM_BODY(&wasm, 0, 0x03, 0x40, 0x41, 0xe8, 0x07, 0xfb, 0x07, TEXT, 0x1a, 0x20, 0, 0x41, 1,
              0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b);
    WASM_BODY(&wasm, 2, 1, NULLABLE, NODE, 1, I64, 0x23, LIST, 0x21, 0, 0x02, 0x40, 0x03, 0x40,
              0x20, 0, 0xd1, 0x0d, 1, 0x20, 1, 0x20, 0, 0xfb, 0x02, NODE, 1, 0x7c, 0x21, 1, 0x20, 0,
              0xfb, 0x02, NODE, 0, 0x21, 0, 0x0c, 0, 0x0b, 0x0b, 0x20, 1, 0x0b);
    WASM_BODY(&wasm, 0, 0xd0, NODE, 0x24, LIST, 0x0b);
    WASM_BODY(&wasm, 0, 0x23, LIST, 0x42, 0xe3, 0, 0xfb, 0x05, NODE, 1, 0x0b);
    WASM_BODY(&wasm, 0, 0x20, 0, 0xfb, 0x07, TEXT, 0x24, ANY, 0x41, 1, 0x23, ANY, 0x26, 0, 0x0b);
    wasm_close(&wasm, code);
    return wasm;
}

#endif
