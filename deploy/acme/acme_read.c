/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to structs, one member at a time.
 */
#include "deploy/acme/acme_read.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/url.h"
#include "deploy/acme/jose.h"

#define READ_ERROR_PREFIX   "urn:ietf:params:acme:error:"
#define READ_CHALLENGES_MAX 32

static enum status read_fail(struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);
static enum status read_fail(struct report *report, const char *format, ...)
{
    char text[ACME_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return report_fail(report, STATUS_MALFORMED, REPORT_OFFSET_NONE, "the ACME server's %s", text);
}

static json_t *read_object(struct bytes json, const char *what, struct report *report)
{
    json_t *root = json.count == 0 ? NULL
                                   : json_loadb((const char *)json.data, json.count,
                                                JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        (void)read_fail(report, "%s is no JSON object", what);
        json_decref(root);
        return NULL;
    }
    return root;
}

static void read_text(const char *text, char *ret_text, size_t bytes)
{
    ret_text[0] = '\0';
    bytes_append_plain(ret_text, bytes, bytes_of_text(text));
}

static bool read_url_text(struct bytes text, char ret_url[ACME_URL_BYTES])
{
    struct config_url url;
    struct report report = REPORT_INIT;
    if (text.count == 0 || text.count >= ACME_URL_BYTES ||
        config_url_parse(text, &report, &url) != STATUS_OK)
        return false;
    memcpy(ret_url, text.data, text.count);
    ret_url[text.count] = '\0';
    return true;
}

static bool read_url(const json_t *object, const char *name, char ret_url[ACME_URL_BYTES])
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && read_url_text(bytes_of_text(text), ret_url);
}

static enum acme_state read_state(const json_t *object)
{
    static const char *const names[] = {
        [ACME_PENDING] = "pending", [ACME_READY] = "ready",     [ACME_PROCESSING] = "processing",
        [ACME_VALID] = "valid",     [ACME_INVALID] = "invalid",
    };
    const char *text = json_string_value(json_object_get(object, "status"));
    for (size_t i = 0; text != NULL && i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum acme_state)i;
    }
    return ACME_OTHER;
}

static bool read_is_host(const json_t *identifier, const char *host)
{
    const char *type = json_string_value(json_object_get(identifier, "type"));
    const char *value = json_string_value(json_object_get(identifier, "value"));
    return type != NULL && value != NULL && strcmp(type, "dns") == 0 &&
           strcasecmp(value, host) == 0;
}

/* ---- problems [RFC 8555 6.7] ----------------------------------------------------------------- */

/* "type: detail", as far as there is one. */
static bool read_problem(const json_t *object, struct acme_problem *problem)
{
    char detail[ACME_TEXT_BYTES] = "";
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *text = json_string_value(json_object_get(object, "detail"));
    size_t prefix = strlen(READ_ERROR_PREFIX);
    *problem = (struct acme_problem){0};
    if (type != NULL && strncmp(type, READ_ERROR_PREFIX, prefix) == 0)
        read_text(type + prefix, problem->type, sizeof(problem->type));
    if (text != NULL)
        read_text(text, detail, sizeof(detail));
    (void)snprintf(problem->text, sizeof(problem->text), "%s%s%.*s", problem->type,
                   problem->type[0] != '\0' && detail[0] != '\0' ? ": " : "",
                   (int)(sizeof(problem->text) - sizeof(problem->type) - 3), detail);
    return problem->text[0] != '\0';
}

void acme_read_problem(uint32_t status, struct bytes json, struct acme_problem *ret_problem)
{
    json_t *root =
        json.count == 0 ? NULL : json_loadb((const char *)json.data, json.count, 0, NULL);
    if (!read_problem(root, ret_problem))
        (void)snprintf(ret_problem->text, sizeof(ret_problem->text),
                       "the ACME server answered with status %u", status);
    json_decref(root);
}

static void read_error(const json_t *object, char ret_text[ACME_TEXT_BYTES])
{
    struct acme_problem problem;
    ret_text[0] = '\0';
    if (read_problem(json_object_get(object, "error"), &problem))
        (void)snprintf(ret_text, ACME_TEXT_BYTES, "%s", problem.text);
}

/* ---- objects --------------------------------------------------------------------------------- */

enum status
acme_read_directory(struct bytes json, struct report *report, struct acme_directory *ret_directory)
{
    struct acme_directory directory = {0};
    json_t *root = read_object(json, "directory", report);
    if (root == NULL)
        return STATUS_MALFORMED;
    bool whole = read_url(root, "newNonce", directory.new_nonce) &&
                 read_url(root, "newAccount", directory.new_account) &&
                 read_url(root, "newOrder", directory.new_order);
    const char *terms =
        json_string_value(json_object_get(json_object_get(root, "meta"), "termsOfService"));
    directory.has_terms = terms != NULL;
    if (terms != NULL)
        read_text(terms, directory.terms, sizeof(directory.terms));
    json_decref(root);
    if (!whole)
        return read_fail(report, "directory lacks newNonce, newAccount or newOrder, or they are "
                                 "no URLs: is acme.directory the URL of one?");
    *ret_directory = directory;
    return STATUS_OK;
}

enum status acme_read_order(struct bytes json,
                            const char *host,
                            struct report *report,
                            struct acme_order_view *ret_order)
{
    struct acme_order_view order = {0};
    json_t *root = read_object(json, "order", report);
    if (root == NULL)
        return STATUS_MALFORMED;
    const json_t *identifiers = json_object_get(root, "identifiers");
    const json_t *authorizations = json_object_get(root, "authorizations");
    const char *first = json_string_value(json_array_get(authorizations, 0));
    enum status status = STATUS_OK;
    order.state = read_state(root);
    read_error(root, order.error);
    if (order.state == ACME_OTHER)
        status = read_fail(report, "order has no status that is known");
    else if (json_array_size(identifiers) != 1 ||
             !read_is_host(json_array_get(identifiers, 0), host))
        status = read_fail(report, "order is for other hosts than %s", host);
    else if (json_array_size(authorizations) != 1 || first == NULL ||
             !read_url_text(bytes_of_text(first), order.authorization))
        status = read_fail(report, "order has not one authorization");
    else if (!read_url(root, "finalize", order.finalize))
        status = read_fail(report, "order has no URL to finalize it");
    else if (json_object_get(root, "certificate") != NULL &&
             !read_url(root, "certificate", order.certificate))
        status = read_fail(report, "certificate is at what is no URL");
    json_decref(root);
    if (status == STATUS_OK)
        *ret_order = order;
    return status;
}

/* The one of that kind; the error of any. */
static enum status read_challenges(const json_t *list,
                                   const char *kind,
                                   struct report *report,
                                   struct acme_authorization *authorization)
{
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < READ_CHALLENGES_MAX; i++) {
        const json_t *row = json_array_get(list, i);
        const char *type = json_string_value(json_object_get(row, "type"));
        const char *token = json_string_value(json_object_get(row, "token"));
        if (authorization->error[0] == '\0')
            read_error(row, authorization->error);
        if (type == NULL || strcmp(type, kind) != 0)
            continue;
        if (token == NULL || strlen(token) >= ACME_TOKEN_BYTES ||
            !jose_is_encoded(bytes_of_text(token)))
            return read_fail(report, "token is none of base64url");
        if (!read_url(row, "url", authorization->url))
            return read_fail(report, "challenge has no URL");
        (void)snprintf(authorization->token, sizeof(authorization->token), "%s", token);
        authorization->has_challenge = true;
    }
    return STATUS_OK;
}

enum status acme_read_authorization(struct bytes json,
                                    const char *host,
                                    const char *kind,
                                    struct report *report,
                                    struct acme_authorization *ret_authorization)
{
    struct acme_authorization authorization = {0};
    json_t *root = read_object(json, "authorization", report);
    if (root == NULL)
        return STATUS_MALFORMED;
    enum status status = STATUS_OK;
    authorization.state = read_state(root);
    if (!read_is_host(json_object_get(root, "identifier"), host))
        status = read_fail(report, "authorization is for another host than %s", host);
    else
        status = read_challenges(json_object_get(root, "challenges"), kind, report, &authorization);
    json_decref(root);
    if (status == STATUS_OK)
        *ret_authorization = authorization;
    return status;
}

/* ---- heads ----------------------------------------------------------------------------------- */

static struct bytes read_part(struct bytes *fields)
{
    const uint8_t *end = fields->count == 0 ? NULL : memchr(fields->data, '\0', fields->count);
    size_t count = end == NULL ? fields->count : (size_t)(end - fields->data);
    struct bytes part = bytes_make(fields->data, count);
    size_t used = end == NULL ? count : count + 1;
    *fields = bytes_make(fields->data + used, fields->count - used);
    return part;
}

struct bytes acme_field(struct bytes fields, const char *name)
{
    while (fields.count > 0) {
        struct bytes key = read_part(&fields);
        struct bytes value = read_part(&fields);
        if (bytes_equal_text(key, name))
            return value;
    }
    return bytes_make(NULL, 0);
}

bool acme_take_nonce(struct bytes fields, char ret_nonce[ACME_NONCE_BYTES])
{
    struct bytes nonce = acme_field(fields, "replay-nonce");
    if (nonce.count >= ACME_NONCE_BYTES || !jose_is_encoded(nonce))
        return false;
    memcpy(ret_nonce, nonce.data, nonce.count);
    ret_nonce[nonce.count] = '\0';
    return true;
}

bool acme_take_location(struct bytes fields, char ret_url[ACME_URL_BYTES])
{
    return read_url_text(acme_field(fields, "location"), ret_url);
}

/* A date [RFC 9110 10.2.3] is not understood, and waited for as long as usual. */
uint64_t acme_retry_after_s(struct bytes fields)
{
    struct bytes text = acme_field(fields, "retry-after");
    uint64_t seconds = 0;
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        seconds = MIN(seconds * 10 + (text.data[i] - '0'), (uint64_t)ACME_RETRY_S_MAX);
    }
    return seconds;
}
