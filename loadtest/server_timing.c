/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header's grammar, read left to right with one cursor that never passes the end:
 *
 *   value = entry *( "," entry )      entry = token *( ";" param )
 *   param = token [ "=" ( token / quoted-string ) ]      blanks allowed around each sign
 */
#include "loadtest/server_timing.h"

#include "engine/base/clock.h"
#include "loadtest/token.h"

#define SERVER_TIMING_MS_MAX 1000000000u /* eleven days: keeps the arithmetic in range */

struct server_timing_cursor {
    const uint8_t *at;
    const uint8_t *end;
};

void server_timing_init(struct server_timing *timing)
{
    timing->start = SERVER_TIMING_UNKNOWN;
    timing->reason[0] = '\0';
    timing->entry_count = 0;
    timing->dropped_count = 0;
}

static void server_timing_skip_blanks(struct server_timing_cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t'))
        cursor->at++;
}

/* Takes `sign` and the blanks around it, if it is next. */
static bool server_timing_take(struct server_timing_cursor *cursor, char sign)
{
    server_timing_skip_blanks(cursor);
    if (cursor->at == cursor->end || *cursor->at != (uint8_t)sign)
        return false;
    cursor->at++;
    server_timing_skip_blanks(cursor);
    return true;
}

static struct bytes server_timing_token(struct server_timing_cursor *cursor)
{
    const uint8_t *start = cursor->at;
    while (cursor->at<cursor->end && * cursor->at> ' ' && *cursor->at < 0x7f &&
           strchr("()<>@,;:\\\"/[]?={}", *cursor->at) == NULL)
        cursor->at++;
    return bytes_make(start, (size_t)(cursor->at - start));
}

/* The inside of a quoted string; escapes are left as they are. False if it does not end. */
static bool server_timing_quoted(struct server_timing_cursor *cursor, struct bytes *ret_text)
{
    const uint8_t *start = ++cursor->at;
    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\' && cursor->end - cursor->at > 1)
            cursor->at++;
        cursor->at++;
    }
    if (cursor->at == cursor->end)
        return false;
    *ret_text = bytes_make(start, (size_t)(cursor->at - start));
    cursor->at++;
    return true;
}

/* "0.021" (milliseconds) to 21000; digits past the sixth after the point are dropped. */
static bool server_timing_duration(struct bytes text, uint64_t *ret_ns)
{
    uint64_t whole = 0;
    size_t i = 0;
    for (; i < text.count && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        whole = whole * 10 + (uint64_t)(text.data[i] - '0');
        if (whole > SERVER_TIMING_MS_MAX)
            return false;
    }
    bool digits = i > 0;
    uint64_t fraction_ns = 0;
    if (i < text.count && text.data[i] == '.') {
        uint64_t unit = CLOCK_NS_PER_MS / 10;
        for (i++; i < text.count && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
            fraction_ns += unit * (uint64_t)(text.data[i] - '0');
            unit /= 10;
            digits = true;
        }
    }
    if (!digits || i != text.count)
        return false;
    *ret_ns = whole * CLOCK_NS_PER_MS + fraction_ns;
    return true;
}

static void server_timing_copy(char *to, size_t size, struct bytes from)
{
    size_t count = MIN(from.count, size - 1);
    if (count > 0)
        memcpy(to, from.data, count);
    to[count] = '\0';
}

static void server_timing_describe(struct server_timing *timing, struct bytes desc)
{
    static const char cold[] = "cold";
    size_t prefix = sizeof(cold) - 1;
    if (bytes_equal_text(desc, "warm")) {
        timing->start = SERVER_TIMING_WARM;
    } else if (bytes_equal_text(desc, cold)) {
        timing->start = SERVER_TIMING_COLD;
    } else if (desc.count > prefix && memcmp(desc.data, cold, prefix) == 0 &&
               desc.data[prefix] == ':') {
        timing->start = SERVER_TIMING_COLD;
        server_timing_copy(timing->reason, sizeof(timing->reason),
                           bytes_make(desc.data + prefix + 1, desc.count - prefix - 1));
    }
}

/* One ";name=value"; sets what it says. False if it does not parse. */
static bool server_timing_param(struct server_timing_cursor *cursor,
                                struct bytes *ret_desc,
                                uint64_t *ret_ns,
                                bool *ret_has_duration)
{
    struct bytes name = server_timing_token(cursor);
    struct bytes value = bytes_make(NULL, 0);
    if (name.count == 0)
        return false;
    if (server_timing_take(cursor, '=')) {
        if (cursor->at < cursor->end && *cursor->at == '"') {
            if (!server_timing_quoted(cursor, &value))
                return false;
        } else {
            value = server_timing_token(cursor);
        }
    }
    if (bytes_equal_text(name, "desc"))
        *ret_desc = value;
    if (!bytes_equal_text(name, "dur"))
        return true;
    *ret_has_duration = server_timing_duration(value, ret_ns);
    return *ret_has_duration;
}

static bool server_timing_read_entry(struct server_timing *timing,
                                     struct server_timing_cursor *cursor)
{
    struct bytes name = server_timing_token(cursor);
    if (name.count == 0)
        return false;
    struct bytes desc = bytes_make(NULL, 0);
    uint64_t duration_ns = 0;
    bool has_duration = false;
    while (server_timing_take(cursor, ';')) {
        if (!server_timing_param(cursor, &desc, &duration_ns, &has_duration))
            return false;
    }
    if (bytes_equal_text(name, "start"))
        server_timing_describe(timing, desc);
    if (!has_duration)
        return true;
    if (timing->entry_count == LOADTEST_TIMING_ENTRIES_MAX) {
        timing->dropped_count++;
        return true;
    }
    struct server_timing_entry *entry = &timing->entries[timing->entry_count++];
    server_timing_copy(entry->name, sizeof(entry->name), name);
    entry->duration_ns = duration_ns;
    return true;
}

bool server_timing_parse(struct server_timing *timing, struct bytes value)
{
    if (value.count == 0)
        return true;
    struct server_timing_cursor cursor = {.at = value.data, .end = value.data + value.count};
    server_timing_skip_blanks(&cursor);
    if (cursor.at == cursor.end)
        return true;
    do {
        if (!server_timing_read_entry(timing, &cursor))
            return false;
    } while (server_timing_take(&cursor, ','));
    return cursor.at == cursor.end;
}
