/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commit a worker reads from, in memory that it shares with control.
 *
 * It stands for LMDB's table of readers, which is in a file that every reader would map for
 * writing: a worker that a guest broke out into could hold the writer's mutex for ever, or wipe
 * another reader's row. The worker alone writes its word, and can harm nobody but itself with it
 * (docs/adr/0039).
 */
#ifndef SKERRY_DEPLOY_LMDB_LMDB_READING_H
#define SKERRY_DEPLOY_LMDB_LMDB_READING_H

#include <stdatomic.h>
#include <stdint.h>

/* What workers read while control writes it; each has a word for each. */
enum lmdb_store { LMDB_STORE_CATALOG, LMDB_STORE_KV, LMDB_STORE_COUNT };

/* No commit: nobody reads. */
#define LMDB_NO_COMMIT UINT64_MAX

/* Those who read, as control sees them. */
struct lmdb_readers {
    /* The oldest commit that one of them may read from; LMDB_NO_COMMIT: none does. NULL: there are
     * none. */
    uint64_t (*oldest)(void *context, enum lmdb_store store);
    void *context;
};

struct lmdb_reading {
    /* 0: it reads nothing; else one more than a commit that is not newer than what it reads. */
    _Atomic uint64_t word;
};

static inline uint64_t lmdb_reading_commit(const struct lmdb_reading *reading)
{
    /* LMDB_NO_COMMIT for 0. */
    return atomic_load_explicit(&reading->word, memory_order_seq_cst) - 1;
}

#endif
