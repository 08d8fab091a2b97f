/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of this folder share: a configuration, and files that are none.
 */
#ifndef SKERRY_TESTS_UNIT_CONFIG_FIXTURE_H
#define SKERRY_TESTS_UNIT_CONFIG_FIXTURE_H

#include "config/config.h"

/* The defaults, with /data as data directory. */
struct config config_made(void);
/* The file's text is refused for a reason that has `expected` in it, and changes nothing. */
void assert_load_fails(const char *text, const char *expected);

#endif
