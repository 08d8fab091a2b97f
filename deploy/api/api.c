/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: from method and path to a handler, for whoever may.
 *
 * The table of calls.def is all there is to know about which paths exist, who may use them, and
 * what kind of body they take. A name from the path is checked before any handler sees it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "deploy/api/multipart.h"
#include "deploy/source.h"

#define API_PATH_PARTS_MAX 8
#define API_PEM_BYTES_MAX  131072

const struct api_route api_routes[] = {
#define CALL(path, METHOD, VERB_, BODY, EFFECT, handler_, text_)                                   \
    {.pattern = (path),                                                                            \
     .name = #handler_,                                                                            \
     .text = (text_),                                                                              \
     .method = API_##METHOD,                                                                       \
     .verb = API_VERB_##VERB_,                                                                     \
     .body = API_BODY_##BODY,                                                                      \
     .effect = API_EFFECT_##EFFECT,                                                                \
     .handler = api_##handler_},
#include "deploy/api/calls.def"
};

const size_t api_route_count = COUNT_OF(api_routes);

static const char *const api_method_names[API_METHOD_COUNT] = {
    [API_GET] = "GET",       [API_PUT] = "PUT", [API_POST] = "POST",
    [API_DELETE] = "DELETE", [API_OTHER] = "",
};

/* Splits at slashes, the first one left out; false if there are too many parts. */
static bool api_split(const char *path, struct bytes parts[API_PATH_PARTS_MAX], size_t *ret_count)
{
    size_t count = 0;
    const char *at = path[0] == '/' ? path + 1 : path;
    for (;; at++) {
        size_t bytes = strcspn(at, "/");
        if (count == API_PATH_PARTS_MAX)
            return false;
        parts[count++] = bytes_make(at, bytes);
        at += bytes;
        if (*at == '\0')
            break;
    }
    *ret_count = count;
    return true;
}

static bool api_matches(struct api_call *call,
                        const struct bytes *pattern,
                        size_t pattern_count,
                        const struct bytes *parts,
                        size_t count)
{
    if (count != pattern_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal_text(pattern[i], "{t}"))
            call->target.tenant = parts[i];
        else if (bytes_equal_text(pattern[i], "{f}"))
            call->target.function = parts[i];
        else if (bytes_equal_text(pattern[i], "{v}"))
            call->version = parts[i];
        else if (bytes_equal_text(pattern[i], "{k}"))
            call->key = parts[i];
        else if (!bytes_equal(pattern[i], parts[i]))
            return false;
    }
    return true;
}

/* The route, or NULL; then `allow` lists the methods that the path has, if it exists. */
static const struct api_route *api_find_route(
    enum api_method method, const char *path, struct api_call *call, char *allow, size_t bytes)
{
    struct bytes parts[API_PATH_PARTS_MAX];
    struct bytes pattern[API_PATH_PARTS_MAX];
    size_t count;
    size_t pattern_count;
    size_t used = 0;
    allow[0] = '\0';
    if (!api_split(path, parts, &count))
        return NULL;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        call->target = (struct store_target){0};
        bool known = api_split(route->pattern, pattern, &pattern_count);
        ASSERT(known);
        if (!api_matches(call, pattern, pattern_count, parts, count))
            continue;
        if (route->method == method)
            return route;
        int written = snprintf(allow + used, bytes - used, "%s%s", used == 0 ? "" : ", ",
                               api_method_names[route->method]);
        ASSERT(written > 0 && (size_t)written < bytes - used);
        used += (size_t)written;
    }
    return NULL;
}

const struct api_route *api_route_at(enum api_method method, struct api_call *call)
{
    char allow[32];
    return api_find_route(method, call->request->path, call, allow, sizeof(allow));
}

static bool api_check_name(struct api_call *call, struct bytes name, const char *what)
{
    /* A pattern without this name leaves it NULL. */
    if (name.data == NULL || deploy_name_valid(name))
        return true;
    char detail[160];
    char text[65];
    api_decode_text(name, text, sizeof(text));
    (void)snprintf(detail, sizeof(detail), "`%s` cannot be a %s's name", text, what);
    api_answer_error(call, 400, "bad_name", detail,
                     "use 1 to 63 of a-z, 0-9 and -, not at the ends");
    return false;
}

/* ---- what may be said before the body is there ----------------------------------------------- */

bool api_type_is_pem(const struct api_call *call)
{
    struct bytes type = call->request->content_type;
    return source_type_is(type, "application/x-pem-file") ||
           source_type_is(type, "application/pem-certificate-chain");
}

static bool api_check_type(struct api_call *call, enum api_body body)
{
    struct bytes type = call->request->content_type;
    if (body == API_BODY_NONE)
        return true;
    if (call->request->content_encoded) {
        api_answer_error(call, 415, "unsupported_encoding",
                         "the body is encoded, and is taken as it is only",
                         "send it without Content-Encoding");
        return false;
    }
    if (body == API_BODY_JSON || body == API_BODY_HASHES || body == API_BODY_DOMAIN) {
        if (body == API_BODY_DOMAIN && api_type_is_pem(call))
            return true;
        if (type.data == NULL || source_type_is(type, "application/json"))
            return true;
        api_answer_error(call, 415, "unsupported_media_type", "the body's type is not JSON's",
                         "send Content-Type: application/json");
        return false;
    }
    if (body == API_BODY_VALUE || body == API_BODY_VARIABLE || body == API_BODY_BLOB) {
        if (type.data == NULL || source_type_is(type, "application/json") ||
            source_type_is(type, "application/octet-stream"))
            return true;
        api_answer_error(call, 415, "unsupported_media_type", "the body's type is none of a value",
                         "send Content-Type: application/octet-stream");
        return false;
    }
    if (body == API_BODY_PEM) {
        if (type.data == NULL || api_type_is_pem(call) ||
            source_type_is(type, "application/octet-stream"))
            return true;
        api_answer_error(call, 415, "unsupported_media_type", "the body's type is not PEM's",
                         "send Content-Type: application/x-pem-file");
        return false;
    }
    if (source_type_is_known(type) || source_type_is(type, MULTIPART_TYPE))
        return true;
    api_answer_error(call, 415, "unsupported_media_type", "the body's type is no module's",
                     "send Content-Type: application/wasm, or text/javascript for a script");
    return false;
}

static uint64_t api_body_max(const struct api_call *call, enum api_body body)
{
    const struct config_limits *limits = &call->api->config->limits;
    switch (body) {
    case API_BODY_MODULE:
        return source_type_is(call->request->content_type, MULTIPART_TYPE)
                   ? limits->module + DEPLOY_MANIFEST_BYTES_MAX + API_FILES_BYTES_MAX +
                         API_JSON_BYTES_MAX
                   : limits->module;
    case API_BODY_BLOB:
        return limits->file;
    case API_BODY_HASHES:
        return API_JSON_BYTES_MAX + limits->file_count * API_HASH_BYTES;
    case API_BODY_VALUE:
        return KV_VALUE_BYTES_MAX;
    case API_BODY_PEM:
        return API_PEM_BYTES_MAX;
    case API_BODY_DOMAIN:
        return api_type_is_pem(call) ? API_PEM_BYTES_MAX : API_JSON_BYTES_MAX;
    case API_BODY_VARIABLE:
        return DEPLOY_VARIABLE_VALUE_BYTES_MAX;
    default:
        return API_JSON_BYTES_MAX;
    }
}

static bool api_check_bytes(struct api_call *call, enum api_body body, uint64_t body_bytes)
{
    char detail[128];
    uint64_t bytes_max = api_body_max(call, body);
    if (body_bytes <= bytes_max)
        return true;
    if (body == API_BODY_MODULE) {
        (void)snprintf(detail, sizeof(detail),
                       "the module has %" PRIu64 " bytes, limits.module allows %" PRIu64,
                       body_bytes, bytes_max);
        api_answer_error(call, 413, "module_too_large", detail,
                         "strip the module, or ask the operator for a higher limit");
    } else {
        (void)snprintf(detail, sizeof(detail),
                       "the body has %" PRIu64 " bytes, %" PRIu64 " are the most here", body_bytes,
                       bytes_max);
        api_answer_error(call, 413, "body_too_large", detail, NULL);
    }
    return false;
}

/* ---- who may ----------------------------------------------------------------------------------
 */

const char *api_verb_name(enum api_verb verb)
{
    static const char *const names[] = {
#define VERB(NAME, number, name, text) [API_VERB_##NAME] = (name),
#include "deploy/api/verbs.def"
    };
    return names[verb];
}

bool api_caller_sees(const struct api_caller *caller, struct bytes tenant, struct bytes function)
{
    if (caller->tenant[0] != '\0' && tenant.count > 0 && !bytes_equal_text(tenant, caller->tenant))
        return false;
    if (caller->functions_bytes == 0 || function.count == 0)
        return true;
    for (const char *name = caller->functions; name < caller->functions + caller->functions_bytes;
         name += strlen(name) + 1) {
        if (bytes_equal_text(function, name))
            return true;
    }
    return false;
}

static void api_answer_stranger(struct api_call *call)
{
    static const char hint[] =
        "send `Authorization: Bearer` and a token: of `skerry token create`, "
        "or what is in admin.token in the data directory";
    switch (call->request->caller->stranger) {
    case API_STRANGER_UNKNOWN:
        api_answer_error(call, 401, "unauthorized", "there is no such token", hint);
        break;
    case API_STRANGER_EXPIRED:
        api_answer_error(call, 401, "token_expired", "the token has expired", hint);
        break;
    case API_STRANGER_TOO_OFTEN:
        api_answer_error(call, 429, "too_many_failures",
                         "too many wrong tokens came from this address: none is looked at now",
                         "wait a minute, or use the server's Unix socket");
        call->response->retry_after_s = API_FAILURE_WAIT_S;
        break;
    default:
        api_answer_error(call, 401, "unauthorized", "this address wants a token", hint);
        break;
    }
}

static void api_answer_unseen(struct api_call *call)
{
    char detail[2 * DEPLOY_NAME_BYTES + 64];
    const struct store_target *target = &call->target;
    if (api_caller_sees(call->request->caller, target->tenant, bytes_make(NULL, 0)))
        (void)snprintf(detail, sizeof(detail), "tenant `%.*s` has no function `%.*s`",
                       (int)target->tenant.count, (const char *)target->tenant.data,
                       (int)target->function.count, (const char *)target->function.data);
    else
        (void)snprintf(detail, sizeof(detail), "there is no tenant `%.*s`",
                       (int)target->tenant.count, (const char *)target->tenant.data);
    api_answer_error(call, 404, "not_found", detail, NULL);
}

/* A token for some functions changes nothing that a whole tenant has, but sends what files of its
 * functions hold: that is known by its hash and harms nobody. */
static bool api_is_beyond_functions(const struct api_call *call, const struct api_route *route)
{
    bool sends_files = route->body == API_BODY_BLOB || route->body == API_BODY_HASHES;
    return call->request->caller->functions_bytes > 0 && call->target.function.count == 0 &&
           route->verb == API_VERB_DEPLOY && !sends_files;
}

/* False, and answered: the caller may not, or there is no such thing for it. What is another
 * tenant's is not there, whatever the caller may do to its own. */
static bool api_check_caller(struct api_call *call, const struct api_route *route)
{
    char hint[96];
    const struct api_caller *caller = call->request->caller;
    if (route->verb == API_VERB_NONE || route->verb == API_VERB_ANY)
        return true;
    if (!api_caller_sees(caller, call->target.tenant, call->target.function)) {
        api_answer_unseen(call);
        return false;
    }
    if (api_is_beyond_functions(call, route)) {
        api_answer_error(call, 403, "forbidden",
                         "this token is for some functions, and that is a whole tenant's",
                         "ask for a token that is good for all functions of the tenant");
        return false;
    }
    if ((caller->verbs & 1U << route->verb) != 0)
        return true;
    if (route->verb == API_VERB_OPERATOR)
        (void)snprintf(hint, sizeof(hint),
                       "it takes a token that is good for `admin` of all tenants");
    else
        (void)snprintf(hint, sizeof(hint), "ask the operator for a token that is good for `%s`",
                       api_verb_name(route->verb));
    api_answer_error(call, 403, "forbidden", "this caller may not do that", hint);
    return false;
}

/* The route; NULL, and answered, if the request is refused by what its head says. */
static const struct api_route *api_admit_call(struct api_call *call, uint64_t body_bytes)
{
    const struct api_request *request = call->request;
    char *allow = call->response->allow;
    const struct api_route *route =
        api_find_route(request->method, request->path, call, allow, sizeof(call->response->allow));
    bool is_public = route != NULL && route->verb == API_VERB_NONE;
    bool stranger = request->caller->verbs == 0 && !is_public;
    if (route != NULL || stranger)
        allow[0] = '\0';
    if (stranger) {
        api_answer_stranger(call);
    } else if (route == NULL && allow[0] != '\0') {
        api_answer_error(call, 405, "method_not_allowed", "this path does not know that method",
                         "see the Allow header");
    } else if (route == NULL) {
        api_answer_error(call, 404, "endpoint_not_found", "there is nothing at this path",
                         "functions are at /v1/tenants/{tenant}/functions/{function}");
    } else if (api_check_name(call, call->target.tenant, "tenant") &&
               api_check_name(call, call->target.function, "function") &&
               api_check_caller(call, route) && api_check_suspended(call, route->verb) &&
               api_check_type(call, route->body) &&
               api_check_bytes(call, route->body, body_bytes)) {
        return route;
    }
    return NULL;
}

bool api_admit(const struct api *api,
               const struct api_request *request,
               uint64_t body_bytes,
               struct api_response *response,
               uint64_t *ret_body_max)
{
    struct api_call call = {.api = api, .request = request, .response = response};
    const struct api_route *route = api_admit_call(&call, body_bytes);
    if (route == NULL)
        return false;
    *ret_body_max = api_body_max(&call, route->body);
    return true;
}

struct store_actor api_actor(const struct api_request *request)
{
    return (struct store_actor){
        .who = request->caller->who, .from = request->caller->from, .request = request->id};
}

/* False, and answered: what came is not what was sent. */
static bool api_check_digest(struct api_call *call)
{
    if (digest_holds(call->request->content_digest, call->request->body))
        return true;
    api_answer_error(call, 400, "bad_digest",
                     "the body has another SHA-256 than Content-Digest says",
                     "it was changed on its way: send it again; the field is sha-256=:BASE64:");
    return false;
}

/* False, and answered: the body is no JSON at all. What it says is the call's own to judge. */
static bool api_check_json(struct api_call *call, enum api_body kind)
{
    struct bytes body = call->request->body;
    bool is_json = kind == API_BODY_JSON || kind == API_BODY_HASHES ||
                   (kind == API_BODY_DOMAIN && !api_type_is_pem(call));
    json_error_t error;
    if (!is_json || body.count == 0)
        return true;
    json_t *root = json_loadb((const char *)body.data, body.count,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    bool good = root != NULL;
    json_decref(root);
    if (good)
        return true;
    char detail[sizeof(error.text) + 80];
    (void)snprintf(detail, sizeof(detail), "the body is no JSON: line %d, column %d: %s",
                   error.line, error.column, error.text);
    api_answer_error(call, 400, "bad_json", detail, NULL);
    return false;
}

enum api_step api_handle(const struct api *api,
                         const struct api_request *request,
                         struct api_upload *ret_upload,
                         struct api_response *response)
{
    struct api_call call = {.api = api,
                            .request = request,
                            .response = response,
                            .upload = ret_upload,
                            .step = API_ANSWERED};
    *ret_upload = (struct api_upload){0};
    const struct api_route *route = api_admit_call(&call, request->body.count);
    if (route != NULL && api_check_digest(&call) && api_check_json(&call, route->body) &&
        api_check_match(&call)) {
        const struct store_actor actor = api_actor(request);
        store_act_as(api->store, &actor);
        if (api_rehearse_begin(&call, route)) {
            route->handler(&call);
            api_tag_answer(&call, route);
        }
        api_rehearse_end(&call);
        store_act_as(api->store, NULL);
    }
    if (call.step == API_ANSWERED)
        api_upload_done(ret_upload);
    return call.step;
}
