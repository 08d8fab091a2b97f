/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a cron trigger is due: five fields, minute hour day month weekday, as cron has them, in UTC.
 *
 *   field:  * | a | a-b | a,b | *\/n | a-b/n       months and weekdays by name, too (jan, mon)
 *   @hourly @daily @weekly @monthly @yearly
 *
 * Where day and weekday are both said, either is enough. 0 and 7 are Sunday.
 */
#ifndef SKERRY_DEPLOY_MANIFEST_SCHEDULE_H
#define SKERRY_DEPLOY_MANIFEST_SCHEDULE_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define SCHEDULE_BYTES_MAX 128

struct schedule {
    uint64_t minutes; /* bits, as in the others */
    uint32_t hours;
    uint32_t days; /* 1 to 31 */
    uint32_t months;
    uint32_t weekdays; /* 0 to 6 */
    bool any_day;
    bool any_weekday;
};

/* CONFIG, with a report that names the field; so for one that never comes (30 February). */
NODISCARD enum status
schedule_parse(struct bytes text, struct report *report, struct schedule *ret_schedule);
/* The first moment after `after_s` (seconds since 1970) that it is due. */
uint64_t schedule_next(const struct schedule *schedule, uint64_t after_s);

#endif
