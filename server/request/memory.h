/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the memory of a request, counted against its tenant. What its isolate uses
 * the pool counts (isolate/budget.h); here it is the exchange: body, headers, answer, logs, from
 * where the tenant is known until the answer has gone. What is known of its functions counts, too,
 * from their first request on; they are forgotten before the tenant has to give way.
 *
 *   memory_begin  --> no: the tenant has to give way, refuse it
 *   memory_is_over (between portions of a slice, about every MEASURE_NS) --> yes: end it
 *   memory_count  (the answer is made)
 *   memory_end
 */
#ifndef SKERRY_SERVER_REQUEST_MEMORY_H
#define SKERRY_SERVER_REQUEST_MEMORY_H

#include <stdbool.h>

struct request;

bool memory_begin(struct request *request);
void memory_count(struct request *request);
/* Did it grow, guest or exchange, where its tenant has to give way? `waits`: it will not be looked
 * at for a while. */
bool memory_is_over(struct request *request, bool waits);
void memory_end(struct request *request);

#endif
