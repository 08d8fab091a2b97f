/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI as a family: its two import modules, and what a request has of it. Other kinds use it
 * with a setting of their own; alone it is the kind of commands run without a server.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

/* ---- the funcs ------------------------------------------------------------------------------- */

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_FUNC(WASI, wasi, name_, handler_, fuel_)
#define HOSTCALL_P1 HOSTCALL
#define HOSTCALL_P0(name_, signature_, handler_, fuel_, trait_)                                    \
    HOSTCALLS_FUNC(WASI, wasi_p0, name_, handler_, fuel_)
#define HOSTCALL_REFUSED(name_, signature_, descriptor_, errno_, fuel_)                            \
    static enum engine_outcome wasi_enter_##name_(struct engine_host_call *call)                   \
    {                                                                                              \
        return wasi_refuse(hostcalls_enter(call, HOSTAPI_KIND_WASI, fuel_), call, descriptor_,     \
                           WASI_##errno_);                                                         \
    }
#include "hostapi/wasi/wasi.def"

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_ROW(wasi, name_, signature_, trait_)
#define HOSTCALL_P1 HOSTCALL
#define HOSTCALL_P0(name_, signature_, handler_, fuel_, trait_)
#define HOSTCALL_REFUSED(name_, signature_, descriptor_, errno_, fuel_)                            \
    HOSTCALLS_ROW(wasi, name_, signature_, PLAIN)
static const struct hostcalls_row wasi_p1_rows[] = {
#include "hostapi/wasi/wasi.def"
};

#define HOSTCALL(name_, signature_, handler_, fuel_, trait_)                                       \
    HOSTCALLS_ROW(wasi, name_, signature_, trait_)
#define HOSTCALL_P1(name_, signature_, handler_, fuel_, trait_)
#define HOSTCALL_P0(name_, signature_, handler_, fuel_, trait_)                                    \
    HOSTCALLS_ROW(wasi_p0, name_, signature_, trait_)
#define HOSTCALL_REFUSED(name_, signature_, descriptor_, errno_, fuel_)                            \
    HOSTCALLS_ROW(wasi, name_, signature_, PLAIN)
static const struct hostcalls_row wasi_p0_rows[] = {
#include "hostapi/wasi/wasi.def"
};

static const struct hostcalls_table wasi_p1_table = {
    .module = "wasi_snapshot_preview1",
    .rows = wasi_p1_rows,
    .count = COUNT_OF(wasi_p1_rows),
};
static const struct hostcalls_table wasi_p0_table = {
    .module = "wasi_unstable",
    .rows = wasi_p0_rows,
    .count = COUNT_OF(wasi_p0_rows),
};

/* ---- the family ------------------------------------------------------------------------------ */

static void wasi_prepare(struct hostapi_host *host)
{
    wasi_fds_init(&wasi_state(host)->fds);
}

static void wasi_release(struct hostapi_host *host)
{
    wasi_fds_done(&wasi_state(host)->fds);
}

const struct hostapi_family wasi_family = {
    .kind = HOSTAPI_KIND_WASI,
    .id = "wasi",
    .setting = &wasi_command_setting,
    .tables = {&wasi_p1_table, &wasi_p0_table},
    .state_bytes = sizeof(struct wasi_state),
    .freeze = wasi_fds_freeze,
    .thaw = wasi_fds_thaw,
    .prepare = wasi_prepare,
    .release = wasi_release,
};
