/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head as what the API knows of it.
 */
#include <string.h>

#include "deploy/door/admin_private.h"

/* False, for a method that nobody has heard of [RFC 9110 9]. */
bool admin_call_method(struct admin_http_call *call, struct bytes method)
{
    static const struct {
        const char *name;
        enum api_method method;
    } rows[] = {{"GET", API_GET},       {"PUT", API_PUT},    {"POST", API_POST},
                {"DELETE", API_DELETE}, {"HEAD", API_OTHER}, {"OPTIONS", API_OTHER},
                {"PATCH", API_OTHER}};
    call->head_only = bytes_equal_text(method, "HEAD");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!bytes_equal_text(method, rows[i].name))
            continue;
        call->request.method = rows[i].method;
        return true;
    }
    return false;
}

/* A view into the call's own head as a text of its own: what follows it is not needed. */
static char *admin_call_text(const struct admin_http_call *call, struct bytes view)
{
    char *text = call->head + (view.data - (const uint8_t *)call->head);
    text[view.count] = '\0';
    return text;
}

void admin_call_fill(struct admin_http_call *call, const struct http_head *head)
{
    struct api_request *request = &call->request;
    struct bytes encoding = head->fields[HTTP_HEAD_CONTENT_ENCODING];
    request->content_type = head->fields[HTTP_HEAD_CONTENT_TYPE];
    request->content_encoded = encoding.data != NULL;
    request->accept = head->fields[HTTP_HEAD_ACCEPT];
    request->last_event_id = head->fields[HTTP_HEAD_LAST_EVENT_ID];
    request->content_digest = head->fields[HTTP_HEAD_CONTENT_DIGEST];
    request->if_match = head->fields[HTTP_HEAD_IF_MATCH];
    request->idempotency_key = head->fields[HTTP_HEAD_IDEMPOTENCY_KEY];
    request->signature = head->fields[HTTP_HEAD_SIGNATURE];
    char *target = admin_call_text(call, head->target);
    char *mark = strchr(target, '?');
    if (mark != NULL)
        *mark = '\0';
    request->path = target;
    request->query = mark == NULL ? NULL : mark + 1;
}
