/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that wait for the vault, through the door.
 */
#include "door.h"

#include <unistd.h>

#include "deploy/door/admin_vault.h"

struct asked {
    uint32_t count;
    uint64_t number;
    char value[16];
    bool refuses;
};

static bool ask(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    struct asked *asked = context;
    assert_int_equal(order->verb, DEPLOY_VAULT_PUT);
    assert_true(bytes_equal_text(order->tenant, "t"));
    assert_true(bytes_equal_text(order->name, "A"));
    assert_true(order->value.count < sizeof(asked->value));
    memcpy(asked->value, order->value.data, order->value.count);
    asked->count++;
    asked->number = number;
    return !asked->refuses;
}

/* A client that puts a secret; returns its socket, and its call is the door's. */
static int put(struct door *door, struct admin_vault *vault)
{
    static const char text[] =
        "PUT /x HTTP/1.1\r\n" HOST "Content-Type: application/octet-stream\r\n"
        "Content-Length: 5\r\n\r\nvalue";
    static const struct api_vault wanted = {.verb = DEPLOY_VAULT_PUT,
                                            .value = {(const uint8_t *)"value", 5},
                                            .tenant = {.data = (const uint8_t *)"t", .count = 1},
                                            .function = {.data = (const uint8_t *)"f", .count = 1},
                                            .name = "A"};
    int fd = door_connect(door, ADMIN_DOOR_SOCKET);
    door_send(door, fd, text, sizeof(text) - 1);
    while (door->held == NULL)
        door_turn(door);
    struct admin_http_call *call = door->held;
    door->held = NULL;
    admin_vault_ask(vault, call, &wanted);
    return fd;
}

static void each_is_answered_by_its_number_or_when_nobody_can(void **state)
{
    (void)state;
    struct door door;
    struct asked asked = {0};
    struct admin_vault vault;
    char answer[8192];
    door_init(&door);
    door.holds = true;
    admin_vault_init(&vault, NULL, ask, &asked);
    int first = put(&door, &vault);
    uint64_t number = asked.number;
    assert_string_equal(asked.value, "value");
    int second = put(&door, &vault);
    assert_int_not_equal(asked.number, number);
    admin_vault_done(&vault, number + 100, STATUS_OK, bytes_make(NULL, 0)); /* nobody's */
    admin_vault_done(&vault, number, STATUS_OK, bytes_make(NULL, 0));
    assert_true(door_receive(&door, first, "\"A\"", answer));
    admin_vault_lost(&vault);
    assert_true(door_receive(&door, second, "vault_unavailable", answer));
    assert_true(list_is_empty(&vault.calls));
    asked.refuses = true;
    int third = put(&door, &vault);
    assert_true(door_receive(&door, third, "vault_unavailable", answer));
    (void)close(first);
    (void)close(second);
    (void)close(third);
    door_done(&door);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_answered_by_its_number_or_when_nobody_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
