/* SPDX-License-Identifier: Apache-2.0 */
/*
 * News of functions: what is heard, in which order it is acted upon, and what is not believed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/request/isolates.h"
#include "server/telemetry/log.h"
#include "tests/support/unit.h"

#define KEY_OF_ARTIFACT 1 /* first byte of the one that there is */

static struct directory_function *found; /* what the directory gives; NULL: no such function */
static char last_looked_up[2 * ROUTE_LABEL_BYTES];
static char last_forgotten[2 * ROUTE_LABEL_BYTES];
static uint32_t renewed;
static uint32_t released;
static enum status checkout_status;
static uint32_t rebuilds_asked;
static uint32_t stayed_threaded;
static uint32_t messages;
static char last_event[32];
static char last_message[REPORT_TEXT_BYTES];
static uint64_t now_ns = CLOCK_NS_PER_S;

/* ---- fakes ----------------------------------------------------------------------------------- */

enum status directory_find(struct directory *directory,
                           const struct route_target *target,
                           struct report *report,
                           struct directory_function **ret_function)
{
    (void)directory;
    (void)report;
    assert_int_equal(target->tenant.count, strlen(target->tenant.text));
    (void)snprintf(last_looked_up, sizeof(last_looked_up), "%s/%s", target->tenant.text,
                   target->function.text);
    if (found == NULL)
        return STATUS_NOT_FOUND;
    *ret_function = found;
    return STATUS_OK;
}

void directory_release(struct directory_function *function)
{
    assert_ptr_equal(function, found);
    released++;
}

bool isolate_pool_renew(struct isolate_pool *pool,
                        const struct isolate_key *key,
                        struct isolate_opener opener)
{
    (void)pool;
    const struct isolates_source *source = opener.context;
    assert_ptr_equal(source->function, found);
    assert_true(opener.open == isolates_open);
    assert_int_equal(key->created_ns, found->entry.created_ns);
    assert_int_equal(key->reuse.age_max_ns, 7000);
    assert_int_equal(key->memory_max_bytes, 65536);
    renewed++;
    return true;
}

void isolate_pool_forget(struct isolate_pool *pool, struct bytes function)
{
    (void)pool;
    (void)snprintf(last_forgotten, sizeof(last_forgotten), "%.*s", (int)function.count,
                   (const char *)function.data);
}

enum status deploy_artifact_open(const char *data_dir,
                                 const uint8_t key[DEPLOY_SHA256_BYTES],
                                 struct report *report,
                                 int *ret_fd)
{
    (void)data_dir;
    *ret_fd = -1;
    if (key[0] == KEY_OF_ARTIFACT)
        return STATUS_OK;
    return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE, "not there");
}

enum status isolate_artifact_open(int fd,
                                  bool verify_checksum,
                                  struct isolate_bases *bases,
                                  struct report *report,
                                  struct isolate_artifact **ret_artifact)
{
    (void)fd;
    (void)verify_checksum;
    (void)bases;
    (void)report;
    *ret_artifact = NULL;
    return STATUS_OK;
}

void isolate_artifact_stay_threaded(struct isolate_artifact *artifact)
{
    assert_null(artifact);
    stayed_threaded++;
}

enum status isolate_pool_checkout(struct isolate_pool *pool,
                                  const struct isolate_key *key,
                                  struct isolate_opener opener,
                                  struct report *report,
                                  struct isolate_start *ret_start,
                                  struct isolate **ret_isolate)
{
    (void)pool;
    (void)key;
    assert_true(opener.open == isolates_open);
    ret_start->reason = ISOLATE_START_RESTART;
    *ret_isolate = NULL;
    return checkout_status == STATUS_OK
               ? STATUS_OK
               : report_fail(report, checkout_status, REPORT_OFFSET_NONE, "so said the pool");
}

static void want_artifact(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    assert_ptr_equal(context, &rebuilds_asked);
    assert_int_equal(key[0], 9);
    rebuilds_asked++;
}

void log_message(const char *level, const char *event, const char *format, ...)
{
    (void)level;
    (void)snprintf(last_event, sizeof(last_event), "%s", event);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(last_message, sizeof(last_message), format, arguments);
    va_end(arguments);
    messages++;
}

static uint64_t fake_now(void *context)
{
    (void)context;
    return now_ns;
}

/* ---- helpers --------------------------------------------------------------------------------- */

struct line {
    int fds[2];
    struct isolates_queue queue;
    struct isolates_owner owner;
};

static void line_init(struct line *line)
{
    *line = (struct line){0};
    found = NULL;
    renewed = released = 0;
    last_looked_up[0] = last_forgotten[0] = '\0';
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, line->fds), 0);
}

static void line_done(const struct line *line)
{
    assert_int_equal(close(line->fds[0]), 0);
    assert_int_equal(close(line->fds[1]), 0);
}

static void say(const struct line *line, const char *tenant, const char *function)
{
    struct isolates_news news = {0};
    (void)snprintf(news.tenant, sizeof(news.tenant), "%s", tenant);
    (void)snprintf(news.function, sizeof(news.function), "%s", function);
    assert_int_equal(send(line->fds[0], &news, sizeof(news), 0), sizeof(news));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void a_function_that_is_there_is_renewed_and_one_that_is_gone_forgotten(void **state)
{
    (void)state;
    struct line line;
    struct directory_function function = {.entry = {.created_ns = 5, .reuse_us = 7},
                                          .limits = {.memory_bytes = 65536}};
    line_init(&line);
    say(&line, "acme", "here");
    say(&line, "acme", "gone");
    isolates_hear(&line.queue, line.fds[1]);
    found = &function;
    isolates_take_news(&line.queue, &line.owner);
    assert_string_equal(last_looked_up, "acme/here");
    assert_int_equal(renewed, 1);
    assert_int_equal(released, 1);
    found = NULL;
    isolates_take_news(&line.queue, &line.owner);
    assert_string_equal(last_forgotten, "acme/gone");
    assert_int_equal(renewed, 1);
    assert_false(isolates_has_news(&line.queue));
    line_done(&line);
}

static void of_too_many_news_the_latest_are_kept(void **state)
{
    (void)state;
    struct line line;
    line_init(&line);
    for (int i = 0; i < 3 * ISOLATES_NEWS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%d", i);
        say(&line, "t", name);
        say(&line, "t", name); /* deployed twice: one piece of news */
        isolates_hear(&line.queue, line.fds[1]);
    }
    assert_int_equal(line.queue.count, ISOLATES_NEWS_MAX);
    for (int i = 2 * ISOLATES_NEWS_MAX; i < 3 * ISOLATES_NEWS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        isolates_take_news(&line.queue, &line.owner);
        assert_string_equal(last_looked_up, name);
    }
    assert_false(isolates_has_news(&line.queue));
    line_done(&line);
}

static void one_turn_hears_a_bounded_number(void **state)
{
    (void)state;
    struct line line;
    line_init(&line);
    for (int i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%d", i);
        say(&line, "t", name);
    }
    isolates_hear(&line.queue, line.fds[1]);
    assert_int_equal(line.queue.count, 16);
    isolates_hear(&line.queue, line.fds[1]);
    assert_int_equal(line.queue.count, 20);
    line_done(&line);
}

static void what_is_no_name_or_no_message_is_not_believed(void **state)
{
    (void)state;
    struct line line;
    struct isolates_news endless;
    memset(&endless, 'a', sizeof(endless));
    line_init(&line);
    say(&line, "", "f");
    say(&line, "t", "../../etc");
    say(&line, "T", "f");
    assert_int_equal(send(line.fds[0], "t/f", 3, 0), 3);
    assert_int_equal(send(line.fds[0], &endless, sizeof(endless), 0), sizeof(endless));
    isolates_hear(&line.queue, line.fds[1]);
    assert_false(isolates_has_news(&line.queue));
    line_done(&line);
}

/* ---- isolates for requests ------------------------------------------------------------------- */

static const struct clock fake_clock = {.monotonic_ns = fake_now, .realtime_ns = fake_now};

static enum status checkout(struct isolates_owner *owner, enum status wanted)
{
    static const struct directory_function function = {.key_text = "acme/here"};
    struct report report = REPORT_INIT;
    struct isolate_start start;
    struct isolate *isolate;
    checkout_status = wanted;
    return isolates_checkout(owner, &function, &report, &start, &isolate);
}

static void want_of_room_is_counted_each_time_and_told_once_a_second(void **state)
{
    (void)state;
    struct metrics metrics = {0};
    struct isolates_owner owner = {.metrics = &metrics, .clock = &fake_clock};
    messages = 0;
    assert_int_equal(checkout(&owner, STATUS_OK), STATUS_OK);
    assert_int_equal(checkout(&owner, STATUS_STALE), STATUS_STALE);
    assert_int_equal(metrics.starts_failed, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(checkout(&owner, STATUS_NO_MEMORY), STATUS_NO_MEMORY);
    assert_int_equal(metrics.starts_failed, 3);
    assert_int_equal(messages, 1);
    assert_string_equal(last_event, "start_failed");
    assert_non_null(strstr(last_message, "acme/here: so said the pool; raise vm.max_map_count"));
    now_ns += CLOCK_NS_PER_S;
    assert_int_equal(checkout(&owner, STATUS_UNLINKABLE), STATUS_UNLINKABLE);
    assert_int_equal(messages, 2);
    assert_string_equal(last_message, "acme/here: so said the pool");
}

static void a_function_may_choose_to_run_threaded(void **state)
{
    (void)state;
    struct directory_function function = {.entry = {.artifact_key = {KEY_OF_ARTIFACT}}};
    struct isolates_source source = {.function = &function};
    struct report report = REPORT_INIT;
    struct isolate_artifact *artifact;
    stayed_threaded = 0;
    assert_int_equal(isolates_open(&source, &report, &artifact), STATUS_OK);
    assert_int_equal(stayed_threaded, 0);
    function.is_threaded = true;
    assert_int_equal(isolates_open(&source, &report, &artifact), STATUS_OK);
    assert_int_equal(stayed_threaded, 1);
    function.entry.artifact_key[0] = 0;
    assert_int_equal(isolates_open(&source, &report, &artifact), STATUS_NOT_FOUND);
    assert_int_equal(stayed_threaded, 1);
}

static void a_rebuild_is_counted_by_why_and_asked_of_control(void **state)
{
    (void)state;
    static const enum status whys[] = {STATUS_NOT_FOUND, STATUS_STALE, STATUS_CORRUPT};
    static const char *const events[] = {"artifact_missing", "artifact_stale", "artifact_damaged"};
    const struct directory_function function = {.key_text = "acme/here",
                                                .entry = {.artifact_key = {9}}};
    struct metrics metrics = {0};
    struct isolates_owner owner = {
        .metrics = &metrics, .want_artifact = want_artifact, .context = &rebuilds_asked};
    struct report report = {.text = "it is so"};
    rebuilds_asked = 0;
    for (size_t i = 0; i < COUNT_OF(whys); i++) {
        assert_true(isolates_lack_artifact(whys[i]));
        isolates_ask_rebuild(&owner, &function, whys[i], &report);
        assert_string_equal(last_event, events[i]);
        assert_string_equal(last_message, "acme/here: it is so: asking for a rebuild");
    }
    assert_int_equal(rebuilds_asked, 3);
    assert_int_equal(metrics.artifacts_missing, 1);
    assert_int_equal(metrics.artifacts_stale, 1);
    assert_int_equal(metrics.artifacts_damaged, 1);
    assert_false(isolates_lack_artifact(STATUS_NO_MEMORY));
    assert_false(isolates_lack_artifact(STATUS_OK));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_that_is_there_is_renewed_and_one_that_is_gone_forgotten),
        cmocka_unit_test(of_too_many_news_the_latest_are_kept),
        cmocka_unit_test(one_turn_hears_a_bounded_number),
        cmocka_unit_test(what_is_no_name_or_no_message_is_not_believed),
        cmocka_unit_test(want_of_room_is_counted_each_time_and_told_once_a_second),
        cmocka_unit_test(a_function_may_choose_to_run_threaded),
        cmocka_unit_test(a_rebuild_is_counted_by_why_and_asked_of_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
