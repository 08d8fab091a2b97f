/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See lmdb_fixture.h.
 */
#include "lmdb_fixture.h"

static uint64_t lmdb_fixture_oldest(void *context, enum lmdb_store store)
{
    assert_int_equal(store, LMDB_STORE_KV);
    const struct lmdb_fixture *fixture = context;
    return fixture->oldest;
}

int lmdb_fixture_open(struct lmdb_fixture *fixture)
{
    static const char *const names[] = {"numbers"};
    const struct lmdb_env_options options = {
        .dir = fixture->base.dir, .map_bytes = LMDB_FIXTURE_MAP, .names = names, .count = 1};
    int rc = lmdb_env_open(&options, &fixture->env, &fixture->dbi);
    if (rc != 0)
        lmdb_fixture_close(fixture);
    return rc;
}

void lmdb_fixture_close(struct lmdb_fixture *fixture)
{
    lmdb_pin_drop(&fixture->pin);
    if (fixture->env != NULL)
        mdb_env_close(fixture->env);
    fixture->env = NULL;
}

void lmdb_fixture_init(struct lmdb_fixture *fixture)
{
    *fixture = (struct lmdb_fixture){.oldest = LMDB_NO_COMMIT};
    fixture->pin = (struct lmdb_pin){.readers = {.oldest = lmdb_fixture_oldest, .context = fixture},
                                     .store = LMDB_STORE_KV};
    fixture_init(&fixture->base);
    assert_int_equal(lmdb_fixture_open(fixture), 0);
}

void lmdb_fixture_done(struct lmdb_fixture *fixture)
{
    lmdb_fixture_close(fixture);
    fixture_done(&fixture->base);
}

void lmdb_fixture_write(struct lmdb_fixture *fixture, uint64_t number)
{
    static uint64_t values[LMDB_FIXTURE_VALUE / sizeof(uint64_t)];
    MDB_txn *txn;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        values[i] = number;
    assert_int_equal(lmdb_pin_move(&fixture->pin, fixture->env), 0);
    assert_int_equal(mdb_txn_begin(fixture->env, NULL, 0, &txn), 0);
    for (uint32_t i = 0; i < LMDB_FIXTURE_KEYS; i++) {
        MDB_val key = {.mv_data = &i, .mv_size = sizeof(i)};
        MDB_val value = {.mv_data = values, .mv_size = sizeof(values)};
        assert_int_equal(mdb_put(txn, fixture->dbi, &key, &value, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
}

uint64_t lmdb_fixture_read(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t number = UINT64_MAX;
    for (uint32_t i = 0; i < LMDB_FIXTURE_KEYS; i++) {
        MDB_val key = {.mv_data = &i, .mv_size = sizeof(i)};
        MDB_val value;
        uint64_t words[LMDB_FIXTURE_VALUE / sizeof(uint64_t)];
        if (mdb_get(txn, dbi, &key, &value) != 0 || value.mv_size != sizeof(words))
            return UINT64_MAX;
        memcpy(words, value.mv_data, sizeof(words));
        if (i == 0)
            number = words[0];
        for (size_t at = 0; at < COUNT_OF(words); at++) {
            if (words[at] != number)
                return UINT64_MAX;
        }
    }
    return number;
}

static MDB_envinfo lmdb_fixture_info(const struct lmdb_fixture *fixture)
{
    MDB_envinfo info;
    assert_int_equal(mdb_env_info(fixture->env, &info), 0);
    return info;
}

uint64_t lmdb_fixture_last(const struct lmdb_fixture *fixture)
{
    return lmdb_fixture_info(fixture).me_last_txnid;
}

uint64_t lmdb_fixture_pages(const struct lmdb_fixture *fixture)
{
    return lmdb_fixture_info(fixture).me_last_pgno;
}
