/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a backup comes from, a piece at a time, so that whoever sends it does other things in
 * between: read transactions that are held for as long as it takes, and files.
 *
 * LMDB may map an environment anew between two pieces, so nothing of a cursor or a value is kept:
 * each piece finds its place again by its key.
 */
#ifndef SKERRY_DEPLOY_BACKUP_BACKUP_SOURCE_H
#define SKERRY_DEPLOY_BACKUP_BACKUP_SOURCE_H

#include <lmdb.h>

#include "deploy/backup/backup.h"

enum backup_part {
    BACKUP_STORE,
    BACKUP_KV,
    BACKUP_PART_COUNT,
};

struct backup_source_options {
    const char *data_dir; /* borrowed; blobs are below it */
    const char *about;    /* borrowed: JSON */
    int vault_fd;         /* borrowed: of the vault as it is saved; -1: it is left out */
    /* The part's read transaction; NULL: it is gone, because its environment was opened anew. */
    MDB_txn *(*txn)(void *context, enum backup_part part);
    void *context;
};

struct backup_source;

/* NULL: out of memory. */
struct backup_source *backup_source_create(const struct backup_source_options *options);
void backup_source_free(struct backup_source *source); /* accepts NULL */
/* Appends about `want` bytes, at least one; fewer at the end. */
NODISCARD enum status backup_source_more(struct backup_source *source,
                                         size_t want,
                                         struct buffer *out,
                                         bool *ret_done,
                                         struct report *report);

#endif
