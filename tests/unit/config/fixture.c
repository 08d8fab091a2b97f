/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the environment has, a data directory is named by it here.
 */
#include "tests/unit/config/fixture.h"

#include <stdlib.h>

#include "config/load.h"
#include "tests/support/unit.h"

struct config config_made(void)
{
    struct config config;
    struct report report = REPORT_INIT;
    assert_int_equal(setenv("SKERRY_DATA_DIR", "/data", 1), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_OK);
    return config;
}

void assert_load_fails(const char *text, const char *expected)
{
    struct config config = config_made();
    const struct config before = config;
    struct report report = REPORT_INIT;
    assert_int_equal(load_text(&config, bytes_of_text(text), "skerry.yaml", &report),
                     STATUS_CONFIG);
    if (strstr(report.text, expected) == NULL)
        fail_msg("`%s` does not contain `%s`", report.text, expected);
    assert_memory_equal(&config, &before, sizeof(config));
}
