/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URL, address and the bytes of a request. All text is checked before it is used, so
 * that nothing from the command line can break a request's framing.
 */
#include "loadtest/target.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>
#include <sys/un.h>

#include "loadtest/token.h"

#define TARGET_HOST_BYTES   256
#define TARGET_PORT_BYTES   6
#define TARGET_METHOD_BYTES 16

/* The URL's parts, borrowed from it. */
struct target_parts {
    struct bytes authority;
    struct bytes host; /* without brackets */
    struct bytes port; /* empty for 80 */
    struct bytes path; /* empty for "/" */
};

bool target_method_valid(const char *method)
{
    size_t count = 0;
    for (; token_has((uint8_t)method[count]); count++) {
    }
    return count > 0 && count <= TARGET_METHOD_BYTES && method[count] == '\0' &&
           strcmp(method, "CONNECT") != 0;
}

static bool target_header_is(const char *header, const char *name)
{
    size_t count = strlen(name);
    return strncasecmp(header, name, count) == 0 && header[count] == ':';
}

bool target_header_valid(const char *header)
{
    const char *at = header;
    while (token_has((uint8_t)*at))
        at++;
    if (at == header || *at != ':')
        return false;
    for (; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return !target_header_is(header, "Content-Length") &&
           !target_header_is(header, "Transfer-Encoding");
}

static enum status target_bad_url(struct report *report, const char *url, const char *why)
{
    return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                       "--url: '%.200s' %s; write it like http://hello.default.localhost:8080/",
                       url, why);
}

static bool target_split_authority(struct target_parts *parts)
{
    struct bytes all = parts->authority;
    const uint8_t *colon = NULL;
    if (all.count > 0 && all.data[0] == '[') {
        const uint8_t *bracket = memchr(all.data, ']', all.count);
        if (bracket == NULL)
            return false;
        parts->host = bytes_make(all.data + 1, (size_t)(bracket - all.data) - 1);
        size_t rest = all.count - (size_t)(bracket - all.data) - 1;
        if (rest > 0 && bracket[1] != ':')
            return false;
        colon = rest > 0 ? bracket + 1 : NULL;
    } else {
        colon = memchr(all.data, ':', all.count);
        parts->host = bytes_make(all.data, colon ? (size_t)(colon - all.data) : all.count);
    }
    parts->port = bytes_make(NULL, 0);
    if (colon != NULL)
        parts->port = bytes_make(colon + 1, all.count - (size_t)(colon - all.data) - 1);
    return parts->host.count > 0 && parts->host.count < TARGET_HOST_BYTES &&
           (colon == NULL || (parts->port.count > 0 && parts->port.count < TARGET_PORT_BYTES));
}

static enum status
target_split(const char *url, struct report *report, struct target_parts *ret_parts)
{
    static const char scheme[] = "http://";
    if (strncasecmp(url, "https://", 8) == 0)
        return target_bad_url(report, url, "asks for TLS, which the load generator does not speak");
    if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
        return target_bad_url(report, url, "does not begin with http://");
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at == 0x7f)
            return target_bad_url(report, url, "has a blank, control or non-ASCII character");
    }
    if (strlen(url) >= LOADTEST_URL_BYTES)
        return target_bad_url(report, url, "is longer than 2047 bytes");
    const char *start = url + sizeof(scheme) - 1;
    size_t authority = strcspn(start, "/?#");
    const char *path = start + authority;
    struct target_parts parts = {
        .authority = bytes_make(start, authority),
        .path = bytes_make(path, strcspn(path, "#")),
    };
    if (memchr(start, '@', authority) != NULL)
        return target_bad_url(report, url, "has a user name; use -H 'Authorization: ...'");
    if (!target_split_authority(&parts))
        return target_bad_url(report, url, "has no valid host and port");
    *ret_parts = parts;
    return STATUS_OK;
}

static bool target_is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t count = strlen(host);
    if (count < sizeof(name) - 1 || strcasecmp(host + count - (sizeof(name) - 1), name) != 0)
        return false;
    return count == sizeof(name) - 1 || host[count - sizeof(name)] == '.';
}

static enum status
target_resolve(const char *host, const char *port, struct report *report, struct target *target)
{
    bool local = target_is_localhost(host);
    struct addrinfo hints = {
        .ai_family = local ? AF_INET : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (local ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *found = NULL;
    int error = getaddrinfo(local ? "127.0.0.1" : host, port, &hints, &found);
    if (error != 0 || found == NULL)
        return report_fail(report, STATUS_UNREACHABLE, REPORT_OFFSET_NONE,
                           "--url: cannot resolve '%s': %s", host, gai_strerror(error));
    ASSERT(found->ai_addrlen <= sizeof(target->address));
    memcpy(&target->address, found->ai_addr, found->ai_addrlen);
    target->address_bytes = found->ai_addrlen;
    char number[64];
    if (getnameinfo(found->ai_addr, found->ai_addrlen, number, sizeof(number), NULL, 0,
                    NI_NUMERICHOST) != 0)
        number[0] = '\0';
    (void)snprintf(target->place, sizeof(target->place),
                   found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", number, port);
    freeaddrinfo(found);
    return STATUS_OK;
}

enum status target_from_url(const char *url, struct report *report, struct target *ret_target)
{
    struct target_parts parts = {.port = {.count = 0}};
    enum status status = target_split(url, report, &parts);
    if (status != STATUS_OK)
        return status;
    char host[TARGET_HOST_BYTES] = "";
    char port[TARGET_PORT_BYTES] = "80";
    ASSERT(parts.host.data != NULL);
    memcpy(host, parts.host.data, parts.host.count);
    uint32_t number = 0;
    for (size_t i = 0; i < parts.port.count; i++) {
        uint8_t digit = parts.port.data[i];
        if (digit < '0' || digit > '9')
            return target_bad_url(report, url, "has a port that is not a number");
        number = number * 10 + (uint32_t)(digit - '0');
    }
    if (parts.port.count > 0) {
        if (number == 0 || number > UINT16_MAX)
            return target_bad_url(report, url, "has a port that is not from 1 to 65535");
        (void)snprintf(port, sizeof(port), "%u", (unsigned)(uint16_t)number);
    }
    struct target target = {.address_bytes = 0};
    memcpy(target.authority, parts.authority.data, parts.authority.count);
    const char *slash = parts.path.count > 0 && parts.path.data[0] == '/' ? "" : "/";
    int used = snprintf(target.path, sizeof(target.path), "%s%.*s", slash, (int)parts.path.count,
                        (const char *)parts.path.data);
    ASSERT(used > 0 && (size_t)used < sizeof(target.path));
    status = target_resolve(host, port, report, &target);
    if (status == STATUS_OK)
        *ret_target = target;
    return status;
}

enum status target_from_socket(const char *path, struct report *report, struct target *ret_target)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t count = strlen(path);
    if (count == 0 || count >= sizeof(name.sun_path))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--admin-socket: the path must have 1 to %zu bytes, this has %zu",
                           sizeof(name.sun_path) - 1, count);
    memcpy(name.sun_path, path, count + 1);
    struct target target = {.address_bytes = sizeof(name), .authority = "localhost", .path = "/"};
    memcpy(&target.address, &name, sizeof(name));
    (void)snprintf(target.place, sizeof(target.place), "%s", path);
    *ret_target = target;
    return STATUS_OK;
}

static bool target_has_header(const struct target_request *request, const char *name)
{
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (target_header_is(request->headers[i], name))
            return true;
    }
    return false;
}

static enum status target_add_default(const struct target_request *request,
                                      const char *name,
                                      const char *value,
                                      struct buffer *out)
{
    if (target_has_header(request, name))
        return STATUS_OK;
    return buffer_printf(out, "%s: %s\r\n", name, value);
}

enum status target_format_request(const struct target *target,
                                  const struct target_request *request,
                                  struct buffer *out)
{
    enum status status = buffer_printf(out, "%s %s HTTP/1.1\r\n", request->method, request->path);
    if (status == STATUS_OK)
        status = target_add_default(request, "Host", target->authority, out);
    if (status == STATUS_OK)
        status = target_add_default(request, "User-Agent", "skerry-loadtest/" SKERRY_VERSION, out);
    if (status == STATUS_OK && request->has_body)
        status = target_add_default(request, "Content-Type", request->content_type, out);
    for (uint32_t i = 0; status == STATUS_OK && i < request->header_count; i++)
        status = buffer_printf(out, "%s\r\n", request->headers[i]);
    if (status == STATUS_OK && request->has_body)
        status = buffer_printf(out, "Content-Length: %zu\r\n", request->body.count);
    if (status == STATUS_OK)
        status = buffer_append(out, "\r\n", 2);
    if (status == STATUS_OK)
        status = buffer_append(out, request->body.data, request->body.count);
    return status;
}
