/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of http_status.def as a switch: every answer asks.
 */
#include "engine/base/http_status.h"

const char *http_status_text(uint32_t status)
{
    switch (status) {
#define HTTP_STATUS(number, text)                                                                  \
    case number:                                                                                   \
        return text;
#include "engine/base/http_status.def"
    default:
        return "";
    }
}
