/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that follow a log, on real sockets.
 */
#include "door.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/door/admin_follow.h"

#define ASK "GET /v1/logs HTTP/1.1\r\n" HOST "\r\n"

struct rig {
    struct door door;
    struct log_store *logs;
};

static void rig_init(struct rig *rig)
{
    char path[96];
    struct report report = REPORT_INIT;
    door_init(&rig->door);
    rig->door.holds = true;
    (void)snprintf(path, sizeof(path), "%s/logs", rig->door.fixture.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    const struct log_store_options options = {.data_dir = rig->door.fixture.dir,
                                              .file_bytes_max = 1 << 20,
                                              .files_max = 2,
                                              .age_ns_max = CLOCK_NS_PER_S,
                                              .clock = &rig->door.fixture.clock};
    assert_int_equal(log_store_open(&options, &report, &rig->logs), STATUS_OK);
}

static void rig_done(struct rig *rig)
{
    log_store_close(rig->logs);
    rig->logs = NULL;
    door_done(&rig->door);
}

static void say(struct rig *rig, const char *line)
{
    const struct log_name name = {.tenant = bytes_of_text("acme"), .function = bytes_of_text("f")};
    log_store_append(rig->logs, &name, DEPLOY_LOG_INFO, bytes_of_text(line));
}

/* A client whose request was taken, and is answered with a log that goes on. */
static int follow(struct rig *rig, bool events)
{
    struct api_response response;
    int fd = door_connect(&rig->door, ADMIN_DOOR_SOCKET);
    door_send(&rig->door, fd, ASK, strlen(ASK));
    while (rig->door.held == NULL)
        door_turn(&rig->door);
    api_response_init(&response);
    response.status = 200;
    response.follow =
        (struct api_follow){.wanted = true, .events = events, .tenant = "acme", .function = "f"};
    assert_int_equal(buffer_append(&response.body, "before\n", 7), STATUS_OK);
    admin_follow_start(rig->door.base, rig->logs, rig->door.held, &response);
    api_response_done(&response);
    rig->door.held = NULL;
    return fd;
}

static void lines_come_as_they_are_appended(void **state)
{
    (void)state;
    struct rig rig;
    char answer[8192];
    rig_init(&rig);
    int lines = follow(&rig, false);
    int events = follow(&rig, true);
    assert_true(door_receive(&rig.door, lines, "before\n", answer));
    assert_null(strstr(answer, "Content-Length"));
    assert_non_null(strstr(answer, "Connection: close"));
    say(&rig, "{\"n\":1}");
    assert_true(door_receive(&rig.door, lines, "\"n\":1}\n", answer));
    assert_true(door_receive(&rig.door, events, "\"n\":1}\n\n", answer));
    assert_non_null(strstr(answer, "id: "));
    assert_non_null(strstr(answer, "\ndata: {\"id\":"));
    assert_int_equal(door_connections(&rig.door), 2);
    assert_int_equal(close(lines), 0);
    assert_int_equal(close(events), 0);
    while (door_connections(&rig.door) > 0)
        door_turn(&rig.door);
    say(&rig, "{\"n\":2}"); /* to nobody */
    rig_done(&rig);
}

static void a_client_that_reads_nothing_is_cut_off(void **state)
{
    (void)state;
    struct rig rig;
    static char line[3000];
    rig_init(&rig);
    int fd = follow(&rig, false);
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "{\"n\":\"", 6);
    memcpy(line + sizeof(line) - 3, "\"}", 2);
    for (uint32_t i = 0; i < 10000; i++) {
        say(&rig, line);
        log_store_flush(rig.logs);
    }
    /* What it has is sent, and the end. */
    char answer[8192];
    while (door_receive(&rig.door, fd, "\n", answer))
        ;
    assert_int_equal(door_connections(&rig.door), 0);
    assert_int_equal(close(fd), 0);
    rig_done(&rig);
}

static void the_door_may_close_while_somebody_follows(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    int fd = follow(&rig, false);
    admin_http_stop(rig.door.http);
    rig.door.http = NULL;
    say(&rig, "{\"n\":1}");
    assert_int_equal(close(fd), 0);
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_as_they_are_appended),
        cmocka_unit_test(a_client_that_reads_nothing_is_cut_off),
        cmocka_unit_test(the_door_may_close_while_somebody_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
