/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of refusals.def, by reason.
 * (The first row is that of no refusal, and is never looked at.)
 */
#include "server/front/refusals.h"

const struct refusal_row refusal_rows[REFUSAL_COUNT] = {
#define REFUSAL(name, label, status, code, detail) [REFUSAL_##name] = {status, code, detail},
#include "server/front/refusals.def"
};
