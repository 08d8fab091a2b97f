/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API as a function, for its tests: requests in, responses out, a real store below,
 * and fakes for builder, artifacts and workers.
 */
#ifndef SKERRY_TESTS_UNIT_DEPLOY_API_RIG_H
#define SKERRY_TESTS_UNIT_DEPLOY_API_RIG_H

#include "../fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/api/api.h"

#define MAP_BYTES    (4ULL << 20)
#define RIG_KV_BYTES 1000 /* of one tenant */
#define HELLO        "/v1/tenants/default/functions/hello"

#define RIG_READER   API_BIT(READ)
#define RIG_DEPLOYER (API_BIT(READ) | API_BIT(LOGS) | API_BIT(KV) | API_BIT(DEPLOY))

struct rig {
    struct fixture fixture;
    struct kv_store *kv;
    struct log_store *logs;
    struct bytes accept; /* of requests */
    struct bytes last_event_id;
    struct bytes if_match;
    struct bytes content_type;
    struct bytes signature;
    struct config config;
    struct api api;
    struct api_upload upload;
    struct api_response response;
    json_t *json; /* of the last response; NULL if it is none */
    enum api_step step;
    struct builder_job_outcome outcome; /* what the next build ends with */
    enum status publish_status;
    uint32_t published_count;
    uint32_t withdrawn_count;
    bool ready;
    bool starts_fail;
    uint32_t quarantined_version;
    struct api_caller caller; /* of requests: may all, unless a test says otherwise */
};

void rig_init_with_map(struct rig *rig, uint64_t map_bytes);
void rig_init(struct rig *rig);
void rig_done(struct rig *rig);
/* One for all tests of a file: setup deploys HELLO there, whose module is "m1". */
extern struct rig hello_rig;
int hello_setup(void **state);
int hello_teardown(void **state);
#define HELLO_TEST(test) cmocka_unit_test_setup_teardown(test, hello_setup, hello_teardown)
/* Sends a request; an upload goes through the fake builder. */
void rig_send(struct rig *rig, enum api_method method, const char *target, struct bytes body);
void rig_get(struct rig *rig, const char *target);
void rig_put(struct rig *rig, const char *target, const char *module);
/* The module "m1" and, in one body with it, its manifest in JSON. */
void rig_put_manifest(struct rig *rig, const char *target, const char *manifest);
/* The same with a list of files, in JSON, as the third part. */
void rig_put_files(struct rig *rig, const char *target, const char *files);
void assert_status(const struct rig *rig, int status);
const char *text_of(const struct rig *rig, const char *name);
void assert_problem(const struct rig *rig, int status, const char *code);
json_int_t number_of(const struct rig *rig, const char *name);

#endif
