/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API as a function from a request struct to a response struct. It knows the
 * store, and neither sockets nor processes:
 *
 *   api_handle --> API_ANSWERED   the response is complete
 *              --> API_BUILD      the caller builds the request's body, with the upload's
 *                                 configuration, into an artifact, then calls
 *                                 api_upload_built, which completes the response
 *
 * Errors are problems [engine/base/problem.h].
 */
#ifndef SKERRY_DEPLOY_API_API_H
#define SKERRY_DEPLOY_API_API_H

#include "deploy/build/builder_job.h"
#include "deploy/kv/kv.h"
#include "deploy/logs/log_store.h"
#include "deploy/recipient.h"
#include "deploy/signature.h"
#include "deploy/store/store.h"
#include "engine/base/problem.h"

#define API_RESPONSE_BYTES_MAX (16U << 20)
#define API_ETAG_BYTES         (DIGEST_HEX_BYTES + 2)
#define API_REQUEST_ID_BYTES   17 /* 16 hexadecimal digits */

enum api_method {
    API_GET,
    API_PUT,
    API_POST,
    API_DELETE,
    API_OTHER,
    API_METHOD_COUNT,
};

/* What a call is, and what its caller has to be good for. */
enum api_verb {
#define VERB(NAME, number, name, text) API_VERB_##NAME = (number), /* text */
#include "deploy/api/verbs.def"
};
#define API_BIT(NAME) (1U << API_VERB_##NAME)
#define API_VERBS_ALL                                                                              \
    (API_BIT(READ) | API_BIT(LOGS) | API_BIT(KV) | API_BIT(DEPLOY) | API_BIT(ADMIN) |              \
     API_BIT(OPERATOR))

/* Why somebody who showed a token is nobody. */
enum api_stranger {
    API_STRANGER_NO_TOKEN,
    API_STRANGER_UNKNOWN, /* there is no such token */
    API_STRANGER_EXPIRED,
    API_STRANGER_TOO_OFTEN, /* not even looked at: too many wrong ones came from there */
};

#define API_WHO_BYTES   48
#define API_FROM_BYTES  64
#define API_FROM_SOCKET "socket" /* in place of an address */

/* Who asks, and what it may. */
struct api_caller {
    uint32_t verbs; /* API_BITs; 0: nobody */
    enum api_stranger stranger;
    char tenant[DEPLOY_NAME_BYTES];   /* the only one that there is for it; "": all are */
    char who[API_WHO_BYTES];          /* for the audit: "uid 1000", "admin.token", "token ID" */
    char from[API_FROM_BYTES];        /* an address, or "socket" */
    char token[STORE_TOKEN_ID_BYTES]; /* "" for none */
    size_t functions_bytes;           /* 0: all of the tenant's */
    char functions[STORE_TOKEN_NAMES_BYTES]; /* names, each with a NUL */
};

struct api_request {
    enum api_method method;
    const struct api_caller *caller;
    const char *path;          /* encoded, as it came, without the query */
    const char *query;         /* NULL: none */
    struct bytes content_type; /* data NULL: none was given */
    bool content_encoded;      /* Content-Encoding was given */
    struct bytes accept;
    struct bytes last_event_id;
    struct bytes content_digest;  /* data NULL: none was given */
    struct bytes if_match;        /* the same */
    struct bytes idempotency_key; /* the same */
    struct bytes signature;       /* the same */
    struct bytes body;            /* borrowed until the response is complete */
    char id[API_REQUEST_ID_BYTES];
};

/* The answer goes on after its body: with lines of this log, as they come. */
struct api_follow {
    bool wanted;
    bool events; /* as text/event-stream; else one a line */
    enum deploy_log_level level;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

/* The answer has to be had from the vault; texts are of the request, or its end. */
struct api_vault {
    enum deploy_vault_verb verb; /* NONE: it is complete */
    struct bytes tenant;
    struct bytes function;
    struct bytes key;   /* the path's, of a certificate */
    struct bytes value; /* to be kept; a view of the body */
    char name[DEPLOY_SECRET_NAME_BYTES_MAX + 1];
};

struct api_response {
    int status;
    const char *content_type;  /* static */
    char etag[API_ETAG_BYTES]; /* "" for none */
    char allow[32];            /* "" for none */
    uint32_t retry_after_s;    /* 0: none */
    struct api_follow follow;
    struct api_vault vault;
    bool backup;                          /* the answer is one */
    char recipient[RECIPIENT_TEXT_BYTES]; /* ... with secrets for that one; "": without */
    uint32_t checked;   /* the version that was uploaded and is to be asked how it is, before
                           api_upload_checked completes the response; 0: none */
    struct buffer body; /* owned */
};

/* An upload on its way through the builder. */
struct api_upload {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    struct records_content content; /* its kind is known after the build */
    struct buffer config;           /* owned */
    struct buffer manifest;         /* owned: canonical JSON; empty: none */
    struct bytes module;            /* in the request's body */
    bool has_base;                  /* it is built on a module of many: */
    struct bytes base_module;       /* the server's, or `module` itself */
    uint8_t base_sha256[DEPLOY_SHA256_BYTES];
    uint8_t base_key[DEPLOY_SHA256_BYTES]; /* of that one's artifact */
    struct buffer files;                   /* owned: lists as in deploy/files.h */
    struct buffer assets;                  /* owned */
    uint64_t memory_max_bytes;             /* by the manifest; 0: the operator's */
    bool activate;
    uint32_t parts; /* of the clients; 0: all */
    bool dry_run;
    char health[DEPLOY_HEALTH_BYTES]; /* what the version is asked before it gets clients; "":
                                         nothing */
    uint64_t health_us;               /* how long that may take; 0: as any request */
    bool only_assets;                 /* its module is api_site_module */
    bool has_runtime;                 /* its module is one of many functions: its base */
    bool has_arguments;
    bool is_signed; /* with this key: */
    uint8_t signer[SIGNATURE_KEY_BYTES];
};

/* What became of artifacts after they were published. */
struct api_artifact_stats {
    uint64_t damaged; /* found by the scrub */
    uint64_t rebuilt;
    uint64_t failed; /* could not be built again */
};

struct api {
    struct store *store;
    struct kv_store *kv;
    struct log_store *logs;
    const struct config *config;
    const struct clock *clock;
    struct bytes javascript; /* the module that scripts are built on; empty: there is none */
    uint8_t javascript_sha256[DEPLOY_SHA256_BYTES];
    /* Gives a built artifact its lasting name, and takes it back when the commit failed. */
    enum status (*publish)(void *context,
                           const char *artifact_temp,
                           const uint8_t key[DEPLOY_SHA256_BYTES],
                           struct report *report);
    void (*withdraw)(void *context, const uint8_t key[DEPLOY_SHA256_BYTES]);
    struct builder_jobs_stats (*builds)(void *context);
    struct api_artifact_stats (*artifacts)(void *context);
    uint64_t (*generation)(void *context);
    bool (*ready)(void *context);
    /* Prometheus text of the workers. */
    void (*print_worker_metrics)(void *context, struct buffer *out);
    /* Prometheus text with the names of tenants and functions. */
    void (*print_function_metrics)(void *context, struct buffer *out);
    /* As in deploy_control_options, but never NULL. */
    bool (*print_starts)(void *context, const struct deploy_function_key *key, struct buffer *out);
    uint64_t (*quarantine_us)(void *context,
                              const struct deploy_function_key *key,
                              uint32_t version);
    /* As in deploy_control_options, with their context. */
    enum status (*reload)(void *context, struct deploy_reload *ret_reload, struct report *report);
    void (*drain)(void *context);
    /* As cron_run_now, with `context`. */
    enum status (*run_cron)(void *context,
                            const struct store_target *target,
                            struct bytes id,
                            struct report *report);
    enum status (*upgrade)(void *context, const char *program, struct report *report);
    void (*upgrade_state)(void *context, struct deploy_upgrade *ret_upgrade);
    void *server;
    void *context;
};

/*
 * What can be said before the body is there: is there such a path, for this caller, with a body
 * of this type and so many bytes (0 if that is not known yet)? False: the response is complete.
 * True: it may have up to `ret_body_max` bytes.
 */
bool api_admit(const struct api *api,
               const struct api_request *request,
               uint64_t body_bytes,
               struct api_response *response,
               uint64_t *ret_body_max);

/* Who shows this token; verbs 0 and why if it is nobody's. Leaves `from`. */
void api_identify(const struct api *api, struct bytes token, struct api_caller *caller);
/* Is its token still one? */
bool api_caller_holds(const struct api *api, const struct api_caller *caller);

enum api_step {
    API_ANSWERED,
    API_BUILD,
};

struct certificate;
/* Whose a certificate is to be. */
struct api_certified {
    struct bytes host;
    struct bytes tenant; /* empty: the operator's */
    enum deploy_certificate_origin origin;
};
/* Makes it the host's; its key is kept already. */
NODISCARD enum status api_store_certificate(const struct api *api,
                                            const struct api_certified *certified,
                                            const struct certificate *certificate,
                                            struct report *report);

/* Completes the response of a request that had `vault`: as deploy_control_vault_done has it. */
void api_vault_done(const struct api *api,
                    const struct api_request *request,
                    const struct api_vault *vault,
                    enum status status,
                    struct bytes text,
                    struct api_response *response);

void api_response_init(struct api_response *response);
void api_response_done(struct api_response *response);

/* After API_BUILD the caller ends `ret_upload` with api_upload_done. */
enum api_step api_handle(const struct api *api,
                         const struct api_request *request,
                         struct api_upload *ret_upload,
                         struct api_response *response);
void api_upload_done(struct api_upload *upload);
void api_upload_built(const struct api *api,
                      const struct api_request *request,
                      const struct api_upload *upload,
                      const struct builder_job_outcome *outcome,
                      struct api_response *response);

struct api_checked {
    const struct deploy_build_result *result;
    uint32_t version;
    const struct deploy_errand_end *end;
};
/* What became of that: the version gets its clients, or stays where it is. */
void api_upload_checked(const struct api *api,
                        const struct api_request *request,
                        const struct api_upload *upload,
                        const struct api_checked *checked,
                        struct api_response *response);

/* A line of a log as it stands in an answer. */
NODISCARD enum status
api_log_write(bool events, uint64_t id, struct bytes line, struct buffer *out);
/* For problems that the adapter finds before there is a request to handle. */
void api_answer_problem(struct api_response *response, const struct problem *problem);
void api_answer_no_memory(struct api_response *response, const char *request_id);

#endif
