/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of what their caller has seen [RFC 9110 13.1.1]: whatever can be read at a path has an
 * entity tag, and is changed or removed there with If-Match only if that is still its tag. A POST
 * that changes what is shown elsewhere is compared with that: a rollback with the deployment.
 *
 * The tag is what its reader says it is, or else a hash of the answer; so what is compared is what
 * a caller would be shown now, and no table of versions is kept.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"

#define API_SHOWN_BYTES 512 /* of a path: no name in one is so long that it would not do */

const char *api_match_shown(const char *pattern, size_t *ret_end_bytes)
{
    static const struct {
        const char *end;
        const char *shown;
    } rows[] = {{"/rollback", "/deployment"}, {"/versions", ""}, {"/run", ""}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t count = strlen(pattern);
        size_t end = strlen(rows[i].end);
        *ret_end_bytes = end;
        if (count > end && strcmp(pattern + count - end, rows[i].end) == 0)
            return rows[i].shown;
    }
    return NULL;
}

/* The path at which is shown what the request changes; false: there is none. */
static bool api_shown_path(const struct api_request *request, char ret_path[API_SHOWN_BYTES])
{
    size_t end_bytes = 0;
    const char *rest =
        request->method == API_POST ? api_match_shown(request->path, &end_bytes) : "";
    if (rest == NULL)
        return false;
    int kept = (int)MIN(strlen(request->path) - end_bytes, (size_t)API_SHOWN_BYTES);
    return snprintf(ret_path, API_SHOWN_BYTES, "%.*s%s", kept, request->path, rest) <
           API_SHOWN_BYTES;
}

/* What is at the look's path, as it would be shown; NULL: that cannot be read. */
static const struct api_route *api_reader(struct api_call *look)
{
    const struct api_route *route = api_route_at(API_GET, look);
    bool answers = route != NULL && route->handler != api_show_logs;
    return answers ? route : NULL;
}

void api_tag_answer(struct api_call *call, const struct api_route *route)
{
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    struct api_response *response = call->response;
    struct api_call other = {.api = call->api, .request = call->request};
    if (route->method != API_GET || response->status != 200 || response->etag[0] != '\0' ||
        response->follow.wanted || response->vault.verb != DEPLOY_VAULT_NONE ||
        (api_route_at(API_PUT, &other) == NULL && api_route_at(API_DELETE, &other) == NULL))
        return;
    digest_sha256(buffer_bytes(&response->body), sha256);
    api_set_etag(response, sha256);
}

/* Is the tag one of the field's? Weak ones never are. */
static bool api_names_tag(struct bytes field, const char *tag)
{
    for (struct bytes item; bytes_next_item(&field, &item);) {
        if (bytes_equal_text(item, tag))
            return true;
    }
    return false;
}

static bool api_match_refuse(struct api_call *call, const char *detail, const char *hint)
{
    api_answer_error(call, 412, "precondition_failed", detail, hint);
    return false;
}

bool api_check_match(struct api_call *call)
{
    struct api_call look;
    struct api_response seen;
    struct bytes field = call->request->if_match;
    enum api_method method = call->request->method;
    if (field.data == NULL || method == API_GET)
        return true;
    char path[API_SHOWN_BYTES];
    struct api_request request = *call->request;
    request.method = API_GET;
    request.query = NULL;
    request.path = path;
    look = (struct api_call){.api = call->api, .request = &request, .response = &seen};
    const struct api_route *reader = api_shown_path(call->request, path) ? api_reader(&look) : NULL;
    if (reader == NULL)
        return api_match_refuse(call,
                                "what is at this path cannot be read, and so has no tag to compare",
                                "leave If-Match out");
    api_response_init(&seen);
    reader->handler(&look);
    api_tag_answer(&look, reader);
    bool is_there = seen.status == 200;
    bool matches = is_there && (bytes_equal_text(field, "*") || api_names_tag(field, seen.etag));
    if (!matches)
        memcpy(call->response->etag, seen.etag, sizeof(seen.etag));
    api_response_done(&seen);
    if (matches)
        return true;
    return api_match_refuse(call,
                            is_there
                                ? "what is here is not what If-Match names: somebody was faster"
                                : "there is nothing here any more that If-Match could name",
                            "read it again, then decide");
}
