/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splitting of Host and path. Every length is compared before it is subtracted.
 */
#include "server/request/names/route.h"

#include "engine/base/macros.h"

static const struct bytes route_path_prefix = {.data = (const uint8_t *)"/f/", .count = 3};

static const struct bytes route_root = {.data = (const uint8_t *)"/", .count = 1};

static bool route_set_name(struct route_name *ret_name, struct bytes label)
{
    if (label.count == 0 || label.count >= ROUTE_LABEL_BYTES)
        return false;
    for (size_t i = 0; i < label.count; i++)
        ret_name->text[i] = (char)bytes_lower(label.data[i]);
    ret_name->text[label.count] = '\0';
    ret_name->count = (uint8_t)label.count;
    return true;
}

struct bytes route_host(struct bytes authority)
{
    for (size_t i = authority.count; i > 0; i--) {
        uint8_t byte = authority.data[i - 1];
        if (byte == ':')
            authority.count = i - 1;
        if (byte < '0' || byte > '9')
            break;
    }
    if (authority.count > 0 && authority.data[authority.count - 1] == '.')
        authority.count--;
    return authority;
}

static bool route_ends_with(struct bytes host, struct bytes domain)
{
    if (host.count <= domain.count || host.data[host.count - domain.count - 1] != '.')
        return false;
    const uint8_t *tail = host.data + host.count - domain.count;
    for (size_t i = 0; i < domain.count; i++) {
        if (bytes_lower(tail[i]) != domain.data[i])
            return false;
    }
    return true;
}

/* Two labels before the domain, no more and no less. */
static bool
route_by_host(struct bytes authority, struct bytes domain, struct route_target *ret_target)
{
    struct bytes host = route_host(authority);
    if (!route_ends_with(host, domain))
        return false;
    struct bytes labels = bytes_make(host.data, host.count - domain.count - 1);
    const uint8_t *dot = memchr(labels.data, '.', labels.count);
    if (dot == NULL)
        return false;
    struct bytes function = bytes_make(labels.data, (size_t)(dot - labels.data));
    struct bytes tenant = bytes_make(dot + 1, labels.count - function.count - 1);
    if (memchr(tenant.data, '.', tenant.count) != NULL)
        return false;
    return route_set_name(&ret_target->function, function) &&
           route_set_name(&ret_target->tenant, tenant);
}

/* The segment that begins at `*at`, up to the next slash or query; then `*at` is there. */
static bool route_take_segment(struct bytes path, size_t *at, struct route_name *ret_name)
{
    const uint8_t *data = path.data + *at;
    size_t count = 0;
    size_t max = MIN(path.count - *at, (size_t)ROUTE_LABEL_BYTES);
    for (; count < max && data[count] != '/' && data[count] != '?'; count++)
        ret_name->text[count] = (char)bytes_lower(data[count]);
    if (count == 0 || count == ROUTE_LABEL_BYTES)
        return false;
    ret_name->text[count] = '\0';
    ret_name->count = (uint8_t)count;
    *at += count;
    return true;
}

/* So many bytes of the path led to the function. */
static void route_match(struct route_target *ret_target, struct bytes path, size_t matched)
{
    ret_target->matched = bytes_make(path.data, matched);
    ret_target->rest = bytes_make(path.data + matched, path.count - matched);
    ret_target->slash_missing = matched == path.count || path.data[matched] != '/';
    ret_target->by_name = false;
}

static bool route_by_path(struct bytes path, struct route_target *ret_target)
{
    if (path.count < route_path_prefix.count ||
        memcmp(path.data, route_path_prefix.data, route_path_prefix.count) != 0)
        return false;
    size_t matched = route_path_prefix.count;
    if (!route_take_segment(path, &matched, &ret_target->tenant) || matched == path.count ||
        path.data[matched] != '/')
        return false;
    matched++;
    if (!route_take_segment(path, &matched, &ret_target->function))
        return false;
    route_match(ret_target, path, matched);
    return true;
}

bool route_set(struct route_target *ret_target,
               struct bytes tenant,
               struct bytes function,
               struct bytes path,
               size_t matched)
{
    if (!route_set_name(&ret_target->tenant, tenant) ||
        !route_set_name(&ret_target->function, function))
        return false;
    route_match(ret_target, path, matched);
    return true;
}

enum route_result route_parse(struct bytes authority,
                              struct bytes path,
                              struct bytes domain,
                              struct route_target *ret_target)
{
    if (bytes_equal_text(path, "*"))
        return ROUTE_SERVER;
    if (path.count == 0 || path.data[0] != '/')
        return ROUTE_BAD_PATH;
    if (route_by_host(authority, domain, ret_target)) {
        ret_target->matched = bytes_make(path.data, 0);
        ret_target->rest = path;
        ret_target->slash_missing = false;
        ret_target->by_name = true;
        return ROUTE_FOUND;
    }
    return route_by_path(path, ret_target) ? ROUTE_FOUND : ROUTE_UNKNOWN_HOST;
}

/* Count of the scheme's bytes if `path` begins with it, in any case. */
static size_t route_scheme(struct bytes path, const char *scheme)
{
    size_t count = strlen(scheme);
    if (path.count < count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (bytes_lower(path.data[i]) != (uint8_t)scheme[i])
            return 0;
    }
    return count;
}

void route_take_absolute_form(struct bytes *path, struct bytes *authority)
{
    size_t scheme = route_scheme(*path, "http://") + route_scheme(*path, "https://");
    if (scheme == 0)
        return;
    size_t end = scheme;
    while (end < path->count && path->data[end] != '/' && path->data[end] != '?')
        end++;
    *authority = bytes_make(path->data + scheme, end - scheme);
    *path = end == path->count ? route_root : bytes_make(path->data + end, path->count - end);
}

bool route_uri(const struct route_target *target, struct arena *arena, struct bytes *ret_uri)
{
    *ret_uri = target->rest;
    if (!target->slash_missing)
        return true;
    uint8_t *uri = arena_alloc(arena, target->rest.count + 1, 1);
    if (uri == NULL)
        return false;
    uri[0] = '/';
    if (target->rest.count > 0)
        memcpy(uri + 1, target->rest.data, target->rest.count);
    *ret_uri = bytes_make(uri, target->rest.count + 1);
    return true;
}
