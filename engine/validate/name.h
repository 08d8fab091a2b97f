/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a module as reports may show them.
 */
#ifndef SKERRY_ENGINE_VALIDATE_NAME_H
#define SKERRY_ENGINE_VALIDATE_NAME_H

#include "engine/base/bytes.h"

/* A name as reports may show it: printable ASCII, the rest as in the text format ("\0a"). */
#define VALIDATE_NAME_BYTES 100
struct validate_name {
    char text[VALIDATE_NAME_BYTES + 4]; /* cut to what fits; NUL-terminated */
};
struct validate_name validate_name_text(struct bytes name);

#endif
