/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole file, named on the command line, as bytes.
 */
#ifndef SKERRY_LOADTEST_INPUT_FILE_H
#define SKERRY_LOADTEST_INPUT_FILE_H

#include "engine/base/bytes.h"

/* Appends the file to `out`, up to its cap. `flag` is named in the report's text. */
NODISCARD enum status
input_file_read(const char *flag, const char *path, struct report *report, struct buffer *out);

#endif
