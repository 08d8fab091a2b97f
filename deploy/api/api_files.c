/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of versions: their contents, sent apart and once, and the lists that come with an upload.
 *
 *   which of these hashes do you lack? --> send those --> upload, naming all of them
 *
 * A list that names what is not here is refused as a whole, before a build and once more before
 * the commit: a version is never without a file of its own.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "deploy/api/api_private.h"
#include "deploy/manifest/site.h"
#include "engine/base/hex.h"

#define API_FILE_NAME_SHOWN 128

static const char *const api_no_parameters[] = {NULL};

static bool api_parse_sha256(struct bytes text, uint8_t ret_sha256[DEPLOY_SHA256_BYTES])
{
    char copy[DIGEST_HEX_BYTES];
    if (text.count != sizeof(copy) - 1)
        return false;
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    return hex_decode(copy, DEPLOY_SHA256_BYTES, ret_sha256);
}

static struct bytes api_json_bytes(const json_t *text)
{
    return json_is_string(text) ? bytes_make(json_string_value(text), json_string_length(text))
                                : bytes_make(NULL, 0);
}

/* ---- contents -------------------------------------------------------------------------------- */

void api_missing_blobs(struct api_call *call)
{
    size_t i;
    json_t *row;
    if (!api_query_check(call, api_no_parameters))
        return;
    struct bytes body = call->request->body;
    json_t *order = json_loadb((const char *)body.data, body.count, 0, NULL);
    const json_t *hashes = json_object_get(order, "sha256");
    json_t *missing = json_array();
    bool good = json_is_array(hashes);
    json_array_foreach(hashes, i, row)
    {
        uint8_t sha256[DEPLOY_SHA256_BYTES];
        good = good && api_parse_sha256(api_json_bytes(row), sha256);
        if (good && !blobs_touch(store_blobs(call->api->store), call->target.tenant, sha256, NULL))
            (void)json_array_append(missing, row);
    }
    json_decref(order);
    if (good) {
        api_answer(call, 200, json_pack("{s:o}", "missing", missing));
        return;
    }
    json_decref(missing);
    api_answer_error(call, 400, "bad_request", "the body is no list of hashes",
                     "send an object like {\"sha256\":[\"...\"]}, each of 64 hexadecimal digits");
}

/* The bytes of files that the tenant may have: its own quota, or the operator's limit. */
static uint64_t api_files_max(const struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_tenant tenant;
    bool own =
        store_get_tenant(call->api->store, call->target.tenant, &report, &tenant) == STATUS_OK &&
        tenant.limits.files != 0;
    return own ? tenant.limits.files : call->api->config->limits.tenant_files;
}

static void api_answer_blob(struct api_call *call,
                            uint64_t files_max,
                            enum status status,
                            const struct report *report)
{
    char detail[128];
    char limit[CONFIG_QUANTITY_BYTES];
    if (status == STATUS_OK) {
        api_answer(call, 201,
                   json_pack("{s:s%, s:I}", "sha256", call->key.data, call->key.count, "bytes",
                             (json_int_t)call->request->body.count));
        return;
    }
    if (status != STATUS_LIMIT) {
        api_answer_report(call, report);
        return;
    }
    config_format_quantity(files_max, CONFIG_UNIT_BYTES, limit);
    (void)snprintf(
        detail, sizeof(detail),
        "the tenant's files would be more than the %s that it may have (see skerry limits)", limit);
    api_answer_error(call, 413, "files_too_large", detail,
                     "remove versions, or ask the operator for a higher limit");
}

void api_put_blob(struct api_call *call)
{
    uint8_t named[DEPLOY_SHA256_BYTES];
    uint8_t found[DEPLOY_SHA256_BYTES];
    struct report report = REPORT_INIT;
    struct bytes body = call->request->body;
    if (!api_query_check(call, api_no_parameters) || !api_check_tenant(call))
        return;
    if (!api_parse_sha256(call->key, named)) {
        api_answer_error(call, 400, "bad_name", "the path does not end with a SHA-256",
                         "write it as 64 hexadecimal digits, in lower case");
        return;
    }
    digest_sha256(body, found);
    if (memcmp(named, found, sizeof(named)) != 0) {
        api_answer_error(call, 422, "blob_mismatch", "the body has another SHA-256 than the path",
                         "the file may have changed while it was sent: send it again");
        return;
    }
    uint64_t files_max = api_files_max(call);
    enum status status = blobs_put(store_blobs(call->api->store), call->target.tenant, named, body,
                                   files_max, &report);
    api_answer_blob(call, files_max, status, &report);
}

/* ---- the lists of an upload ------------------------------------------------------------------ */

static bool api_refuse_files(struct api_call *call, const char *detail)
{
    api_answer_error(call, 422, "files", detail, "see `skerry help manifest` about files");
    return false;
}

/* A row of JSON; its hash goes to `sha256`. NULL: it is one; else why not. */
static const char *
api_parse_file(const json_t *row, uint8_t sha256[DEPLOY_SHA256_BYTES], struct deploy_file *ret_file)
{
    const json_t *size = json_object_get(row, "size");
    struct bytes name = api_json_bytes(json_object_get(row, "name"));
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        !api_parse_sha256(api_json_bytes(json_object_get(row, "sha256")), sha256))
        return "has no `size` or no `sha256`";
    *ret_file = (struct deploy_file){
        .name = name, .sha256 = sha256, .size = (uint64_t)json_integer_value(size)};
    return deploy_file_name_refusal(name);
}

static bool api_write_files(struct api_call *call,
                            const char *member,
                            const json_t *list,
                            struct deploy_file *rows,
                            uint8_t (*hashes)[DEPLOY_SHA256_BYTES],
                            struct buffer *out)
{
    char detail[3 * API_FILE_NAME_SHOWN];
    struct report report = REPORT_INIT;
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(list, i);
        const char *why = api_parse_file(row, hashes[i], &rows[i]);
        if (why == NULL)
            continue;
        char name[API_FILE_NAME_SHOWN + 1];
        struct bytes shown = api_json_bytes(json_object_get(row, "name"));
        api_decode_text(bytes_make(shown.data, MIN(shown.count, sizeof(name) - 1)), name,
                        sizeof(name));
        (void)snprintf(detail, sizeof(detail), "%s[%zu]: the name `%s` %s", member, i, name, why);
        return api_refuse_files(call, detail);
    }
    enum status status = deploy_files_write(rows, count, out, &report);
    return status == STATUS_OK || api_refuse_files(call, report.text);
}

static bool
api_take_list(struct api_call *call, const char *member, const json_t *all, struct buffer *out)
{
    char detail[96];
    const json_t *list = json_object_get(all, member);
    size_t count = json_array_size(list);
    buffer_init(out, DEPLOY_FILES_BYTES_MAX);
    if (list == NULL || count == 0)
        return list == NULL || json_is_array(list) || api_refuse_files(call, "a list is no list");
    if (count > call->api->config->limits.file_count) {
        (void)snprintf(detail, sizeof(detail), "%s: %zu files, limits.file_count allows %" PRIu64,
                       member, count, call->api->config->limits.file_count);
        api_answer_error(call, 413, "too_many_files", detail,
                         "leave some out, or ask the operator for a higher limit");
        return false;
    }
    struct deploy_file *rows = calloc(count, sizeof(*rows));
    uint8_t(*hashes)[DEPLOY_SHA256_BYTES] = calloc(count, sizeof(*hashes));
    bool good =
        rows != NULL && hashes != NULL && api_write_files(call, member, list, rows, hashes, out);
    if (rows == NULL || hashes == NULL)
        api_answer_error(call, 503, "no_memory", "the server is out of memory", NULL);
    free(rows);
    free(hashes);
    return good;
}

/* Both lists together are within the limits. */
static bool api_check_total(struct api_call *call)
{
    const struct config_limits *limits = &call->api->config->limits;
    const struct api_upload *upload = call->upload;
    uint64_t count[2] = {0};
    uint64_t bytes[2] = {0};
    char limit[CONFIG_QUANTITY_BYTES];
    char detail[128];
    bool whole = deploy_files_measure(buffer_bytes(&upload->files), &count[0], &bytes[0]) &&
                 deploy_files_measure(buffer_bytes(&upload->assets), &count[1], &bytes[1]);
    if (whole && bytes[0] <= limits->files_bytes && bytes[1] <= limits->files_bytes - bytes[0] &&
        count[0] + count[1] <= limits->file_count)
        return true;
    config_format_quantity(limits->files_bytes, CONFIG_UNIT_BYTES, limit);
    (void)snprintf(detail, sizeof(detail),
                   "the files of a version can be %" PRIu64 " (limits.file_count), and %s together "
                   "(limits.files_bytes)",
                   limits->file_count, limit);
    api_answer_error(call, 413, "files_too_large", detail,
                     "leave some out, or ask the operator for a higher limit");
    return false;
}

bool api_take_files(struct api_call *call, struct bytes json)
{
    json_t *all = json_loadb((const char *)json.data, json.count, JSON_REJECT_DUPLICATES, NULL);
    bool good =
        json_is_object(all) || api_refuse_files(call, "the list of files is no JSON object");
    good = good && api_take_list(call, "files", all, &call->upload->files) &&
           api_take_list(call, "assets", all, &call->upload->assets) && api_check_total(call);
    json_decref(all);
    return good;
}

/* How many of the list's contents are not here, or are not of the size that the list says. */
static uint64_t
api_count_missing(const struct api_call *call, const struct buffer *list, uint64_t *ret_wrong)
{
    uint64_t count = 0;
    uint64_t bytes = 0;
    struct deploy_file file;
    struct bytes rest = buffer_bytes(list);
    while (deploy_files_next(&rest, &file)) {
        if (!blobs_touch(store_blobs(call->api->store), call->target.tenant, file.sha256, &bytes))
            count++;
        else if (bytes != file.size)
            ++*ret_wrong;
    }
    return count;
}

bool api_check_blobs(struct api_call *call)
{
    char detail[128];
    uint64_t wrong = 0;
    uint64_t count = api_count_missing(call, &call->upload->files, &wrong) +
                     api_count_missing(call, &call->upload->assets, &wrong);
    if (count == 0 && wrong == 0)
        return true;
    if (count == 0)
        return api_refuse_files(call, "a file has another size than its `size` says");
    (void)snprintf(detail, sizeof(detail), "%" PRIu64 " of the files have not been sent", count);
    api_answer_error(call, 409, "files_missing", detail,
                     "ask .../blobs/missing which, PUT those to .../blobs/{sha256}, then upload "
                     "again");
    return false;
}

/* ---- assets, held against the manifest ------------------------------------------------------- */

/*
 * The module of a version that has nothing else. Workers never run it: a path without a file is
 * answered before (server/assets). But it makes such a version one like all others.
 *
 *   (module
 *     (import "http_handler" "set_status_code" (func $status (param i32)))
 *     (memory (export "memory") 1)
 *     (func (export "handle_request") (result i64) (call $status (i32.const 404)) (i64.const 0))
 *     (func (export "handle_response") (param i32 i32)))
 */
static const uint8_t api_site_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0e, 0x03, 0x60, 0x01, 0x7f, 0x00,
    0x60, 0x00, 0x01, 0x7e, 0x60, 0x02, 0x7f, 0x7f, 0x00, 0x02, 0x20, 0x01, 0x0c, 0x68, 0x74,
    0x74, 0x70, 0x5f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x72, 0x0f, 0x73, 0x65, 0x74, 0x5f,
    0x73, 0x74, 0x61, 0x74, 0x75, 0x73, 0x5f, 0x63, 0x6f, 0x64, 0x65, 0x00, 0x00, 0x03, 0x03,
    0x02, 0x01, 0x02, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x2d, 0x03, 0x06, 0x6d, 0x65, 0x6d,
    0x6f, 0x72, 0x79, 0x02, 0x00, 0x0e, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f, 0x72, 0x65,
    0x71, 0x75, 0x65, 0x73, 0x74, 0x00, 0x01, 0x0f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f,
    0x72, 0x65, 0x73, 0x70, 0x6f, 0x6e, 0x73, 0x65, 0x00, 0x02, 0x0a, 0x0e, 0x02, 0x09, 0x00,
    0x41, 0x94, 0x03, 0x10, 0x00, 0x42, 0x00, 0x0b, 0x02, 0x00, 0x0b};

struct bytes api_site_module(void)
{
    return bytes_make(api_site_bytes, sizeof(api_site_bytes));
}

static bool api_refuse_site(struct api_call *call, const char *detail, const char *hint)
{
    api_answer_error(call, 422, "assets", detail, hint);
    return false;
}

bool api_check_site(struct api_call *call, const struct deploy_manifest_assets *assets)
{
    struct bytes rest = buffer_bytes(&call->upload->assets);
    struct deploy_file file;
    bool has_any = rest.count > 0;
    bool has_fallback = assets->fallback.count == 0;
    if (has_any && assets->dir.count == 0)
        return api_refuse_site(call, "there are assets, and a manifest without `assets`",
                               "name their folder in it: assets: { dir: public }");
    if (!has_any && (call->upload->only_assets || assets->dir.count > 0))
        return api_refuse_site(call, "the manifest has `assets`, and there are none",
                               "list them in the part with the files, under `assets`");
    while (deploy_files_next(&rest, &file)) {
        if (bytes_equal_text(file.name, DEPLOY_SITE_HEADERS_FILE) ||
            bytes_equal_text(file.name, DEPLOY_SITE_REDIRECTS_FILE))
            return api_refuse_site(call, "`_headers` and `_redirects` are no files to serve",
                                   "put their rules into the manifest, as `skerry deploy` does");
        has_fallback = has_fallback || bytes_equal(file.name, assets->fallback);
    }
    return has_fallback || api_refuse_site(call, "assets.fallback is none of the assets",
                                           "list it among them, or leave it out");
}
