/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls libraries, and knows nothing of stand-ins.
 */
#include "tests/unit/server/late/late_user.h"

#include <h2o.h>
#include <jansson.h>

/* Numbers of both kinds, in registers and behind them; back comes what the library made of them. */
char *late_user_numbers(void)
{
    json_t *list = json_pack("[i,i,i,i,i,i,i,f,f]", 1, 2, 3, 4, 5, 6, 7, 0.5, 2.25);
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

size_t late_user_token_bytes(void)
{
    return H2O_TOKEN_CONTENT_LENGTH->buf.len;
}

/* True: the library sees the program's copy. */
bool late_user_shares_tokens(void)
{
    return h2o_lookup_token("content-length", sizeof("content-length") - 1) ==
           H2O_TOKEN_CONTENT_LENGTH;
}
