/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources.def as rows.
 */
#include "deploy/build/source.h"

#include <strings.h>

static const struct source_row {
    enum deploy_source source;
    const char *content_type;
    struct bytes magic;
} source_rows[] = {
#define SOURCE(NAME, number, content_type_, magic_, text)                                          \
    {.source = DEPLOY_SOURCE_##NAME,                                                               \
     .content_type = (content_type_),                                                              \
     .magic = {.data = (const uint8_t *)(magic_), .count = sizeof(magic_) - 1}},
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
    for (size_t i = 0; i < COUNT_OF(source_rows); i++) {
        if (source_type_is(content_type, source_rows[i].content_type))
            return true;
    }
    return source_type_says_nothing(content_type);
}

enum deploy_source source_of(struct bytes content_type, struct bytes body)
{
    bool by_bytes = source_type_says_nothing(content_type);
    for (size_t i = 0; i < COUNT_OF(source_rows); i++) {
        const struct source_row *row = &source_rows[i];
        bool begins = row->magic.count > 0 && body.count >= row->magic.count &&
                      memcmp(body.data, row->magic.data, row->magic.count) == 0;
        if (by_bytes ? begins : source_type_is(content_type, row->content_type))
            return row->source;
    }
    return DEPLOY_SOURCE_WASM;
}
