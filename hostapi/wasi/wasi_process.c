/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a guest, and what it may say about its scheduling.
 */
#include "hostapi/wasi/wasi.h"

enum engine_outcome wasi_proc_exit(struct hostapi_host *host, struct engine_host_call *call)
{
    (void)host;
    return engine_host_exit(call, (int)call->slots[0].i32);
}

enum engine_outcome wasi_proc_raise(struct hostapi_host *host, struct engine_host_call *call)
{
    (void)host;
    return wasi_answer(call, WASI_NOTSUP);
}

/* Fuel slices are the scheduler; there is nothing to give away here. */
enum engine_outcome wasi_sched_yield(struct hostapi_host *host, struct engine_host_call *call)
{
    (void)host;
    return wasi_answer(call, WASI_SUCCESS);
}
