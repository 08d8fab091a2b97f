/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: which tenant's function a request names, from its bytes alone.
 *
 *   {function}.{tenant}.{domain}[:port]/path        the guest sees /path
 *   {variant}--{function}.{tenant}.{domain}         a version of it (directory.h), also behind /f/
 *   a host with routes, of one tenant    hosts.h    the guest sees what is behind the prefix
 *   any other host     /f/{tenant}/{function}/path  the guest sees /path
 *                      else where the domain DEPLOY_HOST_ANY leads, if there is one
 *
 * Host names win: under a function's own name, and on a host with routes, /f/... belongs to the
 * function: no tenant's page comes from another's origin. Nothing is
 * looked up here; labels are bounded, not checked further (the catalog knows no bad names).
 * Names are never percent-decoded: two spellings of one name would be two ways past a proxy's
 * rules. So whoever is told of a name that is not there is told it as it came.
 */
#ifndef SKERRY_SERVER_REQUEST_NAMES_ROUTE_H
#define SKERRY_SERVER_REQUEST_NAMES_ROUTE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

/* Of a tenant's or function's name, with room for a version before it ("v3--hello") and a NUL. */
#define ROUTE_LABEL_BYTES 80

enum route_result {
    ROUTE_FOUND,
    ROUTE_SERVER,       /* "*": no function, but the server itself [RFC 9110 9.3.7] */
    ROUTE_UNKNOWN_HOST, /* neither a function's host name nor a path below /f/ */
    ROUTE_BAD_PATH,     /* does not begin with a slash */
    ROUTE_NONE,         /* a host with routes, of which none leads there; never from route_parse */
    ROUTE_UNKNOWN,      /* it cannot be told now; never from route_parse */
};

struct route_name {
    uint8_t count;
    char text[ROUTE_LABEL_BYTES]; /* lower case, NUL-terminated */
};

struct route_target {
    struct route_name tenant;
    struct route_name function;
    struct bytes matched; /* the prefix of the path that was stripped; borrowed */
    struct bytes rest;    /* path and query after it; borrowed; may lack its first slash */
    bool slash_missing;   /* the guest must see "/" before rest */
    bool by_name;         /* found by the function's own host name, before which nothing goes */
};

/* `authority` is the Host header, with or without port; `domain` is lower case. */
enum route_result route_parse(struct bytes authority,
                              struct bytes path,
                              struct bytes domain,
                              struct route_target *ret_target);

/* The host of an authority: without ":port" and the final dot of a full name. */
struct bytes route_host(struct bytes authority);
/* A function, and `matched` bytes of the path as the prefix that led to it. False: names that are
 * too long. */
NODISCARD bool route_set(struct route_target *ret_target,
                         struct bytes tenant,
                         struct bytes function,
                         struct bytes path,
                         size_t matched);

/* "http://host/path", as clients send to proxies, counts as its path and its host, whatever the
 * Host header says [RFC 9112 3.2.2]. Other paths stay as they are. */
void route_take_absolute_form(struct bytes *path, struct bytes *authority);

/* The path that the guest sees: what is left after the prefix, and always with a slash first, for
 * which room is taken from the arena. False: there is none. */
NODISCARD bool
route_uri(const struct route_target *target, struct arena *arena, struct bytes *ret_uri);

static inline struct bytes route_name_bytes(const struct route_name *name)
{
    return bytes_make(name->text, name->count);
}

#endif
