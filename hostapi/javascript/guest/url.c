/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The basic URL parser of the URL Standard, from text to components; api/url.js puts them together
 * again. Steps that look back at what a state had consumed are splits of the text here: scheme,
 * then authority, path, query and fragment, each ended by the first byte that may not be in it.
 */
#include <stdio.h>

#include "hostapi/javascript/guest/guest.h"
#include "hostapi/javascript/guest/url_host.h"

/* ---- pieces of text -------------------------------------------------------------------------- */

void url_put(struct url_text *to, const char *data, size_t count)
{
    if (to->count + count + 1 > to->room) {
        to->room = (to->count + count + 1) * 2;
        to->data = realloc(to->data, to->room);
        if (to->data == NULL)
            abort();
    }
    memcpy(to->data + to->count, data, count);
    to->count += count;
    to->data[to->count] = '\0';
}

static bool url_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- percent-encoding ------------------------------------------------------------------------ */

/* What each set adds to the one before, but C0 controls and bytes above 0x7e, which are in all. */
static const char url_sets[][16] = {
    [URL_SET_CONTROL] = "",         [URL_SET_FRAGMENT] = " \"<>`",
    [URL_SET_QUERY] = " \"#<>",     [URL_SET_SPECIAL_QUERY] = " \"#<>'",
    [URL_SET_PATH] = " \"#<>?^`{}", [URL_SET_USER] = " \"#<>?^`{}/:;=@",
};

static bool url_set_has(enum url_set set, char c)
{
    if ((unsigned char)c < 0x20 || (unsigned char)c > 0x7e)
        return true;
    if (set == URL_SET_USER && (c == '[' || c == '\\' || c == ']' || c == '|'))
        return true;
    return strchr(url_sets[set], c) != NULL;
}

void url_put_encoded(struct url_text *to, struct url_text text, enum url_set set)
{
    for (size_t i = 0; i < text.count; i++) {
        char encoded[4];
        char c = text.data[i];
        if (url_set_has(set, c)) {
            (void)snprintf(encoded, sizeof(encoded), "%%%02X", (unsigned char)c);
            url_put(to, encoded, 3);
        } else {
            url_put(to, &c, 1);
        }
    }
}

/* ---- schemes --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int port; /* -1: none */
} url_specials[] = {{"http", 80}, {"https", 443}, {"ws", 80},
                    {"wss", 443}, {"ftp", 21},    {"file", -1}};

/* -2: it is not special. */
static int url_default_port(struct url_text scheme)
{
    for (size_t i = 0; i < sizeof(url_specials) / sizeof(url_specials[0]); i++) {
        if (strlen(url_specials[i].name) == scheme.count &&
            memcmp(url_specials[i].name, scheme.data, scheme.count) == 0)
            return url_specials[i].port;
    }
    return -2;
}

static bool url_is_special(const struct url *url)
{
    return url_default_port(url->parts[URL_SCHEME]) != -2;
}

static bool url_is_file(const struct url *url)
{
    struct url_text scheme = url->parts[URL_SCHEME];
    return scheme.count == 4 && memcmp(scheme.data, "file", 4) == 0;
}

/* How many bytes of the text are a scheme, without its colon; 0: it has none. */
static size_t url_scheme_bytes(struct url_text text)
{
    size_t at = 0;
    while (at < text.count &&
           (url_is_alpha(text.data[at]) ||
            (at > 0 && ((text.data[at] >= '0' && text.data[at] <= '9') ||
                        (text.data[at] != '\0' && strchr("+-.", text.data[at]) != NULL)))))
        at++;
    return at < text.count && text.data[at] == ':' ? at : 0;
}

/* ---- authority ------------------------------------------------------------------------------- */

static bool url_parse_port(struct url *url, struct url_text text)
{
    uint32_t port = 0;
    char digits[8];
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text.data[i] - '0');
        if (port > 65535)
            return false;
    }
    if (text.count > 0 && (int)port != url_default_port(url->parts[URL_SCHEME]))
        url_put(&url->parts[URL_PORT], digits,
                (size_t)snprintf(digits, sizeof(digits), "%u", (unsigned)port));
    return true;
}

static void url_parse_user(struct url *url, struct url_text text)
{
    const char *colon = memchr(text.data, ':', text.count);
    size_t name = colon == NULL ? text.count : (size_t)(colon - text.data);
    url_put_encoded(&url->parts[URL_USER], url_piece(text.data, name), URL_SET_USER);
    if (colon != NULL)
        url_put_encoded(&url->parts[URL_PASSWORD], url_piece(colon + 1, text.count - name - 1),
                        URL_SET_USER);
}

static bool url_parse_authority(JSContext *context, struct url *url, struct url_text text)
{
    bool special = url_is_special(url);
    for (size_t i = text.count; i > 0; i--) {
        if (text.data[i - 1] != '@')
            continue;
        url_parse_user(url, url_piece(text.data, i - 1));
        text = url_piece(text.data + i, text.count - i);
        if (text.count == 0)
            return false;
        break;
    }
    size_t colon = text.count; /* a file's host has no port: a colon is none of a host's bytes */
    for (size_t i = text.count; !url_is_file(url) && i > 0 && text.data[i - 1] != ']'; i--) {
        if (text.data[i - 1] == ':')
            colon = i - 1;
    }
    struct url_text host = url_piece(text.data, colon);
    if (host.count == 0 && ((special && !url_is_file(url)) || colon < text.count))
        return false;
    url->has_host = true;
    if (host.count > 0 && !url_parse_host(context, host, special, &url->parts[URL_HOST]))
        return false;
    if (url_is_file(url) && url->parts[URL_HOST].count == 9 &&
        memcmp(url->parts[URL_HOST].data, "localhost", 9) == 0)
        url->parts[URL_HOST].count = 0;
    return colon == text.count ||
           url_parse_port(url, url_piece(text.data + colon + 1, text.count - colon - 1));
}

/* ---- path ------------------------------------------------------------------------------------ */

/* 1 or 2 dots, each also as %2e; 0: something else. */
static size_t url_dots(struct url_text segment)
{
    size_t dots = 0;
    for (size_t at = 0; at < segment.count; dots++) {
        if (segment.data[at] == '.')
            at++;
        else if (segment.count - at >= 3 && segment.data[at] == '%' &&
                 segment.data[at + 1] == '2' && (segment.data[at + 2] | 0x20) == 'e')
            at += 3;
        else
            return 0;
    }
    return dots <= 2 ? dots : 0;
}

/* Of a file: "C:", or "C|", alone in a segment. */
static bool url_is_drive(struct url_text segment)
{
    return segment.count == 2 && url_is_alpha(segment.data[0]) &&
           (segment.data[1] == ':' || segment.data[1] == '|');
}

/* Does a text begin with such a segment? */
static bool url_begins_with_drive(struct url_text text)
{
    return text.count >= 2 && url_is_drive(url_piece(text.data, 2)) &&
           (text.count == 2 || text.data[2] == '/' || text.data[2] == '\\');
}

/* Takes the last segment away, but not a file's drive. */
static void url_shorten(struct url *url)
{
    struct url_text *path = &url->parts[URL_PATH];
    if (url_is_file(url) && path->count == 3 && path->data[2] == ':' && url_is_alpha(path->data[1]))
        return;
    while (path->count > 0 && path->data[path->count - 1] != '/')
        path->count--;
    if (path->count > 0)
        path->count--;
}

/* Segments, each behind the slash that ends the one before; the first has no slash in `text`. */
static void url_parse_path(struct url *url, struct url_text text)
{
    bool special = url_is_special(url);
    struct url_text *path = &url->parts[URL_PATH];
    size_t at = 0;
    for (;;) {
        size_t end = at;
        while (end < text.count && text.data[end] != '/' && !(special && text.data[end] == '\\'))
            end++;
        struct url_text segment = url_piece(text.data + at, end - at);
        size_t dots = url_dots(segment);
        bool last = end == text.count;
        bool drive = path->count == 0 && url_is_file(url) && url_is_drive(segment);
        if (dots == 2)
            url_shorten(url);
        if (dots == 0 || last)
            url_put(path, "/", 1);
        if (dots == 0)
            url_put_encoded(path, drive ? url_piece(segment.data, 1) : segment, URL_SET_PATH);
        if (drive)
            url_put(path, ":", 1);
        if (last)
            return;
        at = end + 1;
    }
}

static bool url_is_slash(const struct url *url, struct url_text text, size_t at)
{
    return at < text.count &&
           (text.data[at] == '/' || (text.data[at] == '\\' && url_is_special(url)));
}

/* A path that begins with a slash, or with nothing. */
static void url_parse_path_start(struct url *url, struct url_text text)
{
    if (url_is_slash(url, text, 0))
        url_parse_path(url, url_piece(text.data + 1, text.count - 1));
    else if (text.count > 0 || url_is_special(url))
        url_parse_path(url, text);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The text up to the first of the bytes, which is taken off it. */
static struct url_text url_split(struct url_text *text, const char *bytes, bool *ret_found)
{
    struct url_text rest = {0};
    *ret_found = false;
    for (size_t i = 0; i < text->count; i++) {
        if (text->data[i] == '\0' || strchr(bytes, text->data[i]) == NULL)
            continue;
        *ret_found = true;
        rest = url_piece(text->data + i + 1, text->count - i - 1);
        text->count = i;
        break;
    }
    return rest;
}

static bool url_parse_behind_slashes(JSContext *context, struct url *url, struct url_text text)
{
    size_t end = 0;
    while (end < text.count && !url_is_slash(url, text, end))
        end++;
    if (!url_parse_authority(context, url, url_piece(text.data, end)))
        return false;
    url_parse_path_start(url, url_piece(text.data + end, text.count - end));
    return true;
}

static void url_take(struct url *url, const struct url *base, enum url_part part)
{
    url_put(&url->parts[part], base->parts[part].data == NULL ? "" : base->parts[part].data,
            base->parts[part].count);
}

/* Without a scheme, of a base whose path is not opaque. */
static bool url_parse_relative(JSContext *context,
                               struct url *url,
                               const struct url *base,
                               struct url_text text)
{
    if (url_is_slash(url, text, 0) && url_is_slash(url, text, 1))
        return url_parse_behind_slashes(context, url, url_piece(text.data + 2, text.count - 2));
    url_take(url, base, URL_USER);
    url_take(url, base, URL_PASSWORD);
    url_take(url, base, URL_HOST);
    url_take(url, base, URL_PORT);
    url->has_host = base->has_host;
    if (url_is_slash(url, text, 0)) {
        url_parse_path_start(url, text);
        return true;
    }
    url_take(url, base, URL_PATH);
    if (text.count == 0) {
        if (!url->has_query) {
            url->has_query = base->has_query;
            url_take(url, base, URL_QUERY);
        }
        return true;
    }
    url_shorten(url);
    url_parse_path(url, text);
    return true;
}

/* A file's, behind two slashes: a host, unless it is a drive. */
static bool url_parse_file_host(JSContext *context, struct url *url, struct url_text text)
{
    size_t end = 0;
    while (end < text.count && !url_is_slash(url, text, end))
        end++;
    url->has_host = true;
    if (url_is_drive(url_piece(text.data, end))) {
        url_parse_path(url, text);
        return true;
    }
    return url_parse_behind_slashes(context, url, text);
}

/* A file's, behind one slash: the base's host, and its drive unless the text has one. */
static void url_parse_file_slash(struct url *url, const struct url *base, struct url_text text)
{
    if (base != NULL) {
        struct url_text path = base->parts[URL_PATH];
        url_take(url, base, URL_HOST);
        if (!url_begins_with_drive(text) && path.count >= 3 &&
            url_begins_with_drive(url_piece(path.data + 1, path.count - 1)) && path.data[2] == ':')
            url_put(&url->parts[URL_PATH], path.data, 3);
    }
    url_parse_path(url, text);
}

/* A file's URL [URL Standard 4.4, file state]; `base` is a file's, or NULL. */
static bool
url_parse_file(JSContext *context, struct url *url, const struct url *base, struct url_text text)
{
    url->has_host = true;
    if (url_is_slash(url, text, 0) && url_is_slash(url, text, 1))
        return url_parse_file_host(context, url, url_piece(text.data + 2, text.count - 2));
    if (url_is_slash(url, text, 0)) {
        url_parse_file_slash(url, base, url_piece(text.data + 1, text.count - 1));
        return true;
    }
    if (base == NULL || url_begins_with_drive(text)) {
        if (base != NULL)
            url_take(url, base, URL_HOST);
        url_parse_path(url, text);
        return true;
    }
    return url_parse_relative(context, url, base, text);
}

/* With a scheme; `text` is what follows its colon. */
static bool url_parse_absolute(JSContext *context,
                               struct url *url,
                               const struct url *base,
                               struct url_text text)
{
    bool slashes = url_is_slash(url, text, 0) && url_is_slash(url, text, 1);
    struct url_text scheme = url->parts[URL_SCHEME];
    bool same = base != NULL && base->parts[URL_SCHEME].count == scheme.count &&
                memcmp(base->parts[URL_SCHEME].data, scheme.data, scheme.count) == 0;
    if (url_is_file(url))
        return url_parse_file(context, url, same ? base : NULL, text);
    if (url_is_special(url) && !slashes && same)
        return url_parse_relative(context, url, base, text);
    if (url_is_special(url)) {
        size_t at = 0;
        while (url_is_slash(url, text, at))
            at++;
        return url_parse_behind_slashes(context, url, url_piece(text.data + at, text.count - at));
    }
    if (slashes)
        return url_parse_behind_slashes(context, url, url_piece(text.data + 2, text.count - 2));
    if (url_is_slash(url, text, 0)) {
        url_parse_path_start(url, text);
        return true;
    }
    url->is_opaque = true;
    url_put_encoded(&url->parts[URL_PATH], text, URL_SET_CONTROL);
    return true;
}

static bool
url_parse_clean(JSContext *context, struct url *url, const struct url *base, struct url_text text)
{
    struct url_text fragment = url_split(&text, "#", &url->has_fragment);
    struct url_text query = url_split(&text, "?", &url->has_query);
    size_t scheme = url_scheme_bytes(text);
    bool good;
    for (size_t i = 0; i < scheme; i++) {
        char c = url_is_alpha(text.data[i]) ? (char)(text.data[i] | 0x20) : text.data[i];
        url_put(&url->parts[URL_SCHEME], &c, 1);
    }
    if (scheme > 0) {
        text = url_piece(text.data + scheme + 1, text.count - scheme - 1);
        good = url_parse_absolute(context, url, base, text);
    } else if (base == NULL ||
               (base->is_opaque && (text.count > 0 || url->has_query || !url->has_fragment))) {
        return false;
    } else {
        url_take(url, base, URL_SCHEME);
        url->is_opaque = base->is_opaque;
        good = url_is_file(url) ? url_parse_file(context, url, base, text)
                                : url_parse_relative(context, url, base, text);
    }
    url_put_encoded(&url->parts[URL_QUERY], query,
                    url_is_special(url) ? URL_SET_SPECIAL_QUERY : URL_SET_QUERY);
    url_put_encoded(&url->parts[URL_FRAGMENT], fragment, URL_SET_FRAGMENT);
    return good;
}

/* Without what is around it, and tabs and newlines in it. */
static bool url_parse(
    JSContext *context, struct url *url, const struct url *base, const char *text, size_t count)
{
    struct url_text clean = {0};
    while (count > 0 && (unsigned char)text[count - 1] <= ' ')
        count--;
    while (count > 0 && (unsigned char)text[0] <= ' ')
        text++, count--;
    url_put(&clean, "", 0);
    for (size_t i = 0; i < count; i++) {
        if (text[i] != '\t' && text[i] != '\n' && text[i] != '\r')
            url_put(&clean, text + i, 1);
    }
    text_mend((uint8_t *)clean.data, clean.count);
    return url_parse_clean(context, url, base, clean);
}

/* ---- for JavaScript -------------------------------------------------------------------------- */

static bool url_take_argument(JSContext *context,
                              JSValueConst value,
                              const struct url *base,
                              struct url *ret_url)
{
    size_t count;
    const char *text = JS_ToCStringLen(context, &count, value);
    *ret_url = (struct url){0};
    bool good = text != NULL && url_parse(context, ret_url, base, text, count);
    JS_FreeCString(context, text);
    return good;
}

static JSValue url_list(JSContext *context, const struct url *url)
{
    const bool flags[] = {url->has_host, url->has_query, url->has_fragment, url->is_opaque};
    JSValue values[URL_PARTS + sizeof(flags) / sizeof(flags[0])];
    for (uint32_t i = 0; i < URL_PARTS; i++)
        values[i] = JS_NewStringLen(context, url->parts[i].count == 0 ? "" : url->parts[i].data,
                                    url->parts[i].count);
    for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        values[URL_PARTS + i] = JS_NewBool(context, flags[i]);
    return JS_NewArrayFrom(context, sizeof(values) / sizeof(values[0]), values);
}

/* (text, base or undefined) -> components in the order of enum url_part, then whether there is a
 * host, a query, a fragment, and whether the path is opaque; null: it is no URL */
static JSValue url_components(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct url base;
    struct url url;
    size_t count;
    bool has_base = !JS_IsUndefined(argv[1]);
    const char *text = has_base ? NULL : JS_ToCStringLen(context, &count, argv[0]);
    if (text != NULL && url_cut(text, count, &url)) {
        JSValue list = url_list(context, &url);
        JS_FreeCString(context, text);
        return list;
    }
    JS_FreeCString(context, text);
    if (has_base && !url_take_argument(context, argv[1], NULL, &base))
        return JS_HasException(context) ? JS_EXCEPTION : JS_NULL;
    if (!url_take_argument(context, argv[0], has_base ? &base : NULL, &url))
        return JS_HasException(context) ? JS_EXCEPTION : JS_NULL;
    return url_list(context, &url);
}

/* (text, set) -> percent-encoded */
static JSValue url_encode(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    uint32_t set;
    struct url_text out = {0};
    const char *text = JS_ToCStringLen(context, &count, argv[0]);
    if (text == NULL || JS_ToUint32(context, &set, argv[1]) != 0)
        return JS_EXCEPTION;
    if (set > URL_SET_USER)
        return JS_ThrowRangeError(context, "no such set");
    url_put(&out, "", 0);
    url_put_encoded(&out, url_piece(text, count), (enum url_set)set);
    JS_FreeCString(context, text);
    JSValue value = JS_NewStringLen(context, out.data, out.count);
    free(out.data);
    return value;
}

void url_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("parseUrl", 2, url_components),
        GUEST_FUNCTION("percentEncode", 2, url_encode),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
    url_add_forms();
}
