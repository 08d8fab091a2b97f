/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: a name server on loopback says what they are, and lies.
 */
#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <stdio.h>
#include <unistd.h>

#include "server/egress/resolver.h"
#include "tests/unit/server/egress/fixture.h"

struct names {
    struct evdns_server_port *port;
    char address[32];
    uint32_t asked;         /* for A records */
    const char *answers[4]; /* to the first, the second ... question; "": there is none */
    bool silent;
};

static void names_add(struct evdns_server_request *request, const char *name, const char *text)
{
    char copy[64];
    struct in_addr address;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_int_equal(inet_pton(AF_INET, word, &address), 1);
        assert_int_equal(evdns_server_request_add_a_reply(request, name, 1, &address, 60), 0);
    }
}

static void names_on_request(struct evdns_server_request *request, void *context)
{
    struct names *names = context;
    const struct evdns_server_question *question = request->questions[0];
    if (names->silent) {
        (void)evdns_server_request_drop(request);
        return;
    }
    bool is_a = question->type == EVDNS_TYPE_A;
    const char *answer = is_a ? names->answers[names->asked++] : "";
    names_add(request, question->name, answer);
    (void)evdns_server_request_respond(request, answer[0] == '\0' && is_a ? 3 : 0);
}

static void names_open(struct names *names, struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    memset(names, 0, sizeof(*names));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    names->port = evdns_add_server_port_with_base(base, fd, 0, names_on_request, names);
    assert_non_null(names->port);
    (void)snprintf(names->address, sizeof(names->address), "127.0.0.1:%u", ntohs(address.sin_port));
}

/* A stage whose names are those. */
static void
stage_open_names(struct stage *stage, struct names *names, bool allow_private, uint64_t connect_us)
{
    struct stage scratch;
    struct report report = REPORT_INIT;
    stage_open(stage);
    names_open(names, stage->base);
    scratch = *stage;
    struct egress_options options = stage_options(&scratch);
    options.allow_private = allow_private;
    options.nameserver = names->address;
    options.connect_us = connect_us;
    egress_engine_free(stage->engine);
    assert_int_equal(egress_engine_create(&options, &report, &stage->engine), STATUS_OK);
}

static void stage_close_names(struct stage *stage, struct names *names)
{
    evdns_close_server_port(names->port);
    stage_close(stage);
}

/* A GET of the origin under a name. */
static void fetch_name(struct stage *stage, const char *name)
{
    char url[100];
    (void)snprintf(url, sizeof(url), "http://%s:%u", name, stage->origin.port);
    struct fetch_order order = stage_order(stage, "/");
    const struct bytes rule = bytes_of_text(url);
    order.url = rule;
    order.rules = &rule;
    stage_fetch(stage, &order);
}

static void a_name_is_resolved_once_and_pinned(void **state)
{
    (void)state;
    struct stage stage;
    struct names names;
    stage_open_names(&stage, &names, true, 5000000);
    names.answers[0] = "127.0.0.1";
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    fetch_name(&stage, "api.example");
    assert_end(&stage, FETCH_END_DONE);
    assert_true(stage_saw(&stage, "Host: api.example:"));
    fetch_name(&stage, "api.example");
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(names.asked, 1);
    assert_int_equal(stage.origin.connections, 2);
    stage_close_names(&stage, &names);
}

static void a_name_of_a_private_address_is_refused(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "10.0.0.1",   "169.254.169.254",
                                            "0.0.0.0",   "100.64.1.1", "192.168.0.1 10.0.0.1"};
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct stage stage;
        struct names names;
        stage_open_names(&stage, &names, false, 5000000);
        names.answers[0] = addresses[i];
        fetch_name(&stage, "rebind.example");
        assert_end(&stage, FETCH_END_ADDRESS);
        assert_int_equal(egress_engine_stats(stage.engine).connects, 0);
        stage_close_names(&stage, &names);
    }
}

static void only_the_allowed_addresses_of_a_name_are_tried(void **state)
{
    (void)state;
    struct stage stage;
    struct names names;
    stage_open_names(&stage, &names, false, 5000000);
    /* A world in which 127.0.0.1 is a public address. */
    stage.engine->policy.rows[0].verdict = ADDRESS_PUBLIC;
    assert_true(config_net_parse("127.0.0.1", &stage.engine->policy.rows[0].net));
    names.answers[0] = "127.0.0.2 10.0.0.1 127.0.0.1";
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    fetch_name(&stage, "mixed.example");
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(egress_engine_stats(stage.engine).connects, 1);
    assert_int_equal(stage.origin.connections, 1);
    stage_close_names(&stage, &names);
}

static void a_redirect_to_a_name_is_looked_at_like_the_first(void **state)
{
    (void)state;
    struct stage stage;
    struct names names;
    char answer[200];
    char rule[100];
    stage_open_names(&stage, &names, false, 5000000);
    stage.engine->policy.rows[0].verdict = ADDRESS_PUBLIC;
    assert_true(config_net_parse("127.0.0.1", &stage.engine->policy.rows[0].net));
    names.answers[0] = "127.0.0.1";
    names.answers[1] = "10.0.0.1";
    (void)snprintf(rule, sizeof(rule), "http://*.example:%u", stage.origin.port);
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 302 Found\r\nLocation: http://two.example:%u/\r\n"
                   "Content-Length: 0\r\n\r\n",
                   stage.origin.port);
    stage_answer(&stage, answer);
    struct fetch_order order = stage_order(&stage, "/");
    char url[100];
    (void)snprintf(url, sizeof(url), "http://one.example:%u/", stage.origin.port);
    const struct bytes rules = bytes_of_text(rule);
    order.url = bytes_of_text(url);
    order.rules = &rules;
    order.redirects_max = 3;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_ADDRESS);
    assert_int_equal(egress_engine_stats(stage.engine).connects, 1);
    stage_close_names(&stage, &names);
}

static void a_name_without_address_is_told(void **state)
{
    (void)state;
    struct stage stage;
    struct names names;
    stage_open_names(&stage, &names, true, 5000000);
    names.answers[0] = "";
    fetch_name(&stage, "none.example");
    assert_end(&stage, FETCH_END_RESOLVE);
    stage_close_names(&stage, &names);
}

static void a_silent_name_server_is_given_up(void **state)
{
    (void)state;
    struct stage stage;
    struct names names;
    stage_open_names(&stage, &names, true, 30000);
    names.silent = true;
    fetch_name(&stage, "slow.example");
    assert_end(&stage, FETCH_END_RESOLVE);
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 0);
    stage_close_names(&stage, &names);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_resolved_once_and_pinned),
        cmocka_unit_test(a_name_of_a_private_address_is_refused),
        cmocka_unit_test(only_the_allowed_addresses_of_a_name_are_tried),
        cmocka_unit_test(a_redirect_to_a_name_is_looked_at_like_the_first),
        cmocka_unit_test(a_name_without_address_is_told),
        cmocka_unit_test(a_silent_name_server_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
