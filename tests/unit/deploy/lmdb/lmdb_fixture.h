/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of deploy/lmdb share: an environment with one database, a writer with a pin, and
 * the number of a commit as each record's value.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_LMDB_LMDB_FIXTURE_H
#define SKERRY_TESTS_UNIT_DEPLOY_LMDB_LMDB_FIXTURE_H

#include "../fixture.h"

#include "deploy/lmdb/lmdb_env.h"
#include "deploy/lmdb/lmdb_pin.h"

/* Cannot be filled by the commits of any test, whatever is kept. */
#define LMDB_FIXTURE_MAP  (64ULL << 20)
#define LMDB_FIXTURE_KEYS 20
/* Two overflow pages each, so that freed pages are used again soon. */
#define LMDB_FIXTURE_VALUE 6000

struct lmdb_fixture {
    struct fixture base;
    MDB_env *env;
    MDB_dbi dbi;
    struct lmdb_pin pin;
    uint64_t oldest; /* what the pin is told, unless the test has another to ask */
};

void lmdb_fixture_init(struct lmdb_fixture *fixture);
void lmdb_fixture_done(struct lmdb_fixture *fixture);
/* Opens what is there; `fixture->env` is NULL afterwards if it cannot. */
int lmdb_fixture_open(struct lmdb_fixture *fixture);
void lmdb_fixture_close(struct lmdb_fixture *fixture);
/* All values become `number`, in one commit. */
void lmdb_fixture_write(struct lmdb_fixture *fixture, uint64_t number);
/* What all values are in that transaction; UINT64_MAX: they differ. */
uint64_t lmdb_fixture_read(MDB_txn *txn, MDB_dbi dbi);
uint64_t lmdb_fixture_last(const struct lmdb_fixture *fixture);
/* Pages that the file has had so far. */
uint64_t lmdb_fixture_pages(const struct lmdb_fixture *fixture);

#endif
