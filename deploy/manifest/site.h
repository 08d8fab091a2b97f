/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a version's assets: headers that answers get, and redirects. People write them in
 * two files that other hosts of static sites know too, `_headers` and `_redirects`; in a manifest,
 * and so wherever they travel, each is one text:
 *
 *   headers    "/feed Cache-Control: max-age=3600"     PATTERN NAME: VALUE
 *              "/feed ! X-Robots-Tag"                  what earlier rules set is taken back
 *   redirects  "/:year/notes /notes/:year 301"         PATTERN TARGET STATUS
 *
 * A pattern is a path. A `*` at its end stands for any rest (`:splat`), `:name` for one segment.
 * It is compared with the path as it is meant, not as it was sent: decoded.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_SITE_H
#define SKERRY_DEPLOY_MANIFEST_SITE_H

#include "deploy/manifest/manifest.h"

#define DEPLOY_SITE_HEADERS_FILE   "_headers"
#define DEPLOY_SITE_REDIRECTS_FILE "_redirects"
#define DEPLOY_SITE_RULE_BYTES_MAX 2048
#define DEPLOY_SITE_NAMES_MAX      8 /* of one pattern */

/* All borrowed from the rule's text. */
struct deploy_site_header {
    struct bytes pattern;
    struct bytes name;
    struct bytes value;
    bool removes; /* what was set by then; no value */
};

struct deploy_site_redirect {
    struct bytes pattern;
    struct bytes target; /* "/path", or "https://host/path" */
    uint32_t status;     /* 200: the target's file answers in place of the path's */
};

/* One rule in the form of a manifest. CONFIG, with a report that begins where the rule was shown.
 */
NODISCARD enum status deploy_site_header_parse(struct bytes text,
                                               struct report *report,
                                               struct deploy_site_header *ret_header);
NODISCARD enum status deploy_site_redirect_parse(struct bytes text,
                                                 struct report *report,
                                                 struct deploy_site_redirect *ret_redirect);

/*
 * The files that people write, to such rules. They are added to `texts`, whose rows lie in the
 * arena; CONFIG with "NAME:LINE: ..." and what to do.
 */
NODISCARD enum status deploy_site_read_headers(struct bytes text,
                                               const char *name,
                                               struct arena *arena,
                                               struct report *report,
                                               struct deploy_texts *texts);
NODISCARD enum status deploy_site_read_redirects(struct bytes text,
                                                 const char *name,
                                                 struct arena *arena,
                                                 struct report *report,
                                                 struct deploy_texts *texts);

/* What parts of a path a pattern's names stand for. */
struct deploy_site_match {
    struct bytes splat;
    struct {
        struct bytes name;
        struct bytes value;
    } rows[DEPLOY_SITE_NAMES_MAX];
    uint32_t count;
};
/* Is the path one that the pattern means? */
bool deploy_site_match(struct bytes pattern,
                       struct bytes path,
                       struct deploy_site_match *ret_match);
/* Appends the target with what its names stand for, encoded for a URL. `is_plain`: as a path that
 * is looked up here instead. LIMIT, NO_MEMORY: no room. */
NODISCARD enum status deploy_site_expand(struct bytes target,
                                         const struct deploy_site_match *match,
                                         bool is_plain,
                                         struct buffer *out);

#endif
