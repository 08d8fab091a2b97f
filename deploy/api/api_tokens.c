/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: made, listed, revoked, and recognised.
 *
 *   skt_ 0123456789abcdef _ <64 hexadecimal digits>
 *        id, which is no secret   256 random bits
 *
 * The store knows the SHA-256 of the whole text, found by its id and compared in constant time.
 * A token is told once, in the answer that made it. Who has one that is good for `admin` of one
 * tenant makes others of that tenant, and none that may more than its own.
 */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <sys/random.h>
#include <time.h>

#include "deploy/api/api_private.h"
#include "engine/base/hex.h"

#define API_TOKEN_PREFIX       "skt_"
#define API_TOKEN_RANDOM_BYTES 32
#define API_TOKEN_ID_RANDOM    ((STORE_TOKEN_ID_BYTES - 1) / 2)
#define API_TOKEN_ID_AT        (sizeof(API_TOKEN_PREFIX) - 1)
#define API_TOKEN_SECRET_AT    (API_TOKEN_ID_AT + STORE_TOKEN_ID_BYTES)
#define API_TOKEN_BYTES        (API_TOKEN_SECRET_AT + 2 * API_TOKEN_RANDOM_BYTES)
#define API_TOKENS_PAGE_MAX    1000
#define API_TOKEN_VERBS        (API_VERBS_ALL & ~API_BIT(OPERATOR)) /* what one can be given */

/* ---- whose it is ----------------------------------------------------------------------------- */

static bool api_token_expired(const struct api *api, const struct records_token *record)
{
    return record->expires_ns != 0 && clock_realtime_ns(api->clock) >= record->expires_ns;
}

static uint32_t api_token_verbs(const struct records_token *record)
{
    uint32_t verbs = (uint32_t)record->verbs & API_TOKEN_VERBS;
    bool operates = (verbs & API_BIT(ADMIN)) != 0 && record->tenant[0] == '\0';
    return operates ? verbs | API_BIT(OPERATOR) : verbs;
}

/* The token of the store that this is, with its functions in `names`. */
static bool api_find_token(const struct api *api,
                           struct bytes text,
                           struct buffer *names,
                           struct store_token *ret_token)
{
    uint8_t hash[DEPLOY_SHA256_BYTES];
    struct report report = REPORT_INIT;
    if (text.count != API_TOKEN_BYTES || memcmp(text.data, API_TOKEN_PREFIX, API_TOKEN_ID_AT) != 0)
        return false;
    struct bytes id = bytes_make(text.data + API_TOKEN_ID_AT, STORE_TOKEN_ID_BYTES - 1);
    if (store_get_token(api->store, id, &report, names, ret_token) != STATUS_OK)
        return false;
    digest_sha256(text, hash);
    return CRYPTO_memcmp(hash, ret_token->record.sha256, sizeof(hash)) == 0;
}

void api_identify(const struct api *api, struct bytes token, struct api_caller *caller)
{
    struct store_token found;
    struct buffer names;
    buffer_init(&names, STORE_TOKEN_NAMES_BYTES);
    caller->verbs = 0;
    caller->stranger = API_STRANGER_UNKNOWN;
    if (api_find_token(api, token, &names, &found)) {
        caller->stranger = API_STRANGER_EXPIRED;
        if (!api_token_expired(api, &found.record)) {
            store_use_token(api->store, &found);
            caller->verbs = api_token_verbs(&found.record);
            (void)snprintf(caller->tenant, sizeof(caller->tenant), "%.*s",
                           (int)sizeof(found.record.tenant) - 1, found.record.tenant);
            (void)snprintf(caller->who, sizeof(caller->who), "token %s", found.id);
            memcpy(caller->token, found.id, sizeof(caller->token));
            caller->functions_bytes = names.count;
            if (names.count > 0)
                memcpy(caller->functions, names.data, names.count);
        }
    }
    buffer_done(&names);
}

bool api_caller_holds(const struct api *api, const struct api_caller *caller)
{
    struct store_token found;
    struct report report = REPORT_INIT;
    if (caller->token[0] == '\0')
        return true;
    return store_get_token(api->store, bytes_of_text(caller->token), &report, NULL, &found) ==
               STATUS_OK &&
           !api_token_expired(api, &found.record);
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static json_t *api_verbs_json(uint32_t verbs)
{
    json_t *names = json_array();
#define VERB(NAME, number, name, text)                                                             \
    if ((verbs & 1U << (number)) != 0)                                                             \
        (void)json_array_append_new(names, json_string(name));
#include "deploy/api/verbs.def"
    return names;
}

/* null for none. */
static json_t *api_names_json(struct bytes names)
{
    json_t *rows = names.count == 0 ? json_null() : json_array();
    for (size_t at = 0; at < names.count;) {
        size_t count = strnlen((const char *)names.data + at, names.count - at);
        (void)json_array_append_new(rows, json_stringn((const char *)names.data + at, count));
        at += count + 1;
    }
    return rows;
}

static json_t *api_name_or_null(const char *text)
{
    return text[0] == '\0' ? json_null() : api_text(text);
}

static json_t *api_time_or_null(uint64_t time_ns)
{
    return time_ns == 0 ? json_null() : api_time(time_ns);
}

static json_t *api_token_json(const struct store_token *token)
{
    const struct records_token *record = &token->record;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", token->id, "tenant",
        api_name_or_null(record->tenant), "verbs", api_verbs_json((uint32_t)record->verbs),
        "functions", api_names_json(token->functions), "note", api_name_or_null(record->note),
        "created", api_time(record->created_ns), "expires", api_time_or_null(record->expires_ns),
        "used", api_time_or_null(record->used_ns));
}

void api_show_caller(struct api_call *call)
{
    static const char *const names[] = {NULL};
    const struct api_caller *caller = call->request->caller;
    if (!api_query_check(call, names))
        return;
    api_answer(call, 200,
               json_pack("{s:o, s:o, s:o, s:o, s:s}", "who", api_name_or_null(caller->who),
                         "tenant", api_name_or_null(caller->tenant), "verbs",
                         api_verbs_json(caller->verbs), "functions",
                         api_names_json(bytes_make(caller->functions, caller->functions_bytes)),
                         "server", SKERRY_VERSION));
}

/* ---- making one ------------------------------------------------------------------------------ */

/* A token on its way to the store. */
struct api_token_order {
    struct store_token token;
    struct buffer functions; /* owned */
};

static bool api_token_refuse(struct api_call *call, const char *detail, const char *hint)
{
    api_answer_error(call, 400, "bad_token", detail, hint);
    return false;
}

static bool api_take_verb(const char *name, uint64_t *verbs)
{
#define VERB(NAME, number, name_, text)                                                            \
    if ((API_TOKEN_VERBS & 1U << (number)) != 0 && strcmp(name, name_) == 0) {                     \
        *verbs |= 1U << (number);                                                                  \
        return true;                                                                               \
    }
#include "deploy/api/verbs.def"
    return false;
}

static bool api_take_verbs(struct api_call *call, const json_t *list, struct records_token *record)
{
    static const char hint[] = "name some of read, logs, kv, deploy, admin";
    size_t i;
    json_t *row;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return api_token_refuse(call, "`verbs` is no list of what the token is good for", hint);
    json_array_foreach(list, i, row)
    {
        char detail[96];
        const char *name = json_string_value(row);
        if (name != NULL && api_take_verb(name, &record->verbs))
            continue;
        (void)snprintf(detail, sizeof(detail), "a token cannot be good for `%.32s`",
                       name == NULL ? "what is no text" : name);
        return api_token_refuse(call, detail, hint);
    }
    if ((record->verbs & ~(uint64_t)call->request->caller->verbs) == 0)
        return true;
    api_answer_error(call, 403, "forbidden", "the new token would be good for more than yours",
                     "ask the operator for it");
    return false;
}

/* The tenant in the body, or the caller's own; one that the caller does not see is not there. */
static bool api_take_tenant(struct api_call *call, const json_t *name, struct records_token *record)
{
    const struct api_caller *caller = call->request->caller;
    const char *tenant =
        json_is_null(name) || name == NULL ? caller->tenant : json_string_value(name);
    char detail[DEPLOY_NAME_BYTES + 32];
    if (tenant == NULL || (tenant[0] != '\0' && !deploy_name_valid(bytes_of_text(tenant))))
        return api_token_refuse(call, "`tenant` is no tenant's name",
                                "leave it out for a token of all tenants");
    if (!api_caller_sees(caller, bytes_of_text(tenant), bytes_make(NULL, 0))) {
        (void)snprintf(detail, sizeof(detail), "there is no tenant `%s`", tenant);
        api_answer_error(call, 404, "not_found", detail, NULL);
        return false;
    }
    memcpy(record->tenant, tenant, strlen(tenant));
    return true;
}

static bool
api_take_functions(struct api_call *call, const json_t *list, struct api_token_order *order)
{
    size_t i;
    json_t *row;
    if (list == NULL || json_is_null(list))
        return call->request->caller->functions_bytes == 0 ||
               api_token_refuse(call, "your token is for some functions only",
                                "name `functions` among them");
    if (!json_is_array(list) || json_array_size(list) == 0 ||
        json_array_size(list) > STORE_TOKEN_FUNCTIONS)
        return api_token_refuse(call, "`functions` is no list of 1 to 32 names",
                                "leave it out for all of the tenant's");
    if (order->token.record.tenant[0] == '\0')
        return api_token_refuse(call, "functions are a tenant's", "name `tenant` too");
    if ((order->token.record.verbs & (API_BIT(KV) | API_BIT(ADMIN))) != 0)
        return api_token_refuse(call, "`kv` and `admin` are for a whole tenant, not for functions",
                                "leave out the one or the other");
    json_array_foreach(list, i, row)
    {
        const char *name = json_string_value(row);
        if (name == NULL || !deploy_name_valid(bytes_of_text(name)))
            return api_token_refuse(call, "`functions` has what is no function's name",
                                    "use 1 to 63 of a-z, 0-9 and -, not at the ends");
        if (buffer_append(&order->functions, name, strlen(name) + 1) != STATUS_OK)
            return api_token_refuse(call, "the names of `functions` are too long together", NULL);
    }
    order->token.functions = buffer_bytes(&order->functions);
    return true;
}

/* "2027-01-31T12:00:00Z", and nothing else. */
static bool api_parse_time(const char *text, uint64_t *ret_ns)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    time_t seconds = end == NULL || *end != '\0' ? -1 : timegm(&parts);
    if (seconds < 0 || (uint64_t)seconds > UINT64_MAX / CLOCK_NS_PER_S)
        return false;
    *ret_ns = (uint64_t)seconds * CLOCK_NS_PER_S;
    return true;
}

static bool api_take_expiry(struct api_call *call, const json_t *when, struct records_token *record)
{
    uint64_t now_ns = clock_realtime_ns(call->api->clock);
    uint64_t span_us;
    const char *text = json_string_value(when);
    if (when == NULL || json_is_null(when))
        return true;
    bool good = text != NULL && api_parse_time(text, &record->expires_ns);
    if (!good && text != NULL && config_parse_quantity(text, CONFIG_UNIT_MICROSECONDS, &span_us) &&
        span_us > 0 && span_us < (UINT64_MAX - now_ns) / CLOCK_NS_PER_US) {
        record->expires_ns = now_ns + span_us * CLOCK_NS_PER_US;
        good = true;
    }
    if (good && record->expires_ns > now_ns)
        return true;
    return api_token_refuse(call,
                            good ? "`expires` is over already"
                                 : "`expires` is neither a time like 2027-01-31T12:00:00Z nor a "
                                   "span like 720h",
                            "leave it out for a token that lasts until it is removed");
}

static bool api_take_note(struct api_call *call, const json_t *note, struct records_token *record)
{
    const char *text = json_string_value(note);
    if (note == NULL || json_is_null(note))
        return true;
    size_t count = text == NULL ? 0 : strlen(text);
    bool plain = count > 0 && count < sizeof(record->note);
    for (size_t i = 0; plain && i < count; i++)
        plain = text[i] >= ' ' && text[i] < 0x7f;
    if (!plain)
        return api_token_refuse(call, "`note` is no plain text of up to 63 bytes", NULL);
    memcpy(record->note, text, count);
    return true;
}

static bool api_take_token(struct api_call *call, json_t *body, struct api_token_order *order)
{
    static const char *const known[] = {"tenant", "verbs", "functions", "expires", "note", NULL};
    struct records_token *record = &order->token.record;
    const char *name;
    json_t *value;
    if (!json_is_object(body))
        return api_token_refuse(call, "the body is no JSON object",
                                "send one like {\"tenant\":\"acme\",\"verbs\":[\"deploy\"]}");
    json_object_foreach(body, name, value)
    {
        char detail[80];
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], name) != 0)
            i++;
        (void)snprintf(detail, sizeof(detail), "a token has no `%.32s`", name);
        if (known[i] == NULL)
            return api_token_refuse(call, detail,
                                    "it has tenant, verbs, functions, expires and note");
    }
    return api_take_tenant(call, json_object_get(body, "tenant"), record) &&
           api_take_verbs(call, json_object_get(body, "verbs"), record) &&
           api_take_functions(call, json_object_get(body, "functions"), order) &&
           api_take_expiry(call, json_object_get(body, "expires"), record) &&
           api_take_note(call, json_object_get(body, "note"), record);
}

/* Makes up the token; false, and answered, if there is no randomness. */
static bool
api_make_token(struct api_call *call, struct store_token *token, char ret_text[API_TOKEN_BYTES + 1])
{
    uint8_t random[API_TOKEN_ID_RANDOM + API_TOKEN_RANDOM_BYTES];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        api_answer_error(call, 500, "io", "the system has no randomness", NULL);
        return false;
    }
    hex_encode(random, API_TOKEN_ID_RANDOM, token->id);
    (void)snprintf(ret_text, API_TOKEN_BYTES + 1, API_TOKEN_PREFIX "%s_", token->id);
    hex_encode(random + API_TOKEN_ID_RANDOM, API_TOKEN_RANDOM_BYTES,
               ret_text + API_TOKEN_SECRET_AT);
    digest_sha256(bytes_make(ret_text, API_TOKEN_BYTES), token->record.sha256);
    explicit_bzero(random, sizeof(random));
    return true;
}

void api_post_token(struct api_call *call)
{
    static const char *const names[] = {NULL};
    char text[API_TOKEN_BYTES + 1];
    struct report report = REPORT_INIT;
    struct bytes body = call->request->body;
    struct api_token_order order = {0};
    buffer_init(&order.functions, STORE_TOKEN_NAMES_BYTES);
    json_t *root = json_loadb((const char *)body.data, body.count, JSON_REJECT_DUPLICATES, NULL);
    if (!api_query_check(call, names) || !api_take_token(call, root, &order) ||
        !api_make_token(call, &order.token, text))
        (void)0;
    else if (store_add_token(call->api->store, &order.token, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else {
        order.token.record.created_ns = clock_realtime_ns(call->api->clock);
        json_t *answer = api_token_json(&order.token);
        (void)json_object_set_new(answer, "token", json_string(text));
        api_answer(call, 201, answer);
        explicit_bzero(text, sizeof(text));
    }
    json_decref(root);
    buffer_done(&order.functions);
}

bool api_query_tenant(struct api_call *call, struct bytes *ret_tenant)
{
    const struct api_caller *caller = call->request->caller;
    *ret_tenant = bytes_of_text(caller->tenant);
    struct bytes wanted;
    if (!api_query_find(call, "tenant", &wanted))
        return true;
    if (deploy_name_valid(wanted) && api_caller_sees(caller, wanted, bytes_make(NULL, 0))) {
        *ret_tenant = wanted;
        return true;
    }
    api_answer_error(call, 404, "not_found", "there is no such tenant", NULL);
    return false;
}

/* ---- the others ------------------------------------------------------------------------------ */

struct api_token_page {
    struct bytes tenant; /* empty: all */
    json_t *rows;
    char last[STORE_TOKEN_ID_BYTES];
    bool more;
};

static bool api_visit_token(void *context, const struct store_token *token)
{
    struct api_token_page *page = context;
    if (page->tenant.count > 0 && !bytes_equal_text(page->tenant, token->record.tenant))
        return true;
    page->more = json_array_size(page->rows) >= API_TOKENS_PAGE_MAX;
    if (page->more)
        return false;
    (void)json_array_append_new(page->rows, api_token_json(token));
    memcpy(page->last, token->id, sizeof(page->last));
    return true;
}

void api_list_tokens(struct api_call *call)
{
    static const char *const names[] = {"after", "tenant", NULL};
    struct report report = REPORT_INIT;
    struct bytes after = bytes_make("", 0);
    struct api_token_page page = {0};
    if (!api_query_check(call, names) || !api_query_tenant(call, &page.tenant))
        return;
    (void)api_query_find(call, "after", &after);
    if (after.count >= STORE_TOKEN_ID_BYTES) {
        api_answer_error(call, 400, "bad_query", "parameter `after` is no token's id",
                         "pass the `next` of the page before");
        return;
    }
    /* What was used just now is not written yet. */
    store_keep_token_uses(call->api->store);
    page.rows = json_array();
    if (store_list_tokens(call->api->store, after, api_visit_token, &page, &report) != STATUS_OK) {
        json_decref(page.rows);
        api_answer_report(call, &report);
        return;
    }
    json_t *body = json_pack("{s:o}", "tokens", page.rows);
    if (body != NULL && page.more)
        (void)json_object_set_new(body, "next", json_string(page.last));
    api_answer(call, 200, body);
}

void api_delete_token(struct api_call *call)
{
    static const char *const names[] = {NULL};
    uint8_t id[API_TOKEN_ID_RANDOM];
    struct report report = REPORT_INIT;
    if (!api_query_check(call, names))
        return;
    if (call->key.count != STORE_TOKEN_ID_BYTES - 1 ||
        !hex_decode((const char *)call->key.data, sizeof(id), id)) {
        api_answer_error(call, 404, "not_found", "there is no such token",
                         "ids are in `skerry token list`");
        return;
    }
    if (store_remove_token(call->api->store, bytes_of_text(call->request->caller->tenant),
                           call->key, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200,
                   json_pack("{s:s%, s:b}", "id", call->key.data, call->key.count, "deleted", 1));
}
