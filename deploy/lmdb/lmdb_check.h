/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An LMDB data file against its own first pages: for every environment that control opens.
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_CHECK_H
#define SKERRY_DEPLOY_LMDB_LMDB_CHECK_H

#include <lmdb.h>
#include <stddef.h>

/* 0, or MDB_CORRUPTED if the data file ends before the contents of the databases `names` do. */
int lmdb_check_length(MDB_env *env, const char *const *names, size_t count);

#endif
