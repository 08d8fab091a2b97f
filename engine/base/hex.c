/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hexadecimal text of whole arrays.
 */
#include "engine/base/hex.h"

void hex_encode(const uint8_t *data, size_t count, char *ret_text)
{
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = hex_digit(data[i] >> 4);
        ret_text[2 * i + 1] = hex_digit(data[i]);
    }
    ret_text[2 * count] = '\0';
}

static int hex_lower_value(char digit)
{
    return digit >= 'A' && digit <= 'F' ? -1 : hex_value((uint8_t)digit);
}

bool hex_decode(const char *text, size_t count, uint8_t *ret_data)
{
    for (size_t i = 0; i < count; i++) {
        int high = hex_lower_value(text[2 * i]);
        int low = high < 0 ? -1 : hex_lower_value(text[2 * i + 1]);
        if (low < 0)
            return false;
        ret_data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
