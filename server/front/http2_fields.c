/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   1.......  indexed: a number of 7 bits
 *   01......  literal, to be remembered: a number of 6 bits, the name if it is 0, the value
 *   001.....  the table's new size: a number of 5 bits; a field follows
 *   000.....  literal: a number of 4 bits, the name if it is 0, the value
 *
 * A number that fills its bits goes on in at most four bytes: as many as libh2o reads.
 */
#include "server/front/http2_fields.h"

#define MORE_BYTES_MAX  4
#define SIZE_CHANGE_MAX 2 /* before a field [RFC 7541 4.2] */

struct fields_reader {
    const uint8_t *at;
    const uint8_t *end;
};

static bool fields_number(struct fields_reader *reader, uint32_t bits, uint32_t *ret_number)
{
    if (reader->at == reader->end)
        return false;
    uint32_t full = (1u << bits) - 1;
    uint32_t number = *reader->at++ & full;
    if (number == full) {
        uint32_t shift = 0;
        uint8_t byte;
        do {
            if (reader->at == reader->end || shift == 7 * MORE_BYTES_MAX)
                return false;
            byte = *reader->at++;
            number += (uint32_t)(byte & 0x7f) << shift;
            shift += 7;
        } while ((byte & 0x80) != 0);
    }
    *ret_number = number;
    return true;
}

static bool fields_text(struct fields_reader *reader)
{
    uint32_t count;
    if (!fields_number(reader, 7, &count) || count > (size_t)(reader->end - reader->at))
        return false;
    reader->at += count;
    return true;
}

static bool fields_literal(struct fields_reader *reader, uint32_t bits)
{
    uint32_t index;
    if (!fields_number(reader, bits, &index))
        return false;
    return (index != 0 || fields_text(reader)) && fields_text(reader);
}

static bool fields_one(struct fields_reader *reader)
{
    uint32_t number;
    for (uint32_t changes = 0; reader->at < reader->end && *reader->at >> 5 == 1; changes++) {
        if (changes == SIZE_CHANGE_MAX || !fields_number(reader, 5, &number))
            return false;
    }
    if (reader->at == reader->end)
        return false;
    if ((*reader->at & 0x80) != 0)
        return fields_number(reader, 7, &number);
    return fields_literal(reader, (*reader->at & 0x40) != 0 ? 6 : 4);
}

size_t http2_field_bytes(struct bytes block)
{
    struct fields_reader reader = {.at = block.data, .end = block.data + block.count};
    return fields_one(&reader) ? (size_t)(reader.at - block.data) : 0;
}
