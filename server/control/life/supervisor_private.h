/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/control/: the supervisor's state, for the files that do its parts.
 */
#ifndef SKERRY_SERVER_CONTROL_LIFE_SUPERVISOR_PRIVATE_H
#define SKERRY_SERVER_CONTROL_LIFE_SUPERVISOR_PRIVATE_H

#include "deploy/deploy.h"
#include "server/control/errands/errands.h"
#include "server/control/helpers.h"
#include "server/control/kv_service.h"
#include "server/control/life/reload.h"
#include "server/control/life/upgrade.h"
#include "server/control/lines/egress_line.h"
#include "server/control/rates_pages.h"
#include "server/control/supervisor.h"
#include "server/control/tickets.h"
#include "server/control/vault_line.h"
#include "server/control/workers.h"

enum supervisor_state { SUPERVISOR_STARTING, SUPERVISOR_SERVING, SUPERVISOR_DRAINING };

struct supervisor {
    struct supervisor_options options;
    struct reload reload;
    enum supervisor_state state;
    int exit_status;
    struct event_base *base;
    struct listeners listeners;
    struct deploy_control *deploy;
    struct starts *starts;
    struct records *records;
    struct log_drain *log;
    struct log_drain_pipe *builders_log;
    struct deaths *deaths;
    struct workers *workers;
    struct kv_service *kv;
    struct rates_pages rates;
    struct helpers *helpers;
    struct vault_line vault;
    struct egress_line egress;
    struct tickets tickets;
    struct errands errands;
    struct upgrade upgrade;
    struct handover *handover; /* of the program before, until all of it is adopted; NULL: none */
    bool has_filter;           /* of system calls */
    bool workers_were_ready;
    bool wants_new_workers; /* what those that serve may open is not there any more */
    bool certificates_were_read;
    struct event *signals[4];
    struct event *drain_event;
    struct event *tick_event;
};

/* ---- what deploy asks of it (desk.c): for struct deploy_control_options ---------------------- */

bool supervisor_is_ready(void *context);
void supervisor_print_metrics(void *context, struct buffer *out);
void supervisor_print_function_metrics(void *context, struct buffer *out);
bool supervisor_print_starts(void *context,
                             const struct deploy_function_key *key,
                             struct buffer *out);
void supervisor_tell_admin_refused(void *context, uint32_t count, const char *peer);
uint64_t
supervisor_quarantine_us(void *context, const struct deploy_function_key *key, uint32_t version);
void supervisor_artifacts_made(void *context);
uint64_t supervisor_oldest_reader(void *context, enum lmdb_store store);
void supervisor_reader_stuck(void *context, enum lmdb_store store, uint64_t before);
void supervisor_kv_failed(void *context, const char *text);
void supervisor_tell_artifact_trouble(void *context,
                                      const uint8_t key[DEPLOY_SHA256_BYTES],
                                      const char *event,
                                      const char *text);
bool supervisor_ask_vault(void *context, const struct deploy_vault_order *order, uint64_t number);
bool supervisor_ask_egress(void *context, const struct deploy_fetch *fetch, uint64_t number);
bool supervisor_ask_texts(void *context, struct bytes name, uint64_t number);
void supervisor_tell_acme(void *context, bool failed, const char *host, const char *text);
bool supervisor_ask_errand(void *context, const struct deploy_errand *errand, uint64_t number);
/* Of a worker: ARTIFACT_WANTED. */
bool supervisor_on_wanted(void *context,
                          const struct workers_caller *worker,
                          const struct channel_frame *frame);
void supervisor_changed(void *context, const struct deploy_change *change);

#endif
