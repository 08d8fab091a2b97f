/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What calls libraries in late_test.c.
 */
#ifndef SKERRY_TESTS_UNIT_SERVER_LATE_LATE_USER_H
#define SKERRY_TESTS_UNIT_SERVER_LATE_LATE_USER_H

#include <stdbool.h>
#include <stddef.h>

/* The caller frees it. */
char *late_user_numbers(void);
size_t late_user_token_bytes(void);
bool late_user_shares_tokens(void);

#endif
