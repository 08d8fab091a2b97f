/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict: what is not of the form is no header, and the connection of nobody.
 */
#include "server/front/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#define LINE_BYTES_MAX  107 /* with its end */
#define LINE_WORDS      6
#define BINARY_HEAD     16
#define BINARY_VERSION  0x20
#define BINARY_LOCAL    0
#define BINARY_PROXY    1
#define BINARY_TCP4     0x11
#define BINARY_TCP6     0x21
#define BINARY_V4_BYTES 12
#define BINARY_V6_BYTES 36

static const uint8_t binary_signature[] = "\r\n\r\n\0\r\nQUIT\n";
#define BINARY_SIGNATURE_BYTES (sizeof(binary_signature) - 1)

/* ---- version 1 ------------------------------------------------------------------------------- */

static bool proxy_port(const char *text, uint16_t *ret_port)
{
    char *end;
    size_t count = strlen(text);
    bool digits = count > 0 && count <= 5 && strspn(text, "0123456789") == count;
    unsigned long port = digits ? strtoul(text, &end, 10) : UINT16_MAX + 1UL;
    if (port > UINT16_MAX || (count > 1 && text[0] == '0'))
        return false;
    *ret_port = htons((uint16_t)port);
    return true;
}

/* "TCP4", "192.0.2.1", "198.51.100.1", "56324", "443" */
static bool
proxy_read_words(char *const *words, struct sockaddr_storage *client, socklen_t *client_bytes)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct in6_addr other;
    uint16_t port;
    if (!proxy_port(words[4], &port) || !proxy_port(words[3], &port))
        return false;
    v4.sin_port = v6.sin6_port = port;
    if (strcmp(words[0], "TCP4") == 0 && inet_pton(AF_INET, words[1], &v4.sin_addr) == 1 &&
        inet_pton(AF_INET, words[2], &other) == 1) {
        memcpy(client, &v4, sizeof(v4));
        *client_bytes = sizeof(v4);
        return true;
    }
    if (strcmp(words[0], "TCP6") == 0 && inet_pton(AF_INET6, words[1], &v6.sin6_addr) == 1 &&
        inet_pton(AF_INET6, words[2], &other) == 1) {
        memcpy(client, &v6, sizeof(v6));
        *client_bytes = sizeof(v6);
        return true;
    }
    return false;
}

static enum proxy_outcome proxy_parse_line(struct bytes bytes,
                                           struct sockaddr_storage *client,
                                           socklen_t *client_bytes,
                                           size_t *ret_bytes)
{
    char line[LINE_BYTES_MAX + 1];
    char *words[LINE_WORDS + 1] = {0};
    char *rest = line;
    size_t count = MIN(bytes.count, (size_t)LINE_BYTES_MAX);
    const uint8_t *end = memmem(bytes.data, count, "\r\n", 2);
    if (end == NULL)
        return bytes.count >= LINE_BYTES_MAX ? PROXY_BAD : PROXY_INCOMPLETE;
    count = (size_t)(end - bytes.data);
    if (memchr(bytes.data, '\0', count) != NULL)
        return PROXY_BAD;
    memcpy(line, bytes.data, count);
    line[count] = '\0';
    *ret_bytes = count + 2;
    if (strcmp(line, "PROXY UNKNOWN") == 0 || strncmp(line, "PROXY UNKNOWN ", 14) == 0)
        return PROXY_COMPLETE;
    for (size_t i = 0; i <= LINE_WORDS && rest != NULL; i++)
        words[i] = strsep(&rest, " ");
    if (words[LINE_WORDS - 1] == NULL || words[LINE_WORDS] != NULL)
        return PROXY_BAD;
    return proxy_read_words(words + 1, client, client_bytes) ? PROXY_COMPLETE : PROXY_BAD;
}

/* ---- version 2 ------------------------------------------------------------------------------- */

static enum proxy_outcome proxy_parse_binary(struct bytes bytes,
                                             struct sockaddr_storage *client,
                                             socklen_t *client_bytes,
                                             size_t *ret_bytes)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (bytes.count < BINARY_HEAD)
        return PROXY_INCOMPLETE;
    const uint8_t *data = bytes.data;
    size_t count = (size_t)data[14] << 8 | data[15];
    uint8_t command = data[12] & 0xf;
    if ((data[12] & 0xf0) != BINARY_VERSION || command > BINARY_PROXY ||
        count > PROXY_HEADER_BYTES_MAX - BINARY_HEAD)
        return PROXY_BAD;
    if (bytes.count - BINARY_HEAD < count)
        return PROXY_INCOMPLETE;
    *ret_bytes = BINARY_HEAD + count;
    const uint8_t *at = data + BINARY_HEAD;
    if (command == BINARY_LOCAL)
        return PROXY_COMPLETE;
    if (data[13] == BINARY_TCP4 && count >= BINARY_V4_BYTES) {
        memcpy(&v4.sin_addr, at, 4);
        memcpy(&v4.sin_port, at + 8, 2);
        memcpy(client, &v4, sizeof(v4));
        *client_bytes = sizeof(v4);
    } else if (data[13] == BINARY_TCP6 && count >= BINARY_V6_BYTES) {
        memcpy(&v6.sin6_addr, at, 16);
        memcpy(&v6.sin6_port, at + 32, 2);
        memcpy(client, &v6, sizeof(v6));
        *client_bytes = sizeof(v6);
    } else if (data[13] == BINARY_TCP4 || data[13] == BINARY_TCP6) {
        return PROXY_BAD;
    }
    return PROXY_COMPLETE;
}

enum proxy_outcome proxy_header_parse(struct bytes bytes,
                                      struct sockaddr_storage *ret_client,
                                      socklen_t *ret_client_bytes,
                                      size_t *ret_bytes)
{
    static const char word[] = "PROXY ";
    size_t line = MIN(bytes.count, sizeof(word) - 1);
    size_t binary = MIN(bytes.count, BINARY_SIGNATURE_BYTES);
    *ret_client = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    *ret_client_bytes = 0;
    if (bytes.count == 0)
        return PROXY_INCOMPLETE;
    if (memcmp(bytes.data, word, line) == 0)
        return line < sizeof(word) - 1
                   ? PROXY_INCOMPLETE
                   : proxy_parse_line(bytes, ret_client, ret_client_bytes, ret_bytes);
    if (memcmp(bytes.data, binary_signature, binary) == 0)
        return proxy_parse_binary(bytes, ret_client, ret_client_bytes, ret_bytes);
    return PROXY_BAD;
}
