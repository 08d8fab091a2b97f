/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a ClientHello's extensions say, the host's name that is taken of it lies
 * within them, and what is made of that is a host or nothing.
 *
 *   | bytes of server_name, 1 byte | server_name | application_layer_protocol_negotiation |
 */
#include <stdlib.h>

#include "deploy/manifest/host.h"
#include "server/tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char host[DEPLOY_HOST_BYTES];
    if (size == 0 || data[0] > size - 1)
        return 0;
    size_t count = data[0];
    /* Each of exactly its size: what reads past its end is noticed. */
    uint8_t *first = malloc(MAX(count, (size_t)1));
    uint8_t *second = malloc(MAX(size - 1 - count, (size_t)1));
    ASSERT(first != NULL && second != NULL);
    memcpy(first, data + 1, count);
    memcpy(second, data + 1 + count, size - 1 - count);
    struct bytes name = hello_name(bytes_make(first, count));
    ASSERT(name.count == 0 || (name.data >= first && name.data + name.count <= first + count));
    if (deploy_host_parse(name, host))
        ASSERT(strlen(host) > 0 && strlen(host) < sizeof(host));
    bool proves = hello_proves(bytes_make(second, size - 1 - count));
    ASSERT(!proves || size - 1 - count == sizeof("..\12acme-tls/1") - 1);
    free(second);
    free(first);
    return 0;
}
