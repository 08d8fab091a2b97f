/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Rust's compiler makes of a path, read back. C++ needs none of it: its linker leaves the
 * names of a guest as they were written, and its mangling is a language with back references.
 *
 * A name is parts, each after its length; the last one is a hash. Guests choose their names, so
 * lengths are believed no further than the name goes, and the text is cut where its room ends.
 */
#include <string.h>

#include "engine/base/hex.h"
#include "engine/engine.h"

#define DEMANGLE_HASH_BYTES 17 /* h and 16 digits */

struct demangle_text {
    char *data;
    size_t count;
};

static const struct demangle_escape {
    const char *code; /* between two dollar signs */
    char plain;
} demangle_escapes[] = {
    {"SP", '@'}, {"BP", '*'}, {"RF", '&'}, {"LT", '<'},
    {"GT", '>'}, {"LP", '('}, {"RP", ')'}, {"C", ','},
};

static void demangle_append(struct demangle_text *text, const char *data, size_t count)
{
    count = MIN(count, ENGINE_DEMANGLE_BYTES - text->count);
    memcpy(text->data + text->count, data, count);
    text->count += count;
}

static bool demangle_is_hash(struct bytes part)
{
    if (part.count != DEMANGLE_HASH_BYTES || part.data[0] != 'h')
        return false;
    for (size_t i = 1; i < part.count; i++) {
        if (hex_value(part.data[i]) < 0)
            return false;
    }
    return true;
}

/* What `$code$` stands for, a character of ASCII; 0: nothing that is known. */
static char demangle_escape(struct bytes code)
{
    for (size_t i = 0; i < COUNT_OF(demangle_escapes); i++) {
        const char *known = demangle_escapes[i].code;
        if (code.count == strlen(known) && memcmp(code.data, known, code.count) == 0)
            return demangle_escapes[i].plain;
    }
    if (code.count != 3 || code.data[0] != 'u' || hex_value(code.data[1]) < 0 ||
        hex_value(code.data[2]) < 0)
        return 0;
    int value = hex_value(code.data[1]) << 4 | hex_value(code.data[2]);
    return value >= ' ' && value < 0x7f ? (char)value : 0;
}

/* Appends what stands at `at` of the part, and returns how many bytes of it that were. */
static size_t demangle_step(struct demangle_text *text, struct bytes part, size_t at)
{
    const char *from = (const char *)part.data + at;
    size_t left = part.count - at;
    if (left >= 2 && from[0] == '.' && from[1] == '.') {
        demangle_append(text, "::", 2);
        return 2;
    }
    const char *end = *from == '$' ? memchr(from + 1, '$', left - 1) : NULL;
    char plain = end == NULL ? 0 : demangle_escape(bytes_make(from + 1, (size_t)(end - from - 1)));
    demangle_append(text, plain != 0 ? &plain : from, 1);
    return plain != 0 ? (size_t)(end - from) + 1 : 1;
}

static void demangle_part(struct demangle_text *text, struct bytes part)
{
    if (text->count > 0)
        demangle_append(text, "::", 2);
    /* An underscore keeps a part that begins with an escape an identifier. */
    size_t at = part.count >= 2 && part.data[0] == '_' && part.data[1] == '$' ? 1 : 0;
    while (at < part.count)
        at += demangle_step(text, part, at);
}

/* The part at `*at`, which moves behind it; false: there is none. */
static bool demangle_next(struct bytes name, size_t *at, struct bytes *ret_part)
{
    size_t count = 0;
    size_t digits = *at;
    for (; *at < name.count && name.data[*at] >= '0' && name.data[*at] <= '9'; ++*at) {
        count = count * 10 + (size_t)(name.data[*at] - '0');
        if (count > name.count)
            return false;
    }
    if (*at == digits || count == 0 || count > name.count - *at)
        return false;
    *ret_part = bytes_make(name.data + *at, count);
    *at += count;
    return true;
}

static bool demangle_parts(struct bytes name, struct demangle_text *text)
{
    size_t at = 3;
    struct bytes part = {0};
    struct bytes next;
    while (demangle_next(name, &at, &next)) {
        if (part.count > 0)
            demangle_part(text, part);
        part = next;
    }
    return text->count > 0 && demangle_is_hash(part) && at < name.count && name.data[at] == 'E';
}

struct bytes engine_demangle(struct bytes name, char text[ENGINE_DEMANGLE_BYTES])
{
    struct demangle_text out = {.data = text};
    if (name.count > 3 && memcmp(name.data, "_ZN", 3) == 0)
        return demangle_parts(name, &out) ? bytes_make(text, out.count) : name;
    /* Demangled by a linker that knows C++'s rules, to which the hash is a part as any. */
    const size_t end_bytes = 2 + DEMANGLE_HASH_BYTES;
    if (name.count <= end_bytes)
        return name;
    const uint8_t *end = name.data + name.count - end_bytes;
    bool hash = end[0] == ':' && end[1] == ':' &&
                demangle_is_hash(bytes_make(end + 2, DEMANGLE_HASH_BYTES));
    return hash ? bytes_make(name.data, name.count - end_bytes) : name;
}
