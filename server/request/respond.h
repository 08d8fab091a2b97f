/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the text of answers: problem+json, Server-Timing, request ids.
 */
#ifndef SKERRY_SERVER_REQUEST_RESPOND_H
#define SKERRY_SERVER_REQUEST_RESPOND_H

#include "server/request/request.h"

/* Random-looking, unique in the process. */
void respond_make_id(struct request_service *service, char ret_id[REQUEST_ID_BYTES + 1]);
/* Fills request->response from the exchange (code NULL) or from request->code and detail. */
void respond_prepare(struct request *request, uint32_t status, const char *detail);

#endif
