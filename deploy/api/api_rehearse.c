/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `?dry_run=1`: what a change would come to. It is made in a transaction that is never committed,
 * in which the answer is read, too; so it is refused for all that it would be refused for, and
 * answered with what there would be. Nobody else sees any of it, and nothing is logged.
 *
 * An upload is built and goes no further (api_upload.c). What is done beyond the store, in the
 * vault or to the server, cannot be undone, and so is not tried.
 */
#include "deploy/api/api_private.h"

#define API_DRY_RUN "dry_run"

static bool api_refuse_rehearsal(struct api_call *call)
{
    api_answer_error(call, 400, "no_dry_run", "what this call does cannot be tried and undone",
                     "leave dry_run out to have it done");
    return false;
}

bool api_rehearse_begin(struct api_call *call, const struct api_route *route)
{
    bool wanted;
    struct bytes value;
    if (route->effect == API_EFFECT_NONE || route->effect == API_EFFECT_UPLOAD ||
        !api_query_find(call, API_DRY_RUN, &value))
        return true;
    if (!api_query_flag(call, API_DRY_RUN, false, &wanted))
        return false;
    /* PEM is a certificate, whose key is the vault's. */
    if (wanted && (route->effect != API_EFFECT_STORE ||
                   (route->body == API_BODY_DOMAIN && api_type_is_pem(call))))
        return api_refuse_rehearsal(call);
    call->knows_dry_run = route->effect == API_EFFECT_STORE;
    call->rehearses = wanted;
    if (wanted)
        store_rehearse(call->api->store, true);
    return true;
}

/* An answer that says of itself what it is, and has no tag: there is nothing that it could name. */
static void api_mark_answer(struct api_call *call)
{
    struct api_response *response = call->response;
    json_t *body =
        json_loadb((const char *)response->body.data, response->body.count, JSON_ALLOW_NUL, NULL);
    char *text = NULL;
    if (json_is_object(body) && json_object_set_new(body, API_DRY_RUN, json_true()) == 0)
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    response->etag[0] = '\0';
    response->status = 200;
    response->body.count = 0;
    if (text == NULL || buffer_append(&response->body, text, strlen(text)) != STATUS_OK)
        api_answer_no_memory(response, call->request->id);
    free(text);
}

void api_rehearse_end(struct api_call *call)
{
    if (!call->rehearses)
        return;
    store_rehearse(call->api->store, false);
    if (call->response->vault.verb != DEPLOY_VAULT_NONE) {
        call->response->vault = (struct api_vault){0};
        (void)api_refuse_rehearsal(call);
    } else if (call->response->status < 300) {
        api_mark_answer(call);
    }
}
