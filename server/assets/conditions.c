/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order is that of RFC 9110 13.2.2: a header that speaks of entity tags goes before the one of
 * the same kind that speaks of dates.
 */
#include "server/assets/conditions.h"

#include <stdio.h>
#include <time.h>

#include "engine/base/macros.h"

#define CONDITIONS_NUMBER_MAX (UINT64_MAX / 20) /* larger than any file */

static struct bytes conditions_find(const struct http_headers *headers, const char *name)
{
    const struct http_header *header = http_headers_find(headers, bytes_of_text(name));
    return header == NULL ? bytes_make(NULL, 0) : bytes_trim(header->value);
}

/* ---- dates ----------------------------------------------------------------------------------- */

bool conditions_parse_date(struct bytes text, int64_t *ret_seconds)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};
    char copy[CONDITIONS_DATE_BYTES + 16];
    if (text.count == 0 || text.count >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct tm parts = {0};
        const char *end = strptime(copy, forms[i], &parts);
        if (end == NULL || *end != '\0')
            continue;
        *ret_seconds = (int64_t)timegm(&parts);
        return true;
    }
    return false;
}

size_t conditions_print_date(int64_t seconds, char ret_text[CONDITIONS_DATE_BYTES])
{
    time_t time = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&time, &parts) == NULL)
        return 0;
    return strftime(ret_text, CONDITIONS_DATE_BYTES, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

/* ---- entity tags ----------------------------------------------------------------------------- */

/* Is the tag one of a list? `weak`: one that is marked so counts too. */
static bool conditions_has_tag(struct bytes list, struct bytes etag, bool weak)
{
    if (bytes_equal_text(list, "*"))
        return true;
    while (list.count > 0) {
        bool is_weak = list.count > 2 && list.data[0] == 'W' && list.data[1] == '/';
        size_t skip = is_weak ? 2 : 0;
        struct bytes rest = bytes_make(list.data + skip, list.count - skip);
        const uint8_t *end = rest.count < 2 || rest.data[0] != '"'
                                 ? NULL
                                 : memchr(rest.data + 1, '"', rest.count - 1);
        if (end == NULL)
            return false;
        size_t count = (size_t)(end - rest.data) + 1;
        if ((weak || !is_weak) && bytes_equal(bytes_make(rest.data, count), etag))
            return true;
        list = bytes_trim(bytes_make(rest.data + count, rest.count - count));
        if (list.count > 0 && list.data[0] == ',')
            list = bytes_trim(bytes_make(list.data + 1, list.count - 1));
    }
    return false;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

/* Digits from `*at` on; false: there are none. */
static bool conditions_number(struct bytes text, size_t *at, uint64_t *ret_value)
{
    size_t begin = *at;
    uint64_t value = 0;
    for (; *at < text.count && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at) {
        value = value * 10 + (uint64_t)(text.data[*at] - '0');
        value = MIN(value, CONDITIONS_NUMBER_MAX);
    }
    *ret_value = value;
    return *at > begin;
}

/* WHOLE: it is no range of bytes, or more than one. */
static enum conditions_verdict
conditions_range(struct bytes text, uint64_t size, uint64_t *ret_from, uint64_t *ret_count)
{
    static const char unit[] = "bytes=";
    size_t at = strlen(unit);
    uint64_t first = 0;
    uint64_t last = 0;
    if (text.count <= at || !bytes_equal_nocase(bytes_make(text.data, at), bytes_of_text(unit)))
        return CONDITIONS_WHOLE;
    bool has_first = conditions_number(text, &at, &first);
    if (at == text.count || text.data[at++] != '-')
        return CONDITIONS_WHOLE;
    bool has_last = conditions_number(text, &at, &last);
    if (at != text.count || (!has_first && !has_last) || (has_first && has_last && last < first))
        return CONDITIONS_WHOLE;
    if (!has_first) { /* the last so many */
        uint64_t count = MIN(last, size);
        first = size - count;
        last = UINT64_MAX;
        if (count == 0)
            return CONDITIONS_NO_RANGE;
    }
    if (first >= size)
        return CONDITIONS_NO_RANGE;
    *ret_from = first;
    *ret_count = has_first && !has_last ? size - first : MIN(last, size - 1) - first + 1;
    return CONDITIONS_PART;
}

/* May a range be answered, or has the client another file's beginning? */
static bool conditions_if_range(struct bytes text, const struct conditions_file *file)
{
    int64_t date;
    if (text.count == 0)
        return true;
    if (text.data[0] == '"')
        return bytes_equal(text, file->etag);
    return conditions_parse_date(text, &date) && date == file->modified_s;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool conditions_fail(const struct http_headers *headers, const struct conditions_file *file)
{
    int64_t date;
    struct bytes tags = conditions_find(headers, "if-match");
    if (tags.count > 0)
        return !conditions_has_tag(tags, file->etag, false);
    struct bytes since = conditions_find(headers, "if-unmodified-since");
    return since.count > 0 && conditions_parse_date(since, &date) && file->modified_s > date;
}

static bool conditions_has_it(const struct http_headers *headers,
                              const struct conditions_file *file)
{
    int64_t date;
    struct bytes tags = conditions_find(headers, "if-none-match");
    if (tags.count > 0)
        return conditions_has_tag(tags, file->etag, true);
    struct bytes since = conditions_find(headers, "if-modified-since");
    return since.count > 0 && conditions_parse_date(since, &date) && file->modified_s <= date;
}

enum conditions_verdict conditions_judge(const struct http_headers *headers,
                                         bool is_get,
                                         const struct conditions_file *file,
                                         uint64_t *ret_from,
                                         uint64_t *ret_count)
{
    if (conditions_fail(headers, file))
        return CONDITIONS_FAILED;
    if (conditions_has_it(headers, file))
        return CONDITIONS_NOT_MODIFIED;
    struct bytes range = conditions_find(headers, "range");
    if (!is_get || range.count == 0 ||
        !conditions_if_range(conditions_find(headers, "if-range"), file))
        return CONDITIONS_WHOLE;
    return conditions_range(range, file->size, ret_from, ret_count);
}
