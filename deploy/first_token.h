/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first token of the admin address, which makes all others: 256 random bits in the file
 * `admin.token` of the data directory, for who can read that.
 */
#ifndef SKERRY_DEPLOY_FIRST_TOKEN_H
#define SKERRY_DEPLOY_FIRST_TOKEN_H

#include "deploy/data_dir.h"
#include "deploy/door/admin_http.h"

/* The one of the last start if there is one, else a new one. */
NODISCARD enum status first_token_load(const struct data_dir *dir,
                                       struct report *report,
                                       char ret_token[ADMIN_HTTP_TOKEN_BYTES]);

#endif
