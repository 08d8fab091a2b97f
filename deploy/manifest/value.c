/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value may be, by its type. Names and hosts are ASCII, so that what is shown is what is
 * compared; origins are what config/url.h makes of them, for that is what they are compared with.
 */
#include "deploy/manifest/value.h"

#include <stdio.h>

#include "config/url.h"
#include "deploy/manifest/host.h"
#include "deploy/manifest/site.h"
#include "deploy/name.h"

#define VALUE_ORIGIN_BYTES (CONFIG_URL_ORIGIN_BYTES + 2)

static enum status value_fail(struct report *report, const char *why)
{
    return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%s", why);
}

static bool value_is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool value_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Has it one, besides `allowed`? */
static bool value_has_control(struct bytes text, uint8_t allowed)
{
    for (size_t i = 0; i < text.count; i++) {
        uint8_t byte = text.data[i];
        if ((byte < ' ' && byte != allowed) || byte == 0x7f)
            return true;
    }
    return false;
}

/* ---- origins --------------------------------------------------------------------------------- */

/* As config/url.h writes it, without anything behind it; NULL if it is none. `open`: a star may
 * stand for a label, as in a rule of `outbound`. */
static const char *value_origin(struct bytes text, bool open, char ret_text[VALUE_ORIGIN_BYTES])
{
    struct config_url_rule rule = {0};
    char origin[CONFIG_URL_ORIGIN_BYTES];
    enum status status = open ? config_url_rule_parse(text, NULL, &rule)
                              : config_url_parse(text, NULL, &rule.origin);
    if (status != STATUS_OK || rule.origin.target.count > 0)
        return NULL;
    config_url_origin(&rule.origin, origin);
    int scheme = rule.origin.is_https ? 8 : 7; /* "https://" */
    (void)snprintf(ret_text, VALUE_ORIGIN_BYTES, "%.*s%s%s%s", scheme, origin,
                   rule.is_open ? "*" : "", rule.is_open && rule.origin.host[0] != '\0' ? "." : "",
                   origin + scheme);
    return ret_text;
}

/* ---- paths ----------------------------------------------------------------------------------- */

static bool value_is_path_byte(uint8_t byte)
{
    return value_is_letter(byte) || value_is_digit(byte) ||
           (byte != '\0' && strchr("-._~%!$&'()+,;=:@/", byte) != NULL);
}

static bool value_is_dots(struct bytes segment)
{
    return bytes_equal_text(segment, ".") || bytes_equal_text(segment, "..");
}

/* Has it an empty segment, or one of dots? */
static bool value_has_odd_segment(struct bytes path)
{
    size_t begin = 0;
    for (size_t i = 0; i <= path.count; i++) {
        if (i < path.count && path.data[i] != '/')
            continue;
        struct bytes segment = bytes_make(path.data + begin, i - begin);
        if (segment.count == 0 || value_is_dots(segment))
            return true;
        begin = i + 1;
    }
    return false;
}

/* A star or a slash at the end changes nothing; false if it is no prefix. */
static bool value_prefix(struct bytes path, size_t *ret_count)
{
    size_t count = path.count;
    if (count == 0 || path.data[0] != '/')
        return false;
    if (count >= 2 && path.data[count - 1] == '*' && path.data[count - 2] == '/')
        count--;
    if (path.data[count - 1] == '/')
        count--;
    for (size_t i = 0; i < count; i++) {
        if (!value_is_path_byte(path.data[i]))
            return false;
    }
    *ret_count = count;
    return count == 0 || !value_has_odd_segment(bytes_make(path.data + 1, count - 1));
}

/* ---- by type --------------------------------------------------------------------------------- */

bool deploy_variable_name_valid(struct bytes name)
{
    for (size_t i = 0; i < name.count; i++) {
        uint8_t byte = name.data[i];
        if (!value_is_letter(byte) && byte != '_' && (i == 0 || !value_is_digit(byte)))
            return false;
    }
    return name.count > 0 && name.count <= DEPLOY_VARIABLE_NAME_BYTES_MAX;
}

/* NULL, and how much of `text` counts, or what is wrong with it. */
static const char *value_check(enum manifest_type type, char *text, size_t *count)
{
    struct bytes bytes = bytes_make(text, *count);
    switch (type) {
    case MANIFEST_NAME:
        return deploy_name_valid(bytes) ? NULL : "is no function's name: a-z, 0-9 and - inside";
    case MANIFEST_FILE:
        return text[0] != '/' && !value_has_control(bytes, 0x7f) && !value_has_odd_segment(bytes)
                   ? NULL
                   : "is no path from function.yaml's folder to a file below it";
    case MANIFEST_PATTERNS:
        return *count <= DEPLOY_PATTERN_BYTES_MAX && text[0] != '/' &&
                       !value_has_control(bytes, 0x7f) && !value_has_odd_segment(bytes)
                   ? NULL
                   : "is no pattern of files below function.yaml's folder, like templates/**";
    case MANIFEST_PATHS:
        return *count <= DEPLOY_PATTERN_BYTES_MAX && text[0] == '/' &&
                       !value_has_control(bytes, ' ')
                   ? NULL
                   : "is no path of a request, like /items?page=2";
    case MANIFEST_ARGUMENTS:
        return *count > 0 && *count <= DEPLOY_ARGUMENT_BYTES_MAX && !value_has_control(bytes, 0x7f)
                   ? NULL
                   : "is no argument: 1 to 1024 bytes on one line";
    case MANIFEST_PREFIX:
        return value_prefix(bytes, count) ? NULL : "is no path, like /v1 or /v1/*, as it is sent";
    case MANIFEST_VARIABLE_NAMES:
        return deploy_variable_name_valid(bytes) ? NULL
                                                 : "is no variable's name: letters, digits and _";
    case MANIFEST_HOST:
    case MANIFEST_ORIGIN:
    case MANIFEST_ORIGIN_RULES:
    case MANIFEST_HEADER_RULES:
    case MANIFEST_REDIRECT_RULES:
        return NULL; /* each has a check of its own */
    default:
        ASSERT(type == MANIFEST_TEXT);
        return value_has_control(bytes, '\n') ? "has a control character" : NULL;
    }
}

/* Of a list's entries the row's range is not the bytes. */
static bool value_is_listed(const struct manifest_row *row)
{
    return row->type == MANIFEST_NAMES || row->type == MANIFEST_ORIGIN_RULES ||
           row->type == MANIFEST_VARIABLE_NAMES || row->type == MANIFEST_PATTERNS ||
           row->type == MANIFEST_PATHS || row->type == MANIFEST_ARGUMENTS ||
           row->type == MANIFEST_HEADER_RULES || row->type == MANIFEST_REDIRECT_RULES;
}

/* OK of all that is no rule. */
static enum status
value_check_rule(enum manifest_type type, struct bytes text, struct report *report)
{
    struct deploy_site_header header;
    struct deploy_site_redirect redirect;
    if (type == MANIFEST_HEADER_RULES)
        return deploy_site_header_parse(text, report, &header);
    if (type == MANIFEST_REDIRECT_RULES)
        return deploy_site_redirect_parse(text, report, &redirect);
    return STATUS_OK;
}

enum status manifest_value_text(const struct manifest_row *row,
                                enum manifest_type type,
                                struct bytes text,
                                struct arena *arena,
                                struct report *report,
                                struct bytes *ret_value)
{
    if (!value_is_listed(row) && (text.count < row->minimum || text.count > row->maximum))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "has not between %u and %u bytes", (unsigned)row->minimum,
                           (unsigned)row->maximum);
    char origin[VALUE_ORIGIN_BYTES];
    if (type == MANIFEST_ORIGIN || type == MANIFEST_ORIGIN_RULES) {
        bool open = type == MANIFEST_ORIGIN_RULES;
        const char *found = value_origin(text, open, origin);
        if (found == NULL)
            return value_fail(report, open ? "is no origin, like https://api.example.com or "
                                             "https://*.example.com, without a path"
                                           : "is no origin, like https://api.example.com or "
                                             "http://10.0.0.1:8080, without a path");
        text = bytes_of_text(found);
    }
    char host[DEPLOY_HOST_BYTES];
    if (type == MANIFEST_HOST && !deploy_host_parse(text, host))
        return value_fail(report, "is no host name, like api.example.com or *.example.com, without "
                                  "a port");
    if (type == MANIFEST_HOST)
        text = bytes_of_text(host);
    enum status status = value_check_rule(type, text, report);
    if (status != STATUS_OK)
        return status;
    char *copy = arena_copy_text(arena, text);
    if (copy == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "finds no memory");
    size_t count = text.count;
    const char *why = value_check(type, copy, &count);
    if (why != NULL)
        return value_fail(report, why);
    /* As it is kept it has the star, too, and has to be read again. */
    if (type == MANIFEST_PREFIX && count + strlen(MANIFEST_PREFIX_END) > row->maximum)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "has more than %u bytes, with %s at its end", (unsigned)row->maximum,
                           MANIFEST_PREFIX_END);
    copy[count] = '\0';
    *ret_value = bytes_make(copy, count);
    return STATUS_OK;
}

enum status manifest_value_quantity(const struct manifest_row *row,
                                    const char *text,
                                    struct report *report,
                                    uint64_t *ret_value)
{
    enum config_unit unit = manifest_row_unit(row);
    uint64_t minimum;
    uint64_t maximum;
    uint64_t value;
    bool is_parsed = config_parse_quantity(text, unit, &value);
    if (!is_parsed && unit == CONFIG_UNIT_CHOICE)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "is none of %s (%s)",
                           config_unit_words(unit), manifest_row_text(row));
    if (!is_parsed)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "is no whole number with a unit of %s, like %s (%s)",
                           config_unit_words(unit), row->example, manifest_row_text(row));
    manifest_row_range(row, &minimum, &maximum);
    if (value >= minimum && value <= maximum) {
        *ret_value = value;
        return STATUS_OK;
    }
    char least[CONFIG_QUANTITY_BYTES];
    char most[CONFIG_QUANTITY_BYTES];
    config_format_quantity(minimum, unit, least);
    config_format_quantity(maximum, unit, most);
    return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "must lie between %s and %s (%s)",
                       least, most, manifest_row_text(row));
}

/* ---- methods --------------------------------------------------------------------------------- */

uint32_t deploy_method_bit(struct bytes method)
{
#define METHOD(NAME, bit)                                                                          \
    if (bytes_equal_text(method, #NAME))                                                           \
        return DEPLOY_METHOD_##NAME;
#include "deploy/manifest/methods.def"
    return 0;
}

bool deploy_route_takes(uint32_t methods, struct bytes method)
{
    uint32_t bit = deploy_method_bit(method);
    if (bit == DEPLOY_METHOD_HEAD)
        bit |= DEPLOY_METHOD_GET;
    return methods == 0 || (methods & bit) != 0;
}

enum status manifest_value_method(struct bytes text, struct report *report, uint32_t *ret_bit)
{
    *ret_bit = deploy_method_bit(text);
    if (*ret_bit != 0)
        return STATUS_OK;
    return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "is none of%s",
#define METHOD(NAME, bit) " " #NAME
#include "deploy/manifest/methods.def"
    );
}

bool manifest_routes_meet(const struct deploy_route *a, const struct deploy_route *b)
{
    return bytes_equal(a->host, b->host) && bytes_equal(a->path, b->path) &&
           (a->methods == 0 || b->methods == 0 || (a->methods & b->methods) != 0);
}

/* ---- variables ------------------------------------------------------------------------------- */

enum status deploy_variable_check(struct bytes name, struct bytes value, struct report *report)
{
    if (!deploy_variable_name_valid(name))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "is no variable's name: up to %d letters, digits and _",
                           DEPLOY_VARIABLE_NAME_BYTES_MAX);
    if (value.count > DEPLOY_VARIABLE_VALUE_BYTES_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "has a value of %zu bytes: %d are allowed", value.count,
                           DEPLOY_VARIABLE_VALUE_BYTES_MAX);
    if (value.count > 0 && memchr(value.data, '\0', value.count) != NULL)
        return value_fail(report, "has a value with a NUL in it");
    return STATUS_OK;
}

enum status manifest_value_variable(struct bytes name,
                                    struct bytes value,
                                    struct arena *arena,
                                    struct report *report,
                                    struct deploy_variable *ret_variable)
{
    enum status status = deploy_variable_check(name, value, report);
    if (status != STATUS_OK)
        return status;
    char *text = arena_alloc(arena, name.count + 1 + value.count + 1, 1);
    if (text == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "finds no memory");
    memcpy(text, name.data, name.count);
    text[name.count] = '=';
    if (value.count > 0)
        memcpy(text + name.count + 1, value.data, value.count);
    *ret_variable = (struct deploy_variable){.text = bytes_make(text, name.count + 1 + value.count),
                                             .name_bytes = name.count};
    return STATUS_OK;
}
