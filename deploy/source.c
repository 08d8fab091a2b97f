/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.def as rows.
 */
#include "deploy/source.h"

#include <strings.h>

static const struct {
    enum deploy_source source;
    const char *kind;
    struct bytes magic;
} source_rows[] = {
#define SOURCE(NAME, number, kind_, magic_, text)                                                  \
    {.source = DEPLOY_SOURCE_##NAME,                                                               \
     .kind = (kind_),                                                                              \
     .magic = {.data = (const uint8_t *)(magic_), .count = sizeof(magic_) - 1}},
#include "deploy/sources.def"
};

static const struct {
    enum deploy_source source;
    const char *content_type;
    const char *ending;
} source_types[] = {
#define SOURCE_TYPE(NAME, content_type_, ending_)                                                  \
    {.source = DEPLOY_SOURCE_##NAME, .content_type = (content_type_), .ending = (ending_)},
#include "deploy/sources.def"
};

bool source_type_is(struct bytes content_type, const char *name)
{
    size_t count = strlen(name);
    return content_type.count >= count &&
           strncasecmp((const char *)content_type.data, name, count) == 0 &&
           (content_type.count == count || strchr("; \t", content_type.data[count]) != NULL);
}

/* `curl -T` gives none. */
static bool source_type_says_nothing(struct bytes content_type)
{
    return content_type.data == NULL || source_type_is(content_type, "application/octet-stream");
}

bool source_type_is_known(struct bytes content_type)
{
    for (size_t i = 0; i < COUNT_OF(source_types); i++) {
        if (source_type_is(content_type, source_types[i].content_type))
            return true;
    }
    return source_type_says_nothing(content_type);
}

static enum deploy_source source_of_bytes(struct bytes body)
{
    for (size_t i = 0; i < COUNT_OF(source_rows); i++) {
        struct bytes magic = source_rows[i].magic;
        if (magic.count > 0 && body.count >= magic.count &&
            memcmp(body.data, magic.data, magic.count) == 0)
            return source_rows[i].source;
    }
    return DEPLOY_SOURCE_WASM;
}

enum deploy_source source_of(struct bytes content_type, struct bytes body)
{
    if (source_type_says_nothing(content_type))
        return source_of_bytes(body);
    for (size_t i = 0; i < COUNT_OF(source_types); i++) {
        if (source_type_is(content_type, source_types[i].content_type))
            return source_types[i].source;
    }
    return DEPLOY_SOURCE_WASM;
}

const char *source_type_of_file(const char *path, size_t *ret_stem_bytes)
{
    size_t bytes = strlen(path);
    for (size_t i = 0; i < COUNT_OF(source_types); i++) {
        size_t count = strlen(source_types[i].ending);
        *ret_stem_bytes = bytes - MIN(count, bytes);
        if (count > 0 && bytes > count && strcmp(path + bytes - count, source_types[i].ending) == 0)
            return source_types[i].content_type;
    }
    *ret_stem_bytes = bytes;
    return source_types[0].content_type;
}

const char *deploy_source_kind(enum deploy_source source)
{
    for (size_t i = 0; i < COUNT_OF(source_rows); i++) {
        if (source_rows[i].source == source)
            return source_rows[i].kind;
    }
    return "";
}
