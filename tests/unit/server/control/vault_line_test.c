/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's line to the vault, with helpers and the admin API as fakes.
 */
#include <string.h>

#include "server/control/vault_line.h"
#include "tests/support/unit.h"

static struct {
    bool (*done)(void *context, const struct channel_frame *frame);
    void *context;
    bool away;
    uint32_t sent;
    enum channel_type type;
    uint64_t id;
    uint8_t head[64];
    size_t head_count;
    size_t body_count;
    uint32_t answered;
    uint64_t answered_number;
    enum status answered_status;
    uint32_t lost;
    bool left; /* a control before this one left something to forget */
    uint32_t forgotten;
} stage;

bool helpers_send(struct helpers *helpers,
                  enum channel_end end,
                  const struct channel_message *message)
{
    assert_null(helpers);
    assert_int_equal(end, CHANNEL_KEYS);
    stage.sent++;
    stage.type = message->type;
    stage.id = message->id;
    stage.head_count = message->head.count;
    memcpy(stage.head, message->head.data, MIN(message->head.count, sizeof(stage.head)));
    stage.body_count = message->body.count;
    return !stage.away;
}

void helpers_on(struct helpers *helpers,
                enum channel_type type,
                bool (*handle)(void *context, const struct channel_frame *frame),
                void *context)
{
    assert_null(helpers);
    assert_int_equal(type, CHANNEL_MESSAGE_SECRET_DONE);
    stage.done = handle;
    stage.context = context;
}

void deploy_control_vault_done(struct deploy_control *control,
                               uint64_t number,
                               enum status status,
                               struct bytes text)
{
    assert_null(control);
    assert_true(bytes_equal_text(text, "why"));
    stage.answered++;
    stage.answered_number = number;
    stage.answered_status = status;
}

void deploy_control_vault_lost(struct deploy_control *control)
{
    assert_null(control);
    stage.lost++;
}

void deploy_control_list_forgotten(struct deploy_control *control,
                                   void (*visit)(void *context,
                                                 struct bytes tenant,
                                                 struct bytes function),
                                   void *context)
{
    assert_null(control);
    if (stage.left)
        visit(context, bytes_of_text("old"), bytes_of_text("f"));
}

void deploy_control_forgot(struct deploy_control *control,
                           struct bytes tenant,
                           struct bytes function)
{
    assert_null(control);
    assert_true(tenant.count > 0);
    (void)function;
    stage.forgotten++;
}

static bool answer(uint64_t id, uint8_t status)
{
    const uint8_t payload[] = {status, 0, 0, 0, 'w', 'h', 'y'};
    const struct channel_frame frame = {.type = CHANNEL_MESSAGE_SECRET_DONE,
                                        .id = id,
                                        .payload = bytes_make(payload, sizeof(payload))};
    return stage.done(stage.context, &frame);
}

static void orders_go_by_number_and_answers_come_back(void **state)
{
    (void)state;
    struct vault_line line;
    static const uint8_t whose[] = {1, 0, 0, 0, 't', 1, 0, 0, 0, 'f', 1, 0, 0, 0, 'N'};
    struct deploy_vault_order order = {.verb = DEPLOY_VAULT_PUT,
                                       .tenant = bytes_of_text("t"),
                                       .function = bytes_of_text("f"),
                                       .name = bytes_of_text("N"),
                                       .value = bytes_of_text("value")};
    memset(&stage, 0, sizeof(stage));
    vault_line_open(&line, NULL, NULL);
    assert_true(vault_line_ask(&line, &order, 5));
    assert_int_equal(stage.type, CHANNEL_MESSAGE_SECRET_PUT);
    assert_int_equal(stage.head_count, sizeof(whose));
    assert_memory_equal(stage.head, whose, sizeof(whose));
    assert_int_equal(stage.body_count, 5);
    assert_true(answer(stage.id, STATUS_LIMIT));
    assert_int_equal(stage.answered_number, 5);
    assert_int_equal(stage.answered_status, STATUS_LIMIT);
    order = (struct deploy_vault_order){.verb = DEPLOY_VAULT_ROTATE};
    assert_true(vault_line_ask(&line, &order, 6));
    assert_int_equal(stage.head_count, 0);
    stage.away = true;
    assert_false(vault_line_ask(&line, &order, 7));
    vault_line_lost(&line);
    assert_int_equal(stage.lost, 1);
    const struct channel_frame cut = {.type = CHANNEL_MESSAGE_SECRET_DONE};
    assert_false(stage.done(stage.context, &cut));
    vault_line_close(&line);
}

static void what_is_to_be_forgotten_is_said_until_it_is(void **state)
{
    (void)state;
    struct vault_line line;
    memset(&stage, 0, sizeof(stage));
    vault_line_open(&line, NULL, NULL);
    stage.away = true;
    vault_line_forget(&line, bytes_of_text("t"), bytes_of_text("f"));
    vault_line_forget(&line, bytes_of_text("t"), bytes_make(NULL, 0));
    uint64_t last = stage.id;
    assert_int_equal(stage.sent, 2);
    stage.away = false;
    vault_line_started(&line);
    assert_int_equal(stage.sent, 4);
    assert_int_equal(stage.type, CHANNEL_MESSAGE_SECRET_FORGET);
    assert_true(answer(last, STATUS_OK));
    assert_true(answer(last - 1, STATUS_FULL)); /* so it is said again */
    vault_line_started(&line);
    assert_int_equal(stage.sent, 5);
    assert_int_equal(stage.id, last - 1);
    assert_int_equal(stage.answered, 0);
    assert_int_equal(stage.forgotten, 1);
    vault_line_close(&line);
    assert_true(list_is_empty(&line.forgetting));
}

static void what_the_last_control_left_is_forgotten_by_the_next(void **state)
{
    (void)state;
    struct vault_line line;
    memset(&stage, 0, sizeof(stage));
    stage.left = true;
    vault_line_open(&line, NULL, NULL);
    vault_line_started(&line);
    uint64_t first = stage.id;
    /* Removed once more meanwhile: that is another answer to come. */
    vault_line_forget(&line, bytes_of_text("old"), bytes_of_text("f"));
    assert_true(answer(first, STATUS_OK));
    assert_int_equal(stage.forgotten, 0);
    assert_true(answer(stage.id, STATUS_OK));
    assert_int_equal(stage.forgotten, 1);
    assert_true(answer(stage.id, STATUS_OK)); /* of nothing that is wanted */
    assert_int_equal(stage.forgotten, 1);
    vault_line_close(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_go_by_number_and_answers_come_back),
        cmocka_unit_test(what_is_to_be_forgotten_is_said_until_it_is),
        cmocka_unit_test(what_the_last_control_left_is_forgotten_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
