/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The skip list: one entry a line, a path and why.
 *
 *   core/simd/            SIMD comes with its own issue
 *   core/table.json:10-90 typed function references
 *
 * '#' begins a comment. Paths are matched from their first component on, wherever the
 * suite lies.
 */
#include <errno.h>
#include <stdlib.h>

#include "server/cli/verbs_engine.h"
#include "server/cli/wast.h"

#define SKIPS_FILE_BYTES ((uint64_t)1 << 20)
#define SKIPS_MAX        4096

/* "path[:first[-last]] reason" */
static bool parse_line(char *line, struct wast_skip *row)
{
    char *reason = line + strcspn(line, " \t");
    if (*reason == '\0')
        return false;
    *reason++ = '\0';
    reason += strspn(reason, " \t");
    if (*reason == '\0')
        return false;
    char *lines = strchr(line, ':');
    *row = (struct wast_skip){.path = line, .reason = reason};
    row->path_bytes = lines != NULL ? (size_t)(lines - line) : strlen(line);
    if (lines == NULL)
        return true;
    char *end;
    row->first_line = (uint32_t)strtoul(lines + 1, &end, 10);
    row->last_line = *end == '-' ? (uint32_t)strtoul(end + 1, &end, 10) : row->first_line;
    return *end == '\0' && row->first_line > 0 && row->last_line >= row->first_line;
}

enum status wast_skips_load(const char *path, struct report *report, struct wast_skips *ret_skips)
{
    struct buffer file;
    enum status status = verb_read_file(path, SKIPS_FILE_BYTES, report, &file);
    if (status != STATUS_OK)
        return status;
    struct wast_skips skips = {0};
    arena_init(&skips.arena, SKIPS_FILE_BYTES * 2);
    char *text = arena_copy_text(&skips.arena, buffer_bytes(&file));
    buffer_done(&file);
    skips.rows = ARENA_ARRAY(&skips.arena, struct wast_skip, SKIPS_MAX);
    ASSERT(text != NULL && skips.rows != NULL);
    char *rest = text;
    for (uint32_t number = 1; rest != NULL; number++) {
        char *line = strsep(&rest, "\n");
        line += strspn(line, " \t");
        if (*line == '#' || *line == '\0')
            continue;
        if (skips.count == SKIPS_MAX || !parse_line(line, &skips.rows[skips.count])) {
            status = report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                                 "%s:%u: want PATH[:LINE[-LINE]] REASON", path, number);
            wast_skips_done(&skips);
            return status;
        }
        skips.count++;
    }
    *ret_skips = skips;
    return STATUS_OK;
}

void wast_skips_done(struct wast_skips *skips)
{
    arena_done(&skips->arena);
    *skips = (struct wast_skips){0};
}

/* Is `row` a folder of, or the whole of, the path that ends in it? */
static bool row_matches(const struct wast_skip *row, const char *script)
{
    size_t script_bytes = strlen(script);
    for (size_t at = 0; at + row->path_bytes <= script_bytes; at++) {
        if ((at > 0 && script[at - 1] != '/') ||
            strncmp(script + at, row->path, row->path_bytes) != 0)
            continue;
        if (row->path[row->path_bytes - 1] == '/' || at + row->path_bytes == script_bytes)
            return true;
    }
    return false;
}

struct wast_skip *wast_skips_find(struct wast_skips *skips, const char *script, uint32_t line)
{
    for (uint32_t i = 0; i < skips->count; i++) {
        struct wast_skip *row = &skips->rows[i];
        bool holds = row->first_line == 0 || (row->first_line <= line && line <= row->last_line);
        if (holds && row_matches(row, script))
            return row;
    }
    return NULL;
}
