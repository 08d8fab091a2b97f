/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: tenants, functions, versions and modules in LMDB. Control is its only
 * writer and the only one to include this; workers read through the catalog.
 *
 * Every change is one transaction, with its record in the changelog. When a call that
 * changes something returns STATUS_OK, the change is on disk and `committed` was called.
 * When it returns anything else, nothing was changed. STATUS_FULL: map or disk is full;
 * deleting works even then.
 */
#ifndef SKERRY_DEPLOY_STORE_STORE_H
#define SKERRY_DEPLOY_STORE_STORE_H

#include "deploy/name.h"
#include "deploy/store/blobs.h"
#include "deploy/store/records.h"

#define STORE_VERSIONS_MAX 1000 /* newest ones that can be kept of a function */
#define STORE_ALIASES_MAX  32   /* of a function */
/* Kept besides: those of this deployment and the one before it, and what has an alias. */
#define STORE_VERSIONS_IN_USE (2 * DEPLOY_SHARES_MAX + STORE_ALIASES_MAX)

struct store;

struct store_target {
    struct bytes tenant;
    struct bytes function;
};

/* What a commit changed. */
struct store_changed {
    const char *action;         /* as in the changelog */
    struct store_target target; /* the function may be empty: something of the tenant */
    uint32_t version;           /* 0: none */
};

struct store_options {
    const char *dir;      /* exists */
    const char *data_dir; /* for the blobs of files below it (blobs.h) */
    uint64_t map_bytes;
    /* A new version drops all but so many newest ones, and those in use; up to
     * STORE_VERSIONS_MAX. */
    uint32_t versions;
    const struct clock *clock;
    void (*committed)(void *context, const struct store_changed *changed); /* after each commit */
    /* After the commit that removed the last version with this artifact. */
    void (*artifact_gone)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    /* No certificate has this private key any more. May be NULL. */
    void (*key_gone)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    struct lmdb_readers readers; /* the workers */
    bool read_only; /* beside the server that writes it: only questions about functions, versions
                       and artifacts, and no blobs */
    void *context;
};

/* On whose behalf things change; texts without a need for escapes in JSON. */
struct store_actor {
    const char *who;     /* "token 0123456789abcdef", "uid 1000" */
    const char *from;    /* an address, or "socket" */
    const char *request; /* its id */
};

NODISCARD enum status
store_open(const struct store_options *options, struct report *report, struct store **ret_store);
void store_close(struct store *store);
/* Frees blobs that no version has; call now and then. */
void store_tend(struct store *store);
/* Where the contents of files are; what no version has any more is removed there. */
struct blobs *store_blobs(struct store *store);

/* Until the next call changes are this one's, which is borrowed; NULL: the server's own. */
void store_act_as(struct store *store, const struct store_actor *actor);
/* From true to false all changes are seen by this store alone, and undone then. */
void store_rehearse(struct store *store, bool begins);
/* To be called about once a second; as lmdb_pin_stuck. */
uint64_t store_stuck_reader(struct store *store);

/* ---- changes: names have been checked with deploy_name_valid --------------------------------- */

/* The module that an artifact is built on. */
struct store_base {
    const uint8_t *key;    /* of its own artifact: digest_base_key */
    const uint8_t *sha256; /* of the module */
    struct bytes module;
    uint32_t choices; /* of DEPLOY_ARTIFACT_CHOICES, that its artifact is made by */
};

struct store_upload {
    struct store_target target;
    const struct records_content *content; /* goes with `module` and `config` */
    struct bytes module;
    const struct store_base *base; /* NULL: none */
    struct bytes config;
    struct bytes surface;  /* of the module, in lines; empty: not known */
    struct bytes manifest; /* its canonical JSON; empty: none */
    struct bytes files;    /* lists as in deploy/files.h; their blobs are there */
    struct bytes assets;
    bool activate;
    uint32_t parts; /* of DEPLOY_PARTS that it gets, the version with most has the rest; 0: all */
    const uint8_t *signer; /* the public key that it was signed with; NULL: it was not asked for */
};

NODISCARD enum status store_add_version(struct store *store,
                                        const struct store_upload *upload,
                                        struct report *report,
                                        uint32_t *ret_version);
/* All clients get it; version 0: the deployment before this one is back. NOT_FOUND if there is
 * none. The routes of the active version's manifest come with it, here, above and below: CONFLICT
 * if one of them cannot. */
NODISCARD enum status store_activate(struct store *store,
                                     const struct store_target *target,
                                     uint32_t version,
                                     struct report *report);
/* The same for so many parts of the clients; the version with most has the rest. 0: all. */
NODISCARD enum status store_promote(struct store *store,
                                    const struct store_target *target,
                                    struct deploy_share share,
                                    struct report *report);
/* Its shares, cookie and canary; the rest is the store's. NOT_FOUND: no such version; INVALID: they
 * are not all of the clients, each version once. */
NODISCARD enum status store_set_deployment(struct store *store,
                                           const struct store_target *target,
                                           const struct records_deployment *deployment,
                                           struct report *report);
/* This one and the one before; a share_count of 0: there is none. */
NODISCARD enum status store_get_deployments(struct store *store,
                                            const struct store_target *target,
                                            struct report *report,
                                            struct records_deployments *ret_deployments);

/* ---- aliases --------------------------------------------------------------------------------- */

/* LIMIT; NOT_FOUND: no such version. */
NODISCARD enum status store_set_alias(struct store *store,
                                      const struct store_target *target,
                                      struct bytes alias,
                                      uint32_t version,
                                      struct report *report);
NODISCARD enum status store_delete_alias(struct store *store,
                                         const struct store_target *target,
                                         struct bytes alias,
                                         struct report *report);
NODISCARD enum status
store_list_aliases(struct store *store,
                   const struct store_target *target,
                   bool (*visit)(void *context, struct bytes alias, uint32_t version),
                   void *context,
                   struct report *report);

NODISCARD enum status store_delete_function(struct store *store,
                                            const struct store_target *target,
                                            struct report *report,
                                            uint32_t *ret_version_count);

/* With its limits; CONFLICT if it has functions. */
NODISCARD enum status
store_delete_tenant(struct store *store, struct bytes tenant, struct report *report);

/* CONFLICT if it is there. */
NODISCARD enum status
store_create_tenant(struct store *store, struct bytes tenant, struct report *report);
/* Nothing of it runs while it is, and nobody but an operator changes it. */
NODISCARD enum status store_suspend_tenant(struct store *store,
                                           struct bytes tenant,
                                           bool suspended,
                                           struct report *report);

/* The tenant is made if it is not there. */
NODISCARD enum status store_set_limits(struct store *store,
                                       struct bytes tenant,
                                       const struct deploy_tenant_limits *limits,
                                       struct report *report);

/* ---- routes ---------------------------------------------------------------------------------- */

#define STORE_ROUTES_PER_HOST     256
#define STORE_ROUTES_PER_FUNCTION 64          /* besides those of its manifest */
#define STORE_MANIFEST_ROUTE      "manifest-" /* their ids begin with it, and no others do */

struct store_route {
    struct store_target target; /* NULL in lists of one function */
    struct bytes id;
    struct deploy_route route;
};

/* Makes or replaces the route `id` of the function. CONFLICT: the host is another tenant's, or the
 * same route leads to another function; LIMIT. */
NODISCARD enum status
store_set_route(struct store *store, const struct store_route *route, struct report *report);
/* NOT_FOUND if there is no such route. */
NODISCARD enum status store_delete_route(struct store *store,
                                         const struct store_target *target,
                                         struct bytes id,
                                         struct report *report);
/* Whose a host is, by its domain or its routes, or by a star's; NOT_FOUND if it is nobody's. */
NODISCARD enum status
store_get_host(struct store *store, struct bytes host, char ret_tenant[DEPLOY_NAME_BYTES]);
/* As the lists below; what the visitor is shown is lent during the call. */
NODISCARD enum status store_list_routes(struct store *store,
                                        const struct store_target *target,
                                        bool (*visit)(void *context, const struct store_route *),
                                        void *context,
                                        struct report *report);

/* ---- domains --------------------------------------------------------------------------------- */

#define STORE_PENDING_MAX 256 /* domains that a tenant has asked for and not proven */

/* What a tenant wants of a host, which is as deploy_host_parse has it. */
struct store_domain_order {
    struct bytes tenant;
    struct bytes host;
    struct bytes function; /* empty: only routes lead from it */
    const char *challenge; /* for one that is new */
    uint32_t tls;          /* enum deploy_domain_tls */
    bool by_operator;      /* needs no other proof */
};

struct store_domain {
    char host[DEPLOY_HOST_BYTES];
    struct records_domain_of record;
};

/* Makes or changes it; pending until it is proven. NOT_FOUND: no such tenant or function; CONFLICT:
 * the host is another tenant's; LIMIT. */
NODISCARD enum status store_set_domain(struct store *store,
                                       const struct store_domain_order *order,
                                       struct report *report);
/* Its TXT record was seen. NOT_FOUND; CONFLICT as above. */
NODISCARD enum status store_prove_domain(struct store *store,
                                         struct bytes tenant,
                                         struct bytes host,
                                         struct report *report);
NODISCARD enum status store_delete_domain(struct store *store,
                                          struct bytes tenant,
                                          struct bytes host,
                                          struct report *report);
NODISCARD enum status store_get_domain(struct store *store,
                                       struct bytes tenant,
                                       struct bytes host,
                                       struct report *report,
                                       struct store_domain *ret_domain);
/* Those after `after`, or from the start. */
NODISCARD enum status store_list_domains(struct store *store,
                                         struct bytes tenant,
                                         struct bytes after,
                                         bool (*visit)(void *context, const struct store_domain *),
                                         void *context,
                                         struct report *report);
/* Of all tenants. */
NODISCARD enum status store_walk_all_domains(struct store *store,
                                             bool (*visit)(void *context,
                                                           struct bytes tenant,
                                                           const struct store_domain *domain),
                                             void *context,
                                             struct report *report);

/* ---- certificates ---------------------------------------------------------------------------- */

struct store_certificate {
    struct bytes host;
    struct records_certificate record; /* serial and the counts of bytes are the store's */
    struct bytes chain;
    struct bytes ocsp;
};

/* Makes or replaces the host's. */
NODISCARD enum status store_set_certificate(struct store *store,
                                            const struct store_certificate *certificate,
                                            struct report *report);
/* An answer of OCSP to the host's certificate, instead of the one before. NOT_FOUND. */
NODISCARD enum status
store_set_ocsp(struct store *store, struct bytes host, struct bytes ocsp, struct report *report);
/* NOT_FOUND; `tenant` not empty: or it is not the tenant's. */
NODISCARD enum status store_delete_certificate(struct store *store,
                                               struct bytes tenant,
                                               struct bytes host,
                                               struct report *report);
/* Has any certificate this private key? */
bool store_has_key(struct store *store, const uint8_t key[DEPLOY_SHA256_BYTES]);
/* As the lists below; what is shown is lent during the call. */
NODISCARD enum status store_list_certificates(struct store *store,
                                              struct bytes after,
                                              bool (*visit)(void *context,
                                                            const struct store_certificate *),
                                              void *context,
                                              struct report *report);
/* Lends it during the call of `use`. NOT_FOUND. */
NODISCARD enum status store_use_certificate(struct store *store,
                                            struct bytes host,
                                            void (*use)(void *context,
                                                        const struct store_certificate *),
                                            void *context,
                                            struct report *report);

/* ---- ACME ------------------------------------------------------------------------------------ */

struct store_challenge {
    uint8_t key[DEPLOY_SHA256_BYTES]; /* of the chain's */
    struct bytes token;
    struct bytes answer;
    struct bytes chain; /* empty: none */
};
/* NULL: it is over. */
NODISCARD enum status store_set_challenge(struct store *store,
                                          struct bytes host,
                                          const struct store_challenge *challenge,
                                          struct report *report);
/* NULL: nothing has failed. */
NODISCARD enum status store_set_acme(struct store *store,
                                     struct bytes host,
                                     const struct records_acme *record,
                                     struct report *report);
/* NOT_FOUND. */
NODISCARD enum status store_get_acme(struct store *store,
                                     struct bytes host,
                                     struct records_acme *ret_record,
                                     struct report *report);
/* A proven domain that is to have its certificate by ACME; views are the visit's. */
struct store_acme_domain {
    struct bytes host;
    struct bytes tenant;
    bool has_certificate;
    struct records_certificate certificate;
    struct records_acme state; /* zeros: nothing has failed */
};
NODISCARD enum status store_walk_acme(struct store *store,
                                      bool (*visit)(void *context,
                                                    const struct store_acme_domain *domain),
                                      void *context,
                                      struct report *report);

/* ---- cron triggers --------------------------------------------------------------------------- */

#define STORE_CRONS_PER_FUNCTION 16
#define STORE_CRON_TEXT_BYTES    512 /* schedule and path */
#define STORE_MANIFEST_CRON      "manifest-"

struct store_cron {
    struct store_target target; /* lent, as the texts */
    struct bytes id;
    struct records_cron record;
    struct bytes schedule;
    struct bytes path; /* empty: "/" */
};
struct store_cron_moment {
    uint64_t last_ns;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    char id[DEPLOY_NAME_BYTES];
};

/* Makes or changes one; NULL removes it. NOT_FOUND; LIMIT. */
NODISCARD enum status store_set_cron(struct store *store,
                                     const struct store_target *target,
                                     struct bytes id,
                                     const struct deploy_cron *cron,
                                     struct report *report);
/* Those of a function, or with NULL all that there are; as the lists below. */
NODISCARD enum status store_list_crons(struct store *store,
                                       const struct store_target *target,
                                       bool (*visit)(void *context, const struct store_cron *),
                                       void *context,
                                       struct report *report);
/* What was due until each moment is done with. No change that anybody has to hear of. */
NODISCARD enum status store_cron_ran(struct store *store,
                                     const struct store_cron_moment *moments,
                                     uint32_t count,
                                     struct report *report);

/* ---- environment of functions ---------------------------------------------------------------- */

/* Sets a variable, checked with deploy_variable_check; value.data NULL removes it. NOT_FOUND: no
 * such function, or variable to remove; LIMIT. */
NODISCARD enum status store_set_variable(struct store *store,
                                         const struct store_target *target,
                                         struct bytes name,
                                         struct bytes value,
                                         struct report *report);
/* Appends the function's variables, "NAME=value" NUL each. */
NODISCARD enum status store_get_environment(struct store *store,
                                            const struct store_target *target,
                                            struct report *report,
                                            struct buffer *environment);

/* ---- tokens ---------------------------------------------------------------------------------- */

#define STORE_TOKEN_ID_BYTES     17 /* 16 hexadecimal digits */
#define STORE_TOKENS_PER_TENANT  1000
#define STORE_TOKEN_FUNCTIONS    32
#define STORE_TOKEN_NAMES_BYTES  (STORE_TOKEN_FUNCTIONS * DEPLOY_NAME_BYTES)
#define STORE_TOKEN_USE_STEP_NS  (60 * CLOCK_NS_PER_S)
#define STORE_TOKEN_USES_AT_ONCE 64

struct store_token {
    char id[STORE_TOKEN_ID_BYTES];
    struct records_token record;
    struct bytes functions; /* as in the record; lent */
};

/* NOT_FOUND: there is no such tenant; LIMIT. */
NODISCARD enum status
store_add_token(struct store *store, const struct store_token *token, struct report *report);
/* `tenant` empty: whosever it is; else NOT_FOUND if it is another's. */
NODISCARD enum status store_remove_token(struct store *store,
                                         struct bytes tenant,
                                         struct bytes id,
                                         struct report *report);
/* Its names are appended to `names`, which may be NULL. NOT_FOUND without a report. */
NODISCARD enum status store_get_token(struct store *store,
                                      struct bytes id,
                                      struct report *report,
                                      struct buffer *names,
                                      struct store_token *ret_token);
/* As the lists below. */
NODISCARD enum status store_list_tokens(struct store *store,
                                        struct bytes after,
                                        bool (*visit)(void *context, const struct store_token *),
                                        void *context,
                                        struct report *report);
/* Remembers that it was used now; store_keep_token_uses writes it down. */
void store_use_token(struct store *store, const struct store_token *token);
void store_keep_token_uses(struct store *store);

/* ---- who signs ------------------------------------------------------------------------------- */

/* Public keys (deploy/signature.h), one after the other, without whose signature nothing is
 * uploaded; none: no upload has to be signed. NOT_FOUND: there is no such tenant. */
NODISCARD enum status store_set_signers(struct store *store,
                                        struct bytes tenant,
                                        struct bytes keys,
                                        struct report *report);
/* Appends them; nothing if there are none. */
NODISCARD enum status store_get_signers(struct store *store,
                                        struct bytes tenant,
                                        struct report *report,
                                        struct buffer *keys);

/* ---- secrets of what was removed ------------------------------------------------------------- */

/* Functions, or tenants if the function is empty, that were removed and of which store_forgot was
 * not called since. What the visitor is shown is lent during the call; it must not call the store.
 */
NODISCARD enum status
store_list_forgotten(struct store *store,
                     void (*visit)(void *context, struct bytes tenant, struct bytes function),
                     void *context,
                     struct report *report);
/* The key process has none of it any more. */
NODISCARD enum status
store_forgot(struct store *store, const struct store_target *target, struct report *report);

/* ---- questions ------------------------------------------------------------------------------- */

struct store_tenant {
    char tenant[DEPLOY_NAME_BYTES];
    struct records_tenant record;
    /* Not in lists: */
    struct deploy_tenant_limits limits;
    bool suspended;
    uint64_t stored_bytes;
};

struct store_function {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    struct records_function record;
};

struct store_version {
    uint32_t version;
    struct records_version record;
};

NODISCARD enum status store_get_tenant(struct store *store,
                                       struct bytes tenant,
                                       struct report *report,
                                       struct store_tenant *ret_tenant);
/* NOT_FOUND, with a report that says whether the tenant or the function is missing. */
NODISCARD enum status store_get_function(struct store *store,
                                         const struct store_target *target,
                                         struct report *report,
                                         struct store_function *ret_function);
NODISCARD enum status store_get_version(struct store *store,
                                        const struct store_target *target,
                                        uint32_t version,
                                        struct report *report,
                                        struct store_version *ret_version);

/* Appends a version's manifest; nothing if it has none. */
NODISCARD enum status store_get_manifest(struct store *store,
                                         const struct store_target *target,
                                         uint32_t version,
                                         struct report *report,
                                         struct buffer *manifest);

/* ---- all of it, as it is now (deploy/backup/) -------------------------------------------------
 */

/* A read transaction that is held until the end; one at a time: BUSY. Blobs that the store has then
 * stay at least as long. */
NODISCARD enum status store_snapshot_begin(struct store *store, struct report *report);
/* NULL: it is gone, because the environment was opened anew. */
struct MDB_txn *store_snapshot(const struct store *store);
void store_snapshot_end(struct store *store);

/* Lists: in order of their keys, those after `after` (or from the start); the visitor says
 * false to stop. It must not call the store. */
NODISCARD enum status store_list_tenants(struct store *store,
                                         struct bytes after,
                                         bool (*visit)(void *context, const struct store_tenant *),
                                         void *context,
                                         struct report *report);
NODISCARD enum status store_list_functions(struct store *store,
                                           const struct store_target *after,
                                           bool (*visit)(void *context,
                                                         const struct store_function *),
                                           void *context,
                                           struct report *report);
NODISCARD enum status store_list_versions(struct store *store,
                                          const struct store_target *target,
                                          bool (*visit)(void *context,
                                                        const struct store_version *),
                                          void *context,
                                          struct report *report);

/* Has any version this artifact, or is it the base of one? */
bool store_has_artifact(struct store *store, const uint8_t key[DEPLOY_SHA256_BYTES]);
/* What an artifact is made of. */
struct store_source {
    struct bytes module;
    struct bytes config;
    struct bytes tenant; /* of `files` */
    struct bytes files;  /* as in deploy/files.h */
    uint32_t choices;    /* DEPLOY_ARTIFACT_CHOICES of its versions */
    uint32_t source;     /* enum deploy_source */
    /* The base, if it is built on one, its key and its module; NULL, and none. */
    const uint8_t *base_key;
    struct bytes base_module;
};
/* Lends that during the call of `use`, and gives its status. */
NODISCARD enum status store_use_source(struct store *store,
                                       const uint8_t key[DEPLOY_SHA256_BYTES],
                                       enum status (*use)(void *context,
                                                          const struct store_source *source),
                                       void *context,
                                       struct report *report);
/* Appends the configuration of an artifact; NOT_FOUND if no version has that. */
NODISCARD enum status store_get_config(struct store *store,
                                       const uint8_t key[DEPLOY_SHA256_BYTES],
                                       struct report *report,
                                       struct buffer *config);
/* The same of its module's surface; nothing if it was deployed before that was kept. */
NODISCARD enum status store_get_surface(struct store *store,
                                        const uint8_t key[DEPLOY_SHA256_BYTES],
                                        struct report *report,
                                        struct buffer *surface);
/* Has any of the tenant's versions this blob? */
bool store_has_blob(struct store *store,
                    struct bytes tenant,
                    const uint8_t sha256[DEPLOY_SHA256_BYTES]);
/* Appends a version's assets, a list as in deploy/files.h; nothing if it has none. */
NODISCARD enum status store_get_assets(struct store *store,
                                       const struct store_target *target,
                                       uint32_t version,
                                       struct report *report,
                                       struct buffer *assets);
/* Newest first, those before `before` (0: all); the visitor says false to stop. */
NODISCARD enum status store_list_changes(struct store *store,
                                         uint64_t before,
                                         bool (*visit)(void *context, struct bytes json),
                                         void *context,
                                         struct report *report);
/* The record of a change that was made, or is about to be made, somewhere else than here. */
NODISCARD enum status store_note_change(struct store *store,
                                        const struct store_target *target,
                                        const char *action,
                                        struct bytes name,
                                        struct report *report);
struct store_audit {
    struct records_audit chain;
    uint64_t checked; /* records that are as they were written */
    uint64_t broken;  /* serial of the first that is not, or is missing; 0: none */
};
/* Reads all records against each other. */
NODISCARD enum status
store_check_audit(struct store *store, struct report *report, struct store_audit *ret_audit);

struct store_stats {
    uint64_t entries[RECORDS_DB_COUNT];
    uint64_t map_bytes;
    /* A new version drops all but so many newest ones, and those in use; up to
     * STORE_VERSIONS_MAX. */
    uint32_t versions;
    uint64_t used_bytes; /* of the file; freed pages in it included */
};
NODISCARD enum status
store_stats(struct store *store, struct report *report, struct store_stats *ret_stats);

#endif
