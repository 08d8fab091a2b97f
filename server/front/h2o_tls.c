/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS under libh2o 2.2.5, which knows one thing that a handshake may wait for: bytes of the client.
 *
 *   SSL_accept (ours) --> libssl's --a signature is wanted, and the job is left--> "wants to read"
 *                                                              |
 *   the key process's answer --> in front->signed --h2o_tls_turn--> libh2o's callback, again
 *
 * While a handshake waits so, nothing is read of its connection; what was read already is put where
 * libssl finds it first, since libh2o would try again at once as long as it has some.
 *
 * And a body is encrypted a piece at a time, as the client takes it: libh2o would encrypt all of it
 * at once, into memory.
 */
#include <openssl/bio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/front/h2o_guard.h"

#define TLS_STASH_BYTES_MAX 65536  /* of a client that sends before it may */
#define TLS_PIECE_BYTES     131072 /* of what is written at once */
#define TLS_JOINED_BYTES    4096   /* of several buffers: more than that costs more to copy */
#define TLS_PIECE_BUFFERS   64

/* libssl's, for which ours stand. */
GUARD_EXPORT int SSL_accept(SSL *ssl);
GUARD_EXPORT int SSL_get_error(const SSL *ssl, int result);

/* What is left to be written of an answer. */
struct h2o_tls_write {
    h2o_socket_cb done;
    size_t at; /* the first of them that is left */
    size_t count;
    h2o_iovec_t buffers[];
};

/* NULL: not one of ours. */
static struct h2o_connection *tls_connection(const SSL *ssl)
{
    if (h2o_guard.tls == NULL || SSL_get_SSL_CTX(ssl) != h2o_guard.tls)
        return NULL;
    h2o_socket_t *socket = BIO_get_data(SSL_get_wbio(ssl));
    return h2o_connection_owns(socket) ? socket->on_close.data : NULL;
}

/* ---- bytes that came too early --------------------------------------------------------------- */

/* What was put aside, then libh2o's. */
struct tls_source {
    BIO *early;
    BIO *next;
};

static int tls_source_read(BIO *bio, char *data, int count)
{
    const struct tls_source *source = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (BIO_ctrl_pending(source->early) > 0)
        return BIO_read(source->early, data, count);
    int got = BIO_read(source->next, data, count);
    if (got <= 0 && BIO_should_retry(source->next))
        BIO_set_retry_read(bio);
    return got;
}

static long tls_source_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct tls_source *source = BIO_get_data(bio);
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP
               ? 1
               : BIO_ctrl(source->next, command, number, pointer);
}

static int tls_source_free(BIO *bio)
{
    struct tls_source *source = BIO_get_data(bio);
    if (source != NULL) {
        BIO_free(source->early);
        BIO_free(source->next);
    }
    free(source);
    return 1;
}

static BIO *tls_source_make(BIO *next)
{
    BIO *bio = BIO_new(h2o_guard.tls_source);
    struct tls_source *source = calloc(1, sizeof(*source));
    BIO *early = BIO_new(BIO_s_mem());
    if (bio == NULL || source == NULL || early == NULL || BIO_up_ref(next) != 1) {
        BIO_free(early);
        free(source);
        BIO_free(bio);
        return NULL;
    }
    (void)BIO_set_mem_eof_return(early, -1);
    *source = (struct tls_source){.early = early, .next = next};
    BIO_set_data(bio, source);
    BIO_set_init(bio, 1);
    return bio;
}

/* False: there is too much of it, or no memory. */
static bool tls_put_aside(struct h2o_connection *connection, SSL *ssl)
{
    uint8_t chunk[4096];
    BIO *from = SSL_get_wbio(ssl);
    int count = BIO_read(from, chunk, sizeof(chunk));
    if (count <= 0)
        return true;
    if (SSL_get_rbio(ssl) == from) {
        BIO *source = tls_source_make(from);
        if (source == NULL)
            return false;
        SSL_set0_rbio(ssl, source);
    }
    const struct tls_source *source = BIO_get_data(SSL_get_rbio(ssl));
    for (; count > 0; count = BIO_read(from, chunk, sizeof(chunk))) {
        connection->tls_early_bytes += (uint32_t)count;
        if (connection->tls_early_bytes > TLS_STASH_BYTES_MAX ||
            BIO_write(source->early, chunk, count) != count)
            return false;
    }
    return true;
}

/* ---- handshakes ------------------------------------------------------------------------------ */

static void tls_count(struct h2o_connection *connection, SSL *ssl, int result)
{
    struct metrics *metrics = connection->front->service->metrics;
    if (result != 1)
        metrics->tls_failed++;
    else if (SSL_session_reused(ssl) == 1)
        metrics->tls_resumed++;
    else
        metrics->tls_handshakes++;
}

/* libh2o closes a connection whose handshake failed, and what libssl had to say of it is lost with
 * it: if nothing else went out before, it goes out here. */
static void tls_say_alert(const struct h2o_connection *connection, SSL *ssl)
{
    const uint8_t record[] = {
        SSL3_RT_ALERT, 3, 3, 0, 2, connection->tls_alert >> 8 & 0xff, connection->tls_alert & 0xff};
    if (connection->tls_alert != 0 && BIO_number_written(SSL_get_wbio(ssl)) == sizeof(record))
        (void)!send(h2o_socket_get_fd(connection->socket), record, sizeof(record),
                    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void tls_on_info(const SSL *ssl, int where, int alert)
{
    struct h2o_connection *connection = where == SSL_CB_WRITE_ALERT ? tls_connection(ssl) : NULL;
    if (connection != NULL)
        connection->tls_alert = alert;
}

/* The signature is there: at the turn's end the handshake goes on. */
static void tls_wake(struct signing_job *job)
{
    struct h2o_connection *connection = CONTAINER_OF(job, struct h2o_connection, signing);
    h2o_linklist_insert(&connection->front->signed_ones, &connection->signed_link);
}

static int tls_accept(struct h2o_connection *connection, SSL *ssl)
{
    struct signing *signing = &connection->front->tls->signing;
    if (connection->ssl == NULL) {
        connection->ssl = ssl;
        connection->signing.wake = tls_wake;
    }
    if (!connection->signing.waits) {
        signing->job = &connection->signing;
        int result = h2o_guard.ssl_accept(ssl);
        signing->job = NULL;
        if (!connection->signing.waits) {
            int error = result == 1 ? SSL_ERROR_NONE : h2o_guard.ssl_get_error(ssl, result);
            if (error != SSL_ERROR_WANT_READ)
                tls_count(connection, ssl, result);
            if (error != SSL_ERROR_WANT_READ && result != 1)
                tls_say_alert(connection, ssl);
            if (result == 1)
                (void)SSL_clear_mode(ssl, SSL_MODE_ASYNC);
            return result;
        }
    }
    if (!tls_put_aside(connection, ssl))
        h2o_connection_shut(connection);
    return -1;
}

GUARD_EXPORT int SSL_accept(SSL *ssl)
{
    struct h2o_connection *connection = tls_connection(ssl);
    if (h2o_guard.ssl_accept == NULL)
        h2o_guard_init_tls();
    return connection == NULL ? h2o_guard.ssl_accept(ssl) : tls_accept(connection, ssl);
}

GUARD_EXPORT int SSL_get_error(const SSL *ssl, int result)
{
    const struct h2o_connection *connection = tls_connection(ssl);
    if (h2o_guard.ssl_get_error == NULL)
        h2o_guard_init_tls();
    return connection != NULL && connection->signing.waits ? SSL_ERROR_WANT_READ
                                                           : h2o_guard.ssl_get_error(ssl, result);
}

/* What was written meanwhile calls libh2o itself when it is out. */
void h2o_tls_turn(struct h2o_front *front)
{
    while (!h2o_linklist_is_empty(&front->signed_ones)) {
        struct h2o_connection *connection =
            H2O_STRUCT_FROM_MEMBER(struct h2o_connection, signed_link, front->signed_ones.next);
        h2o_linklist_unlink(&connection->signed_link);
        if (!h2o_socket_is_writing(connection->socket)) {
            h2o_guard.current = connection;
            connection->read(connection->socket, NULL);
        }
    }
}

void h2o_tls_leave(struct h2o_connection *connection)
{
    if (h2o_linklist_is_linked(&connection->signed_link))
        h2o_linklist_unlink(&connection->signed_link);
    if (!connection->signing.waits)
        return;
    /* Its job has a stack, which must come to its end before the SSL does. */
    signing_give_up(&connection->front->tls->signing, &connection->signing);
    (void)h2o_guard.ssl_accept(connection->ssl);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void tls_write_next(h2o_socket_t *socket, struct h2o_connection *connection);

static void tls_on_written(h2o_socket_t *socket, const char *err)
{
    struct h2o_connection *connection = socket->on_close.data;
    struct h2o_tls_write *write = connection->tls_write;
    if (err == NULL && write->at < write->count) {
        tls_write_next(socket, connection);
        return;
    }
    h2o_socket_cb done = write->done;
    connection->tls_write = NULL;
    free(write);
    done(socket, err);
}

static void tls_write_next(h2o_socket_t *socket, struct h2o_connection *connection)
{
    struct h2o_tls_write *write = connection->tls_write;
    h2o_iovec_t piece[TLS_PIECE_BUFFERS];
    size_t bytes = 0;
    size_t count = 0;
    while (count < COUNT_OF(piece) && bytes < TLS_PIECE_BYTES && write->at < write->count) {
        h2o_iovec_t *buffer = &write->buffers[write->at];
        size_t part = MIN(buffer->len, TLS_PIECE_BYTES - bytes);
        piece[count++] = h2o_iovec_init(buffer->base, part);
        bytes += part;
        buffer->base += part;
        buffer->len -= part;
        if (buffer->len == 0)
            write->at++;
    }
    h2o_guard.write(socket, piece, count, tls_on_written);
}

/* libh2o makes a record of each buffer, before it returns: head and body of a small answer would be
 * two, each with a cipher's start and end, and 29 bytes. */
static void
tls_write_joined(h2o_socket_t *socket, const h2o_iovec_t *buffers, size_t count, h2o_socket_cb done)
{
    char room[TLS_JOINED_BYTES];
    h2o_iovec_t joined = {.base = room};
    for (size_t i = 0; i < count; i++) {
        if (buffers[i].len > 0) /* an empty one may have no place */
            memcpy(room + joined.len, buffers[i].base, buffers[i].len);
        joined.len += buffers[i].len;
    }
    h2o_guard.write(socket, &joined, 1, done);
}

GUARD_EXPORT void
h2o_socket_write(h2o_socket_t *socket, h2o_iovec_t *buffers, size_t count, h2o_socket_cb done)
{
    struct h2o_tls_write *write = NULL;
    size_t bytes = 0;
    for (size_t i = 0; socket->ssl != NULL && i < count; i++)
        bytes += buffers[i].len;
    if (count > 1 && bytes > 0 && bytes <= TLS_JOINED_BYTES) {
        tls_write_joined(socket, buffers, count, done);
        return;
    }
    if (bytes > TLS_PIECE_BYTES && h2o_connection_owns(socket))
        write = malloc(sizeof(*write) + count * sizeof(*buffers));
    if (write == NULL) {
        h2o_guard.write(socket, buffers, count, done);
        return;
    }
    struct h2o_connection *connection = socket->on_close.data;
    *write = (struct h2o_tls_write){.done = done, .count = count};
    memcpy(write->buffers, buffers, count * sizeof(*buffers));
    connection->tls_write = write;
    tls_write_next(socket, connection);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

enum status h2o_tls_init(struct h2o_front *front, struct report *report)
{
    struct request_service *service = front->service;
    const struct tls_options options = {.config = service->config,
                                        .clock = service->clock,
                                        .metrics = service->metrics,
                                        .catalog = service->catalog,
                                        .peers = &service->world.peers};
    enum status status = tls_create(&options, report, &front->tls);
    if (status != STATUS_OK)
        return status;
    h2o_guard.tls = front->tls->context;
    SSL_CTX_set_info_callback(front->tls->context, tls_on_info);
    (void)SSL_CTX_set_mode(front->tls->context, SSL_MODE_ASYNC);
    h2o_guard.tls_source = BIO_meth_new(BIO_get_new_index(), "skerry");
    if (h2o_guard.tls_source == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    (void)BIO_meth_set_read(h2o_guard.tls_source, tls_source_read);
    (void)BIO_meth_set_ctrl(h2o_guard.tls_source, tls_source_ctrl);
    (void)BIO_meth_set_destroy(h2o_guard.tls_source, tls_source_free);
    front->accept_tls = front->accept;
    front->accept_tls.ssl_ctx = front->tls->context;
    return STATUS_OK;
}
