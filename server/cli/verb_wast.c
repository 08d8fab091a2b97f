/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skerry wast: scripts and folders of scripts, then the closing line
 * "N passed, N failed, N skipped", which counts assertions. A path that is not there fails as one,
 * and makes the exit status that of a missing file.
 *
 * --slice suspends each call every so many units of fuel and resumes it: same results, same fuel.
 * --deterministic compiles the modules so. --totals prints for each script a line with the fuel its
 * calls used and a hash of how they ended, which are the same in every build.
 */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "server/cli/verbs_engine.h"
#include "server/cli/wast.h"

struct wast_options {
    const char *skip_file;
    struct wast_settings settings;
    bool verbose;
    bool totals;
};

/* Reads options; the index of the first path, or -1. */
static int read_options(int argc, char **argv, struct wast_options *options)
{
    int i = 0;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--totals") == 0) {
            options->totals = true;
        } else if (strcmp(argv[i], "--deterministic") == 0) {
            options->settings.options.deterministic = true;
        } else if (verb_read_native(argv[i], &options->settings.options)) {
            continue;
        } else if (strcmp(argv[i], "--skip") == 0 && i + 1 < argc) {
            options->skip_file = argv[++i];
        } else if (strcmp(argv[i], "--slice") == 0 && i + 1 < argc) {
            options->settings.slice = strtoll(argv[++i], NULL, 10);
            if (options->settings.slice < 1)
                return -1;
        } else {
            return -1;
        }
    }
    return i < argc ? i : -1;
}

static void run_script(const char *path,
                       struct wast_skips *skips,
                       const struct wast_options *options,
                       struct wast_totals *totals)
{
    struct wast_totals one = {0};
    wast_script_run(path, skips, &options->settings, &one);
    if (options->totals)
        (void)printf("%s: fuel %llu outcomes %016llx\n", path, (unsigned long long)one.fuel,
                     (unsigned long long)one.outcome_hash);
    if (options->verbose)
        (void)printf("%s: %llu passed, %llu failed, %llu skipped\n", path,
                     (unsigned long long)one.passed, (unsigned long long)one.failed,
                     (unsigned long long)one.skipped);
    totals->passed += one.passed;
    totals->failed += one.failed;
    totals->skipped += one.skipped;
    totals->skipped_text += one.skipped_text;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_script(const FTSENT *entry)
{
    size_t bytes = strlen(entry->fts_name);
    return entry->fts_info == FTS_F && bytes > 5 &&
           strcmp(entry->fts_name + bytes - 5, ".json") == 0;
}

static bool run_folder(char *path,
                       struct wast_skips *skips,
                       const struct wast_options *options,
                       struct wast_totals *totals)
{
    char *paths[] = {path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (walk == NULL)
        return false;
    bool found = false;
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        if (!is_script(entry))
            continue;
        found = true;
        run_script(entry->fts_path, skips, options, totals);
    }
    (void)fts_close(walk);
    return found;
}

static void print_reasons(const struct wast_skips *skips, const struct wast_totals *totals)
{
    for (uint32_t i = 0; i < skips->count; i++) {
        const struct wast_skip *row = &skips->rows[i];
        if (row->used_count > 0)
            (void)printf("skipped %u in %s: %s\n", row->used_count, row->path, row->reason);
    }
    if (totals->skipped_text > 0)
        (void)printf("skipped %llu: modules in the text format, which Skerry does not read\n",
                     (unsigned long long)totals->skipped_text);
}

int verb_wast(int argc, char **argv)
{
    struct wast_options options = {
        .settings = {.slice = INT64_MAX, .options = engine_options_default}};
    struct wast_skips skips = {0};
    struct wast_totals totals = {0};
    struct report report = REPORT_INIT;
    int exit_status = 0;
    int first = read_options(argc, argv, &options);
    if (first < 0)
        return verb_usage("wast", "which scripts, or an unknown or incomplete option");
    if (engine_init(&report) != STATUS_OK)
        return verb_fail_report("wast", "engine", &report);
    if (options.skip_file != NULL &&
        wast_skips_load(options.skip_file, &report, &skips) != STATUS_OK)
        return verb_fail_report("wast", options.skip_file, &report);
    for (int i = first; i < argc; i++) {
        struct stat facts;
        if (stat(argv[i], &facts) != 0) {
            totals.failed++;
            exit_status = status_exit_code(STATUS_NOT_FOUND);
            (void)printf("%s: no such file or folder\n", argv[i]);
        } else if (!S_ISDIR(facts.st_mode)) {
            run_script(argv[i], &skips, &options, &totals);
        } else if (!run_folder(argv[i], &skips, &options, &totals)) {
            totals.failed++;
            (void)printf("%s: no scripts (*.json) in it\n", argv[i]);
        }
    }
    print_reasons(&skips, &totals);
    (void)printf("%llu passed, %llu failed, %llu skipped\n", (unsigned long long)totals.passed,
                 (unsigned long long)totals.failed, (unsigned long long)totals.skipped);
    wast_skips_done(&skips);
    return totals.failed > 0 && exit_status == 0 ? 1 : exit_status;
}
