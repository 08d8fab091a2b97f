/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See unit.h: the main of programs that hold units.
 */
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct unit *units;

void unit_enter(struct unit *unit)
{
    unit->next = units;
    units = unit;
}

/* Is `file` tests/unit/<name>_test.c? */
static bool tests_source(const char *file, const char *name)
{
    char end[256];
    int count = snprintf(end, sizeof(end), "/tests/unit/%s_test.c", name);
    size_t file_count = strlen(file);
    return count > 0 && (size_t)count < sizeof(end) && file_count >= (size_t)count &&
           strcmp(file + file_count - (size_t)count, end) == 0;
}

int main(int argc, char **argv)
{
    int run = 0;
    int failed = 0;
    for (const struct unit *unit = units; unit != NULL; unit = unit->next) {
        if (argc > 1 && !tests_source(unit->file, argv[1]))
            continue;
        run++;
        failed += unit->run();
    }
    if (run == 0)
        (void)fprintf(stderr, "%s has no unit %s\n", argv[0], argc > 1 ? argv[1] : "at all");
    return run > 0 && failed == 0 ? 0 : 1;
}
