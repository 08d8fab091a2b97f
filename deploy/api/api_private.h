/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the API share: the call that a handler works on, and how it answers.
 */
#ifndef SKERRY_DEPLOY_API_API_PRIVATE_H
#define SKERRY_DEPLOY_API_API_PRIVATE_H

#include <jansson.h>
#include <stdio.h>

#include "deploy/api/api.h"

#define API_JSON_BYTES_MAX  4096 /* of a body that is no module */
#define API_HASH_BYTES      80   /* of one hash in JSON, with what is around it */
#define API_FILES_TYPE      "application/vnd.skerry.files+json"
#define API_FILES_BYTES_MAX (2 * DEPLOY_FILES_BYTES_MAX) /* of both lists, in JSON */

struct api_call {
    const struct api *api;
    const struct api_request *request;
    struct api_response *response;
    struct api_upload *upload;
    enum api_step step;
    bool knows_dry_run; /* its handler may have it in the query */
    bool rehearses;     /* what it changes in the store is undone when it is answered */
    /* From the path; checked with deploy_name_valid. */
    struct store_target target;
    struct bytes version; /* the path's last part; not checked */
    struct bytes key;     /* of the key-value store, or a secret; encoded, not checked */
};

typedef void api_handler(struct api_call *call);

#define CALL(path, METHOD, VERB, BODY, EFFECT, handler, text) api_handler api_##handler;
#include "deploy/api/calls.def"

/* ---- the table of calls ---------------------------------------------------------------------- */

/* Of what a browser sends without asking (forms, plain text) nothing is taken: whatever a page
 * makes it do, it cannot change anything here. */
enum api_body {
    API_BODY_NONE, /* one that comes all the same is not looked at */
    API_BODY_JSON,
    API_BODY_MODULE,
    API_BODY_VALUE, /* any bytes */
    API_BODY_VARIABLE,
    API_BODY_BLOB,   /* what is in a file */
    API_BODY_HASHES, /* JSON, of all files of a version */
    API_BODY_PEM,
    API_BODY_DOMAIN,
};

/* What it changes: a column of calls.def. */
enum api_effect {
    API_EFFECT_NONE,
    API_EFFECT_STORE,
    API_EFFECT_UPLOAD,
    API_EFFECT_BEYOND,
};

struct api_route {
    const char *pattern;
    const char *name; /* the handler's */
    const char *text;
    enum api_method method;
    enum api_verb verb;
    enum api_body body;
    enum api_effect effect;
    api_handler *handler;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

/* The route of another method at the call's path, whose parts it takes; NULL: there is none. */
const struct api_route *api_route_at(enum api_method method, struct api_call *call);
/* api_match.c: false, and answered: what is there is not what If-Match names. */
bool api_check_match(struct api_call *call);
/* For a POST, which changes what is shown at another path: what that one's pattern has in place of
 * the end of this one; NULL: nothing shows what it changes. */
const char *api_match_shown(const char *pattern, size_t *ret_end_bytes);
/* api_rehearse.c: does the caller only want to know what would be? False, and answered: nobody can
 * say. */
bool api_rehearse_begin(struct api_call *call, const struct api_route *route);
void api_rehearse_end(struct api_call *call);
/* An answer that shows what can be changed at the same path has an entity tag. */
void api_tag_answer(struct api_call *call, const struct api_route *route);

/* Of a 429 for wrong tokens. */
#define API_FAILURE_WAIT_S 60
/* Whose changes the request's are; lent by it. */
struct store_actor api_actor(const struct api_request *request);
/* "read" of API_VERB_READ. */
const char *api_verb_name(enum api_verb verb);
/* Who operates the server makes a tenant by deploying to it. For others there has to be one: false,
 * and answered, if there is none. */
bool api_check_tenant(struct api_call *call);
/* Does the body say that it is PEM? */
bool api_type_is_pem(const struct api_call *call);
/* False, and answered: the tenant is suspended, and the caller no operator. */
bool api_check_suspended(struct api_call *call, enum api_verb verb);
/* False, and answered: the tenant wants uploads signed, and this one is not. Else the upload says
 * who signed, if that was asked for. */
bool api_check_signature(struct api_call *call);
/* An array of public keys, as texts. */
json_t *api_signers(struct bytes keys);
/* May the caller have to do with that function? Empty: the tenant's own things. */
bool api_caller_sees(const struct api_caller *caller, struct bytes tenant, struct bytes function);

/* Takes over `body`; NULL means that memory ran out. */
void api_answer(struct api_call *call, int status, json_t *body);
void api_answer_error(
    struct api_call *call, int status, const char *code, const char *detail, const char *hint);
/* A failed store call, in the words of its report. */
void api_answer_report(struct api_call *call, const struct report *report);

/* False, and answered, if the query has a name that is not in `names` (ends with NULL). */
bool api_query_check(struct api_call *call, const char *const *names);
/* The value of a parameter; false if it is not there. */
bool api_query_find(const struct api_call *call, const char *name, struct bytes *ret_value);
/* Whose things `tenant` asks for, of those that the caller may see; without it the caller's own,
 * which is empty for one of all tenants. False, and answered, if it may not see them. */
bool api_query_tenant(struct api_call *call, struct bytes *ret_tenant);
/* The percent-decoded text for a message, cut to fit. */
void api_decode_text(struct bytes text, char *ret_text, size_t bytes);
/* Appends the percent-decoded text. STATUS_MALFORMED if it is not well encoded; LIMIT, NO_MEMORY.
 */
NODISCARD enum status api_decode(struct bytes text, struct buffer *value);
/* The same for a value, if the parameter is there. */
NODISCARD enum status
api_query_decode(const struct api_call *call, const char *name, struct buffer *value);
/* False, and answered, if the value is neither of 1 true 0 false. */
bool api_query_flag(struct api_call *call, const char *name, bool default_value, bool *ret_value);

/* The manifest that came with an upload, checked, as its canonical JSON into the upload; false, and
 * answered, if it cannot be taken. What it says of reuse goes to `ret_manifest`. */
bool api_take_manifest(struct api_call *call,
                       struct bytes json,
                       struct arena *arena,
                       struct deploy_manifest *ret_manifest);
/* The lists of files that came with an upload, checked, into the upload; false, and answered, if
 * they cannot be taken. */
bool api_take_files(struct api_call *call, struct bytes json);

/* What versions without a module of their own are shown as, and run if they had to. */
#define API_SITE_KIND "assets"
struct bytes api_site_module(void);
/* Do assets and manifest fit? False, and answered, if not. */
bool api_check_site(struct api_call *call, const struct deploy_manifest_assets *assets);

/* Are the blobs of both lists there? False, and answered. */
bool api_check_blobs(struct api_call *call);
/* May no route have that host, because it leads to functions by their names? */
bool api_host_is_reserved(const struct config *config, struct bytes host);
/* As api_answer_report; whose the host is, if that was the trouble, is for those to know who see
 * all tenants. */
void api_answer_host_conflict(struct api_call *call,
                              const struct report *report,
                              struct bytes host);
/* Adds the version's manifest to `body`, null if it has none. */
void api_add_manifest(const struct api_call *call, uint32_t version, json_t *body);

/* What the version of the upload is asked for before it gets clients; false, and answered. */
bool api_take_health(struct api_call *call, const struct deploy_manifest_health *manifests);
/* An upload that is done. */
void api_answer_built(struct api_call *call,
                      const struct deploy_build_result *result,
                      uint32_t version,
                      uint64_t commit_us);
/* What the vault said of a certificate's key. */
void api_certificate_done(struct api_call *call,
                          const struct api_vault *vault,
                          enum status status,
                          struct bytes text);

/* Text of any origin: bytes that are not ASCII text become '?'. */
json_t *api_text(const char *text);
json_t *api_time(uint64_t time_ns);
json_t *api_version_text(uint32_t version); /* null for 0 */
json_t *api_sha256(const uint8_t sha256[DEPLOY_SHA256_BYTES]);
/* What a version is, as members of `body`; NULL: there is none. */
void api_add_content(json_t *body, const struct records_content *content);
/* Where one version of the call's function is, whatever its clients get. */
json_t *api_variant_url(const struct api_call *call, uint32_t version);
json_t *api_named_url(const struct api_call *call, struct bytes variant);
/* The versions of a deployment, with their shares. */
json_t *api_shares_json(const struct api_call *call, const struct records_deployment *deployment);
/* "10", "0.5"; false: it is no share. */
bool api_parse_percent_text(struct bytes text, uint32_t *ret_parts);
json_t *api_url(const struct api_call *call, const struct store_target *target);
/* Of an artifact: another module or another configuration, another tag. */
void api_set_etag(struct api_response *response, const uint8_t key[DEPLOY_SHA256_BYTES]);
json_t *api_function_json(const struct api_call *call, const struct store_function *function);

/* api_base.c: a script is built on the server's engine, files on the runtime that came with them.
 */
void api_find_base(const struct api_call *call);
/* Arguments are lines of a command's configuration. False, and answered, if they are too many. */
bool api_take_arguments(struct api_call *call, const struct deploy_texts *arguments);
/* False, and answered, if it does not go with the rest. */
bool api_take_runtime(struct api_call *call, const struct deploy_manifest *manifest);

#endif
