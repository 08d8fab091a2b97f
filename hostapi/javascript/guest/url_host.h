/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the URL parser's files share: components, and growing text.
 */
#ifndef SKERRY_JAVASCRIPT_URL_HOST_H
#define SKERRY_JAVASCRIPT_URL_HOST_H

#include "hostapi/javascript/guest/guest.h"

struct url_text {
    char *data;
    size_t count;
    size_t room;
};

enum url_part {
    URL_SCHEME,
    URL_USER,
    URL_PASSWORD,
    URL_HOST,
    URL_PORT,
    URL_PATH,
    URL_QUERY,
    URL_FRAGMENT,
    URL_PARTS
};

struct url {
    struct url_text parts[URL_PARTS];
    bool has_host;
    bool has_query;
    bool has_fragment;
    bool is_opaque; /* its path */
};

/* The percent-encode sets of the URL Standard. */
enum url_set {
    URL_SET_CONTROL,
    URL_SET_FRAGMENT,
    URL_SET_QUERY,
    URL_SET_SPECIAL_QUERY,
    URL_SET_PATH,
    URL_SET_USER
};

static inline struct url_text url_piece(const char *data, size_t count)
{
    return (struct url_text){.data = (char *)(uintptr_t)data, .count = count};
}

/* Most URLs are http's and need nothing but to be cut: parts are borrowed from the text, which ends
 * in a NUL. False: the parser has to look at it. */
bool url_cut(const char *text, size_t count, struct url *url);
void url_add_forms(void);

/* Appends; the text ends in a NUL that is not counted. */
void url_put(struct url_text *to, const char *data, size_t count);
void url_put_encoded(struct url_text *to, struct url_text text, enum url_set set);

/* Appends it with what is encoded decoded. */
void url_percent_decode(struct url_text text, struct url_text *out);

/* Appends the host that the text is, in its one form: a name in lower case, an address; false: it
 * is none. */
bool url_parse_host(JSContext *context,
                    struct url_text text,
                    bool special,
                    struct url_text *ret_host);

#endif
