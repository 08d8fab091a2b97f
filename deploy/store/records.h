/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies in the store, as control writes it and workers read it.
 *
 *   database     key                                 value
 *   tenant       tenant                              struct records_tenant
 *   function     tenant "/" function                 struct records_function
 *   version      tenant "/" function NUL number(BE)  struct records_version
 *   artifact     artifact's key                      struct records_artifact
 *   config       artifact's key                      the configuration's bytes, unless empty
 *   module       SHA-256                             the module's bytes
 *   module_use   SHA-256                             struct records_module_use
 *   changelog    serial number (BE)                  one JSON object
 *
 * What an artifact is made of, module and configuration, is there as long as a version has
 * it; a module as long as an artifact is made of it.
 *
 * LMDB is bound to the machine's byte order anyway, so the structs are stored as they
 * are; they have no padding. A value of another size is damage. Changing any of this
 * means a new number in FORMAT.
 */
#ifndef SKERRY_DEPLOY_STORE_RECORDS_H
#define SKERRY_DEPLOY_STORE_RECORDS_H

#include "deploy/deploy.h"

#define RECORDS_DBS(DB)                                                                            \
    DB(TENANT, "tenant")                                                                           \
    DB(FUNCTION, "function")                                                                       \
    DB(VERSION, "version")                                                                         \
    DB(ARTIFACT, "artifact")                                                                       \
    DB(CONFIG, "config")                                                                           \
    DB(MODULE, "module")                                                                           \
    DB(MODULE_USE, "module_use")                                                                   \
    DB(CHANGELOG, "changelog")

enum records_db {
#define DB(name, text) RECORDS_##name,
    RECORDS_DBS(DB)
#undef DB
        RECORDS_DB_COUNT
};

struct records_tenant {
    uint64_t created_ns;
    uint64_t function_count;
    struct deploy_tenant_limits limits;
};

/* What a version is, apart from its number and age: what a worker has to know of it. */
struct records_content {
    uint8_t sha256[DEPLOY_SHA256_BYTES]; /* of the module */
    uint8_t artifact_key[DEPLOY_SHA256_BYTES];
    char kind[DEPLOY_KIND_BYTES];
    uint64_t reuse_us; /* with reuse_requests as in struct deploy_catalog_entry */
    uint32_t reuse_requests;
    uint32_t config_bytes;
    uint32_t choices; /* enum deploy_choice */
    uint32_t source;  /* enum deploy_source */
};

struct records_function {
    struct records_content active; /* of the active version, so that one read answers a worker */
    uint32_t active_version;       /* 0: none */
    uint32_t previous_version;     /* what was active before; 0: none, or it is gone */
    uint32_t last_version;         /* highest number ever given */
    uint32_t version_count;
    uint64_t created_ns;
    uint64_t updated_ns;
};

struct records_version {
    struct records_content content;
    uint64_t module_bytes;
    uint64_t created_ns;
};

struct records_artifact {
    uint8_t sha256[DEPLOY_SHA256_BYTES]; /* of the module */
    uint64_t use_count;                  /* versions that have it */
    uint64_t config_bytes;
    uint32_t deterministic; /* 1 or 0 */
    uint32_t source;        /* enum deploy_source */
};

struct records_module_use {
    uint64_t use_count; /* artifacts made of these bytes */
    uint64_t module_bytes;
};

_Static_assert(sizeof(struct records_tenant) == 32, "no padding on disk");
_Static_assert(sizeof(struct records_content) == 104, "no padding on disk");
_Static_assert(sizeof(struct records_function) == 104 + 32, "no padding on disk");
_Static_assert(sizeof(struct records_version) == 104 + 16, "no padding on disk");
_Static_assert(sizeof(struct records_artifact) == 56, "no padding on disk");

/* A function's key, which is also the start of its versions' keys. */
struct records_key {
    uint8_t data[2 * DEPLOY_NAME_BYTES + 5];
    size_t count;
};

static inline struct records_key records_function_key(struct bytes tenant, struct bytes function)
{
    ASSERT(tenant.count < DEPLOY_NAME_BYTES && function.count < DEPLOY_NAME_BYTES);
    struct records_key key;
    memcpy(key.data, tenant.data, tenant.count);
    key.data[tenant.count] = '/';
    if (function.count > 0)
        memcpy(key.data + tenant.count + 1, function.data, function.count);
    key.count = tenant.count + 1 + function.count;
    return key;
}

static inline struct records_key records_version_key(const struct records_key *function,
                                                     uint32_t version)
{
    struct records_key key = *function;
    ASSERT(key.count + 5 <= sizeof(key.data));
    key.data[key.count++] = '\0';
    for (int shift = 24; shift >= 0; shift -= 8)
        key.data[key.count++] = (uint8_t)(version >> shift);
    return key;
}

#endif
