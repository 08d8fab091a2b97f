/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy: what control has open, for the files that do its parts.
 */
#ifndef SKERRY_DEPLOY_CONTROL_PRIVATE_H
#define SKERRY_DEPLOY_CONTROL_PRIVATE_H

#include "deploy/acme/acme.h"
#include "deploy/api/api.h"
#include "deploy/certificate_files.h"
#include "deploy/data_dir.h"
#include "deploy/door/admin_vault.h"
#include "deploy/errand_desk.h"
#include "deploy/generation.h"
#include "deploy/proofs.h"
#include "engine/base/list.h"

struct backup_stream;
struct bases;
struct canaries;
struct cron;
struct kv_queue;
struct rebuild;
struct scrub;

struct deploy_control {
    struct deploy_control_options options;
    struct data_dir dir;
    struct generation generation;
    struct store *store;
    struct kv_store *kv;
    struct kv_queue *kv_queue;
    struct log_store *logs;
    struct canaries *canaries;
    struct cron *cron;
    uint32_t ticks; /* of readers_timer */
    bool is_paused; /* nothing new is begun: another program is about to take over */
    struct builder_jobs *jobs;
    struct bases *bases;
    struct rebuild *rebuild;
    struct scrub *scrub;
    struct api_artifact_stats artifacts;
    uint64_t run; /* random */
    struct admin_http *http;
    struct event *readers_timer;
    struct api api;
    struct admin_vault vault;
    struct errand_desk errands;
    struct certificate_files certificates;
    struct acme *acme;
    struct proofs *proofs;
    struct list gone_keys;        /* to leave the vault (control_keys.c) */
    bool keys_swept;              /* the vault was looked through, or is being */
    struct backup_stream *backup; /* under way; NULL: none */
    uint64_t backup_count;
};

/* control_upload.c: takes over what is in `upload`, and answers. */
void control_begin_upload(struct deploy_control *control,
                          struct admin_http_call *call,
                          struct api_upload *upload,
                          struct api_response *response);
/* control_acme.c: orders of certificates, which begin with deploy_control_serving. */
NODISCARD enum status control_open_acme(struct deploy_control *control, struct report *report);
/* control_keys.c: of store_options; each ten seconds; at the end. */
void control_key_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
void control_tend_keys(struct deploy_control *control);
void control_forget_keys(struct deploy_control *control);
/* Once: private keys in the vault that are no certificate's leave it too. */
void control_sweep_keys(struct deploy_control *control);
/* The vault's answer to the order of that number; false: that is not the sweep's. */
bool control_keys_done(struct deploy_control *control,
                       uint64_t number,
                       enum status status,
                       struct bytes digests);
/* The same for proofs of domains. */
NODISCARD enum status control_open_proofs(struct deploy_control *control, struct report *report);

#endif
