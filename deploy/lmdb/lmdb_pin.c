/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving the pin, and who holds it.
 *
 * Why it is enough to look before a write: transaction N + 1 leaves the pages of the commits N and
 * N - 1 alone, whoever reads. A worker that says N after the look is seen by the next look, and
 * then the pin has been at N or before since.
 */
#include "deploy/lmdb/lmdb_pin.h"

#include "engine/base/macros.h"

static uint64_t lmdb_pin_last(MDB_env *env)
{
    MDB_envinfo info;
    int rc = mdb_env_info(env, &info);
    ASSERT(rc == 0);
    return info.me_last_txnid;
}

static int lmdb_pin_start(struct lmdb_pin *pin, MDB_env *env)
{
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &pin->older);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &pin->newer);
    if (rc != 0)
        lmdb_pin_drop(pin);
    return rc;
}

int lmdb_pin_move(struct lmdb_pin *pin, MDB_env *env)
{
    if (pin->readers.oldest == NULL)
        return 0;
    if (pin->older == NULL)
        return lmdb_pin_start(pin, env);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t oldest = pin->readers.oldest(pin->readers.context, pin->store);
    uint64_t last = lmdb_pin_last(env);
    int rc = 0;
    while (rc == 0 && oldest >= mdb_txn_id(pin->newer) && mdb_txn_id(pin->older) < last) {
        MDB_txn *moved = pin->older;
        pin->held = false;
        mdb_txn_reset(moved);
        rc = mdb_txn_renew(moved);
        pin->older = pin->newer;
        pin->newer = moved;
    }
    return rc;
}

void lmdb_pin_drop(struct lmdb_pin *pin)
{
    if (pin->older != NULL)
        mdb_txn_abort(pin->older);
    if (pin->newer != NULL)
        mdb_txn_abort(pin->newer);
    pin->older = pin->newer = NULL;
}

uint64_t lmdb_pin_stuck(struct lmdb_pin *pin)
{
    if (pin->older == NULL)
        return 0;
    bool was_held = pin->held;
    uint64_t newer = mdb_txn_id(pin->newer);
    pin->held = pin->readers.oldest(pin->readers.context, pin->store) < newer;
    return was_held && pin->held ? newer : 0;
}
