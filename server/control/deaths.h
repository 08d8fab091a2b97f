/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: of what workers died, and who has to stay away because of it.
 *
 * A version that a worker was running when it died did perhaps nothing: one death is nobody's
 * fault. DEATHS_MAX within DEATHS_WITHIN_NS are. Then that version is in quarantine for
 * DEATHS_QUARANTINE_NS, and nobody else waits for workers that it kills.
 */
#ifndef SKERRY_SERVER_CONTROL_DEATHS_H
#define SKERRY_SERVER_CONTROL_DEATHS_H

#include "server/telemetry/quarantine.h"

#define DEATHS_MAX           3
#define DEATHS_WITHIN_NS     (60 * CLOCK_NS_PER_S)
#define DEATHS_QUARANTINE_NS (600 * CLOCK_NS_PER_S)

struct deaths;

/* The clock is borrowed. */
NODISCARD enum status
deaths_create(const struct clock *clock, struct report *report, struct deaths **ret_deaths);
void deaths_free(struct deaths *deaths);
/* A worker died while it ran this; true: it is in quarantine from now on. */
bool deaths_add(struct deaths *deaths, const struct vitals_key *key);
/* The page's memory, for workers: it cannot be written through this. Deaths' own. */
int deaths_fd(const struct deaths *deaths);
const struct quarantine_page *deaths_page(const struct deaths *deaths);
/* Versions that were ever put in quarantine. */
uint64_t deaths_quarantined(const struct deaths *deaths);

#endif
