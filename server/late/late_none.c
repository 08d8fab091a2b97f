/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No stand-ins: all libraries were loaded when the program started.
 */
#include "server/late/late.h"

void late_load_all(void)
{
}

void late_load_crypto(void)
{
}
