/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where hosts of static sites differ, what they have in common is taken, and the rest is refused
 * with its line: a rule that is understood otherwise than it was meant is worse than none.
 */
#include "deploy/manifest/site.h"

#include <stdio.h>

#define SITE_STATUS_DEFAULT 302 /* what browsers forget */

static enum status site_fail(struct report *report, const char *why)
{
    return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s", why);
}

static bool site_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Takes the next word off; empty at the end. */
static struct bytes site_next_word(struct bytes *rest)
{
    size_t begin = 0;
    while (begin < rest->count && site_is_blank(rest->data[begin]))
        begin++;
    size_t end = begin;
    while (end < rest->count && !site_is_blank(rest->data[end]))
        end++;
    struct bytes word = bytes_make(rest->data + begin, end - begin);
    *rest = bytes_make(rest->data + end, rest->count - end);
    return word;
}

/* ---- patterns -------------------------------------------------------------------------------- */

static bool site_is_name_byte(uint8_t byte)
{
    uint8_t lower = byte | 0x20;
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* The name after a colon: how many bytes of it. */
static size_t site_name_count(struct bytes text)
{
    size_t count = 0;
    while (count < text.count && site_is_name_byte(text.data[count]))
        count++;
    return count;
}

/* Does a placeholder begin here? */
static bool site_names(struct bytes text, size_t at)
{
    return text.data[at] == ':' && at > 0 && text.data[at - 1] == '/' && at + 1 < text.count &&
           site_is_name_byte(text.data[at + 1]);
}

/* NULL, or what is wrong with it. */
static const char *site_pattern_refusal(struct bytes pattern)
{
    uint32_t names = 0;
    if (pattern.count == 0 || pattern.data[0] != '/')
        return "does not begin with a path, like /static/*";
    for (size_t i = 0; i < pattern.count; i++) {
        uint8_t byte = pattern.data[i];
        if (byte <= ' ' || byte == 0x7f || byte == '?' || byte == '#')
            return "has a path with `?`, `#` or a control character: only paths are compared";
        if (byte == '*' && i + 1 < pattern.count)
            return "has a `*` that is not the end of its path";
        names += site_names(pattern, i);
    }
    return names > DEPLOY_SITE_NAMES_MAX ? "has more than 8 names in its path" : NULL;
}

/* The segment at `at` is the value of the name there. False: an empty one is none. */
static bool site_take_segment(struct bytes path, size_t *at, struct bytes *ret_value)
{
    size_t end = *at;
    while (end < path.count && path.data[end] != '/')
        end++;
    *ret_value = bytes_make(path.data + *at, end - *at);
    *at = end;
    return ret_value->count > 0;
}

bool deploy_site_match(struct bytes pattern, struct bytes path, struct deploy_site_match *ret_match)
{
    size_t at = 0;
    ret_match->count = 0;
    ret_match->splat = bytes_make(NULL, 0);
    for (size_t i = 0; i < pattern.count; i++) {
        if (pattern.data[i] == '*' && i + 1 == pattern.count) {
            ret_match->splat = bytes_make(path.data + at, path.count - at);
            return true;
        }
        if (site_names(pattern, i) && ret_match->count < DEPLOY_SITE_NAMES_MAX) {
            struct bytes rest = bytes_make(pattern.data + i + 1, pattern.count - i - 1);
            size_t count = site_name_count(rest);
            ret_match->rows[ret_match->count].name = bytes_make(rest.data, count);
            if (!site_take_segment(path, &at, &ret_match->rows[ret_match->count++].value))
                return false;
            i += count;
            continue;
        }
        if (at == path.count || path.data[at++] != pattern.data[i])
            return false;
    }
    return at == path.count;
}

/* ---- headers --------------------------------------------------------------------------------- */

/* Framing and what the server knows better; what only it may say besides is taken out of every
 * answer anyway (server/request/respond.c). */
static bool site_is_servers(struct bytes name)
{
    static const char *const names[] = {
        "connection",  "content-encoding", "content-length",    "content-range", "date",
        "etag",        "keep-alive",       "last-modified",     "location",      "server-timing",
        "te",          "trailer",          "transfer-encoding", "upgrade",       "vary",
        "x-request-id"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_nocase(name, bytes_of_text(names[i])))
            return true;
    }
    return false;
}

static enum status
site_split_header(struct bytes rest, struct report *report, struct deploy_site_header *header)
{
    const uint8_t *colon = rest.count == 0 ? NULL : memchr(rest.data, ':', rest.count);
    if (rest.count > 0 && rest.data[0] == '!') {
        header->name = bytes_trim(bytes_make(rest.data + 1, rest.count - 1));
        header->removes = true;
    } else if (colon == NULL) {
        return site_fail(report, "is no header, like `Cache-Control: max-age=3600`");
    } else {
        size_t count = (size_t)(colon - rest.data);
        header->name = bytes_make(rest.data, count);
        header->value = bytes_trim(bytes_make(colon + 1, rest.count - count - 1));
    }
    if (!bytes_is_token(header->name))
        return site_fail(report, "has no header's name before the colon");
    if (site_is_servers(header->name))
        return site_fail(report, "sets a header that only the server knows");
    if (!bytes_is_field_value(header->value))
        return site_fail(report, "has a control character in its value");
    return STATUS_OK;
}

enum status deploy_site_header_parse(struct bytes text,
                                     struct report *report,
                                     struct deploy_site_header *ret_header)
{
    struct deploy_site_header header = {0};
    if (text.count > DEPLOY_SITE_RULE_BYTES_MAX)
        return site_fail(report, "has more than 2048 bytes");
    header.pattern = site_next_word(&text);
    const char *why = site_pattern_refusal(header.pattern);
    if (why != NULL)
        return site_fail(report, why);
    enum status status = site_split_header(bytes_trim(text), report, &header);
    if (status == STATUS_OK)
        *ret_header = header;
    return status;
}

/* ---- redirects ------------------------------------------------------------------------------- */

static bool site_begins(struct bytes text, const char *word)
{
    size_t count = strlen(word);
    return text.count > count && memcmp(text.data, word, count) == 0;
}

static bool site_is_target_byte(uint8_t byte)
{
    return byte > ' ' && byte < 0x7f && strchr("\"<>\\^`{|}", byte) == NULL;
}

/* NULL, or what is wrong with it. */
static const char *site_target_refusal(struct bytes target, uint32_t status)
{
    bool is_path =
        target.count > 0 && target.data[0] == '/' && (target.count == 1 || target.data[1] != '/');
    if (!is_path && !site_begins(target, "https://") && !site_begins(target, "http://"))
        return "leads to no path and no URL: write /new or https://host/new";
    if (status == 200 && !is_path)
        return "with status 200 leads to a path only: another server is asked by an `origin`";
    for (size_t i = 0; i < target.count; i++) {
        if (!site_is_target_byte(target.data[i]))
            return "has a byte in its target that a URL has only encoded, like %20";
    }
    return NULL;
}

static bool site_parse_status(struct bytes word, uint32_t *ret_status)
{
    static const uint32_t known[] = {200, 301, 302, 303, 307, 308};
    char text[8];
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        (void)snprintf(text, sizeof(text), "%u", known[i]);
        if (bytes_equal_text(word, text)) {
            *ret_status = known[i];
            return true;
        }
    }
    return false;
}

enum status deploy_site_redirect_parse(struct bytes text,
                                       struct report *report,
                                       struct deploy_site_redirect *ret_redirect)
{
    struct deploy_site_redirect redirect = {.status = SITE_STATUS_DEFAULT};
    if (text.count > DEPLOY_SITE_RULE_BYTES_MAX)
        return site_fail(report, "has more than 2048 bytes");
    redirect.pattern = site_next_word(&text);
    redirect.target = site_next_word(&text);
    struct bytes status = site_next_word(&text);
    struct bytes more = site_next_word(&text);
    const char *why = site_pattern_refusal(redirect.pattern);
    if (why == NULL && status.count > 0 && !site_parse_status(status, &redirect.status))
        why = "has a status that is none of 200 301 302 303 307 308; conditions and `!` are not "
              "taken";
    if (why == NULL && more.count > 0)
        why = "has a word behind its status: conditions are not taken";
    if (why == NULL)
        why = site_target_refusal(redirect.target, redirect.status);
    if (why != NULL)
        return site_fail(report, why);
    *ret_redirect = redirect;
    return STATUS_OK;
}

/* ---- targets --------------------------------------------------------------------------------- */

static enum status site_put(struct buffer *out, uint8_t byte, bool is_plain)
{
    bool is_open = site_is_name_byte(byte) || (byte != '\0' && strchr("-.~!$&'()+,;=:@/*", byte));
    if (is_plain || is_open)
        return buffer_append(out, &byte, 1);
    return buffer_printf(out, "%%%02X", byte);
}

static enum status site_put_value(struct buffer *out, struct bytes value, bool is_plain)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < value.count; i++) {
        /* "//host" would be another server. */
        bool is_second = value.data[i] == '/' && out->count == 1 && out->data[0] == '/';
        if (!is_second)
            status = site_put(out, value.data[i], is_plain);
    }
    return status;
}

/* What a name of the target stands for; data NULL: it is none of the pattern's. */
static struct bytes site_value(const struct deploy_site_match *match, struct bytes name)
{
    if (bytes_equal_text(name, "splat") && match->splat.data != NULL)
        return match->splat;
    for (uint32_t i = 0; i < match->count; i++) {
        if (bytes_equal(match->rows[i].name, name))
            return match->rows[i].value;
    }
    return bytes_make(NULL, 0);
}

enum status deploy_site_expand(struct bytes target,
                               const struct deploy_site_match *match,
                               bool is_plain,
                               struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < target.count; i++) {
        struct bytes rest = bytes_make(target.data + i + 1, target.count - i - 1);
        size_t count = target.data[i] == ':' ? site_name_count(rest) : 0;
        struct bytes value = site_value(match, bytes_make(rest.data, count));
        if (count > 0 && value.data != NULL) {
            status = site_put_value(out, value, is_plain);
            i += count;
            continue;
        }
        status = buffer_append(out, target.data + i, 1);
    }
    return status;
}

/* ---- the files that people write ------------------------------------------------------------- */

/* Takes a line off, without its end. */
static struct bytes site_next_line(struct bytes *rest)
{
    const uint8_t *end = memchr(rest->data, '\n', rest->count);
    size_t count = end == NULL ? rest->count : (size_t)(end - rest->data);
    size_t taken = end == NULL ? count : count + 1;
    struct bytes line = bytes_make(rest->data, count);
    *rest = bytes_make(rest->data + taken, rest->count - taken);
    return line;
}

static enum status
site_fail_at(struct report *report, const char *name, uint32_t line, const char *why)
{
    return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s:%u: the rule %.400s", name,
                       line, why);
}

/* "A B", with one more row of the texts. */
static enum status
site_add(struct arena *arena, struct bytes a, struct bytes b, struct deploy_texts *texts)
{
    size_t between = b.count > 0 ? 1 : 0;
    struct bytes *rows = ARENA_ARRAY(arena, struct bytes, texts->count + 1);
    char *text = arena_alloc(arena, a.count + between + b.count + 1, 1);
    if (rows == NULL || text == NULL)
        return STATUS_NO_MEMORY;
    memcpy(text, a.data, a.count);
    if (between > 0) {
        text[a.count] = ' ';
        memcpy(text + a.count + 1, b.data, b.count);
    }
    if (texts->count > 0)
        memcpy(rows, texts->rows, texts->count * sizeof(*rows));
    rows[texts->count] = bytes_make(text, a.count + between + b.count);
    *texts = (struct deploy_texts){.rows = rows, .count = texts->count + 1};
    return STATUS_OK;
}

/* Of "_headers": a path on a line of its own, its headers below it, further in. */
enum status deploy_site_read_headers(struct bytes text,
                                     const char *name,
                                     struct arena *arena,
                                     struct report *report,
                                     struct deploy_texts *texts)
{
    struct bytes pattern = {0};
    for (uint32_t line = 1; text.count > 0; line++) {
        struct bytes raw = site_next_line(&text);
        struct bytes what = bytes_trim(raw);
        struct report why = REPORT_INIT;
        struct deploy_site_header header;
        if (what.count > 0 && what.data[what.count - 1] == '\r')
            what = bytes_trim(bytes_make(what.data, what.count - 1));
        if (what.count == 0 || what.data[0] == '#')
            continue;
        if (!site_is_blank(raw.data[0])) {
            const char *refusal = site_pattern_refusal(what);
            if (refusal != NULL)
                return site_fail_at(report, name, line, refusal);
            pattern = what;
            continue;
        }
        if (pattern.count == 0)
            return site_fail_at(report, name, line, "has no path above it");
        enum status status = site_add(arena, pattern, what, texts);
        if (status != STATUS_OK)
            return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
        if (deploy_site_header_parse(texts->rows[texts->count - 1], &why, &header) != STATUS_OK)
            return site_fail_at(report, name, line, why.text);
    }
    return STATUS_OK;
}

enum status deploy_site_read_redirects(struct bytes text,
                                       const char *name,
                                       struct arena *arena,
                                       struct report *report,
                                       struct deploy_texts *texts)
{
    for (uint32_t line = 1; text.count > 0; line++) {
        struct bytes what = bytes_trim(site_next_line(&text));
        struct report why = REPORT_INIT;
        struct deploy_site_redirect redirect;
        if (what.count > 0 && what.data[what.count - 1] == '\r')
            what = bytes_trim(bytes_make(what.data, what.count - 1));
        /* Behind a blank, `#` begins a comment. */
        for (size_t i = 1; i < what.count; i++) {
            if (what.data[i] == '#' && site_is_blank(what.data[i - 1]))
                what = bytes_trim(bytes_make(what.data, i));
        }
        if (what.count == 0 || what.data[0] == '#')
            continue;
        if (deploy_site_redirect_parse(what, &why, &redirect) != STATUS_OK)
            return site_fail_at(report, name, line, why.text);
        enum status status = site_add(arena, what, bytes_make(NULL, 0), texts);
        if (status != STATUS_OK)
            return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory");
    }
    return STATUS_OK;
}
