/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup on its way to a client of the admin API: as fast as the client takes it, a piece for
 * each that left, one backup at a time. With secrets it begins when the key process has written
 * them, sealed, into a file that has no name. A client that takes nothing for a minute is given up,
 * because what the server changes meanwhile cannot take the place of what it has not read.
 */
#ifndef SKERRY_DEPLOY_BACKUP_BACKUP_STREAM_H
#define SKERRY_DEPLOY_BACKUP_BACKUP_STREAM_H

#include "deploy/backup/backup.h"
#include "deploy/door/admin_http.h"

struct backup_stream;

struct backup_stream_options {
    struct event_base *base;
    const char *data_dir; /* borrowed, as the others */
    struct store *store;
    struct kv_store *kv;
    const struct clock *clock;
    const char *recipient; /* whom secrets are sealed for (deploy/recipient.h); "": left out */
    uint64_t number; /* of the order to the vault: another one each time, with the bit below */
    /* As in deploy_control_options, with its context. */
    bool (*ask)(void *context, const struct deploy_vault_order *order, uint64_t number);
    void *context;
};

/* Numbers of orders that are a backup's have this bit. */
#define BACKUP_STREAM_NUMBER (UINT64_C(1) << 59)

/* Answers the call, which it takes over: with a backup, or with why there is none now. *running is
 * NULL, or the one that is under way; it is kept up to date. */
void backup_stream_start(const struct backup_stream_options *options,
                         struct admin_http_call *call,
                         struct backup_stream **running);
/* The vault's answer to the order of that number; false: that is not a backup's. `running` may be
 * NULL. */
bool backup_stream_vault_done(struct backup_stream *running,
                              uint64_t number,
                              enum status status,
                              struct bytes text);
/* Whoever keeps secrets is gone. `running` may be NULL. */
void backup_stream_vault_lost(struct backup_stream *running);

#endif
