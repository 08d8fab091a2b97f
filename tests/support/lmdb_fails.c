/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See lmdb_fails.h. A commit that fails gives its transaction back, as LMDB's own does.
 */
#include "tests/support/lmdb_fails.h"

#include <errno.h>
#include <lmdb.h>

static uint32_t calls_left; /* until one fails; 0: none will */
static bool failed;

void lmdb_fails_at(uint32_t nth)
{
    calls_left = nth;
    failed = false;
}

bool lmdb_fails_over(void)
{
    calls_left = 0;
    return failed;
}

static __attribute__((noinline)) bool fails_now(void)
{
    if (calls_left == 0 || --calls_left > 0)
        return false;
    failed = true;
    return true;
}

#define FAILS(name, parameters, arguments)                                                         \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return fails_now() ? EBADF : __real_##name arguments;                                      \
    }

FAILS(mdb_env_create, (MDB_env * *env), (env))
FAILS(mdb_env_set_mapsize, (MDB_env * env, size_t bytes), (env, bytes))
FAILS(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi count), (env, count))
FAILS(mdb_env_open,
      (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
      (env, path, flags, mode))
FAILS(mdb_txn_begin,
      (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
      (env, parent, flags, txn))
FAILS(mdb_txn_renew, (MDB_txn * txn), (txn))
FAILS(mdb_dbi_open,
      (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *dbi),
      (txn, name, flags, dbi))
FAILS(mdb_get, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
FAILS(mdb_put,
      (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned flags),
      (txn, dbi, key, data, flags))
FAILS(mdb_del, (MDB_txn * txn, MDB_dbi dbi, MDB_val *key, MDB_val *data), (txn, dbi, key, data))
FAILS(mdb_cursor_open, (MDB_txn * txn, MDB_dbi dbi, MDB_cursor **cursor), (txn, dbi, cursor))
FAILS(mdb_cursor_get,
      (MDB_cursor * cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op),
      (cursor, key, data, op))
FAILS(mdb_cursor_put,
      (MDB_cursor * cursor, MDB_val *key, MDB_val *data, unsigned flags),
      (cursor, key, data, flags))
FAILS(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

int __real_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn);
int __wrap_mdb_txn_commit(MDB_txn *txn)
{
    if (!fails_now())
        return __real_mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return EBADF;
}
