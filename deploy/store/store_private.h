/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: the environment, the frame around a
 * transaction, and reading and writing one record in it.
 */
#ifndef SKERRY_DEPLOY_STORE_STORE_PRIVATE_H
#define SKERRY_DEPLOY_STORE_STORE_PRIVATE_H

#include <lmdb.h>

#include "deploy/lmdb/lmdb_pin.h"
#include "deploy/lmdb/lmdb_status.h"
#include "deploy/store/store.h"

struct store {
    struct blobs *blobs;
    MDB_env *env;
    struct lmdb_pin pin;
    MDB_dbi dbi[RECORDS_DB_COUNT];
    struct store_options options;
    char dir[CONFIG_PATH_BYTES + 16];
    /* Artifacts whose last version this transaction removed. */
    /* Artifacts, each with its base. */
    uint8_t gone[2 * (STORE_VERSIONS_MAX + STORE_VERSIONS_IN_USE + 1)][DEPLOY_SHA256_BYTES];
    uint32_t gone_count;
    struct buffer gone_keys;         /* digests of private keys that it left to no certificate */
    struct buffer gone_blobs;        /* keys of blobs that this transaction left to nobody */
    bool rehearses;                  /* store_rehearse */
    MDB_txn *rehearsal;              /* what was changed meanwhile; NULL: nothing yet */
    MDB_txn *snapshot;               /* NULL: none */
    bool snapshot_held;              /* between its begin and end, even if it is gone */
    const char *action;              /* what this transaction logged last; NULL: nothing */
    uint32_t version;                /* of which version */
    const struct store_actor *actor; /* borrowed; NULL: the server itself */
    struct store_use {
        char id[STORE_TOKEN_ID_BYTES];
        uint64_t used_ns;
    } uses[STORE_TOKEN_USES_AT_ONCE]; /* of tokens, not written yet */
    uint32_t use_count;
};

struct store_txn {
    struct store *store;
    MDB_txn *mdb;
    struct report *report;
    uint64_t now_ns;
};

/* As lmdb_status. */
NODISCARD enum status store_status(int rc, struct report *report);

NODISCARD enum status
store_begin_read(struct store *store, struct report *report, struct store_txn *ret_txn);
void store_end_read(struct store_txn *txn);

typedef enum status store_change(struct store_txn *txn, void *context);
/*
 * Runs `change` in a write transaction and commits it. One that `shrinks` may use the
 * reserves of address space and disk if there is no room otherwise; `change` is then
 * called twice. `target` is what it changes.
 */
NODISCARD enum status store_write(struct store *store,
                                  const struct store_target *target,
                                  store_change *change,
                                  void *context,
                                  bool shrinks,
                                  struct report *report);

static inline MDB_val store_val(const void *data, size_t count)
{
    return (MDB_val){.mv_size = count, .mv_data = (void *)(uintptr_t)data};
}

/* Appends what a version has in a database of its own; nothing if it has nothing there. */
NODISCARD enum status store_append_of_version(struct store *store,
                                              enum records_db db,
                                              const struct store_target *target,
                                              uint32_t version,
                                              struct report *report,
                                              struct buffer *out);

/* Copies a record of exactly `bytes`; CORRUPT for another size; NOT_FOUND has no report. */
NODISCARD enum status store_get_record(
    const struct store_txn *txn, enum records_db db, MDB_val key, void *ret_record, size_t bytes);
/* A view of a value of any size, until the transaction's next change or end. */
NODISCARD enum status
store_view(const struct store_txn *txn, enum records_db db, MDB_val key, struct bytes *ret_value);
NODISCARD enum status store_put_record(
    const struct store_txn *txn, enum records_db db, MDB_val key, const void *record, size_t bytes);
NODISCARD enum status
store_delete_record(const struct store_txn *txn, enum records_db db, MDB_val key);
struct store_logged {
    const char *action;
    const struct store_target *target;         /* its function may be empty */
    uint32_t version;                          /* 0: none */
    const struct records_content *content;     /* of the version; NULL: none */
    const struct deploy_tenant_limits *limits; /* NULL: none */
    const struct records_deployment *deployment;
    struct bytes name;           /* of a variable or route; empty: none */
    const uint8_t *signer;       /* public key; NULL: none */
    const struct bytes *signers; /* of a tenant from now on; NULL: nothing is said of them */
};
/* Writes the record of a change; names are plain by now. */
NODISCARD enum status store_log(const struct store_txn *txn, const struct store_logged *logged);
/* The changelog as a chain (store_audit.c): the hash that the next record has to name, and what is
 * to be done once it is written, and when the oldest one is forgotten. */
NODISCARD enum status store_audit_begin(const struct store_txn *txn,
                                        struct records_audit *ret_audit);
NODISCARD enum status
store_audit_written(const struct store_txn *txn, struct records_audit *audit, struct bytes text);
NODISCARD enum status
store_audit_forget(const struct store_txn *txn, struct records_audit *audit, uint64_t serial);
NODISCARD enum status
store_changelog_edge(const struct store_txn *txn, MDB_cursor_op edge, uint64_t *ret_serial);
void store_changelog_key(uint64_t serial, uint8_t ret_key[8]);
/* Quotas (store_tenants.c): QUOTA, with a report that says which one. */
NODISCARD enum status
store_check_functions(const struct store_txn *txn, struct bytes tenant, uint64_t function_count);
NODISCARD enum status
store_kept_versions(const struct store_txn *txn, struct bytes tenant, uint32_t *ret_kept);
/* Before the version's records are written, and before they are removed. */
NODISCARD enum status store_count_added(const struct store_txn *txn,
                                        const struct store_upload *upload);
NODISCARD enum status store_count_dropped(const struct store_txn *txn,
                                          const struct records_key *version_key,
                                          const struct records_version *version);
/* What a tenant is besides its record. */
NODISCARD enum status store_fill_tenant(const struct store_txn *txn, struct store_tenant *tenant);
/* What goes with a tenant besides its record. */
NODISCARD enum status store_drop_tokens(const struct store_txn *txn, struct bytes tenant);
/* A version's record; NOT_FOUND, with a report. */
NODISCARD enum status store_find_version(const struct store_txn *txn,
                                         const struct store_target *target,
                                         uint32_t version,
                                         struct records_version *ret_record);
/* What a new or a present version becomes: `next` has shares, cookie and canary. Writes the
 * function's record, too. */
NODISCARD enum status store_become(const struct store_txn *txn,
                                   const struct store_target *target,
                                   struct records_function *function,
                                   const struct records_deployment *next);
/* The deployment in which a version gets so many parts, of DEPLOY_PARTS; 0: all. */
NODISCARD enum status store_share_out(const struct store_txn *txn,
                                      const struct store_target *target,
                                      const struct records_function *function,
                                      struct deploy_share share,
                                      struct records_deployment *ret_next);
/* Versions that must be kept: ret_versions has room for STORE_VERSIONS_IN_USE. `soon`: this
 * deployment is about to be the one before. */
NODISCARD enum status store_in_use(const struct store_txn *txn,
                                   const struct store_target *target,
                                   const struct records_function *function,
                                   bool soon,
                                   uint32_t *ret_versions,
                                   uint32_t *ret_count);
/* The visitor says false to stop; what it is shown is lent. */
NODISCARD enum status
store_walk_aliases(const struct store_txn *txn,
                   const struct store_target *target,
                   bool (*visit)(void *context, struct bytes alias, uint32_t version),
                   void *context);
NODISCARD enum status store_drop_aliases(const struct store_txn *txn,
                                         const struct store_target *target);
/* All that a function has besides versions: deployments and aliases. */
NODISCARD enum status store_drop_deployments(const struct store_txn *txn,
                                             const struct store_target *target);
/* The routes of its manifest become those of this one, which may be empty. */
NODISCARD enum status store_follow_manifest(const struct store_txn *txn,
                                            const struct store_target *target,
                                            struct bytes manifest);
/* Whose a host is, by its domain or its routes, or by a star's; NOT_FOUND, without a report:
 * nobody's. */
NODISCARD enum status store_find_owner(const struct store_txn *txn,
                                       struct bytes host,
                                       char ret_tenant[DEPLOY_NAME_BYTES]);
/* The same, without what stands for it with a star. */
NODISCARD enum status store_find_exact_owner(const struct store_txn *txn,
                                             struct bytes host,
                                             char ret_tenant[DEPLOY_NAME_BYTES]);
/* All domains of a tenant. */
/* The domain's way to its certificate, if it is the tenant's (store_domains.c). */
NODISCARD enum status store_turn_domain(const struct store_txn *txn,
                                        struct bytes tenant,
                                        struct bytes host,
                                        enum deploy_domain_tls tls);
/* Of a host whose domain goes, if it is the tenant's (store_certificates.c). */
NODISCARD enum status
store_drop_certificate_of(const struct store_txn *txn, struct bytes tenant, struct bytes host);
/* What ACME remembers of a host (store_acme.c). */
NODISCARD enum status store_drop_acme(const struct store_txn *txn, struct bytes host);
NODISCARD enum status store_drop_domains(const struct store_txn *txn, struct bytes tenant);
/* A list's blobs have one use more, or one less; the list may be a view of the store's own. */
NODISCARD enum status
store_blobs_use(const struct store_txn *txn, struct bytes tenant, struct bytes list);
NODISCARD enum status
store_blobs_unuse(const struct store_txn *txn, struct bytes tenant, struct bytes list);
/* The files of an artifact, and of whose they are; empty if it has none. */
NODISCARD enum status store_view_files(const struct store_txn *txn,
                                       MDB_val key,
                                       struct bytes *ret_tenant,
                                       struct bytes *ret_list);
NODISCARD enum status
store_put_files(const struct store_txn *txn, MDB_val key, struct bytes tenant, struct bytes list);
NODISCARD enum status store_drop_files(const struct store_txn *txn, MDB_val key);
NODISCARD enum status
store_put_assets(const struct store_txn *txn, MDB_val key, struct bytes tenant, struct bytes list);
NODISCARD enum status
store_drop_assets(const struct store_txn *txn, MDB_val key, struct bytes tenant);
/* The blobs that the last transaction left to nobody. */
void store_remove_gone_blobs(struct store *store);
/* The triggers of its manifest become these. */
NODISCARD enum status store_follow_crons(const struct store_txn *txn,
                                         const struct store_target *target,
                                         const struct deploy_crons *crons);
/* Those whose ids begin so, but for the first `kept` by their numbers; 0: all. */
NODISCARD enum status store_drop_crons(const struct store_txn *txn,
                                       const struct store_target *target,
                                       const char *id_prefix,
                                       uint32_t kept);
/* What goes with a function: its routes, its triggers and its environment. */
NODISCARD enum status store_drop_belongings(const struct store_txn *txn,
                                            const struct store_target *target);
/* Its secrets are to go; the function may be empty. */
NODISCARD enum status store_forget_later(const struct store_txn *txn,
                                         const struct store_target *target);
/* The function's record, or NOT_FOUND with a report of which part is missing. */
NODISCARD enum status store_find_function(const struct store_txn *txn,
                                          const struct store_target *target,
                                          struct records_function *ret_record);

#endif
