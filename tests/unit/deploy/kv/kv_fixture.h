/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of deploy/kv share: a store in a scratch directory, readers whose oldest commit is
 * told by hand, and one change in one line.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_KV_KV_FIXTURE_H
#define SKERRY_TESTS_UNIT_DEPLOY_KV_KV_FIXTURE_H

#include "../fixture.h"

#include "deploy/kv/kv.h"

#define KV_FIXTURE_MAP (4ULL << 20)

struct kv_fixture {
    struct fixture base;
    struct kv_store *store;
    uint64_t oldest; /* what oldest_reader says */
};

void kv_fixture_init(struct kv_fixture *fixture, uint64_t tenant_bytes_max);
void kv_fixture_done(struct kv_fixture *fixture);
/* Of tenant "acme". */
struct kv_change kv_put_of(const char *key, const char *value);
enum status kv_fixture_apply(struct kv_fixture *fixture, struct kv_change *change);
/* Puts one; it has to work. */
uint64_t kv_fixture_put(struct kv_fixture *fixture, const char *key, const char *value);
/* What the store has for "acme"; NULL: nothing. Valid until the next call. */
const char *kv_fixture_get(struct kv_fixture *fixture, const char *key);

#endif
