/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TXT records, of a name server on the same loop.
 */
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/egress/texts.h"
#include "tests/support/unit.h"

#define TYPE_TXT 16

static struct {
    struct event_base *base;
    struct evdns_server_port *port;
    struct texts *texts;
    char nameserver[32];
    uint32_t asked;
    bool silent;
    uint32_t answered;
    uint64_t number;
    enum status status;
    uint8_t list[512];
    size_t count;
} stage;

/* "one." has a record in two parts and one of one; "nul." one with a NUL; others have none. */
static void on_request(struct evdns_server_request *request, void *context)
{
    (void)context;
    static const char two[] = "\3one\4-two";
    static const char single[] = "\5three";
    static const char nul[] = {3, 'a', 0, 'b'};
    const char *name = request->questions[0]->name;
    stage.asked++;
    if (stage.silent) {
        (void)evdns_server_request_drop(request);
        return;
    }
    assert_int_equal(request->questions[0]->type, TYPE_TXT);
    int code = 0;
    if (strcasecmp(name, "one.test") == 0) {
        (void)evdns_server_request_add_reply(request, EVDNS_ANSWER_SECTION, name, TYPE_TXT, 1, 60,
                                             sizeof(two) - 1, 0, two);
        (void)evdns_server_request_add_reply(request, EVDNS_ANSWER_SECTION, name, TYPE_TXT, 1, 60,
                                             sizeof(single) - 1, 0, single);
    } else if (strcasecmp(name, "nul.test") == 0) {
        (void)evdns_server_request_add_reply(request, EVDNS_ANSWER_SECTION, name, TYPE_TXT, 1, 60,
                                             sizeof(nul), 0, nul);
    } else {
        code = 3;
    }
    (void)evdns_server_request_respond(request, code);
}

static void on_done(void *context, uint64_t number, enum status status, struct bytes list)
{
    assert_ptr_equal(context, &stage);
    stage.answered++;
    stage.number = number;
    stage.status = status;
    stage.count = MIN(list.count, sizeof(stage.list));
    if (stage.count > 0)
        memcpy(stage.list, list.data, stage.count);
    (void)event_base_loopbreak(stage.base);
}

static int setup(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    memset(&stage, 0, sizeof(stage));
    stage.base = event_base_new();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    stage.port = evdns_add_server_port_with_base(stage.base, fd, 0, on_request, NULL);
    (void)snprintf(stage.nameserver, sizeof(stage.nameserver), "127.0.0.1:%u",
                   ntohs(address.sin_port));
    assert_int_equal(
        texts_create(stage.base, stage.nameserver, on_done, &stage, &report, &stage.texts),
        STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    texts_free(stage.texts);
    evdns_close_server_port(stage.port);
    event_base_free(stage.base);
    return 0;
}

static void ask(const char *name, uint64_t number)
{
    uint32_t before = stage.answered;
    assert_true(texts_ask(stage.texts, bytes_of_text(name), number));
    assert_int_equal(stage.answered, before);
    while (stage.answered == before)
        (void)event_base_loop(stage.base, EVLOOP_ONCE);
    assert_int_equal(stage.number, number);
}

static void records_come_whole_each_with_a_nul(void **state)
{
    (void)state;
    ask("one.test", 5);
    assert_int_equal(stage.status, STATUS_OK);
    assert_int_equal(stage.count, sizeof("one-two\0three"));
    assert_memory_equal(stage.list, "one-two\0three", stage.count);
    ask("nul.test", 6);
    assert_int_equal(stage.status, STATUS_OK);
    assert_int_equal(stage.count, 0);
}

static void a_name_without_records_is_not_found(void **state)
{
    (void)state;
    ask("none.test", 7);
    assert_int_equal(stage.status, STATUS_NOT_FOUND);
}

static void what_is_no_name_is_refused_or_not_found(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'a', sizeof(longer));
    assert_false(texts_ask(stage.texts, bytes_make("", 0), 1));
    assert_false(texts_ask(stage.texts, bytes_make("a\0b", 3), 1));
    assert_false(texts_ask(stage.texts, bytes_make(longer, sizeof(longer)), 1));
    ask("a..b", 2);
    assert_int_not_equal(stage.status, STATUS_OK);
}

static void there_is_a_bound_and_what_is_under_way_can_be_left(void **state)
{
    (void)state;
    stage.silent = true;
    for (uint64_t i = 0; i < TEXTS_QUERIES_MAX; i++)
        assert_true(texts_ask(stage.texts, bytes_of_text("one.test"), i));
    assert_false(texts_ask(stage.texts, bytes_of_text("one.test"), 99));
    (void)event_base_loop(stage.base, EVLOOP_NONBLOCK);
    assert_int_equal(stage.answered, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_whole_each_with_a_nul, setup, teardown),
        cmocka_unit_test_setup_teardown(a_name_without_records_is_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_name_is_refused_or_not_found, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_bound_and_what_is_under_way_can_be_left, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
