/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: what one version of a function has that another has not: its kind and sizes, what it was
 * deployed with, and each key of its manifest.
 *
 * Both are shown as the server shows versions, as one list of "key: value" each; what differs is
 * told by its key. Lists of plain values are one value, but for imports and exports: of those, what
 * only one of both versions has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/cli/cli.h"

#define DIFF_KEY_BYTES 192
#define DIFF_DEPTH_MAX 6

/* What two versions never have in common. */
static bool diff_is_noise(const char *key)
{
    static const char *const names[] = {"version", "url",    "created",
                                        "active",  "tenant", "function"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(key, names[i]) == 0)
            return true;
    }
    return false;
}

/* Of these it is told one by one which are there. */
static bool diff_is_set(const char *key)
{
    return strcmp(key, "imports") == 0 || strcmp(key, "exports") == 0;
}

static void diff_flatten(const json_t *value, const char *key, int depth, json_t *flat);

static void diff_flatten_members(const json_t *object, const char *key, int depth, json_t *flat)
{
    json_t *members = (json_t *)(uintptr_t)object;
    const char *name;
    json_t *member;
    json_object_foreach(members, name, member)
    {
        char path[DIFF_KEY_BYTES];
        if (depth == 0 && diff_is_noise(name))
            continue;
        (void)snprintf(path, sizeof(path), "%s%s%.64s", key, depth == 0 ? "" : ".", name);
        if (depth == 0 && diff_is_set(name)) {
            (void)json_object_set(flat, name, member);
            continue;
        }
        diff_flatten(member, path, depth + 1, flat);
    }
}

/* Each value that is none of its own parts, as text under its key. */
static void diff_flatten(const json_t *value, const char *key, int depth, json_t *flat)
{
    if (json_is_object(value) && depth < DIFF_DEPTH_MAX) {
        diff_flatten_members(value, key, depth, flat);
        return;
    }
    if (json_is_null(value))
        return;
    char *text = json_is_string(value) ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL)
        (void)json_object_set_new(flat, key, json_string(text));
    free(text);
}

/* One version, flat. */
static enum cli_exit diff_get(const struct cli *cli, const char *version, json_t **ret_flat)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char rest[96];
    if (strlen(version) > 16 || strpbrk(version, "/?#% ") != NULL)
        return cli_fail(cli, CLI_USAGE, "`%.64s` is no version: see skerry versions", version);
    (void)snprintf(rest, sizeof(rest), "/versions/%s", version);
    cli_function_path(cli, cli->options.positional[0], rest, path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    *ret_flat = json_object();
    diff_flatten(answer.json, "", 0, *ret_flat);
    cli_answer_done(&answer);
    return CLI_OK;
}

static void diff_add(json_t *changes, const char *key, json_t *before, json_t *after)
{
    if (before == after || (before != NULL && after != NULL && json_equal(before, after)))
        return;
    (void)json_array_append_new(
        changes, json_pack("{s:s, s:O?, s:O?}", "key", key, "from", before, "to", after));
}

static bool diff_has(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *other;
    json_array_foreach(list, i, other)
    {
        if (json_equal(other, value))
            return true;
    }
    return false;
}

/* Nothing is said of lists that one of both versions was deployed without. */
static void diff_add_sets(json_t *changes, const char *key, json_t *before, json_t *after)
{
    size_t i;
    json_t *value;
    if (!json_is_array(before) || !json_is_array(after))
        return;
    json_array_foreach(before, i, value)
    {
        if (!diff_has(after, value))
            diff_add(changes, key, value, NULL);
    }
    json_array_foreach(after, i, value)
    {
        if (!diff_has(before, value))
            diff_add(changes, key, NULL, value);
    }
}

static json_t *diff_compare(json_t *before, json_t *after)
{
    json_t *changes = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(before, key, value)
    {
        json_t *other = json_object_get(after, key);
        if (diff_is_set(key))
            diff_add_sets(changes, key, value, other);
        else
            diff_add(changes, key, value, other);
    }
    json_object_foreach(after, key, value)
    {
        if (json_object_get(before, key) == NULL && !diff_is_set(key))
            diff_add(changes, key, NULL, value);
    }
    return changes;
}

static void diff_print(const struct cli *cli, const json_t *changes)
{
    const char *const *words = cli->options.positional;
    char flags[CLI_FLAGS_BYTES];
    size_t i;
    json_t *row;
    json_array_foreach(changes, i, row)
    {
        const json_t *before = json_object_get(row, "from");
        const json_t *after = json_object_get(row, "to");
        if (json_is_string(before)) {
            (void)printf("- %s: ", cli_text(row, "key"));
            cli_print_plain(json_string_value(before));
            (void)fputc('\n', stdout);
        }
        if (json_is_string(after)) {
            (void)printf("+ %s: ", cli_text(row, "key"));
            cli_print_plain(json_string_value(after));
            (void)fputc('\n', stdout);
        }
    }
    if (json_array_size(changes) == 0)
        (void)printf("%s and %s have the same in them\n", words[1], words[2]);
    cli_next(cli, "skerry activate %s %s%s", words[0], words[2], cli_flags(cli, flags));
}

enum cli_exit cli_diff(struct cli *cli)
{
    json_t *before = NULL;
    json_t *after = NULL;
    enum cli_exit code = diff_get(cli, cli->options.positional[1], &before);
    if (code == CLI_OK)
        code = diff_get(cli, cli->options.positional[2], &after);
    json_t *changes = code == CLI_OK ? diff_compare(before, after) : NULL;
    json_decref(before);
    json_decref(after);
    if (changes == NULL)
        return code;
    if (cli->options.json) {
        cli_print_value(json_pack("{s:s, s:s, s:s, s:O}", "function", cli->options.positional[0],
                                  "from", cli->options.positional[1], "to",
                                  cli->options.positional[2], "changes", changes));
    } else {
        diff_print(cli, changes);
    }
    json_decref(changes);
    return CLI_OK;
}
