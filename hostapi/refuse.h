/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a module is not taken, in words: what it seems to be, what is missing, and what to do.
 *
 * Each fills the report, if there is one. Names come from the module: what is not plain in them
 * becomes '?'.
 */
#ifndef SKERRY_HOSTAPI_REFUSE_H
#define SKERRY_HOSTAPI_REFUSE_H

#include "hostapi/hostcalls.h"

/* An export that the host would call has another type. */
void refuse_export(const struct hostapi_entry *entry,
                   const struct engine_functype *found,
                   struct report *report);
/* An import has another type than the func of that name. FOREIGN_IMPORT. */
void refuse_type(const struct engine_import_desc *import,
                 const struct hostcalls_row *row,
                 struct report *report);
/* An import is of no family of the kind. FOREIGN_IMPORT. */
void refuse_foreign(const struct engine_import_desc *import,
                    const struct hostapi_family *family,
                    struct report *report);
/* It is of no kind. UNSUPPORTED. */
void refuse_unknown(const struct engine_module *module, struct report *report);

#endif
