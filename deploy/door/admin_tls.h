/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/door: TLS of the admin API's address, with the operator's own certificate and,
 * if asked for, only for clients who show one of an authority that the operator names.
 *
 * Its private key is control's, read from a file: who has control's memory has the API anyway. No
 * session is resumed, so that each connection shows its certificate.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_TLS_H
#define SKERRY_DEPLOY_DOOR_ADMIN_TLS_H

#include <openssl/ssl.h>

#include "config/config.h"
#include "engine/base/bytes.h"

struct bufferevent;
struct event_base;

/* Reads the files of `config`; NULL: it names none. CONFIG: a report says which and why. */
NODISCARD enum status
admin_tls_load(const struct config *config, struct report *report, SSL_CTX **ret_context);
/* A connection's bytes, in the clear; takes over `fd`, unless it returns NULL. `context` NULL: no
 * TLS. */
struct bufferevent *admin_tls_stream(struct event_base *base, SSL_CTX *context, int fd);
bool admin_tls_is_spoken(struct bufferevent *stream);
/* Tells the client that nothing follows, which a connection that breaks does not. */
void admin_tls_end(struct bufferevent *stream);
/* Sends what can be sent without waiting: the last that is done with the stream. */
void admin_tls_flush(struct bufferevent *stream);
/* Has nothing been sent to us that was not read yet? */
bool admin_tls_is_silent(struct bufferevent *stream);
/* Is the certificate for this name or address, which may have brackets? No context: no. */
bool admin_tls_covers(const SSL_CTX *context, struct bytes host);

#endif
