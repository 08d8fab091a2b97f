/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a PROXY header is whole, or bad, or wants more; what is whole lies within what came and
 * has a client of a family that is known; what wants more says so of each beginning of it; and no
 * byte behind a whole header changes what it says.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "server/front/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum proxy_outcome
parse(const uint8_t *data, size_t size, struct sockaddr_storage *ret_client, size_t *ret_bytes)
{
    socklen_t client_bytes = 0;
    /* Of exactly its size: what reads past its end is noticed. */
    uint8_t *copy = malloc(MAX(size, (size_t)1));
    ASSERT(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    memset(ret_client, 0, sizeof(*ret_client));
    enum proxy_outcome outcome =
        proxy_header_parse(bytes_make(copy, size), ret_client, &client_bytes, ret_bytes);
    ASSERT(client_bytes <= sizeof(*ret_client));
    free(copy);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_storage client;
    struct sockaddr_storage again;
    size_t count = 0;
    size_t other = 0;
    enum proxy_outcome outcome = parse(data, size, &client, &count);
    if (outcome != PROXY_COMPLETE)
        return 0;
    ASSERT(count > 0 && count <= size && count <= PROXY_HEADER_BYTES_MAX);
    ASSERT(client.ss_family == AF_UNSPEC || client.ss_family == AF_INET ||
           client.ss_family == AF_INET6);
    ASSERT(parse(data, count, &again, &other) == PROXY_COMPLETE && other == count);
    ASSERT(memcmp(&client, &again, sizeof(client)) == 0);
    for (size_t i = 0; i < count; i++)
        ASSERT(parse(data, i, &again, &other) == PROXY_INCOMPLETE);
    return 0;
}
