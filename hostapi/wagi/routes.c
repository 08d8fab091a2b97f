/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes are looked at line by line, each time: there are few, and nothing has to be kept.
 */
#include "hostapi/wagi/routes.h"

#define ROUTES_BELOW "/..."

static bool routes_is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* The next word of a line; empty at its end. */
static struct bytes routes_word(struct bytes *rest)
{
    size_t begin = 0;
    while (begin < rest->count && routes_is_blank(rest->data[begin]))
        begin++;
    size_t end = begin;
    while (end < rest->count && !routes_is_blank(rest->data[end]))
        end++;
    struct bytes word = bytes_make(rest->data + begin, end - begin);
    *rest = bytes_make(rest->data + end, rest->count - end);
    return word;
}

static bool routes_begins_with(struct bytes path, struct bytes prefix)
{
    return path.count >= prefix.count && memcmp(path.data, prefix.data, prefix.count) == 0 &&
           (path.count == prefix.count || path.data[prefix.count] == '/');
}

/* Does a route fit the path, and better than the best so far? */
static bool routes_is_better(const struct routes_match *best,
                             struct bytes route,
                             struct bytes path,
                             struct routes_match *ret_match)
{
    size_t below = strlen(ROUTES_BELOW);
    bool whole =
        route.count < below || memcmp(route.data + route.count - below, ROUTES_BELOW, below) != 0;
    struct bytes prefix = bytes_make(route.data, whole ? route.count : route.count - below);
    bool fits = whole ? bytes_equal(route, path) : routes_begins_with(path, prefix);
    bool is_first = best->entrypoint.count == 0;
    if (!fits || best->whole || (!is_first && !whole && prefix.count <= best->prefix.count))
        return false;
    *ret_match = (struct routes_match){.prefix = prefix, .whole = whole};
    return true;
}

struct routes_match routes_find(struct bytes text, struct bytes path)
{
    struct routes_match best = {.whole = false};
    while (text.count > 0) {
        const uint8_t *newline = memchr(text.data, '\n', text.count);
        size_t end = newline == NULL ? text.count : (size_t)(newline - text.data);
        struct bytes line = bytes_make(text.data, end);
        size_t next = newline == NULL ? end : end + 1;
        text = bytes_make(text.data + next, text.count - next);
        struct bytes route = routes_word(&line);
        struct bytes entrypoint = routes_word(&line);
        struct routes_match match;
        if (route.count == 0 || route.data[0] != '/' || entrypoint.count == 0 ||
            !routes_is_better(&best, route, path, &match))
            continue;
        best = match;
        best.entrypoint = entrypoint;
    }
    return best;
}
