/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the data file as long as its own meta page says? LMDB maps it and looks no further, so one
 * that was cut short (a copy that broke off, a disk that was full) ends whoever reads the missing
 * part by SIGBUS.
 *
 * It may be a little shorter and whole: pages at its end that the last change both took and gave
 * back are never written. So a short file is read once, all of it, with SIGBUS caught: the only
 * place that does so, at start, when nothing else runs. The jump's target is a global for that
 * reason alone.
 */
#include "deploy/lmdb/lmdb_check.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>

#include "engine/base/macros.h"

#define LMDB_TOUCH_BYTES 4096

static sigjmp_buf lmdb_check_escape;

static void lmdb_check_on_fault(int number)
{
    (void)number;
    siglongjmp(lmdb_check_escape, 1);
}

/* Every page of the value, without wanting to know what is in it. */
static void lmdb_check_touch(const MDB_val *value)
{
    const volatile uint8_t *data = value->mv_data;
    for (size_t i = 0; i < value->mv_size; i += LMDB_TOUCH_BYTES)
        (void)data[i];
    if (value->mv_size > 0)
        (void)data[value->mv_size - 1];
}

static int lmdb_check_db(MDB_txn *txn, const char *name)
{
    MDB_dbi dbi;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int rc = mdb_dbi_open(txn, name, 0, &dbi);
    if (rc == 0)
        rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc; /* of a store that was never filled */
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
        lmdb_check_touch(&value);
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int lmdb_check_all(MDB_env *env, const char *const *names, size_t count)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = lmdb_check_db(txn, names[i]);
    mdb_txn_abort(txn);
    return rc;
}

static int lmdb_check_read(MDB_env *env, const char *const *names, size_t count)
{
    struct sigaction previous;
    const struct sigaction action = {.sa_handler = lmdb_check_on_fault};
    if (sigaction(SIGBUS, &action, &previous) != 0)
        return errno;
    /* After the jump the transaction is left as it is: its environment is closed next. */
    int rc =
        sigsetjmp(lmdb_check_escape, 1) == 0 ? lmdb_check_all(env, names, count) : MDB_CORRUPTED;
    (void)sigaction(SIGBUS, &previous, NULL);
    return rc;
}

int lmdb_check_length(MDB_env *env, const char *const *names, size_t count)
{
    MDB_envinfo info;
    MDB_stat facts;
    struct stat file;
    int fd;
    int rc = mdb_env_info(env, &info);
    if (rc == 0)
        rc = mdb_env_stat(env, &facts);
    if (rc == 0)
        rc = mdb_env_get_fd(env, &fd);
    if (rc != 0)
        return rc;
    if (fstat(fd, &file) != 0)
        return errno;
    if ((uint64_t)file.st_size / facts.ms_psize > info.me_last_pgno)
        return 0;
    return lmdb_check_read(env, names, count);
}
