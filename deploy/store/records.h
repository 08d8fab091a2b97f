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
 *   surface      artifact's key                      its module's imports and exports, in lines
 *   base         artifact's key                      its base's key; absent: it has none
 *   module       SHA-256                             the module's bytes
 *   module_use   SHA-256                             struct records_module_use
 *   files        artifact's key                      tenant, padded with NULs; a list of files
 *   assets       as of its version                   a list of files (deploy/files.h)
 *   blob         tenant "/" SHA-256                  struct records_blob
 *   manifest     as of its version                   the manifest's canonical JSON; absent: none
 *   env          tenant "/" function                 "NAME=value" NUL each, by name; absent: none
 *   route        host                                struct records_host, then its routes
 *   route_of     tenant "/" function NUL id          struct records_route_of, host, path
 *   domain       host                                struct records_domain
 *   domain_of    tenant "/" host                     struct records_domain_of
 *   deployment   tenant "/" function                 struct records_deployments; absent: as below
 *   alias        tenant "/" function NUL alias       struct records_alias
 *   cron         tenant "/" function NUL id          struct records_cron, schedule, path
 *   certificate  host                                struct records_certificate, chain, OCSP answer
 *   acme         host                                struct records_acme; absent: none failed
 *   challenge    host                                struct records_challenge and its parts
 *   changelog    serial number (BE)                  one JSON object
 *   token        token's id                          struct records_token, then function names
 *   quota        tenant                              struct records_quota; absent: no quota
 *   usage        tenant                              struct records_usage; absent: not counted yet
 *   meta         "audit", or "signers/" tenant       struct records_audit, or keys of 32 bytes each
 *
 * What an artifact is made of is there as long as a version has it; a module as long as an artifact
 * is made of it. A blob's record counts the rows of lists that have it; its bytes are a file that
 * goes with it. A route is there twice: under its host, the longest path first, and under its
 * function. A host is of one tenant. LMDB is bound to the machine's byte order, so structs are
 * stored as they are, without padding. Another size is damage, another layout a new FORMAT.
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
    DB(BASE, "base")                                                                               \
    DB(MODULE, "module")                                                                           \
    DB(MODULE_USE, "module_use")                                                                   \
    DB(FILES, "files")                                                                             \
    DB(ASSETS, "assets")                                                                           \
    DB(BLOB, "blob")                                                                               \
    DB(MANIFEST, "manifest")                                                                       \
    DB(ENVIRONMENT, "env")                                                                         \
    DB(ROUTE, "route")                                                                             \
    DB(ROUTE_OF, "route_of")                                                                       \
    DB(DOMAIN, "domain")                                                                           \
    DB(DOMAIN_OF, "domain_of")                                                                     \
    DB(DEPLOYMENT, "deployment")                                                                   \
    DB(ALIAS, "alias")                                                                             \
    DB(CERTIFICATE, "certificate")                                                                 \
    DB(ACME, "acme")                                                                               \
    DB(CHALLENGE, "challenge")                                                                     \
    DB(CHANGELOG, "changelog")                                                                     \
    DB(FORGOTTEN, "forgotten") /* functions and tenants whose secrets are still to go */           \
    DB(TOKEN, "token")                                                                             \
    DB(QUOTA, "quota")                                                                             \
    DB(USAGE, "usage")                                                                             \
    DB(CRON, "cron")                                                                               \
    DB(SURFACE, "surface")                                                                         \
    DB(META, "meta")

enum records_db {
#define DB(name, text) RECORDS_##name,
    RECORDS_DBS(DB)
#undef DB
        RECORDS_DB_COUNT
};

static inline const char *const *records_db_names(void)
{
    static const char *const names[RECORDS_DB_COUNT] = {
#define DB(name, text) [RECORDS_##name] = (text),
        RECORDS_DBS(DB)
#undef DB
    };
    return names;
}

struct records_tenant {
    uint64_t created_ns;
    uint64_t function_count;
    struct records_limits {
#define TENANT_LIMIT(name)                                        uint32_t name;
#define TENANT_LIMIT_OWN(name, minimum, maximum, otherwise, text) uint32_t name;
#define TENANT_QUOTA(name, unit, minimum, maximum, otherwise, text)
#include "deploy/tenant_limits.def"
    } limits;
};

/* A longer one is of a newer server, and a shorter one of an older: what it lacks is 0. */
struct records_quota {
    uint64_t suspended; /* 1 or 0 */
#define TENANT_LIMIT(name)
#define TENANT_LIMIT_OWN(name, minimum, maximum, otherwise, text)
#define TENANT_QUOTA(name, unit, minimum, maximum, otherwise, text) uint64_t name;
#include "deploy/tenant_limits.def"
};

struct records_usage {
    uint64_t stored_bytes; /* of all versions */
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

struct records_deployment {
    struct deploy_share shares[DEPLOY_SHARES_MAX]; /* newest version first; then zeros */
    uint32_t share_count;                          /* 0: there is none */
    uint32_t number;                               /* of the function's, from 1 on */
    uint64_t since_ns;
    char cookie[DEPLOY_NAME_BYTES]; /* padded with NULs; empty: by address */
    uint32_t canary_factor;         /* hundredths that errors may be of the others'; 0: any */
    uint32_t canary_requests;       /* that have to be seen before it is judged */
};

/* The active version is the one with the largest share. Without this record, or with one that does
 * not agree (a server that knew no shares was here), it has all clients. */
struct records_deployments {
    struct records_deployment current;
    struct records_deployment previous; /* what was before */
};

struct records_alias {
    uint64_t created_ns;
    uint32_t version;
    uint32_t reserved; /* 0 */
};

_Static_assert(sizeof(struct records_deployment) == 152, "no padding on disk");
_Static_assert(sizeof(struct records_alias) == 16, "no padding on disk");

/* Behind it schedule and path. */
struct records_cron {
    uint64_t last_ns; /* what was due until then was run, or left out */
    uint32_t allows_overlap;
    uint32_t runs_missed; /* once for all */
    uint32_t schedule_bytes;
    uint32_t path_bytes;
};
_Static_assert(sizeof(struct records_cron) == 24, "no padding on disk");

struct records_version {
    struct records_content content;
    uint64_t module_bytes;
    uint64_t created_ns;
};

struct records_artifact {
    uint8_t sha256[DEPLOY_SHA256_BYTES]; /* of the module */
    uint64_t use_count;                  /* versions that have it; of a base: artifacts on it */
    uint64_t config_bytes;
    uint32_t choices; /* DEPLOY_ARTIFACT_CHOICES of its versions */
    uint32_t source;  /* enum deploy_source */
};

struct records_module_use {
    uint64_t use_count; /* artifacts made of these bytes */
    uint64_t module_bytes;
};

struct records_blob {
    uint64_t use_count; /* rows of lists */
    uint64_t bytes;
};

struct records_host {
    char tenant[DEPLOY_NAME_BYTES]; /* padded with NULs */
};

/* Of a host's routes; behind it path, function and id. */
struct records_route {
    uint32_t methods; /* enum deploy_method; 0: all */
    uint16_t path_bytes;
    uint8_t function_bytes;
    uint8_t id_bytes;
};

/* Behind it host and path. */
struct records_route_of {
    uint32_t methods;
    uint16_t host_bytes;
    uint16_t path_bytes;
};

/* Of a host that is proven to be its tenant's, behind whose routes all of it may lead to a
 * function: what requests and handshakes have to know. */
struct records_domain {
    char tenant[DEPLOY_NAME_BYTES];   /* these two padded with NULs */
    char function[DEPLOY_NAME_BYTES]; /* where what no route takes leads; empty: nowhere */
    uint32_t tls;                     /* enum deploy_domain_tls */
    uint32_t proof;                   /* enum deploy_domain_proof, not PENDING */
};

struct records_domain_of {
    char function[DEPLOY_NAME_BYTES];
    char challenge[DEPLOY_CHALLENGE_BYTES]; /* what a TXT record has to say; padded with NULs */
    uint64_t created_ns;
    uint64_t proven_ns; /* 0: not yet */
    uint32_t tls;
    uint32_t proof;
};

_Static_assert(sizeof(struct records_domain) == 136, "no padding on disk");
_Static_assert(sizeof(struct records_domain_of) == 136, "no padding on disk");
#define RECORDS_TOKEN_NOTE_BYTES 64

/* Behind it the names of its functions, each with a NUL; none: all of the tenant's. */
struct records_token {
    uint8_t sha256[DEPLOY_SHA256_BYTES]; /* of the token's text */
    char tenant[DEPLOY_NAME_BYTES];      /* padded with NULs; none: every tenant */
    char note[RECORDS_TOKEN_NOTE_BYTES]; /* what its maker calls it; padded with NULs */
    uint64_t created_ns;
    uint64_t expires_ns; /* 0: never */
    uint64_t used_ns;    /* the last time, to the minute; 0: never */
    uint64_t verbs;      /* bits of enum api_verb, of which numbers are for ever */
};

/* What holds the changelog together: each record from `first` on says the hash of the one before
 * it, the first of them `anchor`; the hash of `last` is `head`. */
struct records_audit {
    uint64_t first;
    uint64_t last;
    uint8_t anchor[DEPLOY_SHA256_BYTES];
    uint8_t head[DEPLOY_SHA256_BYTES];
};

_Static_assert(sizeof(struct records_token) == 192, "no padding on disk");
_Static_assert(sizeof(struct records_audit) == 80, "no padding on disk");
_Static_assert(sizeof(struct records_blob) == 16, "no padding on disk");
/* Behind it the chain, as certs/certificate.h has it, and an answer of OCSP, which may be empty. */
struct records_certificate {
    uint8_t key[DEPLOY_SHA256_BYTES]; /* of the leaf's public key */
    char tenant[DEPLOY_NAME_BYTES];   /* whose it is, padded with NULs; none: the operator's */
    uint64_t serial;                  /* another one each time it is put */
    uint64_t not_before_s;
    uint64_t not_after_s;
    uint32_t chain_bytes;
    uint32_t ocsp_bytes;
    uint32_t origin; /* enum deploy_certificate_origin */
    uint32_t unused;
};

_Static_assert(sizeof(struct records_certificate) == 136, "no padding on disk");

/* A host's orders that failed, since the last one that did not. */
struct records_acme {
    uint64_t next_ns; /* not before that is the next one */
    uint32_t failures;
    uint32_t unused;
    char error[240]; /* of the last one; padded with NULs */
};

/* What proves that a host leads here, while an order is under way: a token and the answer to it
 * [RFC 8555 8.3], or a certificate that says it [RFC 8737 3], whose key is in the vault. */
struct records_challenge {
    uint8_t key[DEPLOY_SHA256_BYTES];
    uint32_t token_bytes;
    uint32_t answer_bytes;
    uint32_t chain_bytes; /* 0: there is none */
    uint32_t unused;
};

_Static_assert(sizeof(struct records_acme) == 256, "no padding on disk");
_Static_assert(sizeof(struct records_challenge) == 48, "no padding on disk");
_Static_assert(sizeof(struct records_host) == DEPLOY_NAME_BYTES, "no padding on disk");
_Static_assert(sizeof(struct records_route) == 8, "no padding on disk");
_Static_assert(sizeof(struct records_route_of) == 8, "no padding on disk");
_Static_assert(sizeof(struct records_tenant) == 32, "no padding on disk");
_Static_assert(sizeof(struct records_content) == 104, "no padding on disk");
_Static_assert(sizeof(struct records_function) == 104 + 32, "no padding on disk");
_Static_assert(sizeof(struct records_version) == 104 + 16, "no padding on disk");
_Static_assert(sizeof(struct records_artifact) == 56, "no padding on disk");

static inline void records_read_quota(struct bytes value, struct records_quota *ret_quota)
{
    *ret_quota = (struct records_quota){0};
    memcpy(ret_quota, value.data, MIN(value.count, sizeof(*ret_quota)));
}

/* A tenant's limits are in two records. */
static inline struct deploy_tenant_limits records_join_limits(const struct records_limits *limits,
                                                              const struct records_quota *quota)
{
    return (struct deploy_tenant_limits){
#define TENANT_LIMIT(name)                                          .name = limits->name,
#define TENANT_LIMIT_OWN(name, minimum, maximum, otherwise, text)   .name = limits->name,
#define TENANT_QUOTA(name, unit, minimum, maximum, otherwise, text) .name = quota->name,
#include "deploy/tenant_limits.def"
    };
}

static inline void records_split_limits(const struct deploy_tenant_limits *own,
                                        struct records_limits *limits,
                                        struct records_quota *quota)
{
#define TENANT_LIMIT(name)                                          limits->name = own->name;
#define TENANT_LIMIT_OWN(name, minimum, maximum, otherwise, text)   limits->name = own->name;
#define TENANT_QUOTA(name, unit, minimum, maximum, otherwise, text) quota->name = own->name;
#include "deploy/tenant_limits.def"
}

/* A function's key, which is also the start of its versions' keys; or a tenant's domain's. */
struct records_key {
    uint8_t data[DEPLOY_NAME_BYTES + DEPLOY_HOST_BYTES];
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

/* One of a host's routes, as views of the record. */
struct records_route_view {
    struct bytes whole;
    struct bytes path;
    struct bytes function;
    struct bytes id;
    uint32_t methods;
};

/* Takes the next route off a host's record that had its head taken; false: there is none, or `rest`
 * is not empty and damaged. */
static inline bool records_next_route(struct bytes *rest, struct records_route_view *ret_view)
{
    struct records_route route;
    if (rest->count < sizeof(route))
        return false;
    memcpy(&route, rest->data, sizeof(route));
    size_t bytes = sizeof(route) + (size_t)route.path_bytes + route.function_bytes + route.id_bytes;
    if (rest->count < bytes)
        return false;
    const uint8_t *at = rest->data + sizeof(route);
    *ret_view = (struct records_route_view){
        .whole = bytes_make(rest->data, bytes),
        .path = bytes_make(at, route.path_bytes),
        .function = bytes_make(at + route.path_bytes, route.function_bytes),
        .id = bytes_make(at + route.path_bytes + route.function_bytes, route.id_bytes),
        .methods = route.methods};
    *rest = bytes_make(rest->data + bytes, rest->count - bytes);
    return true;
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

static inline struct records_key records_signers_key(struct bytes tenant)
{
    static const char prefix[] = "signers/";
    struct records_key key;
    ASSERT(tenant.count < DEPLOY_NAME_BYTES);
    memcpy(key.data, prefix, strlen(prefix));
    memcpy(key.data + strlen(prefix), tenant.data, tenant.count);
    key.count = strlen(prefix) + tenant.count;
    return key;
}

/* `host` empty: the start of all of the tenant's. */
static inline struct records_key records_domain_key(struct bytes tenant, struct bytes host)
{
    struct records_key key;
    ASSERT(tenant.count < DEPLOY_NAME_BYTES && host.count < DEPLOY_HOST_BYTES);
    memcpy(key.data, tenant.data, tenant.count);
    key.data[tenant.count] = '/';
    if (host.count > 0)
        memcpy(key.data + tenant.count + 1, host.data, host.count);
    key.count = tenant.count + 1 + host.count;
    return key;
}

static inline struct records_key records_blob_key(struct bytes tenant,
                                                  const uint8_t sha256[DEPLOY_SHA256_BYTES])
{
    struct records_key key = records_function_key(tenant, bytes_make(NULL, 0));
    ASSERT(key.count + DEPLOY_SHA256_BYTES <= sizeof(key.data));
    memcpy(key.data + key.count, sha256, DEPLOY_SHA256_BYTES);
    key.count += DEPLOY_SHA256_BYTES;
    return key;
}

/* `id` empty: the start of all of the function's. */
static inline struct records_key records_route_of_key(const struct records_key *function,
                                                      struct bytes id)
{
    struct records_key key = *function;
    ASSERT(id.count < DEPLOY_NAME_BYTES && key.count + 1 + id.count <= sizeof(key.data));
    key.data[key.count++] = '\0';
    if (id.count > 0)
        memcpy(key.data + key.count, id.data, id.count);
    key.count += id.count;
    return key;
}

#endif
