/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as bytes of HTTP/1.1.
 */
#include <event2/buffer.h>
#include <time.h>

#include "deploy/door/admin_private.h"
#include "engine/base/http_status.h"

static void admin_answer_date(const struct clock *clock, struct evbuffer *out)
{
    char text[40];
    struct tm parts;
    time_t seconds = (time_t)(clock_realtime_ns(clock) / CLOCK_NS_PER_S);
    if (gmtime_r(&seconds, &parts) != NULL &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0)
        (void)evbuffer_add_printf(out, "Date: %s\r\n", text);
}

void admin_answer_write(const struct admin_answer *answer,
                        const struct clock *clock,
                        struct evbuffer *out)
{
    const struct api_response *response = answer->response;
    (void)evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", response->status,
                              http_status_text((uint32_t)response->status));
    admin_answer_date(clock, out);
    (void)evbuffer_add_printf(out, "Content-Type: %s\r\n", response->content_type);
    if (!answer->goes_on)
        (void)evbuffer_add_printf(out, "Content-Length: %zu\r\n", response->body.count);
    (void)evbuffer_add_printf(out,
                              "X-Request-Id: %s\r\nCache-Control: no-store\r\n"
                              "X-Content-Type-Options: nosniff\r\n",
                              answer->request_id);
    if (response->etag[0] != '\0')
        (void)evbuffer_add_printf(out, "ETag: %s\r\n", response->etag);
    if (response->allow[0] != '\0')
        (void)evbuffer_add_printf(out, "Allow: %s\r\n", response->allow);
    if (response->retry_after_s != 0)
        (void)evbuffer_add_printf(out, "Retry-After: %u\r\n", response->retry_after_s);
    if (response->status == 401)
        (void)evbuffer_add_printf(out, "WWW-Authenticate: Bearer realm=\"skerry\"\r\n");
    if (answer->closes)
        (void)evbuffer_add_printf(out, "Connection: close\r\n");
    (void)evbuffer_add(out, "\r\n", 2);
    if (!answer->head_only && response->body.count > 0)
        (void)evbuffer_add(out, response->body.data, response->body.count);
}
