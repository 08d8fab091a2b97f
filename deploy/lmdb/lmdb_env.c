/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening for writing.
 */
#include "deploy/lmdb/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>

#include "deploy/lmdb/lmdb_check.h"

/* LMDB opens its data file without this flag, the other files with it. */
static int lmdb_env_close_on_exec(MDB_env *env)
{
    int fd;
    int rc = mdb_env_get_fd(env, &fd);
    if (rc != 0)
        return rc;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : errno;
}

static int lmdb_env_open_dbs(MDB_env *env, const struct lmdb_env_options *options, MDB_dbi *ret_dbi)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(env, NULL, options->read_only ? MDB_RDONLY : 0, &txn);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < options->count; i++) {
        rc = mdb_dbi_open(txn, options->names[i], options->read_only ? 0 : MDB_CREATE, &ret_dbi[i]);
        if (rc == MDB_NOTFOUND && options->read_only) {
            ret_dbi[i] = LMDB_ENV_NO_DB;
            rc = 0;
        }
    }
    if (rc == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return rc;
}

int lmdb_env_open(const struct lmdb_env_options *options, MDB_env **ret_env, MDB_dbi *ret_dbi)
{
    int rc = mdb_env_create(ret_env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(*ret_env, (MDB_dbi)options->count);
    if (rc == 0)
        rc = mdb_env_set_mapsize(*ret_env, options->map_bytes);
    if (rc == 0)
        rc = mdb_env_open(*ret_env, options->dir, MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0),
                          0600);
    if (rc == 0)
        rc = lmdb_env_close_on_exec(*ret_env);
    if (rc == 0 && !options->read_only)
        rc = lmdb_check_length(*ret_env, options->names, options->count);
    if (rc == 0)
        rc = lmdb_env_open_dbs(*ret_env, options, ret_dbi);
    return rc;
}
