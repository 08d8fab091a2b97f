/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dev.vars of a Workers' project: variables that only its developer's own server has, lines of
 * NAME=VALUE.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_DEV_VARS_H
#define SKERRY_DEPLOY_CLI_FOLDER_DEV_VARS_H

#include <jansson.h>

#include "engine/base/bytes.h"

#define CLI_DEV_VARS_FILE ".dev.vars"

/* Sets the lines' variables in the object. Blank lines and those that begin with `#` mean nothing,
 * `export` before a name neither; a value may stand in quotes, of which double ones know \n. 0, or
 * the number of the first line that is none of these. */
uint32_t cli_dev_vars_parse(struct bytes text, json_t *environment);

#endif
