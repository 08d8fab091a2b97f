/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS by libevent and OpenSSL. OpenSSL's errors are kept by thread, and libevent takes what it
 * finds there for the connection's own: whatever is called here leaves none behind.
 */
#include "deploy/door/admin_tls.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "deploy/certs/tls_floor.h"

#define ADMIN_TLS_WRITE_MAX 65536 /* at once, of an answer that is flushed */

/* ---- files ----------------------------------------------------------------------------------- */

static enum status admin_tls_fail(struct report *report, const char *key, const char *path)
{
    const char *why = ERR_reason_error_string(ERR_peek_error());
    enum status status =
        report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "admin.%s: cannot use %.200s: %s",
                    key, path, why == NULL ? "it is not what it should be" : why);
    ERR_clear_error();
    return status;
}

/* In place of a question on the terminal. */
static int admin_tls_no_passphrase(char *text, int size, int writes, void *context)
{
    (void)text;
    (void)size;
    (void)writes;
    (void)context;
    return 0;
}

static enum status
admin_tls_use_certificate(SSL_CTX *context, const char *row, struct report *report)
{
    char chain[CONFIG_CERTIFICATE_BYTES];
    size_t count = strcspn(row, " ");
    memcpy(chain, row, count);
    chain[count] = '\0';
    const char *key = row[count] == '\0' ? chain : row + count + 1;
    SSL_CTX_set_default_passwd_cb(context, admin_tls_no_passphrase);
    if (SSL_CTX_use_certificate_chain_file(context, chain) != 1)
        return admin_tls_fail(report, "certificate", chain);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return admin_tls_fail(report, "certificate", key);
    return STATUS_OK;
}

static enum status
admin_tls_use_client_ca(SSL_CTX *context, const char *path, struct report *report)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (names == NULL || SSL_CTX_load_verify_file(context, path) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return admin_tls_fail(report, "client_ca", path);
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return STATUS_OK;
}

static bool admin_tls_configure(SSL_CTX *context)
{
    (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(context, 0);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* What waits in a buffer may move, and may leave in parts. */
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    return tls_floor_set(context);
}

enum status
admin_tls_load(const struct config *config, struct report *report, SSL_CTX **ret_context)
{
    if (config->admin_listen[0] == '\0' || config->admin_certificate[0] == '\0') {
        *ret_context = NULL;
        return STATUS_OK;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !admin_tls_configure(context)) {
        SSL_CTX_free(context);
        ERR_clear_error();
        return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "OpenSSL does not take the settings for TLS");
    }
    enum status status = admin_tls_use_certificate(context, config->admin_certificate, report);
    if (status == STATUS_OK && config->admin_client_ca[0] != '\0')
        status = admin_tls_use_client_ca(context, config->admin_client_ca, report);
    if (status == STATUS_OK)
        *ret_context = context;
    else
        SSL_CTX_free(context);
    return status;
}

/* ---- connections ----------------------------------------------------------------------------- */

struct bufferevent *admin_tls_stream(struct event_base *base, SSL_CTX *context, int fd)
{
    if (context == NULL)
        return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(context);
    struct bufferevent *stream =
        ssl == NULL ? NULL
                    : bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                     BEV_OPT_CLOSE_ON_FREE);
    if (stream == NULL)
        SSL_free(ssl);
    ERR_clear_error();
    return stream;
}

bool admin_tls_is_spoken(struct bufferevent *stream)
{
    return bufferevent_openssl_get_ssl(stream) != NULL;
}

void admin_tls_end(struct bufferevent *stream)
{
    SSL *ssl = bufferevent_openssl_get_ssl(stream);
    if (ssl == NULL || !SSL_is_init_finished(ssl))
        return;
    (void)SSL_shutdown(ssl);
    ERR_clear_error();
}

void admin_tls_flush(struct bufferevent *stream)
{
    struct evbuffer *output = bufferevent_get_output(stream);
    SSL *ssl = bufferevent_openssl_get_ssl(stream);
    (void)evbuffer_unfreeze(output, 1); /* libevent lets nobody else take from it */
    if (ssl == NULL) {
        (void)evbuffer_write(output, bufferevent_getfd(stream));
        return;
    }
    int done = 1;
    while (done > 0 && evbuffer_get_length(output) > 0) {
        size_t count = MIN(evbuffer_get_length(output), (size_t)ADMIN_TLS_WRITE_MAX);
        const void *data = evbuffer_pullup(output, (ev_ssize_t)count);
        done = data == NULL ? 0 : SSL_write(ssl, data, (int)count);
        if (done > 0)
            (void)evbuffer_drain(output, (size_t)done);
    }
    ERR_clear_error();
}

bool admin_tls_is_silent(struct bufferevent *stream)
{
    char byte;
    SSL *ssl = bufferevent_openssl_get_ssl(stream);
    /* A handshake that is under way is something. */
    if (ssl != NULL && (!SSL_is_init_finished(ssl) || SSL_pending(ssl) > 0))
        return false;
    return evbuffer_get_length(bufferevent_get_input(stream)) == 0 &&
           recv(bufferevent_getfd(stream), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

bool admin_tls_covers(const SSL_CTX *context, struct bytes host)
{
    char text[CONFIG_DOMAIN_BYTES];
    X509 *certificate = context == NULL ? NULL : SSL_CTX_get0_certificate(context);
    bool bracketed = host.count > 2 && host.data[0] == '[' && host.data[host.count - 1] == ']';
    size_t count = bracketed ? host.count - 2 : host.count;
    if (certificate == NULL || count == 0 || count >= sizeof(text))
        return false;
    memcpy(text, host.data + bracketed, count);
    text[count] = '\0';
    bool covers = memchr(text, '\0', count) == NULL &&
                  (X509_check_host(certificate, text, count, 0, NULL) == 1 ||
                   X509_check_ip_asc(certificate, text, 0) == 1);
    ERR_clear_error();
    return covers;
}
