/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of the admin API's address: which files are taken, and bytes both ways.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deploy/door/admin_tls.h"
#include "tests/support/pem.h"
#include "tests/unit/deploy/fixture.h"

static struct {
    struct fixture fixture;
    struct config config;
    struct pem ours;
    struct pem other;
} stage;

static int setup(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    fixture_init(&stage.fixture);
    pem_make(&stage.ours, "EC", "DNS:admin.test,DNS:*.ops.test,IP:127.0.0.9", 9, NULL);
    pem_make(&stage.other, "EC", "DNS:client", 9, NULL);
    fixture_write_file(&stage.fixture, "chain", stage.ours.text, 0600);
    fixture_write_file(&stage.fixture, "key", stage.ours.key_text, 0600);
    fixture_write_file(&stage.fixture, "other", stage.other.key_text, 0600);
    fixture_write_file(&stage.fixture, "ca", stage.other.text, 0600);
    fixture_write_file(&stage.fixture, "junk", "nothing", 0600);
    (void)snprintf(stage.config.admin_listen, sizeof(stage.config.admin_listen), "127.0.0.1:1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pem_free(&stage.ours);
    pem_free(&stage.other);
    fixture_done(&stage.fixture);
    return 0;
}

/* By names in the fixture's folder; NULL: none. */
static enum status
load(const char *chain, const char *key, const char *ca, struct report *report, SSL_CTX **ret)
{
    struct config *config = &stage.config;
    const char *dir = stage.fixture.dir;
    if (key == NULL)
        (void)snprintf(config->admin_certificate, sizeof(config->admin_certificate), "%s/%s", dir,
                       chain);
    else
        (void)snprintf(config->admin_certificate, sizeof(config->admin_certificate), "%s/%s %s/%s",
                       dir, chain, dir, key);
    config->admin_client_ca[0] = '\0';
    if (ca != NULL)
        (void)snprintf(config->admin_client_ca, sizeof(config->admin_client_ca), "%s/%s", dir, ca);
    return admin_tls_load(config, report, ret);
}

static void files_are_taken_or_named(void **state)
{
    (void)state;
    static const struct {
        const char *chain;
        const char *key;
        const char *ca;
        const char *wrong; /* NULL: nothing is */
    } rows[] = {
        {"chain", "key", NULL, NULL},
        {"chain", "key", "ca", NULL},
        {"chain", NULL, NULL, "/chain: "},
        {"chain", "other", NULL, "/other: "},
        {"chain", "nowhere", NULL, "/nowhere: "},
        {"nowhere", "key", NULL, "/nowhere: "},
        {"junk", "key", NULL, "/junk: "},
        {"chain", "key", "junk", "/junk: "},
        {"chain", "key", "nowhere", "/nowhere: "},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = REPORT_INIT;
        SSL_CTX *context = NULL;
        enum status status = load(rows[i].chain, rows[i].key, rows[i].ca, &report, &context);
        assert_int_equal(status, rows[i].wrong == NULL ? STATUS_OK : STATUS_CONFIG);
        if (rows[i].wrong != NULL)
            assert_non_null(strstr(report.text, rows[i].wrong));
        assert_int_equal(context == NULL, rows[i].wrong != NULL);
        SSL_CTX_free(context);
    }
}

static void without_an_address_or_a_certificate_there_is_none(void **state)
{
    (void)state;
    SSL_CTX *context = (SSL_CTX *)&stage;
    assert_int_equal(admin_tls_load(&stage.config, NULL, &context), STATUS_OK);
    assert_null(context);
    stage.config.admin_listen[0] = '\0';
    context = (SSL_CTX *)&stage;
    assert_int_equal(load("nowhere", NULL, NULL, NULL, &context), STATUS_OK);
    assert_null(context);
    assert_false(admin_tls_covers(NULL, bytes_of_text("admin.test")));
}

static void names_and_addresses_are_those_of_the_certificate(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    static const char *const good[] = {"admin.test", "ADMIN.test", "a.ops.test", "127.0.0.9"};
    static const char *const bad[] = {
        "",      "test", "ops.test",     "a.b.ops.test",           "127.0.0.10",
        "[::1]", "[]",   "evil.example", "admin.test.evil.example"};
    SSL_CTX *context = NULL;
    assert_int_equal(load("chain", "key", NULL, &report, &context), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_true(admin_tls_covers(context, bytes_of_text(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(admin_tls_covers(context, bytes_of_text(bad[i])));
    assert_false(admin_tls_covers(context, bytes_make("admin.test\0x", 12)));
    SSL_CTX_free(context);
}

/* One turn of both sides. */
static int turn(struct event_base *base, int done)
{
    assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
    return done;
}

static void say_hello(struct bufferevent *stream, void *context)
{
    struct evbuffer *input = bufferevent_get_input(stream);
    (void)context;
    if (evbuffer_get_length(input) == 4 && memcmp(evbuffer_pullup(input, 4), "ping", 4) == 0)
        assert_int_equal(evbuffer_add_buffer(bufferevent_get_output(stream), input), 0);
}

/* What comes back of "ping"; 0: the connection ended first. */
static int ping(struct event_base *base, SSL *client, char ret_text[8])
{
    int count;
    do {
        count = turn(base, SSL_write(client, "ping", 4));
    } while (count <= 0 && SSL_get_error(client, count) == SSL_ERROR_WANT_READ);
    do {
        count = turn(base, SSL_read(client, ret_text, 8));
    } while (count <= 0 && SSL_get_error(client, count) == SSL_ERROR_WANT_READ);
    return MAX(count, 0);
}

static int ping_over_tls(const char *ca, const struct pem *shown)
{
    struct report report = REPORT_INIT;
    char text[8] = "";
    int fds[2];
    SSL_CTX *context = NULL;
    SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
    struct event_base *base = event_base_new();
    assert_int_equal(load("chain", "key", ca, &report, &context), STATUS_OK);
    if (shown != NULL) {
        assert_int_equal(SSL_CTX_use_certificate(clients, shown->certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(clients, shown->key), 1);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    struct bufferevent *stream = admin_tls_stream(base, context, fds[0]);
    assert_non_null(stream);
    assert_true(admin_tls_is_spoken(stream));
    assert_false(admin_tls_is_silent(stream)); /* of a handshake */
    bufferevent_setcb(stream, say_hello, NULL, NULL, NULL);
    assert_int_equal(bufferevent_enable(stream, EV_READ | EV_WRITE), 0);
    SSL *client = SSL_new(clients);
    assert_int_equal(SSL_set_fd(client, fds[1]), 1);
    SSL_set_connect_state(client);
    int count = ping(base, client, text);
    if (count > 0) {
        assert_memory_equal(text, "ping", 4);
        assert_true(admin_tls_is_silent(stream));
        /* What is written last leaves without the loop, and its end is told. */
        assert_int_equal(evbuffer_add(bufferevent_get_output(stream), "bye", 3), 0);
        admin_tls_flush(stream);
        admin_tls_end(stream);
        assert_int_equal(SSL_read(client, text, sizeof(text)), 3);
        assert_memory_equal(text, "bye", 3);
        assert_int_equal(SSL_read(client, text, sizeof(text)), 0);
        assert_int_equal(SSL_get_shutdown(client), SSL_RECEIVED_SHUTDOWN);
    }
    bufferevent_free(stream);
    SSL_free(client);
    assert_int_equal(close(fds[1]), 0);
    SSL_CTX_free(clients);
    SSL_CTX_free(context);
    event_base_free(base);
    return count;
}

static void bytes_go_both_ways(void **state)
{
    (void)state;
    assert_int_equal(ping_over_tls(NULL, NULL), 4);
}

static void who_has_to_show_a_certificate_shows_one_of_the_authority(void **state)
{
    (void)state;
    assert_int_equal(ping_over_tls("ca", &stage.other), 4);
    assert_int_equal(ping_over_tls("ca", &stage.ours), 0);
    assert_int_equal(ping_over_tls("ca", NULL), 0);
}

static void without_tls_a_flush_sends_too(void **state)
{
    (void)state;
    char text[8];
    int fds[2];
    struct event_base *base = event_base_new();
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    struct bufferevent *stream = admin_tls_stream(base, NULL, fds[0]);
    assert_false(admin_tls_is_spoken(stream));
    assert_true(admin_tls_is_silent(stream));
    assert_int_equal(evbuffer_add(bufferevent_get_output(stream), "bye", 3), 0);
    admin_tls_flush(stream);
    admin_tls_end(stream);
    assert_int_equal(recv(fds[1], text, sizeof(text), 0), 3);
    bufferevent_free(stream);
    assert_int_equal(close(fds[1]), 0);
    event_base_free(base);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(files_are_taken_or_named),
        WITH_FILES(without_an_address_or_a_certificate_there_is_none),
        WITH_FILES(names_and_addresses_are_those_of_the_certificate),
        WITH_FILES(bytes_go_both_ways),
        WITH_FILES(who_has_to_show_a_certificate_shows_one_of_the_authority),
        cmocka_unit_test(without_tls_a_flush_sends_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
