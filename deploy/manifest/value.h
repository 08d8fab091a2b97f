/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value of a manifest from its text: checked, and in its canonical form. A text that is wrong
 * is CONFIG, with a report that begins where the value was named: "is no ...".
 */
#ifndef SKERRY_DEPLOY_MANIFEST_VALUE_H
#define SKERRY_DEPLOY_MANIFEST_VALUE_H

#include "deploy/manifest/rows.h"

/* NAME, TEXT, FILE, HOST, PREFIX, ORIGIN, or a variable's name, into the arena. */
NODISCARD enum status manifest_value_text(const struct manifest_row *row,
                                          enum manifest_type type,
                                          struct bytes text,
                                          struct arena *arena,
                                          struct report *report,
                                          struct bytes *ret_value);
NODISCARD enum status manifest_value_quantity(const struct manifest_row *row,
                                              const char *text,
                                              struct report *report,
                                              uint64_t *ret_value);
NODISCARD enum status
manifest_value_method(struct bytes text, struct report *report, uint32_t *ret_bit);
/* "NAME=value" into the arena. */
NODISCARD enum status manifest_value_variable(struct bytes name,
                                              struct bytes value,
                                              struct arena *arena,
                                              struct report *report,
                                              struct deploy_variable *ret_variable);

/* The same route twice: same host and path, and a method in common. */
bool manifest_routes_meet(const struct deploy_route *a, const struct deploy_route *b);

#endif
