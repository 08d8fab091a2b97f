/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store and a key-value store with a little in them, and backups of both.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_BACKUP_BACKUP_FIXTURE_H
#define SKERRY_TESTS_UNIT_DEPLOY_BACKUP_BACKUP_FIXTURE_H

#include "../fixture.h"

#include "deploy/backup/backup_source.h"
#include "deploy/kv/kv.h"

struct saved {
    struct fixture fixture;
    struct kv_store *kv;
    bool gone; /* no transaction is lent */
};

/* A cmocka fixture: tenant acme has function f, and the key "k" with the value "v". */
int saved_setup(void **state);
int saved_teardown(void **state);
/* A source of both, whose snapshots are taken. */
struct backup_source *saved_begin(struct saved *saved);
void saved_end(struct saved *saved, struct backup_source *source);
/* The whole, by pieces of `want` bytes. */
void saved_run(struct backup_source *source, size_t want, struct buffer *out);
/* A file with those bytes, at its start. */
FILE *saved_file(struct bytes bytes);

#endif
