/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where exceptions are caught.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_REGION_H
#define SKERRY_ENGINE_TRANSLATE_REGION_H

#include "engine/emit/translator.h"

struct code_region *region_at(const struct translator *t, uint32_t index);
struct code_clause *region_clause_at(const struct translator *t, uint32_t index);
uint32_t region_clause_count(const struct translator *t);
/* Slots that the values of a tag take. */
uint32_t region_value_count(const struct translator *t, uint32_t tag);
/* The row of a clause, but for where it leads: values go to `height` and above. */
struct code_clause region_clause_to(const struct translator *t, uint32_t tag, uint32_t height);
void region_add_clause(struct translator *t, const struct code_clause *clause);
/* From here on exceptions are looked for in the region of this block first. */
void region_open(struct translator *t, struct control *control, uint32_t first_clause);
/* The innermost region ends here. */
void region_end(struct translator *t);
/* Clauses that go to the frame's end land here. */
void region_bind(struct translator *t, struct control *control);

#endif
