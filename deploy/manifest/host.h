/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as they are kept and compared: A-labels in lower case, without the final dot of a
 * full name. "*.example.com" stands for every name with one label more than example.com.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_HOST_H
#define SKERRY_DEPLOY_MANIFEST_HOST_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define DEPLOY_HOST_BYTES 254 /* [RFC 1035 2.3.4], with room for a NUL */
#define DEPLOY_HOST_ANY   "*" /* a domain for hosts that are nobody's; no name of a host */

/* What people write, in UTF-8 and any case, as it is kept. False: it is no name of a host that
 * somebody can own. */
NODISCARD bool deploy_host_parse(struct bytes text, char ret_host[DEPLOY_HOST_BYTES]);
/* What stands for it with one label less: "*.b.c" for "a.b.c". False: nothing does. */
NODISCARD bool deploy_host_widen(struct bytes host, char ret_host[DEPLOY_HOST_BYTES]);

#endif
