/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See http1_print.h. Pieces are gathered first, so that the room is looked at once.
 */
#include "server/front/http1_print.h"

#define PRINT_PIECES_MAX   11
#define PRINT_DIGITS_BYTES 20 /* of 2^64 - 1 */

struct print_pieces {
    struct bytes pieces[PRINT_PIECES_MAX];
    size_t count;
    size_t bytes;
};

static void print_add(struct print_pieces *pieces, const char *text, size_t count)
{
    ASSERT(pieces->count < PRINT_PIECES_MAX);
    pieces->pieces[pieces->count++] = bytes_make(text, count);
    pieces->bytes += count;
}

/* The digits end where `end` is. */
static void print_add_number(struct print_pieces *pieces, uint64_t number, char *end)
{
    char *at = end;
    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    print_add(pieces, at, (size_t)(end - at));
}

size_t http1_print(const struct http1_print *print, char *ret_text, size_t text_size)
{
    char status[PRINT_DIGITS_BYTES];
    char length[PRINT_DIGITS_BYTES];
    struct print_pieces pieces = {.count = 0};
#define PRINT_ADD(literal) print_add(&pieces, literal, sizeof(literal) - 1)
    PRINT_ADD("HTTP/1.1 ");
    print_add_number(&pieces, print->status, status + sizeof(status));
    PRINT_ADD(" ");
    print_add(&pieces, print->reason, strlen(print->reason));
    PRINT_ADD("\r\nDate: ");
    print_add(&pieces, print->date, strlen(print->date));
    PRINT_ADD("\r\nConnection: ");
    print_add(&pieces, print->connection, strlen(print->connection));
    if (print->has_length) {
        PRINT_ADD("\r\nContent-Length: ");
        print_add_number(&pieces, print->length, length + sizeof(length));
    }
    PRINT_ADD("\r\n");
#undef PRINT_ADD
    if (pieces.bytes >= text_size)
        return 0;
    char *at = ret_text;
    for (size_t i = 0; i < pieces.count; i++) {
        memcpy(at, pieces.pieces[i].data, pieces.pieces[i].count);
        at += pieces.pieces[i].count;
    }
    *at = '\0';
    return pieces.bytes;
}
