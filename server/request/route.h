/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: which tenant's function a request names, from its bytes alone.
 *
 *   {function}.{tenant}.{domain}[:port]/path        the guest sees /path
 *   any host           /f/{tenant}/{function}/path  the guest sees /path
 *
 * Host names win: under a function's own name, /f/... belongs to the function. Nothing is
 * looked up here; labels are bounded, not checked further (the catalog knows no bad names).
 * Names are never percent-decoded: two spellings of one name would be two ways past a proxy's
 * rules. So whoever is told of a name that is not there is told it as it came.
 */
#ifndef SKERRY_SERVER_REQUEST_ROUTE_H
#define SKERRY_SERVER_REQUEST_ROUTE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"

#define ROUTE_LABEL_BYTES 64 /* of a tenant's or function's name, with room for a NUL */

enum route_result {
    ROUTE_FOUND,
    ROUTE_SERVER,       /* "*": no function, but the server itself [RFC 9110 9.3.7] */
    ROUTE_UNKNOWN_HOST, /* neither a function's host name nor a path below /f/ */
    ROUTE_BAD_PATH,     /* does not begin with a slash */
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
};

/* `authority` is the Host header, with or without port; `domain` is lower case. */
enum route_result route_parse(struct bytes authority,
                              struct bytes path,
                              struct bytes domain,
                              struct route_target *ret_target);

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
