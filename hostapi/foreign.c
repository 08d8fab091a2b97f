/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign.def, searched from its beginning: it is asked once an upload, about what is refused.
 */
#include "hostapi/foreign.h"

struct foreign_row {
    const char *module; /* of an import */
    const char *name;
    struct foreign foreign;
};

static const struct foreign_row foreign_imports[] = {
#define FOREIGN_IMPORT(module_, name_, family_, advice_) {module_, name_, {family_, advice_}},
#define FOREIGN_EXPORT(name_, family_, advice_)
#include "hostapi/foreign.def"
};

static const struct foreign_row foreign_exports[] = {
#define FOREIGN_IMPORT(module_, name_, family_, advice_)
#define FOREIGN_EXPORT(name_, family_, advice_) {NULL, name_, {family_, advice_}},
#include "hostapi/foreign.def"
};

static bool foreign_matches(struct bytes text, const char *pattern)
{
    size_t count = strlen(pattern);
    if (count > 0 && pattern[count - 1] == '*')
        return text.count >= count - 1 && memcmp(text.data, pattern, count - 1) == 0;
    return bytes_equal_text(text, pattern);
}

const struct foreign *foreign_of_import(const struct engine_import_desc *import)
{
    for (size_t i = 0; i < COUNT_OF(foreign_imports); i++) {
        if (foreign_matches(import->module_name, foreign_imports[i].module) &&
            foreign_matches(import->name, foreign_imports[i].name))
            return &foreign_imports[i].foreign;
    }
    return NULL;
}

const struct foreign *foreign_of_exports(const struct engine_module *module)
{
    uint32_t count = engine_module_export_count(module);
    for (uint32_t i = 0; i < count; i++) {
        struct engine_export_desc desc = engine_module_export(module, i);
        for (size_t k = 0; k < COUNT_OF(foreign_exports); k++) {
            if (foreign_matches(desc.name, foreign_exports[k].name))
                return &foreign_exports[k].foreign;
        }
    }
    return NULL;
}
