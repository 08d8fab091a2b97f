/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manifest's JSON is made of what the file says, and read by the manifest's own reader, which
 * judges it; bindings that no manifest has go with the script (docs/javascript.md).
 */
#include "deploy/cli/folder/wrangler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "deploy/cli/folder/dev_vars.h"
#include "deploy/cli/folder/folder.h"
#include "deploy/cli/folder/toml.h"

#define WRANGLER_FILE_MAX ((size_t)1 << 20)

struct wrangler {
    const struct cli *cli;
    const char *path;
    json_t *manifest; /* owned */
    json_t *bindings; /* owned */
};

typedef bool wrangler_take(struct wrangler *wrangler, const char *key, json_t *value);

static void wrangler_warn(const struct wrangler *wrangler, const char *key, const char *why)
{
    (void)fprintf(stderr, "warning: %s: `%s`: %s\n", wrangler->path, key, why);
}

static bool wrangler_fail(const struct wrangler *wrangler, const char *key, const char *why)
{
    (void)cli_fail(wrangler->cli, CLI_MANIFEST, "%s: `%s` %s", wrangler->path, key, why);
    return false;
}

/* The manifest's member of that name, made if it is not there; borrowed. */
static json_t *wrangler_member(struct wrangler *wrangler, const char *name, json_t *(*make)(void))
{
    json_t *found = json_object_get(wrangler->manifest, name);
    if (found != NULL)
        return found;
    (void)json_object_set_new(wrangler->manifest, name, make());
    return json_object_get(wrangler->manifest, name);
}

static void wrangler_bind(struct wrangler *wrangler, json_t *row)
{
    (void)json_array_append_new(wrangler->bindings, row);
}

/* ---- what keys mean -------------------------------------------------------------------------- */

/* "./src/index.ts" is "src/index.ts". */
static const char *wrangler_plain_path(const char *path)
{
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return path;
}

static bool wrangler_text(struct wrangler *wrangler, const char *key, json_t *value)
{
    if (!json_is_string(value))
        return wrangler_fail(wrangler, key, "is no text");
    const char *text = wrangler_plain_path(json_string_value(value));
    return json_object_set_new(wrangler->manifest, key, json_string(text)) == 0;
}

/* Workers may have an underscore in their names, which hosts cannot: it becomes a hyphen. */
static bool wrangler_name(struct wrangler *wrangler, const char *key, json_t *value)
{
    char name[64];
    if (!json_is_string(value) || json_string_length(value) >= sizeof(name))
        return wrangler_text(wrangler, key, value);
    (void)snprintf(name, sizeof(name), "%s", json_string_value(value));
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '_' ? '-' : *at;
    return json_object_set_new(wrangler->manifest, key, json_string(name)) == 0;
}

/* Texts are the version's environment, which `skerry env` goes before; what else there is is bound.
 */
static bool wrangler_vars(struct wrangler *wrangler, const char *key, json_t *value)
{
    const char *name;
    json_t *variable;
    if (!json_is_object(value))
        return wrangler_fail(wrangler, key, "is no table");
    json_t *environment = wrangler_member(wrangler, "env", json_object);
    json_object_foreach(value, name, variable)
    {
        if (json_is_string(variable))
            (void)json_object_set(environment, name, variable);
        else
            wrangler_bind(wrangler, json_pack("{s:s, s:s, s:O}", "type", "json", "name", name,
                                              "json", variable));
    }
    return true;
}

/* A row's text, or NULL. */
static const char *wrangler_field(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

static bool wrangler_kv(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(value, i, row)
    {
        const char *binding = wrangler_field(row, "binding");
        const char *id = wrangler_field(row, "id");
        if (binding == NULL)
            return wrangler_fail(wrangler, key, "has a row without `binding`");
        wrangler_bind(wrangler, json_pack("{s:s, s:s, s:s}", "type", "kv_namespace", "name",
                                          binding, "namespace_id", id == NULL ? binding : id));
    }
    return true;
}

static bool wrangler_services(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(value, i, row)
    {
        const char *binding = wrangler_field(row, "binding");
        const char *service = wrangler_field(row, "service");
        if (binding == NULL || service == NULL)
            return wrangler_fail(wrangler, key, "has a row without `binding` or `service`");
        wrangler_bind(wrangler, json_pack("{s:s, s:s, s:s}", "type", "service", "name", binding,
                                          "service", service));
    }
    return true;
}

static bool wrangler_rates(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(value, i, row)
    {
        const char *name = wrangler_field(row, "name");
        json_t *simple = json_object_get(row, "simple");
        if (name == NULL || !json_is_object(simple))
            return wrangler_fail(wrangler, key, "has a row without `name` or `simple`");
        wrangler_bind(wrangler, json_pack("{s:s, s:s, s:O}", "type", "ratelimit", "name", name,
                                          "simple", simple));
    }
    return true;
}

static bool wrangler_assets(struct wrangler *wrangler, const char *key, json_t *value)
{
    const char *folder = wrangler_field(value, "directory");
    const char *binding = wrangler_field(value, "binding");
    const char *missing = wrangler_field(value, "not_found_handling");
    if (folder == NULL)
        return wrangler_fail(wrangler, key, "has no `directory`");
    json_t *assets = wrangler_member(wrangler, "assets", json_object);
    size_t count = strlen(wrangler_plain_path(folder));
    while (count > 0 && wrangler_plain_path(folder)[count - 1] == '/')
        count--;
    (void)json_object_set_new(assets, "dir", json_stringn(wrangler_plain_path(folder), count));
    if (missing != NULL && strcmp(missing, "single-page-application") == 0)
        (void)json_object_set_new(assets, "fallback", json_string("index.html"));
    if (binding != NULL)
        wrangler_bind(wrangler, json_pack("{s:s, s:s}", "type", "assets", "name", binding));
    if (json_is_true(json_object_get(value, "run_worker_first")))
        wrangler_warn(wrangler, key, "files answer before the script here (run_worker_first)");
    return true;
}

static bool wrangler_site(struct wrangler *wrangler, const char *key, json_t *value)
{
    const char *folder = wrangler_field(value, "bucket");
    if (folder == NULL)
        return wrangler_fail(wrangler, key, "has no `bucket`");
    (void)json_object_set_new(wrangler_member(wrangler, "assets", json_object), "dir",
                              json_string(wrangler_plain_path(folder)));
    return true;
}

static bool wrangler_build(struct wrangler *wrangler, const char *key, json_t *value)
{
    const char *command = wrangler_field(value, "command");
    if (command != NULL)
        wrangler_warn(wrangler, key, "its command is not run: run it before");
    return true;
}

/* Whole hosts only: a route's path is stripped here, and was not there. */
static void wrangler_route(struct wrangler *wrangler, const char *key, const char *pattern)
{
    size_t host = strcspn(pattern, "/");
    const char *path = pattern + host;
    if (strchr(pattern, '*') != NULL && strchr(pattern, '*') < path)
        wrangler_warn(wrangler, key, "a host with a star is not taken: route it yourself");
    else if (path[0] != '\0' && strcmp(path, "/*") != 0 && strcmp(path, "/") != 0)
        wrangler_warn(wrangler, key, "a route with a path is not taken: `skerry route`");
    else
        (void)json_array_append_new(wrangler_member(wrangler, "routes", json_array),
                                    json_pack("{s:s%}", "host", pattern, host));
}

static bool wrangler_routes(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *row;
    if (json_is_string(value))
        wrangler_route(wrangler, key, json_string_value(value));
    json_array_foreach(value, i, row)
    {
        const char *pattern =
            json_is_string(row) ? json_string_value(row) : wrangler_field(row, "pattern");
        if (pattern == NULL)
            return wrangler_fail(wrangler, key, "has a row without `pattern`");
        wrangler_route(wrangler, key, pattern);
    }
    return true;
}

static bool wrangler_secrets(struct wrangler *wrangler, const char *key, json_t *value)
{
    json_t *names = json_object_get(value, "required");
    if (!json_is_array(names))
        return wrangler_fail(wrangler, key, "has no list `required`");
    return json_object_set(wrangler->manifest, "secrets", names) == 0;
}

static bool wrangler_flags(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *flag;
    json_array_foreach(value, i, flag)
    {
        const char *text = json_string_value(flag);
        if (text != NULL && strncmp(text, "nodejs_", 7) == 0)
            wrangler_warn(wrangler, key, "the modules of node.js are not here (nodejs_compat)");
    }
    return true;
}

static bool wrangler_triggers(struct wrangler *wrangler, const char *key, json_t *value)
{
    size_t i;
    json_t *schedule;
    json_array_foreach(json_object_get(value, "crons"), i, schedule)
    {
        if (!json_is_string(schedule))
            return wrangler_fail(wrangler, key, "has a schedule that is no text");
        (void)json_array_append_new(wrangler_member(wrangler, "cron", json_array),
                                    json_pack("{s:O}", "schedule", schedule));
    }
    return true;
}

/* What no other tool has a word for: keys of function.yaml. */
static bool wrangler_own(struct wrangler *wrangler, const char *key, json_t *value)
{
    if (!json_is_object(value))
        return wrangler_fail(wrangler, key, "is no table of keys of " DEPLOY_MANIFEST_FILE);
    return json_object_update(wrangler->manifest, value) == 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    wrangler_take *take; /* NULL: it is ignored */
    const char *absent;  /* NULL: it is here */
} wrangler_rows[] = {
#define TAKEN(key_, function) {.key = (key_), .take = (function)},
#define IGNORED(key_)         {.key = (key_)},
#define ABSENT(key_, what)    {.key = (key_), .absent = (what " is not here, and not bound")},
#include "deploy/cli/folder/wrangler.def"
};

static bool wrangler_key(struct wrangler *wrangler, const char *key, json_t *value)
{
    for (size_t i = 0; i < COUNT_OF(wrangler_rows); i++) {
        if (strcmp(wrangler_rows[i].key, key) != 0)
            continue;
        if (wrangler_rows[i].absent != NULL)
            wrangler_warn(wrangler, key, wrangler_rows[i].absent);
        return wrangler_rows[i].take == NULL || wrangler_rows[i].take(wrangler, key, value);
    }
    wrangler_warn(wrangler, key, "is not known here, and means nothing");
    return true;
}

const char *cli_wrangler_find(const char *folder, char ret_path[CLI_PATH_BYTES])
{
    static const char *const names[] = {"wrangler.jsonc", "wrangler.json", "wrangler.toml"};
    struct stat facts;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(ret_path, CLI_PATH_BYTES, "%s%s%s", folder, folder[0] == '\0' ? "" : "/",
                       names[i]);
        if (stat(ret_path, &facts) == 0 && S_ISREG(facts.st_mode))
            return names[i];
    }
    return NULL;
}

/* What its developer keeps beside it goes before what the file says. */
static bool wrangler_dev_vars(struct wrangler *wrangler)
{
    char path[CLI_PATH_BYTES];
    char why[64];
    struct buffer text;
    const char *slash = strrchr(wrangler->path, '/');
    size_t folder = slash == NULL ? 0 : (size_t)(slash - wrangler->path) + 1;
    (void)snprintf(path, sizeof(path), "%.*s" CLI_DEV_VARS_FILE, (int)folder, wrangler->path);
    buffer_init(&text, WRANGLER_FILE_MAX);
    uint32_t line = 0;
    if (cli_read_all(path, &text))
        line =
            cli_dev_vars_parse(buffer_bytes(&text), wrangler_member(wrangler, "env", json_object));
    buffer_done(&text);
    (void)snprintf(why, sizeof(why), "is no NAME=VALUE in line %" PRIu32, line);
    return line == 0 || wrangler_fail(wrangler, CLI_DEV_VARS_FILE, why);
}

static enum cli_exit wrangler_finish(struct wrangler *wrangler,
                                     struct arena *arena,
                                     struct deploy_manifest *ret_manifest)
{
    struct report report = REPORT_INIT;
    char *text = json_dumps(wrangler->manifest, JSON_COMPACT);
    enum status status =
        text == NULL ? STATUS_NO_MEMORY
                     : deploy_manifest_from_json(bytes_of_text(text), arena, &report, ret_manifest);
    free(text);
    return status == STATUS_OK ? CLI_OK
                               : cli_fail(wrangler->cli, (enum cli_exit)status_exit_code(status),
                                          "%s: %s", wrangler->path, report.text);
}

enum cli_exit cli_wrangler_read(const struct cli *cli,
                                const char *path,
                                struct arena *arena,
                                struct deploy_manifest *ret_manifest,
                                json_t **ret_bindings)
{
    struct wrangler wrangler = {.cli = cli, .path = path};
    struct report report = REPORT_INIT;
    struct buffer text;
    const char *key;
    json_t *value;
    bool is_toml = strcmp(path + strlen(path) - 5, ".toml") == 0;
    buffer_init(&text, WRANGLER_FILE_MAX);
    if (!cli_read_all(path, &text)) {
        buffer_done(&text);
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", path, strerrordesc_np(errno));
    }
    json_t *file = is_toml ? cli_toml_parse(buffer_bytes(&text), &report)
                           : cli_jsonc_parse(buffer_bytes(&text), &report);
    buffer_done(&text);
    if (file == NULL)
        return cli_fail(cli, CLI_MANIFEST, "%s:%s", path, report.text);
    wrangler.manifest = json_object();
    wrangler.bindings = json_array();
    bool good = true;
    json_object_foreach(file, key, value)
    {
        good = good && wrangler_key(&wrangler, key, value);
    }
    good = good && (strcmp(cli->verb, "dev") != 0 || wrangler_dev_vars(&wrangler));
    enum cli_exit code = good ? wrangler_finish(&wrangler, arena, ret_manifest) : CLI_MANIFEST;
    json_decref(file);
    json_decref(wrangler.manifest);
    if (code == CLI_OK)
        *ret_bindings = wrangler.bindings;
    else
        json_decref(wrangler.bindings);
    return code;
}
