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
                                                    .clock = &saved->fixture.clock,
                                                    .recipient = ""};
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

/* All that comes, up to the end, has to be a backup. */
static void take(struct wharf *wharf, int fd, struct backup_counts *ret_counts)
{
    struct buffer got;
    char piece[4096];
    struct report report = REPORT_INIT;
    buffer_init(&got, 1 << 20);
    for (;;) {
        ssize_t count = recv(fd, piece, sizeof(piece), 0);
        if (count == 0)
            break;
        if (count > 0)
            assert_int_equal(buffer_append(&got, piece, (size_t)count), STATUS_OK);
        door_turn(&wharf->door);
    }
    assert_null(wharf->running);
    assert_int_equal(buffer_append(&got, "", 1), STATUS_OK);
    const char *body = strstr((const char *)got.data, "\r\n\r\n");
    assert_non_null(body);
    size_t head = (size_t)(body + 4 - (const char *)got.data);
    FILE *file = saved_file(bytes_make(got.data + head, got.count - 1 - head));
    assert_int_equal(backup_read(file, NULL, NULL, &report, ret_counts), STATUS_OK);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(close(fd), 0);
    buffer_done(&got);
}

static void who_takes_it_has_all_of_it(void **state)
{
    struct wharf wharf;
    struct backup_counts counts;
    begin(&wharf, *state);
    take(&wharf, ask(&wharf), &counts);
    assert_false(counts.vault);
    door_done(&wharf.door);
}

static bool vault(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    const struct wharf *wharf = context;
    assert_int_equal(order->verb, DEPLOY_VAULT_EXPORT);
    assert_int_equal(number, wharf->options.number);
    assert_true(bytes_equal_text(order->value, "somebody"));
    assert_int_equal(write(order->fd, "sealed", 6), 6);
    return true;
}

static void with_secrets_it_begins_when_the_vault_is_written(void **state)
{
    struct wharf wharf;
    struct backup_counts counts;
    char answer[8192];
    begin(&wharf, *state);
    wharf.options.recipient = "somebody";
    wharf.options.number = BACKUP_STREAM_NUMBER | 7;
    wharf.options.ask = vault;
    wharf.options.context = &wharf;
    int fd = ask(&wharf);
    struct bytes nothing = bytes_make("", 0);
    assert_false(backup_stream_vault_done(wharf.running, 7, STATUS_OK, nothing));
    assert_true(
        backup_stream_vault_done(wharf.running, BACKUP_STREAM_NUMBER | 6, STATUS_OK, nothing));
    assert_true(backup_stream_vault_done(wharf.running, wharf.options.number, STATUS_OK, nothing));
    take(&wharf, fd, &counts);
    assert_true(counts.vault);
    /* What failed is told, and so is that nobody answers any more. */
    fd = ask(&wharf);
    assert_true(backup_stream_vault_done(wharf.running, wharf.options.number, STATUS_FULL,
                                         bytes_of_text("no room")));
    assert_true(door_receive(&wharf.door, fd, "}\n", answer));
    assert_non_null(strstr(answer, "no room"));
    assert_int_equal(close(fd), 0);
    fd = ask(&wharf);
    backup_stream_vault_lost(wharf.running);
    assert_true(door_receive(&wharf.door, fd, "}\n", answer));
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_int_equal(close(fd), 0);
    /* Who goes away meanwhile holds nothing. */
    fd = ask(&wharf);
    assert_int_equal(close(fd), 0);
    while (wharf.running != NULL)
        door_turn(&wharf.door);
    assert_true(backup_stream_vault_done(NULL, wharf.options.number, STATUS_OK, nothing));
    backup_stream_vault_lost(NULL);
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
        SAVED(with_secrets_it_begins_when_the_vault_is_written),
        SAVED(a_second_one_is_refused_and_who_goes_away_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
