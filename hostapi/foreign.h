/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a module is that is none of ours: foreign.def as two questions.
 */
#ifndef SKERRY_HOSTAPI_FOREIGN_H
#define SKERRY_HOSTAPI_FOREIGN_H

#include "engine/engine.h"

struct foreign {
    const char *family; /* "Suborbital" */
    const char *advice; /* what to do; may be empty */
};

/* NULL: nobody that is known. */
const struct foreign *foreign_of_import(const struct engine_import_desc *import);
/* The first export that says so; NULL: none does. */
const struct foreign *foreign_of_exports(const struct engine_module *module);

#endif
