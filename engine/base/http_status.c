/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of http_status.def, searched by halving: a guest may answer with any of them.
 */
#include "engine/base/http_status.h"

#include "engine/base/macros.h"

static const struct {
    uint16_t number;
    const char *text;
} http_status_rows[] = {
#define HTTP_STATUS(number_, text_) {.number = (number_), .text = (text_)},
#include "engine/base/http_status.def"
};

const char *http_status_text(uint32_t status)
{
    size_t from = 0;
    size_t to = COUNT_OF(http_status_rows);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (http_status_rows[middle].number == status)
            return http_status_rows[middle].text;
        if (http_status_rows[middle].number < status)
            from = middle + 1;
        else
            to = middle;
    }
    return "";
}
