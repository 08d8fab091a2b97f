/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL has checked that the extensions end where they say; what is in them is checked here.
 */
#include "server/tls/hello.h"

#define HELLO_HOST_NAME 0 /* a type of name */

struct bytes hello_name(struct bytes extension)
{
    const size_t head = 5; /* length of the list, type, length of the name */
    const uint8_t *data = extension.data;
    if (extension.count <= head || data[2] != HELLO_HOST_NAME)
        return bytes_make(NULL, 0);
    size_t name = (size_t)data[3] << 8 | data[4];
    return name <= extension.count - head ? bytes_make(data + head, name) : bytes_make(NULL, 0);
}

bool hello_proves(struct bytes extension)
{
    const size_t head = 2; /* length of the list */
    const size_t count = sizeof(HELLO_PROOF_PROTOCOL) - 1;
    return extension.count == head + count &&
           memcmp(extension.data + head, HELLO_PROOF_PROTOCOL, count) == 0;
}
