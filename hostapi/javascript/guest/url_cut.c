/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What most URLs are, so that their parser need not look at them: http's, in their one form. And
 * forms, which are queries.
 */
#include "hostapi/javascript/guest/guest.h"
#include "hostapi/javascript/guest/url_host.h"

/* ---- URLs that are in their one form already --------------------------------------------------
 */

/* Where a byte may stand as it is. */
enum { PLAIN_HOST = 1, PLAIN_PATH = 2, PLAIN_QUERY = 4, PLAIN_FRAGMENT = 8, PLAIN_DIGIT = 16 };
#define PLAIN_REST (PLAIN_PATH | PLAIN_QUERY | PLAIN_FRAGMENT)

static const uint8_t url_plain[256] = {
    ['!'] = PLAIN_REST,
    ['$' ... '&'] = PLAIN_REST,
    ['\''] = PLAIN_PATH | PLAIN_FRAGMENT,
    ['(' ... ','] = PLAIN_REST,
    ['-'] = PLAIN_REST | PLAIN_HOST,
    ['.'] = PLAIN_REST | PLAIN_HOST,
    ['/'] = PLAIN_REST,
    ['0' ... '9'] = PLAIN_REST | PLAIN_HOST | PLAIN_DIGIT,
    [':'] = PLAIN_REST,
    [';'] = PLAIN_REST,
    ['='] = PLAIN_REST,
    ['?'] = PLAIN_QUERY | PLAIN_FRAGMENT,
    ['@' ... '['] = PLAIN_REST,
    ['\\'] = PLAIN_QUERY | PLAIN_FRAGMENT,
    [']'] = PLAIN_REST,
    ['^'] = PLAIN_QUERY | PLAIN_FRAGMENT,
    ['_'] = PLAIN_REST,
    ['`'] = PLAIN_QUERY,
    ['a' ... 'z'] = PLAIN_REST | PLAIN_HOST,
    ['{'] = PLAIN_QUERY | PLAIN_FRAGMENT,
    ['|'] = PLAIN_REST,
    ['}'] = PLAIN_QUERY | PLAIN_FRAGMENT,
    ['~'] = PLAIN_REST,
};

static const char *url_plain_end(const char *at, uint8_t where)
{
    while ((url_plain[(uint8_t)*at] & where) != 0)
        at++;
    return at;
}

/* A name that cannot be an address and has nothing that would be mapped, or "127.0.0.1" and the
 * like, whose numbers have one form. */
static bool url_is_plain_host(const char *host, size_t count)
{
    const char *label = host + count;
    while (label > host && label[-1] != '.')
        label--;
    if (count == 0 || memmem(host, count, "xn--", 4) != NULL)
        return false;
    if (label < host + count && (url_plain[(uint8_t)*label] & PLAIN_DIGIT) == 0)
        return true;
    uint32_t parts = 0;
    for (const char *at = host; at < host + count; parts++) {
        uint32_t number = 0;
        const char *begin = at;
        for (; (url_plain[(uint8_t)*at] & PLAIN_DIGIT) != 0 && at < begin + 4; at++)
            number = number * 10 + (uint32_t)(*at - '0');
        if (at == begin || number > 255 || (begin[0] == '0' && at > begin + 1))
            return false;
        if (at < host + count && (*at != '.' || ++at == host + count))
            return false;
    }
    return parts == 4;
}

/* Behind the host; false: it is not as it would be printed. */
static bool url_plain_port(struct url *url, const char **at)
{
    if (**at != ':')
        return true;
    const char *begin = ++*at;
    uint32_t port = 0;
    for (; (url_plain[(uint8_t) * *at] & PLAIN_DIGIT) != 0 && *at < begin + 6; (*at)++)
        port = port * 10 + (uint32_t)(**at - '0');
    if (*at == begin || begin[0] == '0' || port > 65535)
        return false;
    bool is_default = port == (url->parts[URL_SCHEME].count == 5 ? 443 : 80);
    if (!is_default)
        url->parts[URL_PORT] = url_piece(begin, (size_t)(*at - begin));
    return true;
}

/* Segments of dots would be taken out; so would their encoded forms. */
static bool url_has_dots(const char *at, const char *end)
{
    for (; at < end; at++) {
        if ((at[0] == '/' && at[1] == '.') || (at[0] == '%' && at[1] == '2'))
            return true;
    }
    return false;
}

bool url_cut(const char *text, size_t count, struct url *url)
{
    size_t scheme = strncmp(text, "http://", 7) == 0    ? 4
                    : strncmp(text, "https://", 8) == 0 ? 5
                                                        : 0;
    const char *host = text + scheme + 3;
    if (scheme == 0)
        return false;
    const char *at = url_plain_end(host, PLAIN_HOST);
    *url = (struct url){.has_host = true};
    url->parts[URL_SCHEME] = url_piece(text, scheme);
    url->parts[URL_HOST] = url_piece(host, (size_t)(at - host));
    if (!url_is_plain_host(host, (size_t)(at - host)) || !url_plain_port(url, &at) || *at != '/')
        return false;
    const char *path = at;
    at = url_plain_end(at, PLAIN_PATH);
    if (url_has_dots(path, at))
        return false;
    url->parts[URL_PATH] = url_piece(path, (size_t)(at - path));
    url->has_query = *at == '?';
    if (url->has_query) {
        const char *query = at + 1;
        at = url_plain_end(query, PLAIN_QUERY);
        url->parts[URL_QUERY] = url_piece(query, (size_t)(at - query));
    }
    url->has_fragment = *at == '#';
    if (url->has_fragment) {
        const char *fragment = at + 1;
        at = url_plain_end(fragment, PLAIN_FRAGMENT);
        url->parts[URL_FRAGMENT] = url_piece(fragment, (size_t)(at - fragment));
    }
    return at == text + count;
}

/* ---- forms ----------------------------------------------------------------------------------- */

/* A name or value of a form: + is a blank, and %41 an A. */
static JSValue url_form_text(JSContext *context, const char *text, size_t count)
{
    bool is_plain = true;
    for (size_t i = 0; i < count && is_plain; i++)
        is_plain = text[i] != '+' && text[i] != '%';
    if (is_plain)
        return JS_NewStringLen(context, text, count);
    struct url_text blanks = {0};
    struct url_text decoded = {0};
    url_put(&blanks, text, count);
    for (size_t i = 0; i < count; i++)
        blanks.data[i] = (char)(blanks.data[i] == '+' ? ' ' : blanks.data[i]);
    url_put(&decoded, "", 0);
    url_percent_decode(blanks, &decoded);
    JSValue value = text_string(context, (const uint8_t *)decoded.data, decoded.count);
    free(blanks.data);
    free(decoded.data);
    return value;
}

/* (text of a form) -> a list of [name, value] */
static JSValue url_form(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    uint32_t rows = 0;
    const char *text = JS_ToCStringLen(context, &count, argv[0]);
    if (text == NULL)
        return JS_EXCEPTION;
    JSValue list = JS_NewArray(context);
    for (const char *at = text, *end = text + count; at < end;) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        next = next == NULL ? end : next;
        const char *sign = memchr(at, '=', (size_t)(next - at));
        const char *value = sign == NULL ? next : sign + 1;
        JSValue pair[] = {url_form_text(context, at, (size_t)((sign == NULL ? next : sign) - at)),
                          url_form_text(context, value, (size_t)(next - value))};
        if (next > at)
            JS_SetPropertyUint32(context, list, rows++, JS_NewArrayFrom(context, 2, pair));
        at = next + 1;
    }
    JS_FreeCString(context, text);
    return list;
}

void url_add_forms(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("parseQuery", 1, url_form),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
