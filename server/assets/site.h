/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version's assets as a worker has them: which file answers a path, if any. No request, no file
 * and no clock is known here: names go in, a decision comes out.
 *
 *   path --redirects--> elsewhere            (3xx: they go before files)
 *        --files--> NAME, NAME.html, NAME/index.html
 *        --redirects of status 200--> another name's file
 *        --> the function, if it has a module
 *        --fallback--> that file             (with a module: for pages that a browser opens)
 *        --> 404.html, the nearest one up
 *
 * A name is looked up in a list, byte for byte, and never in a file system: no path leads out of
 * it. The list and all that a site points to lie in the arena that it was made in.
 */
#ifndef SKERRY_SERVER_ASSETS_SITE_H
#define SKERRY_SERVER_ASSETS_SITE_H

#include "deploy/deploy.h"
#include "deploy/manifest/site.h"
#include "server/assets/content.h"

struct site {
    struct bytes list;       /* as in deploy/files.h */
    const uint32_t *offsets; /* of its rows, by name */
    uint32_t count;
    const struct deploy_site_header *headers;
    uint32_t header_count;
    const struct deploy_site_redirect *redirects;
    uint32_t redirect_count;
    struct bytes fallback;
    bool is_alone; /* the version has no module: every path is answered here */
};

struct site_question {
    struct bytes uri;             /* path and query, as it was sent */
    struct bytes prefix;          /* of the path, which was stripped before it */
    struct bytes accept_encoding; /* data NULL: nothing is said */
    bool is_read;                 /* its method is GET or HEAD */
    bool opens_page;              /* a browser navigates there */
};

enum site_step {
    SITE_PASS,      /* the function's */
    SITE_FILE,      /* `file` answers, with `status` */
    SITE_REDIRECT,  /* to `location`, with `status` */
    SITE_METHOD,    /* there is a file, which is only read */
    SITE_NOT_FOUND, /* and there is no function to ask */
    SITE_NO_MEMORY,
};

struct site_answer {
    enum site_step step;
    uint32_t status;
    struct bytes path; /* as it is meant, for rules; data NULL: it is no text */
    struct deploy_file file;
    struct bytes name; /* whose type it has: without an ending of its coding */
    const struct content_encoding *encoding; /* NULL: as it is */
    bool varies;                             /* another client may get another coding */
    struct bytes location;
};

/* False: no room in the arena, or the list is damaged. `entry` outlives it. */
NODISCARD bool
site_make(const struct deploy_catalog_entry *entry, struct arena *arena, struct site *ret_site);
bool site_find(const struct site *site, struct bytes name, struct deploy_file *ret_file);
void site_resolve(const struct site *site,
                  const struct site_question *question,
                  struct arena *arena,
                  struct site_answer *ret_answer);
/* The next rule from `*at` on that sets a header of an answer to this path; false at their end. */
bool site_next_header(const struct site *site,
                      struct bytes path,
                      uint32_t *at,
                      struct deploy_site_header *ret_header);

#endif
