/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts between boundaries. Every length is compared before it is subtracted; the search for a
 * boundary is memmem's.
 */
#include "deploy/api/multipart.h"

#include <stdio.h>
#include <strings.h>

#define MULTIPART_BOUNDARY_MAX 70 /* [RFC 2046 5.1.1] */

static enum status multipart_fail(struct report *report, const char *why)
{
    return report_fail(report, STATUS_MALFORMED, REPORT_OFFSET_NONE, "%s", why);
}

/* The parameter `boundary` of the type; empty if there is none that can be one. */
static struct bytes multipart_boundary(struct bytes type)
{
    static const char name[] = "boundary=";
    const struct bytes none = {0};
    for (size_t i = 0; i + sizeof(name) - 1 <= type.count; i++) {
        if (strncasecmp((const char *)type.data + i, name, sizeof(name) - 1) != 0)
            continue;
        struct bytes rest =
            bytes_make(type.data + i + sizeof(name) - 1, type.count - i - (sizeof(name) - 1));
        bool quoted = rest.count > 0 && rest.data[0] == '"';
        if (quoted)
            rest = bytes_make(rest.data + 1, rest.count - 1);
        size_t count = 0;
        while (count < rest.count && strchr(quoted ? "\"" : "; \t", rest.data[count]) == NULL)
            count++;
        return count > 0 && count <= MULTIPART_BOUNDARY_MAX ? bytes_make(rest.data, count) : none;
    }
    return none;
}

static bool multipart_take(struct bytes *rest, const char *text)
{
    size_t count = strlen(text);
    if (rest->count < count || memcmp(rest->data, text, count) != 0)
        return false;
    *rest = bytes_make(rest->data + count, rest->count - count);
    return true;
}

/* Everything up to `mark`, which is taken too; false if it is not there. */
static bool multipart_take_until(struct bytes *rest, struct bytes mark, struct bytes *ret_text)
{
    const uint8_t *found =
        rest->count == 0 ? NULL : memmem(rest->data, rest->count, mark.data, mark.count);
    if (found == NULL)
        return false;
    size_t count = (size_t)(found - rest->data);
    *ret_text = bytes_make(rest->data, count);
    *rest = bytes_make(found + mark.count, rest->count - count - mark.count);
    return true;
}

/* The fields of a part, up to the empty line. */
static bool multipart_take_fields(struct bytes *rest, struct bytes *ret_type)
{
    static const char name[] = "content-type:";
    const struct bytes end = bytes_of_text("\r\n");
    struct bytes line;
    *ret_type = bytes_make(NULL, 0);
    while (multipart_take_until(rest, end, &line)) {
        if (line.count == 0)
            return true;
        if (ret_type->data != NULL || line.count < sizeof(name) - 1 ||
            strncasecmp((const char *)line.data, name, sizeof(name) - 1) != 0)
            return false;
        *ret_type =
            bytes_trim(bytes_make(line.data + sizeof(name) - 1, line.count - (sizeof(name) - 1)));
    }
    return false;
}

enum status multipart_parse(struct bytes content_type,
                            struct bytes body,
                            struct report *report,
                            size_t max,
                            struct multipart_part *ret_parts,
                            size_t *ret_count)
{
    char mark[MULTIPART_BOUNDARY_MAX + 8];
    struct bytes boundary = multipart_boundary(content_type);
    if (boundary.count == 0)
        return multipart_fail(report, "the body's type names no boundary");
    int bytes = snprintf(mark, sizeof(mark), "\r\n--%.*s", (int)boundary.count,
                         (const char *)boundary.data);
    struct bytes delimiter = bytes_make(mark, (size_t)bytes);
    if (!multipart_take(&body, mark + 2))
        return multipart_fail(report, "the body does not begin with its boundary");
    size_t count = 0;
    do {
        if (count == max)
            return multipart_fail(report, "there are more parts than an upload can have");
        if (!multipart_take(&body, "\r\n") ||
            !multipart_take_fields(&body, &ret_parts[count].content_type))
            return multipart_fail(report, "a part has other fields than Content-Type, or none");
        if (!multipart_take_until(&body, delimiter, &ret_parts[count].data))
            return multipart_fail(report, "a part does not end with the boundary");
        count++;
    } while (body.count > 0 && body.data[0] != '-');
    if (!multipart_take(&body, "--") || (body.count > 0 && !multipart_take(&body, "\r\n")) ||
        body.count > 0)
        return multipart_fail(report, "there is more in the body than its parts");
    *ret_count = count;
    return STATUS_OK;
}
