/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of HTTP's status codes, for answers of both planes and of guests.
 */
#ifndef SKERRY_ENGINE_BASE_HTTP_STATUS_H
#define SKERRY_ENGINE_BASE_HTTP_STATUS_H

#include <stdint.h>

/* "Not Found". Never NULL: empty for a number without a name, as a reason phrase may be
 * [RFC 9112 4]. */
const char *http_status_text(uint32_t status);

#endif
