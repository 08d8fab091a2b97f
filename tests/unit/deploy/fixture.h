/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of deploy share: a scratch directory, a clock that is turned by hand,
 * and a store whose callbacks are counted.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_FIXTURE_H
#define SKERRY_TESTS_UNIT_DEPLOY_FIXTURE_H

#include "deploy/store/store.h"
#include "tests/support/unit.h"

struct fixture {
    char dir[64];
    uint64_t now_ns;
    uint32_t versions; /* newest ones that the store keeps */
    struct clock clock;
    uint32_t committed_count;
    uint32_t gone_count;
    uint8_t gone[DEPLOY_SHA256_BYTES]; /* the last artifact's key */
    uint32_t keys_gone;
    uint8_t key_gone; /* how the last one begins */
    struct store *store;
    int pipe[2]; /* for tests with two processes */
};

/* Makes an empty directory below /tmp. */
void fixture_init(struct fixture *fixture);
/* Closes the store and removes the directory with all that is in it. */
void fixture_done(struct fixture *fixture);
void fixture_open_store(struct fixture *fixture, uint64_t map_bytes);
void fixture_close_store(struct fixture *fixture);
struct store_target fixture_target(const char *tenant, const char *function);
/* Adds and activates `module`, without a configuration. */
enum status fixture_add(struct fixture *fixture,
                        const char *tenant,
                        const char *function,
                        struct bytes module,
                        uint32_t *ret_version);
enum status fixture_add_configured(struct fixture *fixture,
                                   const struct store_target *target,
                                   struct bytes module,
                                   struct bytes config,
                                   uint32_t *ret_version);
/* Closes the store and writes what it would never write. `db` by its name in records.h. */
void fixture_put_raw(struct fixture *fixture, const char *db, struct bytes key, struct bytes value);
/* The same for what it would never remove. */
void fixture_delete_raw(struct fixture *fixture, const char *db, struct bytes key);
void fixture_write_file(const struct fixture *fixture,
                        const char *name,
                        const char *text,
                        unsigned mode);

#endif
