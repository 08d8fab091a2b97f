/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers' readers as LMDB's writer sees them: two read transactions of control's own, which stay
 * at commits that keep clear of what workers read.
 *
 *   commits  ... a ........ b ........ last
 *                ^          ^
 *              older      newer        pages that are seen from a or later are not used again
 *
 * Before each write the older one moves to the last commit as soon as no worker reads anything
 * older than the newer one, and becomes the newer one. So the writer waits for nobody, and pages
 * are used again however many read at any time, as long as each read ends. A worker that stays is
 * found by looking now and then, and is control's to end; until then the file grows by what is
 * changed.
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_PIN_H
#define SKERRY_DEPLOY_LMDB_LMDB_PIN_H

#include <lmdb.h>
#include <stdbool.h>

#include "deploy/lmdb/lmdb_reading.h"

struct lmdb_pin {
    struct lmdb_readers readers;
    enum lmdb_store store; /* which they are asked of */
    MDB_txn *older;        /* NULL, as the other: none yet */
    MDB_txn *newer;
    bool held; /* the last lmdb_pin_stuck found it held, and it has not moved since */
};

/* Before a write transaction; 0 or LMDB's error. */
int lmdb_pin_move(struct lmdb_pin *pin, MDB_env *env);
/* Before the environment is closed. */
void lmdb_pin_drop(struct lmdb_pin *pin);
/* To be called about once a second. Not 0: the pin has been held since the last call by whoever
 * reads from a commit older than this one. */
uint64_t lmdb_pin_stuck(struct lmdb_pin *pin);

#endif
