/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control plane: store, catalog, admin API, builder jobs, command line clients.
 *
 *   client --HTTP--> admin_http --> api (request struct -> response struct)
 *                                        |                    |
 *                                builder job (a process)   store (LMDB, only writer)
 *                                        |                    |
 *                                 artifacts/ (files)      catalog (workers read it)
 *
 * On disk, below the data directory (mode 0700):
 *   FORMAT           "skerry data 3\n": it is ours, and which layout
 *   LOCK             flock'ed by control while it runs
 *   store/           the LMDB environment
 *   kv/              another, the key-value store (kv/kv.h)
 *   vault/           a third, and its keys: the key process's alone (server/keys/)
 *   artifacts/       <key>-<build id>.art, made by builders, a cache
 *   blobs/           <tenant>/<sha256>: what is in the files that versions bring (store/blobs.h)
 *   generation       one page, mapped shared: the catalog's generation, written by control
 *   admin.sock
 *
 * A deploy is acknowledged after its LMDB transaction is on disk and the generation was
 * increased: the next request that any worker takes sees it.
 */
#ifndef SKERRY_DEPLOY_H
#define SKERRY_DEPLOY_H

#include "config/config.h"
#include "deploy/files.h"
#include "deploy/lmdb/lmdb_reading.h"
#include "deploy/manifest/host.h"
#include "deploy/manifest/manifest.h"
#include "engine/base/bytes.h"
#include "engine/base/clock.h"
#include "engine/base/spawn.h"
#include "engine/base/status.h"

#define DEPLOY_NAME_BYTES   64 /* tenant and function names: [a-z0-9]([a-z0-9-]*[a-z0-9])?, <= 63 */
#define DEPLOY_SHA256_BYTES 32
#define DEPLOY_KIND_BYTES   16
/* Of configuration for guests: the most that limits.guest_config can be. */
#define DEPLOY_CONFIG_BYTES_MAX 32768

/* Is this a tenant's or function's name? (A DNS label, lower case.) */
bool deploy_name_valid(struct bytes name);
/* The same for a field that another process filled: its end may be missing. */
bool deploy_name_field_valid(const char name[DEPLOY_NAME_BYTES]);

/* How serious a line of a function's log is, least first. */
#define DEPLOY_LOG_LEVELS(LEVEL)                                                                   \
    LEVEL(DEBUG, "debug")                                                                          \
    LEVEL(INFO, "info")                                                                            \
    LEVEL(WARN, "warn")                                                                            \
    LEVEL(ERROR, "error")

enum deploy_log_level {
#define LEVEL(name, text) DEPLOY_LOG_##name,
    DEPLOY_LOG_LEVELS(LEVEL)
#undef LEVEL
        DEPLOY_LOG_LEVEL_COUNT
};
/* False: it is the name of none. */
bool deploy_log_level_parse(struct bytes text, enum deploy_log_level *ret_level);

/* ---- catalog: what workers read -------------------------------------------------------------- */

struct deploy_catalog;

/* What a tenant has of its own; 0: the operator's default. */
struct deploy_tenant_limits {
#define TENANT_LIMIT(name)                                          uint32_t name;
#define TENANT_LIMIT_OWN(name, minimum, maximum, otherwise, text)   uint32_t name; /* text */
#define TENANT_QUOTA(name, unit, minimum, maximum, otherwise, text) uint64_t name; /* text */
#include "deploy/tenant_limits.def"
};

/* What the bytes of an upload are. */
enum deploy_source {
#define SOURCE(NAME, number, kind, magic, text) DEPLOY_SOURCE_##NAME = (number),
#include "deploy/sources.def"
};

/* What answers show as its kind; "" of a module, whose imports say it. */
const char *deploy_source_kind(enum deploy_source source);

/* Of a version: bits of `choices`. */
enum deploy_choice {
#define CHOICE(NAME, bit, name, flag, text) DEPLOY_##NAME = 1 << (bit),
#include "deploy/choices.def"
};

/* Those that an artifact is made by. */
#define DEPLOY_ARTIFACT_CHOICES ((uint32_t)DEPLOY_DETERMINISTIC | (uint32_t)DEPLOY_CHECKPOINT)

/* A deployment gives each of its versions a share of the clients. */
#define DEPLOY_SHARES_MAX 8
#define DEPLOY_PARTS      10000 /* all clients; 1 % is 100 */
struct deploy_share {
    uint32_t version;
    uint32_t parts;
};

struct deploy_catalog_entry {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    uint32_t version;                          /* shown as "v3" */
    uint8_t sha256[DEPLOY_SHA256_BYTES];       /* of the module */
    uint8_t artifact_key[DEPLOY_SHA256_BYTES]; /* of module and choices */
    char kind[DEPLOY_KIND_BYTES];              /* hostapi_kind_id */
    /* What the guest's get_config answers. */
    struct bytes config;
    const struct deploy_manifest *manifest; /* never NULL: one that says nothing if there is none */
    /* The manifest's variables, and over them the function's own. */
    struct deploy_variables environment;
    struct bytes files;  /* what the guest may read: a list as in files.h; empty: nothing */
    struct bytes assets; /* what is served as it is: another */
    /*
     * Memory that outlives a request, by the function's choice: an isolate that answered without
     * a fault may serve the same version again as it is, until it has served `reuse_requests`
     * requests, or `reuse_us` have passed since it was pristine, whichever comes first; then it
     * is reset. 0 or 1 request: it is reset after every request. More: reuse_us is not 0.
     */
    uint32_t reuse_requests;
    uint64_t reuse_us;
    uint32_t choices;    /* enum deploy_choice */
    uint64_t created_ns; /* of the function: one removed and made anew is another */
    /* Between which versions clients are split, newest first, and the cookie that they are told
     * apart by, else their address; count 0: all get this one. */
    struct deploy_share shares[DEPLOY_SHARES_MAX];
    uint32_t share_count;
    char cookie[DEPLOY_NAME_BYTES];
    struct deploy_tenant_limits limits;
    bool suspended; /* the tenant: nothing of it runs */
};

/* Which function, and which of its versions: "v3" or an alias; empty: the active one. */
struct deploy_catalog_name {
    struct bytes tenant;
    struct bytes function;
    struct bytes variant;
};

/* Opens the store read-only, in a worker. `reading` is borrowed, in memory that control watches. */
NODISCARD enum status deploy_catalog_open(const char *data_dir,
                                          uint64_t map_bytes,
                                          struct lmdb_reading *reading,
                                          struct report *report,
                                          struct deploy_catalog **ret_catalog);
void deploy_catalog_close(struct deploy_catalog *catalog);
/* Changes after every commit that can change what a request finds; one memory read. */
uint64_t deploy_catalog_generation(const struct deploy_catalog *catalog);
/* The version that is named; what the entry points to lies in the arena, which nothing is taken of
 * for a version that brought nothing but its module. STATUS_NOT_FOUND with the same report, for
 * anybody to read, whether it is the tenant, the function or its version that is missing. */
NODISCARD enum status deploy_catalog_lookup(struct deploy_catalog *catalog,
                                            const struct deploy_catalog_name *name,
                                            struct arena *arena,
                                            struct report *report,
                                            struct deploy_catalog_entry *ret_entry);
/* Of that arena: enough for any version. */
#define DEPLOY_ENTRY_ARENA_BYTES (2 * (DEPLOY_MANIFEST_ARENA_BYTES + DEPLOY_FILES_BYTES_MAX))

/* Why a host is taken to be a tenant's, and how it is served. */
#define DEPLOY_DOMAIN_PROOFS(PROOF)                                                                \
    PROOF(PENDING, 0, "pending")                                                                   \
    PROOF(OPERATOR, 1, "operator")                                                                 \
    PROOF(DNS, 2, "dns")
#define DEPLOY_DOMAIN_TLS(MODE)                                                                    \
    MODE(OFF, 0, "off")                                                                            \
    MODE(ACME, 1, "acme")                                                                          \
    MODE(OWN, 2, "own")

enum deploy_domain_proof {
#define PROOF(NAME, number, text) DEPLOY_DOMAIN_##NAME = (number),
    DEPLOY_DOMAIN_PROOFS(PROOF)
#undef PROOF
};
enum deploy_domain_tls {
#define MODE(NAME, number, text) DEPLOY_TLS_##NAME = (number),
    DEPLOY_DOMAIN_TLS(MODE)
#undef MODE
};
#define DEPLOY_CHALLENGE_BYTES 48         /* of the text that a domain's TXT record has to have */
#define DEPLOY_TXT_NAME        "_skerry." /* before the host: whose record that is */
#define DEPLOY_TXT_VALUE       "skerry-domain=" /* before the text */

struct deploy_host_route {
    struct bytes path; /* as of struct deploy_route */
    struct bytes function;
    uint32_t methods;
};

/* A host that leads to functions: whose it is, and where its paths lead, the longest first. */
struct deploy_host {
    struct bytes tenant;
    const struct deploy_host_route *routes;
    uint32_t route_count;
};

/* `host` in lower case, without a port: what it is itself, or else what stands for it with a star.
 * NOT_FOUND, without a report, if it is nobody's. All in the arena. */
NODISCARD enum status deploy_catalog_host(struct deploy_catalog *catalog,
                                          struct bytes host,
                                          struct arena *arena,
                                          struct report *report,
                                          struct deploy_host *ret_host);
/* Where a certificate came from. */
enum deploy_certificate_origin {
    DEPLOY_CERTIFICATE_API,
    DEPLOY_CERTIFICATE_FILE, /* of skerry.yaml */
    DEPLOY_CERTIFICATE_ACME,
};

/* What a host is served with: the chain, as certs/certificate.h has it, and which key signs. */
struct deploy_certificate {
    uint8_t key[DEPLOY_SHA256_BYTES]; /* SHA-256 of the leaf's public key */
    uint64_t serial;                  /* another one: the host has another certificate */
    uint64_t not_after_s;
    struct bytes chain;
    struct bytes ocsp; /* an answer to staple; may be empty */
};
#define DEPLOY_CERTIFICATE_BYTES_MAX 65536 /* of `copy` */

/* `host` in lower case, a name or "*." and one, as it was stored. NOT_FOUND, without a report, if
 * it has none. What the certificate points to is in `copy`. */
NODISCARD enum status deploy_catalog_certificate(struct deploy_catalog *catalog,
                                                 struct bytes host,
                                                 struct buffer *copy,
                                                 struct report *report,
                                                 struct deploy_certificate *ret_certificate);
/* What proves to a certifying server that `host` leads here: the answer to one token, or a
 * certificate (without a serial); either may be empty. NOT_FOUND, without a report, if nothing is
 * to be proven. All of it points into `copy`. */
struct deploy_challenge {
    struct bytes token;
    struct bytes answer;
    struct deploy_certificate certificate;
};
NODISCARD enum status deploy_catalog_challenge(struct deploy_catalog *catalog,
                                               struct bytes host,
                                               struct buffer *copy,
                                               struct report *report,
                                               struct deploy_challenge *ret_challenge);
/* Opens an artifact by its key. NOT_FOUND, or CORRUPT if it is not as control published it:
 * ask for a rebuild. */
NODISCARD enum status deploy_artifact_open(const char *data_dir,
                                           const uint8_t key[DEPLOY_SHA256_BYTES],
                                           struct report *report,
                                           int *ret_fd);
/* Opens what is in a file that one of the tenant's versions brought. */
NODISCARD enum status deploy_blob_open(const char *data_dir,
                                       struct bytes tenant,
                                       const uint8_t sha256[DEPLOY_SHA256_BYTES],
                                       struct report *report,
                                       int *ret_fd);

/* ---- control's side -------------------------------------------------------------------------- */

struct event_base;
struct deploy_control;

/* Which function: names, and when it was made, because one made anew is another. */
struct deploy_function_key {
    const char *tenant;
    const char *function;
    uint64_t created_ns;
};

struct deploy_change {
    const char *action; /* as in the changelog: deploy, delete, route, env, ... */
    struct bytes tenant;
    struct bytes function; /* empty: something of the tenant */
    uint32_t version;      /* 0: none */
};

/* What a reload of the configuration came to: names of keys, with commas. */
struct deploy_reload {
    char changed[400]; /* workers get these; empty: there is nothing to do */
    char restart[400]; /* these wait for the server's next start */
};

/* What control has open and a program that takes its place in this process goes on with. */
#define DEPLOY_ADMIN_DOORS 2
struct deploy_handover {
    int lock_fd;
    int admin_fds[DEPLOY_ADMIN_DOORS]; /* that listen; -1: that door is not wanted */
};

/* How far an upgrade of the program is. */
struct deploy_upgrade {
    const char *state; /* none, preparing, switching, starting, done, failed */
    char program[CONFIG_PATH_BYTES];
    char version[48];             /* of it; "": it has not said */
    char text[REPORT_TEXT_BYTES]; /* why it failed */
    uint32_t built;               /* of its artifacts */
    uint32_t total;
};

/* What is wanted of the vault, where functions' secrets are. */
enum deploy_vault_verb {
    DEPLOY_VAULT_NONE,
    DEPLOY_VAULT_LIST,
    DEPLOY_VAULT_PUT,
    DEPLOY_VAULT_REMOVE,
    DEPLOY_VAULT_ROTATE,
    DEPLOY_VAULT_KEY_PUT,    /* a private key in PEM; `name` is the digest that it must have */
    DEPLOY_VAULT_KEY_REMOVE, /* the key of that digest */
    /* Answered with what was made, as server/keys/enroll.h has it: */
    DEPLOY_VAULT_KEY_REQUEST, /* a new key's request; `value` is the host */
    DEPLOY_VAULT_KEY_PROOF,   /* ... certificate that says the digest `name` for the host `value` */
    DEPLOY_VAULT_ACCOUNT,     /* the public key of the account `name`, a digest */
    DEPLOY_VAULT_ACCOUNT_SIGN, /* ... signature of `value` */
    DEPLOY_VAULT_KEYS,   /* the digests of all private keys of certificates, one after the other */
    DEPLOY_VAULT_EXPORT, /* all of it into `fd`, sealed for `value` (recipient.h) */
};
#define DEPLOY_SECRET_NAME_BYTES_MAX  128
#define DEPLOY_SECRET_VALUE_BYTES_MAX 65536
struct deploy_vault_order {
    enum deploy_vault_verb verb;
    struct bytes tenant; /* borrowed, as the others */
    struct bytes function;
    struct bytes name;
    struct bytes value;
    int fd; /* EXPORT: a copy is sent */
};

/* A request that control has a worker make of a function; its answer's body goes nowhere. */
#define DEPLOY_ERRAND_PATH_BYTES 2048
struct deploy_errand {
    struct bytes tenant;   /* borrowed, as the others */
    struct bytes function; /* or one of its versions: "v3--hello" */
    struct bytes method;
    struct bytes path;
    struct bytes fields; /* "name" NUL "value" NUL, of its head besides `host` */
    uint32_t wall_ms;    /* it may take; 0: as any request */
};
#define DEPLOY_HEALTH_BYTES 256 /* of a path that a version is asked for, with its NUL */
struct deploy_errand_end {
    uint32_t status;  /* of HTTP; 0: nobody answered, and whether it was run is not known */
    uint32_t version; /* of the function that answered; 0: none */
    uint64_t elapsed_us;
    uint64_t fuel;
    struct bytes code; /* of the server's problem; empty: its guest answered */
};

/* What control asks of another server, for the operator. */
struct deploy_fetch {
    struct bytes method; /* borrowed, as the others */
    struct bytes url;
    struct bytes rule; /* what may be asked, as of a manifest's `outbound` */
    struct bytes type; /* of the body; empty: there is none */
    struct bytes body;
    uint64_t deadline_us;
};
#define DEPLOY_FETCH_BODY_BYTES_MAX   65536  /* of what is asked */
#define DEPLOY_FETCHED_BODY_BYTES_MAX 131072 /* of the answer */
struct deploy_fetched {
    const char *failure; /* why there is no answer; NULL: there is one */
    bool is_lost;        /* ... which nobody but this server is to blame for */
    uint32_t status;
    struct bytes fields; /* name NUL value NUL, names in lower case */
    struct bytes body;
};

struct deploy_control_options {
    struct event_base *base;
    const struct config *config; /* borrowed; outlives it */
    const struct clock *clock;
    const struct spawn_role *builder; /* how builders are started; borrowed */
    struct bytes javascript;          /* the module that scripts are built on; empty: none are */
    int builder_error_fd;             /* their stderr; -1: ours */
    /* Numbers of the workers for /v1/stats, /metrics; may be NULL. */
    void (*print_worker_metrics)(void *context, struct buffer *out);
    /* Numbers with the names of tenants and functions, for /metrics of a caller who may see those
     * names; may be NULL. */
    void (*print_function_metrics)(void *context, struct buffer *out);
    /* Appends the function's starts as a JSON object, for .../starts; false if memory ran out.
     * May be NULL: nobody knows of starts. */
    bool (*print_starts)(void *context, const struct deploy_function_key *key, struct buffer *out);
    /* For how long this version will not be run, because workers died of it; 0: it is. May be
     * NULL: nobody knows. */
    uint64_t (*quarantine_us)(void *context,
                              const struct deploy_function_key *key,
                              uint32_t version);
    bool (*ready)(void *context); /* for /readyz */
    /* Something was changed, and workers can see it. May be NULL. */
    void (*changed)(void *context, const struct deploy_change *change);
    /* An artifact was found damaged, or could not be built again; for the log. May be NULL. */
    void (*artifact_trouble)(void *context,
                             const uint8_t key[DEPLOY_SHA256_BYTES],
                             const char *event,
                             const char *text);
    /* The folder of artifacts was gone, and is another one now. May be NULL. */
    void (*artifacts_made)(void *context);
    /* `count` requests since the last call came to the admin address without its token, the last
     * of them from `peer`; not called more often than every ten seconds. May be NULL. */
    void (*admin_refused)(void *context, uint32_t count, const char *peer);
    struct lmdb_readers readers; /* the workers */
    /* Who reads from a commit older than `before` has done so for a second or more: end it. May be
     * NULL if there are no readers. */
    void (*reader_stuck)(void *context, enum lmdb_store store, uint64_t before);
    /* A group of changes could not be written; for the log. May be NULL. */
    void (*kv_failed)(void *context, const char *text);
    /* Asks the vault; then deploy_control_vault_done is called with that number. False: nobody
     * keeps secrets now. May be NULL: nobody does. */
    bool (*vault)(void *context, const struct deploy_vault_order *order, uint64_t number);
    /* Has a worker make it; then deploy_control_errand_done is called with that number, which is
     * another one each time. False: no worker serves now, or too much is under way. May be NULL. */
    bool (*errand)(void *context, const struct deploy_errand *errand, uint64_t number);
    /* Asks another server; then deploy_control_fetched is called with that number. False: nobody
     * asks now. May be NULL: nobody does. */
    bool (*fetch)(void *context, const struct deploy_fetch *fetch, uint64_t number);
    /* Asks for a name's TXT records; then deploy_control_texts may be called with that number.
     * False: nobody asks now. May be NULL: nobody does. */
    bool (*texts)(void *context, struct bytes name, uint64_t number);
    /* What became of an order of ACME, for the log. May be NULL. */
    void (*acme_told)(void *context, bool failed, const char *host, const char *text);
    /* What became of tls.certificates, for the log; a text of NULL: all of them were tried. May be
     * NULL. */
    void (*certificates_told)(void *context, bool failed, const char *text);
    /* Reads the configuration anew. CONFIG and others: it stays as it is. May be NULL: BUSY. */
    enum status (*reload)(void *context, struct deploy_reload *ret_reload, struct report *report);
    /* Ends the server, soon, when what it has begun is done. May be NULL. */
    void (*drain)(void *context);
    /* Begins an upgrade to the program of that path; BUSY, INVALID with a report. May be NULL. */
    enum status (*upgrade)(void *context, const char *program, struct report *report);
    void (*upgrade_state)(void *context, struct deploy_upgrade *ret_upgrade);
    const struct deploy_handover *handover; /* taken over; NULL: this process begins */
    void *context;
};

/*
 * Checks, locks and opens (or makes) the data directory, opens the store, listens for the
 * admin API on the socket and the optional address. BUSY if another server has it,
 * CONFLICT if the directory is not empty and not ours.
 */
NODISCARD enum status deploy_control_start(const struct deploy_control_options *options,
                                           struct report *report,
                                           struct deploy_control **ret_control);
/* Stops accepting, waits for nothing; builders are killed. */
void deploy_control_stop(struct deploy_control *control);
/* Where changes of the key-value store go; the control's. */
struct kv_queue *deploy_control_kv(struct deploy_control *control);
/* The vault's answer; what number it has does not matter if nobody waits for it any more. `text`:
 * OK: the names that were asked for, each with a NUL; else why not. */
void deploy_control_vault_done(struct deploy_control *control,
                               uint64_t number,
                               enum status status,
                               struct bytes text);
/* What became of an errand. */
void deploy_control_errand_done(struct deploy_control *control,
                                uint64_t number,
                                const struct deploy_errand_end *end);
/* Whoever kept secrets is gone: what waits for it is told so. */
void deploy_control_vault_lost(struct deploy_control *control);
/* An answer to options.fetch, lent. Every number that was asked gets one. */
void deploy_control_fetched(struct deploy_control *control,
                            uint64_t number,
                            const struct deploy_fetched *fetched);
/* The records, each with a NUL; NOT_FOUND: there are none; others: nobody could say. */
void deploy_control_texts(struct deploy_control *control,
                          uint64_t number,
                          enum status status,
                          struct bytes list);
/* Who asks other servers, and who keeps keys, are there: certificates can be ordered, and domains
 * proven. */
void deploy_control_serving(struct deploy_control *control);
/* What was removed, and of which deploy_control_forgot was not called since: its secrets are to go.
 * The function is empty for a tenant; names are lent during the call. */
void deploy_control_list_forgotten(struct deploy_control *control,
                                   void (*visit)(void *context,
                                                 struct bytes tenant,
                                                 struct bytes function),
                                   void *context);
void deploy_control_forgot(struct deploy_control *control,
                           struct bytes tenant,
                           struct bytes function);
/* Reads the files of tls.certificates, again if they were read before. */
void deploy_control_load_certificates(struct deploy_control *control);
/* Has an artifact built again, unless that goes on or failed a moment ago; returns at once. */
void deploy_control_rebuild(struct deploy_control *control, const uint8_t key[DEPLOY_SHA256_BYTES]);
/* A line of a function's log: one JSON object without `id`. Names are valid. */
void deploy_control_log(struct deploy_control *control,
                        struct bytes tenant,
                        struct bytes function,
                        enum deploy_log_level level,
                        struct bytes line);
/* How a version that has a share of a function's clients has answered lately. Names are valid. */
struct deploy_answers {
    struct bytes tenant;
    struct bytes function;
    uint64_t created_ns; /* of the function */
    uint32_t version;
    uint32_t answered;
    uint32_t failed;
};
/* What was seen of a version whose clients were given to the others for that. */
struct deploy_undone {
    uint32_t version;
    uint64_t answered;
    uint64_t failed;
    uint64_t others_answered;
    uint64_t others_failed;
};
/* True: that was done. */
bool deploy_control_answers(struct deploy_control *control,
                            const struct deploy_answers *answers,
                            struct deploy_undone *ret_undone);
/* Ten times a second: what waits goes to its files. */
void deploy_control_flush_logs(struct deploy_control *control);
/* SIGCHLD told control of this process; true if it was one of the builders. */
bool deploy_control_child_exited(struct deploy_control *control, int pid, int wait_status);

/* ---- upgrades of the program (server/control/life/upgrade.h) ----------------------------------
 */

/* Artifacts of other builds stay while they are held. */
void deploy_control_hold_artifacts(struct deploy_control *control, bool held);
/* Nobody new is let in by the admin API, which waits. */
void deploy_control_pause(struct deploy_control *control, bool paused);
/* True: nothing is under way any more, and what functions wrote is on disk. */
NODISCARD bool deploy_control_is_quiet(struct deploy_control *control);
/* As deploy_control_stop, but keeps what the next program goes on with. */
void deploy_control_hand_over(struct deploy_control *control, struct deploy_handover *ret_handover);

struct deploy_prepare_options {
    const struct config *config;
    const struct spawn_role *builder;
    int error_fd; /* of builders; -1: ours */
    const struct clock *clock;
    void (*progress)(void *context, uint32_t built, uint32_t total);
    void *context;
};
/* In the program that is to be: builds what artifacts of live versions are not there for its
 * engine, beside the others, while a server runs on the data directory. The status of the first
 * that cannot be built. */
NODISCARD enum status deploy_prepare(const struct deploy_prepare_options *options,
                                     struct report *report);

/* ---- builder's result ------------------------------------------------------------------------ */

/*
 * `skerry builder` (server/builder.c) reads a module from fd 3, writes the artifact to fd 4
 * and its result to fd 5, then exits 0. Any other end is a failed build. First it reads its order
 * from fd 6: the struct, then the configuration. The artifact is fsynced before the result.
 */
#define DEPLOY_BUILDER_VERB "builder"
enum deploy_builder_fd {
    DEPLOY_BUILDER_MODULE_FD = 3,
    DEPLOY_BUILDER_ARTIFACT_FD = 4,
    DEPLOY_BUILDER_RESULT_FD = 5,
    DEPLOY_BUILDER_ORDER_FD = 6,
    DEPLOY_BUILDER_BASE_FD = 7, /* the base's artifact, if the order says that there is one */
};
struct deploy_build_order {
    struct config_limits limits; /* the operator's */
    uint64_t config_bytes;       /* at most DEPLOY_CONFIG_BYTES_MAX */
    uint64_t files_bytes;        /* of a list of files, behind the module on its descriptor */
    char blobs[CONFIG_PATH_BYTES + DEPLOY_NAME_BYTES + 16]; /* folder of their contents */
    uint32_t choices;                                       /* enum deploy_choice */
    uint32_t source;                                        /* enum deploy_source */
    uint32_t walls;                                         /* enum config_walls */
    uint32_t has_base;                                      /* 1: it is built on one */
    uint8_t base_key[DEPLOY_SHA256_BYTES];                  /* that one's */
};
#define DEPLOY_BUILD_WARNINGS_BYTES 4096
#define DEPLOY_SURFACE_BYTES        16384
/* What a command did before its checkpoint, all in vain for requests but what is in memory. */
struct deploy_build_checkpoint {
    uint64_t is_made; /* 0: it has none, and the rest is 0 */
    uint64_t fuel;
    uint64_t clock_reads;
    uint64_t random_bytes;
    uint64_t argument_reads; /* it found none; so of the next */
    uint64_t environment_reads;
};
struct deploy_build_result {
    enum status status;
    uint64_t offset; /* in the module; REPORT_OFFSET_NONE */
    char text[REPORT_TEXT_BYTES];
    char kind[DEPLOY_KIND_BYTES];
    uint32_t keeps_memory; /* 1: the kind may keep its memory between requests; else 0 */
    char warnings[DEPLOY_BUILD_WARNINGS_BYTES]; /* one a line */
    char surface[DEPLOY_SURFACE_BYTES];         /* its imports and exports: server/surface.h */
    struct deploy_build_checkpoint checkpoint;
    uint64_t validate_us;
    uint64_t translate_us;
    uint64_t snapshot_us;
    uint64_t artifact_bytes;
};

/* ---- command line clients -------------------------------------------------------------------- */

/* Runs a client verb (deploy, list, show, rm, ...); returns the exit status. argv[0] is the
 * verb. False if there is no such verb. */
bool deploy_cli_run(int argc, char **argv, int *ret_exit);
/* One line per verb for `skerry help`; `alone`: of those that need no server that runs. */
void deploy_cli_help(bool alone, struct buffer *out);

#endif
