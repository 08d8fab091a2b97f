/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of whom a function may ask: an origin, or one whose host leaves its first label open.
 */
#include <string.h>

#include "config/url.h"

#define URL_STAR "*"

static enum status rule_wrong(struct report *report, const char *text)
{
    return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "%s", text);
}

/* An origin, and nothing behind it. */
static enum status
rule_parse_origin(struct bytes text, struct report *report, struct config_url *origin)
{
    enum status status = config_url_parse(text, report, origin);
    bool bare = origin->target.count == 0 || bytes_equal_text(origin->target, "/");
    origin->target = bytes_make(NULL, 0); /* of `text` */
    if (status == STATUS_OK && (!bare || memchr(text.data, '#', text.count) != NULL))
        return rule_wrong(report, "whom a function may ask is an origin, without a path");
    return status;
}

/* With a name in the star's place, or nothing, it is an origin like any other. */
static enum status
rule_parse_open(struct bytes text, size_t star, struct report *report, struct config_url_rule *rule)
{
    static const char name[] = "any";
    char plain[CONFIG_URL_ORIGIN_BYTES + sizeof(name)];
    size_t rest = star + strlen(URL_STAR);
    bool any = rest == text.count || text.data[rest] == ':' || text.data[rest] == '/';
    if (!any && text.data[rest] != '.')
        return rule_wrong(report, "a star stands for one whole label, the first: *.example.com");
    if (text.count >= CONFIG_URL_ORIGIN_BYTES)
        return rule_wrong(report, "a host is not so long");
    rest += any ? 0 : strlen(".");
    size_t middle = any ? strlen(name) : 0;
    memcpy(plain, text.data, star);
    memcpy(plain + star, name, middle);
    memcpy(plain + star + middle, text.data + rest, text.count - rest);
    size_t count = star + middle + text.count - rest;
    enum status status = rule_parse_origin(bytes_make(plain, count), report, &rule->origin);
    if (status == STATUS_OK && rule->origin.kind != CONFIG_URL_HOST_NAME)
        return rule_wrong(report, "a star stands for a label of a name, not of an address");
    if (any)
        rule->origin.host[0] = '\0';
    rule->is_open = true;
    return status;
}

enum status
config_url_rule_parse(struct bytes text, struct report *report, struct config_url_rule *ret_rule)
{
    struct config_url_rule rule = {.is_open = false};
    const uint8_t *slashes = text.count < 3 ? NULL : memmem(text.data, text.count, "://", 3);
    size_t host = slashes == NULL ? text.count : (size_t)(slashes - text.data) + 3;
    bool is_open = host < text.count && text.data[host] == URL_STAR[0];
    enum status status = is_open ? rule_parse_open(text, host, report, &rule)
                                 : rule_parse_origin(text, report, &rule.origin);
    if (status == STATUS_OK)
        *ret_rule = rule;
    return status;
}

bool config_url_rule_matches(const struct config_url_rule *rule, const struct config_url *url)
{
    const struct config_url *origin = &rule->origin;
    if (!rule->is_open)
        return config_url_same_origin(origin, url);
    if (origin->is_https != url->is_https || origin->port != url->port ||
        url->kind != CONFIG_URL_HOST_NAME)
        return false;
    const char *dot = strchr(url->host, '.');
    return origin->host[0] == '\0' || (dot != NULL && strcmp(dot + 1, origin->host) == 0);
}
