/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as CGI sees it: arguments and environment [RFC 3875 4.1, 4.4], with WAGI's
 * additions. Pure functions from an exchange to texts in its arena.
 */
#ifndef SKERRY_HOSTAPI_WAGI_CGI_H
#define SKERRY_HOSTAPI_WAGI_CGI_H

#include "hostapi/wasi/wasi.h"

/* The path, then the query's items; or what the configuration says. False: the arena is full. */
NODISCARD bool cgi_arguments(struct http_exchange *exchange, struct wasi_texts *ret_texts);
/* What the configuration says: the same for all requests. None: it says nothing. */
NODISCARD bool
cgi_config_arguments(struct bytes config, struct arena *arena, struct wasi_texts *ret_texts);
/* hostapi_check_config of WAGI: lines of NAME=value, which become variables, and of "- text", which
 * become arguments. */
NODISCARD enum status cgi_check_config(struct bytes config, struct report *report);
/* Appends the variables of a configuration, which are borrowed. False: the arena is full. */
NODISCARD bool cgi_config(struct bytes config, struct arena *arena, struct wasi_texts *texts);
/* NAME=value. False: the arena is full. */
NODISCARD bool cgi_environment(struct http_exchange *exchange, struct wasi_texts *ret_texts);

#endif
