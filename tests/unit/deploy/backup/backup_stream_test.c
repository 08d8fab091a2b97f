/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup on its way through the door: whole for who takes it, nothing left of who went away.
 */
#include "../door/door.h"
#include "backup_fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include "deploy/backup/backup_stream.h"

#define ASK "POST /v1/backup HTTP/1.1\r\n" HOST "\r\n"

struct wharf {
    struct door door;
    struct saved *saved;
    struct backup_stream *running;
    struct backup_stream_options options;
};

static void begin(struct wharf *wharf, struct saved *saved)
{
    *wharf = (struct wharf){.saved = saved};
    door_init(&wharf->door);
    wharf->door.holds = true;
    wharf->options = (struct backup_stream_options){.base = wharf->door.base,
                                                    .data_dir = saved->fixture.dir,
                                                    .store = saved->fixture.store,
                                                    .kv = saved->kv,
                                                    .clock = &saved->fixture.clock};
}

/* A client that asks, and is answered. */
static int ask(struct wharf *wharf)
{
    int fd = door_connect(&wharf->door, ADMIN_DOOR_SOCKET);
    door_send(&wharf->door, fd, ASK, strlen(ASK));
    while (wharf->door.held == NULL)
        door_turn(&wharf->door);
    struct admin_http_call *call = wharf->door.held;
    wharf->door.held = NULL;
    backup_stream_start(&wharf->options, call, &wharf->running);
    return fd;
}

static void who_takes_it_has_all_of_it(void **state)
{
    struct wharf wharf;
    struct buffer got;
    char piece[4096];
    struct report report = REPORT_INIT;
    struct backup_counts counts;
    begin(&wharf, *state);
    buffer_init(&got, 1 << 20);
    int fd = ask(&wharf);
    for (;;) {
        ssize_t count = recv(fd, piece, sizeof(piece), 0);
        if (count == 0)
            break;
        if (count > 0)
            assert_int_equal(buffer_append(&got, piece, (size_t)count), STATUS_OK);
        door_turn(&wharf.door);
    }
    assert_null(wharf.running);
    assert_int_equal(buffer_append(&got, "", 1), STATUS_OK);
    const char *body = strstr((const char *)got.data, "\r\n\r\n");
    assert_non_null(body);
    size_t head = (size_t)(body + 4 - (const char *)got.data);
    FILE *file = saved_file(bytes_make(got.data + head, got.count - 1 - head));
    assert_int_equal(backup_read(file, NULL, NULL, &report, &counts), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(close(fd), 0);
    buffer_done(&got);
    door_done(&wharf.door);
}

static void a_second_one_is_refused_and_who_goes_away_holds_nothing(void **state)
{
    struct wharf wharf;
    struct report report = REPORT_INIT;
    char answer[8192];
    begin(&wharf, *state);
    /* As if one were under way. */
    assert_int_equal(store_snapshot_begin(wharf.saved->fixture.store, &report), STATUS_OK);
    int second = ask(&wharf);
    assert_true(door_receive(&wharf.door, second, "}\n", answer));
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_null(wharf.running);
    store_snapshot_end(wharf.saved->fixture.store);
    int fd = ask(&wharf);
    assert_int_equal(close(fd), 0);
    while (wharf.running != NULL)
        door_turn(&wharf.door);
    assert_int_equal(store_snapshot_begin(wharf.saved->fixture.store, &report), STATUS_OK);
    store_snapshot_end(wharf.saved->fixture.store);
    assert_int_equal(close(second), 0);
    door_done(&wharf.door);
}

#define SAVED(test) cmocka_unit_test_setup_teardown(test, saved_setup, saved_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SAVED(who_takes_it_has_all_of_it),
        SAVED(a_second_one_is_refused_and_who_goes_away_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
