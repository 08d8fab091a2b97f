/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup on its way to a client of the admin API: as fast as the client takes it, a piece for
 * each that left, one backup at a time. A client that takes nothing for a minute is given up,
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
};

/* Answers the call, which it takes over: with a backup, or with why there is none now. *running is
 * NULL, or the one that is under way; it is kept up to date. */
void backup_stream_start(const struct backup_stream_options *options,
                         struct admin_http_call *call,
                         struct backup_stream **running);

#endif
