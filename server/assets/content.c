/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both tables are short, and looked through: half a microsecond at most.
 */
#include "server/assets/content.h"

#include "engine/base/macros.h"

#define CONTENT_WEIGHT_MAX 1000
#define CONTENT_TYPE_OTHER "application/octet-stream"

const struct content_encoding content_encodings[] = {
#define ENCODING(coding_, ending_) {.coding = (coding_), .ending = (ending_)},
#include "server/assets/encodings.def"
};
const size_t content_encoding_count = COUNT_OF(content_encodings);

static const struct {
    const char *extension;
    const char *type;
} content_types[] = {
#define TYPE(extension_, type_) {.extension = (extension_), .type = (type_)},
#include "server/assets/types.def"
};

const char *content_type(struct bytes name)
{
    size_t dot = name.count;
    while (dot > 0 && name.data[dot - 1] != '.' && name.data[dot - 1] != '/')
        dot--;
    if (dot == 0 || name.data[dot - 1] != '.')
        return CONTENT_TYPE_OTHER;
    struct bytes extension = bytes_make(name.data + dot, name.count - dot);
    for (size_t i = 0; i < COUNT_OF(content_types); i++) {
        if (bytes_equal_nocase(extension, bytes_of_text(content_types[i].extension)))
            return content_types[i].type;
    }
    return CONTENT_TYPE_OTHER;
}

/* ---- Accept-Encoding ------------------------------------------------------------------------- */

/* "0.5" as 500; what is no weight is none [RFC 9110 12.4.2]. */
static uint32_t content_weight(struct bytes text)
{
    uint32_t weight = 0;
    uint32_t unit = CONTENT_WEIGHT_MAX;
    if (text.count == 0 || text.count > 5 || (text.count > 1 && text.data[1] != '.'))
        return 0;
    for (size_t i = 0; i < text.count; i++) {
        if (i == 1)
            continue;
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        weight += (uint32_t)(text.data[i] - '0') * unit;
        unit /= 10;
    }
    return MIN(weight, (uint32_t)CONTENT_WEIGHT_MAX);
}

uint32_t content_accepts(struct bytes accept_encoding, const char *coding)
{
    uint32_t any = 0;
    for (struct bytes item; bytes_next_item(&accept_encoding, &item);) {
        struct bytes name = bytes_make(NULL, 0);
        (void)bytes_next_part(&item, ';', &name);
        uint32_t weight = CONTENT_WEIGHT_MAX;
        for (struct bytes parameter; bytes_next_part(&item, ';', &parameter);) {
            if (parameter.count > 2 && bytes_lower(parameter.data[0]) == 'q' &&
                parameter.data[1] == '=')
                weight = content_weight(bytes_make(parameter.data + 2, parameter.count - 2));
        }
        if (bytes_equal_nocase(name, bytes_of_text(coding)))
            return weight;
        if (bytes_equal_text(name, "*"))
            any = weight;
    }
    return any;
}
