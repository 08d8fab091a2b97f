/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of at most COUNTERS_MAX rows, in the order in which they came.
 */
#include "server/control/counters.h"

#include <inttypes.h>
#include <stdlib.h>

struct counters_row {
    uint64_t total;
    struct counter_record which; /* its amount is of no meaning here */
};

struct counters {
    uint32_t count;
    uint64_t lost; /* calls' amounts that have no row */
    struct counters_row rows[COUNTERS_MAX];
};

enum status counters_create(struct counters **ret_counters)
{
    struct counters *counters = calloc(1, sizeof(*counters));
    if (counters == NULL)
        return STATUS_NO_MEMORY;
    *ret_counters = counters;
    return STATUS_OK;
}

void counters_free(struct counters *counters)
{
    free(counters);
}

/* NULL: it may not have one more. */
static struct counters_row *counters_row(struct counters *counters,
                                         const struct counter_record *record)
{
    uint32_t of_function = 0;
    for (uint32_t i = 0; i < counters->count; i++) {
        struct counters_row *row = &counters->rows[i];
        if (strcmp(row->which.function, record->function) != 0 ||
            strcmp(row->which.tenant, record->tenant) != 0)
            continue;
        if (strcmp(row->which.name, record->name) == 0)
            return row;
        of_function++;
    }
    if (counters->count == COUNTERS_MAX || of_function == COUNTERS_OF_FUNCTION)
        return NULL;
    struct counters_row *row = &counters->rows[counters->count++];
    row->which = *record;
    return row;
}

void counters_add(struct counters *counters, const struct counter_record *record)
{
    struct counters_row *row = counters_row(counters, record);
    if (row == NULL)
        counters->lost += record->amount;
    else
        row->total += record->amount;
}

void counters_print(const struct counters *counters, struct buffer *out)
{
    enum status status =
        buffer_printf(out, "# HELP skerry_function_counter_total what functions count themselves\n"
                           "# TYPE skerry_function_counter_total counter\n");
    for (uint32_t i = 0; i < counters->count && status == STATUS_OK; i++) {
        const struct counters_row *row = &counters->rows[i];
        status = buffer_printf(out,
                               "skerry_function_counter_total{tenant=\"%s\",function=\"%s\","
                               "name=\"%s\"} %" PRIu64 "\n",
                               row->which.tenant, row->which.function, row->which.name, row->total);
    }
    if (status == STATUS_OK)
        status = buffer_printf(out,
                               "# HELP skerry_function_counter_lost_total counts under names that "
                               "were too many\n"
                               "# TYPE skerry_function_counter_lost_total counter\n"
                               "skerry_function_counter_lost_total %" PRIu64 "\n",
                               counters->lost);
    (void)status; /* what finds no room is left out */
}
