/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole handshakes, in memory, between OpenSSL's client and the worker's context.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/unit/server/tls/bench.h"

static struct bench bench;
static SSL_CTX *clients;
static SSL *server;
static SSL *client;
static SSL_SESSION *session; /* the last one that a client was given */

static int note_session(SSL *ssl, SSL_SESSION *given)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = given;
    return 1;
}

static int setup(void **state)
{
    (void)state;
    bench_init(&bench);
    (void)bench_add(&bench, "a.test", "EC", "DNS:a.test,DNS:also.test");
    (void)bench_add(&bench, "b.test", "RSA", "DNS:b.test");
    (void)bench_add(&bench, "*.c.test", "ED25519", "DNS:*.c.test");
    bench_serve(&bench);
    bench.tls->ticket_key_count = TLS_TICKET_KEYS;
    bench.tls->ticket_keys[0].name[0] = 1;
    clients = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(clients, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(clients, note_session);
    (void)SSL_CTX_set_tlsext_status_type(clients, TLSEXT_STATUSTYPE_ocsp);
    return 0;
}

static void close_both(void)
{
    /* Or its session would count as one that was broken off. */
    if (client != NULL)
        SSL_set_shutdown(client, SSL_SENT_SHUTDOWN);
    SSL_free(client);
    SSL_free(server);
    client = server = NULL;
}

static int teardown(void **state)
{
    (void)state;
    close_both();
    SSL_SESSION_free(session);
    session = NULL;
    SSL_CTX_free(clients);
    bench_done(&bench);
    ERR_clear_error();
    return 0;
}

/* True: both sides are done. */
static bool shake(const char *host, SSL_SESSION *with)
{
    char byte;
    BIO *ends[2];
    close_both();
    client = SSL_new(clients);
    server = SSL_new(bench.tls->context);
    assert_int_equal(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
    SSL_set_bio(client, ends[0], ends[0]);
    SSL_set_bio(server, ends[1], ends[1]);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (host != NULL)
        assert_int_equal(SSL_ctrl(client, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                  (void *)(uintptr_t)host),
                         1);
    if (with != NULL)
        assert_int_equal(SSL_set_session(client, with), 1);
    int theirs = 0;
    int ours = 0;
    for (int i = 0; i < 8; i++) {
        theirs = SSL_do_handshake(client);
        ours = SSL_do_handshake(server);
    }
    (void)SSL_read(client, &byte, 1); /* tickets come behind */
    return theirs == 1 && ours == 1;
}

static void expect_alert(int alert)
{
    bool found = false;
    unsigned long error;
    while ((error = ERR_get_error()) != 0)
        found |= ERR_GET_REASON(error) == SSL_AD_REASON_OFFSET + alert;
    assert_true(found);
}

static void each_host_is_shown_its_certificate(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *of;
        uint32_t key;
    } rows[] = {{"a.test", "a.test", 0}, {"B.test", "b.test", 1}, {"x.c.test", "x.c.test", 2}};
    const uint8_t *answer;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_int_equal(SSL_CTX_set_max_proto_version(clients, version), 1);
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            assert_true(shake(rows[i].host, NULL));
            assert_int_equal(SSL_version(client), version);
            X509 *shown = SSL_get1_peer_certificate(client);
            assert_int_equal(X509_cmp(shown, bench.keys[rows[i].key].certificate), 0);
            X509_free(shown);
            assert_true(bytes_equal_text(tls_host(server), rows[i].of));
            assert_true(SSL_get_tlsext_status_ocsp_resp(client, &answer) > 0);
        }
    }
}

static void a_host_without_a_certificate_is_refused_unless_there_is_a_default(void **state)
{
    (void)state;
    assert_false(shake("unknown.test", NULL));
    expect_alert(SSL_AD_UNRECOGNIZED_NAME);
    assert_false(shake(NULL, NULL));
    assert_int_equal(bench.metrics.tls_unknown_host, 2);
    strcpy(bench.config.tls_default_host, "a.test");
    assert_true(shake("unknown.test", NULL));
    assert_true(bytes_equal_text(tls_host(server), "a.test"));
    assert_true(shake(NULL, NULL));
}

static void a_session_is_resumed_by_its_host_only(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_int_equal(SSL_CTX_set_max_proto_version(clients, version), 1);
        assert_true(shake("a.test", NULL));
        SSL_SESSION *of_a = session;
        session = NULL;
        assert_non_null(of_a);
        uint32_t signatures = bench.signatures;
        assert_true(shake("a.test", of_a));
        assert_int_equal(bench.signatures, signatures);
        assert_true(bytes_equal_text(tls_host(server), "a.test"));
        assert_true(shake("x.c.test", of_a));
        assert_false(SSL_session_reused(client));
        assert_int_equal(bench.signatures, signatures + 1);
        SSL_SESSION_free(of_a);
    }
}

static void a_ticket_outlives_one_change_of_keys(void **state)
{
    (void)state;
    assert_true(shake("a.test", NULL));
    SSL_SESSION *first = session;
    session = NULL;
    bench.tls->ticket_keys[1] = bench.tls->ticket_keys[0];
    bench.tls->ticket_keys[0].name[0] = 2;
    assert_true(shake("a.test", first));
    assert_true(SSL_session_reused(client));
    assert_non_null(session); /* under the new key */
    bench.tls->ticket_keys[1].name[0] = 2;
    bench.tls->ticket_keys[0].name[0] = 3;
    assert_true(shake("a.test", first));
    assert_false(SSL_session_reused(client));
    SSL_SESSION_free(first);
}

static void what_is_older_or_weaker_is_refused(void **state)
{
    (void)state;
    SSL_CTX_set_security_level(clients, 0);
    assert_int_equal(SSL_CTX_set_max_proto_version(clients, TLS1_1_VERSION), 1);
    assert_false(shake("a.test", NULL));
    assert_int_equal(SSL_CTX_set_max_proto_version(clients, TLS1_2_VERSION), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(clients, "ECDHE-ECDSA-AES128-SHA:AES128-SHA"), 1);
    assert_false(shake("b.test", NULL));
}

static void the_protocol_above_is_agreed_on_or_there_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *theirs;
        const char *chosen; /* NULL: refused */
    } rows[] = {{"\10http/1.1\2h2", "h2"}, {"\10http/1.1", "http/1.1"}, {"\3foo", NULL}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const uint8_t *name;
        unsigned int count;
        assert_int_equal(SSL_CTX_set_alpn_protos(clients, (const uint8_t *)rows[i].theirs,
                                                 (unsigned)strlen(rows[i].theirs)),
                         0);
        assert_int_equal(shake("a.test", NULL), rows[i].chosen != NULL);
        SSL_get0_alpn_selected(client, &name, &count);
        if (rows[i].chosen != NULL)
            assert_true(bytes_equal_text(bytes_make(name, count), rows[i].chosen));
    }
}

static void without_a_signature_there_is_no_handshake(void **state)
{
    (void)state;
    bench.refuses = true;
    assert_false(shake("a.test", NULL));
    assert_int_equal(bench.signatures, 1);
}

static void a_certificate_covers_its_own_names(void **state)
{
    (void)state;
    struct bytes a = bytes_of_text("a.test");
    assert_true(tls_covers(bench.tls, a, bytes_of_text("A.test")));
    assert_true(tls_covers(bench.tls, a, bytes_of_text("also.test.")));
    assert_false(tls_covers(bench.tls, a, bytes_of_text("b.test")));
    assert_false(tls_covers(bench.tls, a, bytes_of_text("127.0.0.1")));
    assert_true(tls_covers(bench.tls, bytes_of_text("x.c.test"), bytes_of_text("y.c.test")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(each_host_is_shown_its_certificate),
        TEST(a_host_without_a_certificate_is_refused_unless_there_is_a_default),
        TEST(a_session_is_resumed_by_its_host_only),
        TEST(a_ticket_outlives_one_change_of_keys),
        TEST(what_is_older_or_weaker_is_refused),
        TEST(the_protocol_above_is_agreed_on_or_there_is_none),
        TEST(without_a_signature_there_is_no_handshake),
        TEST(a_certificate_covers_its_own_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
