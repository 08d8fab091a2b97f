/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sign a tenant's uploads. Public keys are a document of their own, shown and replaced as a
 * whole; while there is one, an upload without a signature of one of them is refused, whoever sends
 * it.
 */
#include "deploy/api/api_private.h"
#include "deploy/signature.h"
#include "engine/base/hex.h"

#define API_KEYS_BYTES_MAX (SIGNATURE_KEYS_MAX * SIGNATURE_KEY_BYTES)
#define API_KEY_TEXT       (2 * SIGNATURE_KEY_BYTES)
#define API_SIGNATURE_TEXT (2 * SIGNATURE_BYTES)

static const char *const api_no_parameters[] = {NULL};

static bool api_get_signers(struct api_call *call, struct buffer *keys)
{
    struct report report = REPORT_INIT;
    if (store_get_signers(call->api->store, call->target.tenant, &report, keys) == STATUS_OK)
        return true;
    api_answer_report(call, &report);
    return false;
}

json_t *api_signers(struct bytes keys)
{
    json_t *rows = json_array();
    char text[API_KEY_TEXT + 1];
    for (size_t at = 0; at + SIGNATURE_KEY_BYTES <= keys.count; at += SIGNATURE_KEY_BYTES) {
        hex_encode(keys.data + at, SIGNATURE_KEY_BYTES, text);
        (void)json_array_append_new(rows, json_string(text));
    }
    return rows;
}

static void api_answer_signers(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    struct buffer keys;
    buffer_init(&keys, API_KEYS_BYTES_MAX);
    if (store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) != STATUS_OK)
        api_answer_report(call, &report);
    else if (api_get_signers(call, &keys))
        api_answer(call, 200,
                   json_pack("{s:s, s:o}", "tenant", tenant.tenant, "keys",
                             api_signers(buffer_bytes(&keys))));
    buffer_done(&keys);
}

void api_show_signers(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer_signers(call);
}

/* Each key once; false: it is none. */
static bool api_add_key(const json_t *row, struct buffer *keys)
{
    uint8_t key[SIGNATURE_KEY_BYTES];
    if (!json_is_string(row) || json_string_length(row) != API_KEY_TEXT ||
        !hex_decode(json_string_value(row), sizeof(key), key))
        return false;
    for (size_t at = 0; at < keys->count; at += SIGNATURE_KEY_BYTES) {
        if (memcmp(keys->data + at, key, sizeof(key)) == 0)
            return true;
    }
    return buffer_append(keys, key, sizeof(key)) == STATUS_OK;
}

/* False, and answered, if the body is not what it should be. */
static bool api_parse_signers(struct api_call *call, struct buffer *keys)
{
    struct bytes body = call->request->body;
    size_t i;
    json_t *row;
    json_t *root = json_loadb(body.count == 0 ? "" : (const char *)body.data, body.count,
                              JSON_REJECT_DUPLICATES, NULL);
    const json_t *rows = json_object_get(root, "keys");
    bool good = json_is_array(rows) && json_object_size(root) == 1;
    json_array_foreach(rows, i, row)
    {
        good = good && api_add_key(row, keys);
    }
    json_decref(root);
    if (!good)
        api_answer_error(
            call, 400, "bad_json",
            "the body is not of the form {\"keys\":[\"0123...\"]}, with up to 16 public "
            "keys of 64 lower-case hexadecimal digits",
            "make a key with `skerry key create FILE`, which prints the public one");
    return good;
}

void api_put_signers(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct buffer keys;
    buffer_init(&keys, API_KEYS_BYTES_MAX);
    if (api_query_check(call, api_no_parameters) && api_parse_signers(call, &keys)) {
        if (store_set_signers(call->api->store, call->target.tenant, buffer_bytes(&keys),
                              &report) != STATUS_OK)
            api_answer_report(call, &report);
        else
            api_answer_signers(call);
    }
    buffer_done(&keys);
}

/* The key among these that signed the request; NULL: none. */
static const uint8_t *api_find_signer(const struct api_call *call, struct bytes keys)
{
    const struct api_request *request = call->request;
    const struct signature_upload upload = {
        .tenant = call->target.tenant,
        .function = call->target.function,
        .type = request->content_type,
        .query = bytes_of_text(request->query == NULL ? "" : request->query),
        .body = request->body};
    uint8_t signature[SIGNATURE_BYTES];
    if (request->signature.count != API_SIGNATURE_TEXT ||
        !hex_decode((const char *)request->signature.data, sizeof(signature), signature))
        return NULL;
    return signature_find_key(&upload, signature, keys);
}

bool api_check_signature(struct api_call *call)
{
    struct api_upload *upload = call->upload;
    struct buffer keys;
    buffer_init(&keys, API_KEYS_BYTES_MAX);
    bool good = api_get_signers(call, &keys);
    upload->is_signed = false;
    if (good && keys.count > 0) {
        const uint8_t *signer = api_find_signer(call, buffer_bytes(&keys));
        upload->is_signed = good = signer != NULL;
        if (good)
            memcpy(upload->signer, signer, sizeof(upload->signer));
        else if (call->request->signature.data == NULL)
            api_answer_error(
                call, 403, "signature_required",
                "the tenant takes only what is signed, and this is not",
                "deploy with --sign KEYFILE, of a key that `skerry tenant show` lists");
        else
            api_answer_error(
                call, 403, "bad_signature",
                "the signature is of none of the tenant's keys, or of another upload, "
                "function or tenant",
                "deploy with --sign KEYFILE, of a key that `skerry tenant show` lists");
    }
    buffer_done(&keys);
    return good;
}
