/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of a module as reports may show them.
 */
#include "engine/validate/name.h"

#include "engine/base/hex.h"

struct validate_name validate_name_text(struct bytes name)
{
    struct validate_name shown;
    size_t at = 0;
    for (size_t i = 0; i < name.count && at < VALIDATE_NAME_BYTES; i++) {
        uint8_t byte = name.data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"') {
            shown.text[at++] = (char)byte;
            continue;
        }
        shown.text[at++] = '\\';
        shown.text[at++] = hex_digit(byte >> 4);
        shown.text[at++] = hex_digit(byte);
    }
    shown.text[at] = '\0';
    return shown;
}
