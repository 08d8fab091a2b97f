/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of a function: written, removed and listed by name, never read. The vault is another
 * process's, so a handler says what is wanted of it, and api_vault_done makes the answer of what it
 * said.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

static void api_secret_want(struct api_call *call, enum deploy_vault_verb verb)
{
    static const char *const actions[] = {[DEPLOY_VAULT_PUT] = "secret_put",
                                          [DEPLOY_VAULT_REMOVE] = "secret_remove",
                                          [DEPLOY_VAULT_ROTATE] = "secrets_rotate"};
    struct api_vault *vault = &call->response->vault;
    struct report report = REPORT_INIT;
    /* The vault is another process's: that it was told is written before it is. */
    if (verb != DEPLOY_VAULT_LIST &&
        store_note_change(call->api->store, &call->target, actions[verb], call->key, &report) !=
            STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    vault->verb = verb;
    vault->tenant = call->target.tenant;
    vault->function = call->target.function;
}

/* The same for one that the path names. */
static void api_secret_want_one(struct api_call *call, enum deploy_vault_verb verb)
{
    static const char *const names[] = {NULL};
    struct bytes name = call->key;
    if (!api_query_check(call, names))
        return;
    if (name.count > DEPLOY_SECRET_NAME_BYTES_MAX || !deploy_variable_name_valid(name)) {
        api_answer_error(call, 400, "bad_name", "that cannot be a secret's name",
                         "use letters, digits and _, no digit first");
        return;
    }
    memcpy(call->response->vault.name, name.data, name.count);
    call->response->vault.name[name.count] = '\0';
    api_secret_want(call, verb);
}

void api_list_secrets(struct api_call *call)
{
    static const char *const names[] = {NULL};
    if (api_query_check(call, names))
        api_secret_want(call, DEPLOY_VAULT_LIST);
}

void api_put_secret(struct api_call *call)
{
    if (call->request->body.count > DEPLOY_SECRET_VALUE_BYTES_MAX) {
        api_answer_error(call, 413, "body_too_large", "a secret has at most 65536 bytes", NULL);
        return;
    }
    call->response->vault.value = call->request->body;
    api_secret_want_one(call, DEPLOY_VAULT_PUT);
}

void api_delete_secret(struct api_call *call)
{
    api_secret_want_one(call, DEPLOY_VAULT_REMOVE);
}

void api_rotate_secrets(struct api_call *call)
{
    static const char *const names[] = {NULL};
    if (api_query_check(call, names))
        api_secret_want(call, DEPLOY_VAULT_ROTATE);
}

/* ---- the vault's answer ---------------------------------------------------------------------- */

static json_t *api_secret_names(struct bytes text)
{
    json_t *rows = json_array();
    while (text.count > 0) {
        const uint8_t *end = memchr(text.data, '\0', text.count);
        size_t count = end == NULL ? text.count : (size_t)(end - text.data);
        (void)json_array_append_new(rows, json_stringn((const char *)text.data, count));
        size_t taken = MIN(count + 1, text.count);
        text = bytes_make(text.data + taken, text.count - taken);
    }
    return json_pack("{s:o}", "secrets", rows);
}

void api_vault_done(const struct api *api,
                    const struct api_request *request,
                    const struct api_vault *vault,
                    enum status status,
                    struct bytes text,
                    struct api_response *response)
{
    struct api_call call = {.api = api, .request = request, .response = response};
    struct report report = REPORT_INIT;
    if (vault->verb == DEPLOY_VAULT_KEY_PUT) {
        api_certificate_done(&call, vault, status, text);
        return;
    }
    if (status == STATUS_OK && vault->verb == DEPLOY_VAULT_LIST) {
        api_answer(&call, 200, api_secret_names(text));
    } else if (status == STATUS_OK && vault->verb == DEPLOY_VAULT_ROTATE) {
        api_answer(&call, 200, json_pack("{s:b}", "rotated", 1));
    } else if (status == STATUS_OK) {
        api_answer(&call, 200, json_pack("{s:s}", "name", vault->name));
    } else if (status == STATUS_NOT_FOUND) {
        api_answer_error(&call, 404, "secret_not_found", "the function has no such secret", NULL);
    } else if (status == STATUS_UNREACHABLE) {
        api_answer_error(&call, 503, "vault_unavailable", "the key process is not there now",
                         "try again in a moment");
    } else {
        (void)report_fail(&report, status, REPORT_OFFSET_NONE, "%.*s", (int)text.count,
                          (const char *)text.data);
        api_answer_report(&call, &report);
    }
}
