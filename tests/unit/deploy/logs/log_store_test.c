/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of functions: appended, followed, read again, rotated, grown old, and cut by a crash.
 */
#include "../fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/logs/log_store.h"

#define FILE_BYTES 400

struct rig {
    struct fixture base;
    struct log_store *logs;
    char text[65536]; /* what was taken, ids left out */
    uint64_t last_id;
    uint32_t count;
};

static struct log_name name_of(const char *tenant, const char *function)
{
    return (struct log_name){.tenant = bytes_of_text(tenant), .function = bytes_of_text(function)};
}

static void rig_open(struct rig *rig)
{
    struct report report = REPORT_INIT;
    const struct log_store_options options = {.data_dir = rig->base.dir,
                                              .file_bytes_max = FILE_BYTES,
                                              .files_max = 3,
                                              .age_ns_max = 3600 * CLOCK_NS_PER_S,
                                              .clock = &rig->base.clock};
    if (log_store_open(&options, &report, &rig->logs) != STATUS_OK)
        fail_msg("%s", report.text);
}

static void rig_init(struct rig *rig)
{
    char path[96];
    memset(rig, 0, sizeof(*rig));
    fixture_init(&rig->base);
    (void)snprintf(path, sizeof(path), "%s/logs", rig->base.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    rig_open(rig);
}

static void rig_done(struct rig *rig)
{
    log_store_close(rig->logs);
    fixture_done(&rig->base);
}

static void take(void *context, uint64_t id, struct bytes line)
{
    struct rig *rig = context;
    char expected[64];
    int count = snprintf(expected, sizeof(expected), "{\"id\":\"%llu\",", (unsigned long long)id);
    assert_memory_equal(line.data, expected, (size_t)count);
    assert_int_equal(line.data[line.count - 1], '\n');
    assert_true(id > rig->last_id);
    rig->last_id = id;
    rig->count++;
    (void)snprintf(rig->text + strlen(rig->text), sizeof(rig->text) - strlen(rig->text), "%.*s",
                   (int)(line.count - (size_t)count), line.data + count);
}

static void
append(struct rig *rig, const char *function, enum deploy_log_level level, const char *word)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    char line[200];
    const struct log_name name = name_of("acme", function);
    (void)snprintf(line, sizeof(line), "{\"level\":\"%s\",\"message\":\"%s\"}", levels[level],
                   word);
    log_store_append(rig->logs, &name, level, bytes_of_text(line));
}

static const char *read_log(struct rig *rig, const struct log_query *query)
{
    struct report report = REPORT_INIT;
    rig->text[0] = '\0';
    rig->last_id = rig->count = 0;
    assert_int_equal(log_store_read(rig->logs, query, &report, take, rig), STATUS_OK);
    return rig->text;
}

static struct log_query all_of(const char *function)
{
    return (struct log_query){.name = name_of("acme", function), .limit = LOG_QUERY_LIMIT_MAX};
}

static void lines_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct log_query query = all_of("f");
    assert_string_equal(read_log(&rig, &query), "");
    append(&rig, "f", DEPLOY_LOG_INFO, "one");
    append(&rig, "g", DEPLOY_LOG_INFO, "other");
    append(&rig, "f", DEPLOY_LOG_ERROR, "two");
    assert_string_equal(read_log(&rig, &query), "\"level\":\"info\",\"message\":\"one\"}\n"
                                                "\"level\":\"error\",\"message\":\"two\"}\n");
    assert_true(rig.last_id > rig.base.now_ns); /* two in one nanosecond */
    query.level = DEPLOY_LOG_WARN;
    assert_string_equal(read_log(&rig, &query), "\"level\":\"error\",\"message\":\"two\"}\n");
    query.after = rig.last_id;
    assert_string_equal(read_log(&rig, &query), "");
    query = all_of("f");
    query.limit = 1;
    (void)read_log(&rig, &query);
    assert_int_equal(rig.count, 1);
    assert_non_null(strstr(rig.text, "two"));
    assert_int_equal(log_store_stats(rig.logs).lines, 3);
    assert_int_equal(log_store_stats(rig.logs).lost, 0);
    rig_done(&rig);
}

static void a_full_file_is_rotated_and_the_oldest_goes(void **state)
{
    (void)state;
    struct rig rig;
    char word[16];
    rig_init(&rig);
    struct log_query query = all_of("f");
    for (uint32_t i = 0; i < 40; i++) {
        (void)snprintf(word, sizeof(word), "w%02u", i);
        append(&rig, "f", DEPLOY_LOG_INFO, word);
        log_store_flush(rig.logs);
    }
    (void)read_log(&rig, &query);
    assert_true(rig.count >= 10 && rig.count <= 25);
    assert_non_null(strstr(rig.text, "w39"));
    assert_null(strstr(rig.text, "w05"));
    uint64_t last_id = rig.last_id;
    /* Whoever comes next goes on where it ended, even if the clock went back. */
    log_store_close(rig.logs);
    rig.base.now_ns -= 1000;
    rig_open(&rig);
    append(&rig, "f", DEPLOY_LOG_INFO, "after");
    (void)read_log(&rig, &query);
    assert_true(rig.last_id > last_id);
    rig_done(&rig);
}

static void what_a_crash_cut_is_left_out(void **state)
{
    (void)state;
    struct rig rig;
    char path[128];
    rig_init(&rig);
    const struct log_query query = all_of("f");
    append(&rig, "f", DEPLOY_LOG_INFO, "whole");
    log_store_close(rig.logs);
    (void)snprintf(path, sizeof(path), "%s/logs/acme/f.ndjson", rig.base.dir);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\n\n{}\nnonsense\n{\"id\":\"17", 23), 23);
    assert_int_equal(close(fd), 0);
    rig_open(&rig);
    assert_string_equal(read_log(&rig, &query), "\"level\":\"info\",\"message\":\"whole\"}\n");
    rig_done(&rig);
}

static void whoever_follows_hears_what_it_asked_for(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct log_watch watch = {
        .tenant = "acme", .function = "f", .level = DEPLOY_LOG_WARN, .take = take, .context = &rig};
    log_store_watch(rig.logs, &watch);
    append(&rig, "f", DEPLOY_LOG_INFO, "low");
    append(&rig, "g", DEPLOY_LOG_ERROR, "other");
    append(&rig, "f", DEPLOY_LOG_WARN, "high");
    assert_string_equal(rig.text, "\"level\":\"warn\",\"message\":\"high\"}\n");
    log_store_unwatch(&watch);
    append(&rig, "f", DEPLOY_LOG_ERROR, "later");
    assert_int_equal(rig.count, 1);
    rig_done(&rig);
}

static void what_cannot_be_written_is_lost_and_counted(void **state)
{
    (void)state;
    struct rig rig;
    char path[128];
    rig_init(&rig);
    (void)snprintf(path, sizeof(path), "%s/logs/acme", rig.base.dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600); /* where the folder should be */
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "one");
    append(&rig, "f", DEPLOY_LOG_INFO, "two");
    log_store_flush(rig.logs);
    assert_int_equal(log_store_stats(rig.logs).lost, 2);
    rig_done(&rig);
}

static void what_is_no_file_is_neither_read_nor_written_nor_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    char path[128];
    rig_init(&rig);
    (void)snprintf(path, sizeof(path), "%s/logs/acme", rig.base.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/logs/acme/f.ndjson", rig.base.dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "one");
    log_store_flush(rig.logs);
    assert_int_equal(log_store_stats(rig.logs).lost, 1);
    struct report report = REPORT_INIT;
    const struct log_query query = all_of("f");
    assert_int_equal(log_store_read(rig.logs, &query, &report, take, &rig), STATUS_IO);
    rig_done(&rig);
}

static void a_file_that_was_moved_away_is_begun_again(void **state)
{
    (void)state;
    struct rig rig;
    char path[128];
    char away[128];
    rig_init(&rig);
    const struct log_query query = all_of("f");
    (void)snprintf(path, sizeof(path), "%s/logs/acme/f.ndjson", rig.base.dir);
    (void)snprintf(away, sizeof(away), "%s/away", rig.base.dir);
    append(&rig, "f", DEPLOY_LOG_INFO, "one");
    log_store_flush(rig.logs);
    assert_int_equal(rename(path, away), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "two");
    assert_string_equal(read_log(&rig, &query), "\"level\":\"info\",\"message\":\"two\"}\n");
    assert_int_equal(unlink(path), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "three");
    assert_string_equal(read_log(&rig, &query), "\"level\":\"info\",\"message\":\"three\"}\n");
    rig_done(&rig);
}

static void more_logs_than_may_be_open_are_all_kept(void **state)
{
    (void)state;
    struct rig rig;
    char name[16];
    rig_init(&rig);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 100; i++) {
            (void)snprintf(name, sizeof(name), "f%u", i);
            append(&rig, name, DEPLOY_LOG_INFO, "line");
        }
    }
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "f%u", i);
        const struct log_query query = all_of(name);
        (void)read_log(&rig, &query);
        assert_int_equal(rig.count, 2);
    }
    rig_done(&rig);
}

static void what_nobody_wrote_to_for_long_is_removed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct log_query query = all_of("f");
    struct stat facts;
    char path[128];
    append(&rig, "f", DEPLOY_LOG_INFO, "old");
    log_store_flush(rig.logs);
    (void)snprintf(path, sizeof(path), "%s/logs/acme/f.ndjson", rig.base.dir);
    assert_int_equal(stat(path, &facts), 0);
    rig.base.now_ns = (uint64_t)facts.st_mtim.tv_sec * CLOCK_NS_PER_S + 3600 * CLOCK_NS_PER_S;
    log_store_sweep(rig.logs);
    (void)read_log(&rig, &query);
    assert_int_equal(rig.count, 1);
    rig.base.now_ns += CLOCK_NS_PER_S;
    log_store_sweep(rig.logs);
    (void)read_log(&rig, &query);
    assert_int_equal(rig.count, 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "new");
    (void)read_log(&rig, &query);
    assert_int_equal(rig.count, 1);
    rig_done(&rig);
}

/* Not even where the whole folder was led elsewhere. */
static void lines_are_not_written_through_a_symbolic_link(void **state)
{
    (void)state;
    struct rig rig;
    char path[96];
    char elsewhere[96];
    rig_init(&rig);
    (void)snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", rig.base.dir);
    (void)snprintf(path, sizeof(path), "%s/logs/acme", rig.base.dir);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "secret");
    log_store_flush(rig.logs);
    assert_int_equal(log_store_stats(rig.logs).lost, 1);
    assert_int_equal(rmdir(elsewhere), 0); /* nothing is in it */
    assert_int_equal(unlink(path), 0);
    append(&rig, "f", DEPLOY_LOG_INFO, "plain");
    log_store_flush(rig.logs);
    assert_int_equal(log_store_stats(rig.logs).lost, 1);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_as_they_were_written),
        cmocka_unit_test(a_full_file_is_rotated_and_the_oldest_goes),
        cmocka_unit_test(what_a_crash_cut_is_left_out),
        cmocka_unit_test(whoever_follows_hears_what_it_asked_for),
        cmocka_unit_test(what_cannot_be_written_is_lost_and_counted),
        cmocka_unit_test(a_file_that_was_moved_away_is_begun_again),
        cmocka_unit_test(what_is_no_file_is_neither_read_nor_written_nor_waited_for),
        cmocka_unit_test(more_logs_than_may_be_open_are_all_kept),
        cmocka_unit_test(what_nobody_wrote_to_for_long_is_removed),
        cmocka_unit_test(lines_are_not_written_through_a_symbolic_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
