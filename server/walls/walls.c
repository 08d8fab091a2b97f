/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One wall after the other, from the outermost: namespaces, files, calls. What each role is left is
 * in roles.def and calls.def.
 */
#include "server/walls/walls.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/spawn.h"
#include "server/telemetry/log.h"
#include "server/walls/filter.h"
#include "server/walls/landlock.h"

#define WALLS_PLACES_MAX 16
#define WALLS_PATH_BYTES (2 * CONFIG_PATH_BYTES)

static const struct walls_row {
    const char *opens; /* "name:rights ..." */
    enum walls_network network;
    char letter;
} walls_rows[WALLS_ROLE_COUNT] = {
#define ROLE(id, verb, restart, oom_score, fd_count, environment, paths, opens_, network_, text)   \
    [WALLS_##id] = {.opens = (opens_), .network = WALLS_##network_, .letter = #id[0]},
#include "server/control/roles.def"
    [WALLS_CONTROL] = {.opens = "", .network = WALLS_NETWORK, .letter = 'C'},
};

char walls_letter(enum walls_role role)
{
    return walls_rows[role].letter;
}

struct walls_found walls_look(void)
{
    return (struct walls_found){.landlock = landlock_version(), .seccomp = filter_is_there()};
}

bool walls_are_impossible(void)
{
    return spawn_is_sanitized();
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/* In a new user namespace a process has all capabilities, and is rid of them at once. */
static bool walls_drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap);
    return syscall(SYS_capset, &header, none) == 0;
}

static enum status walls_unshare(enum walls_network network, struct report *report)
{
    int flags = CLONE_NEWUSER | CLONE_NEWIPC;
    if (network == WALLS_NO_NETWORK)
        flags |= CLONE_NEWNET;
    if (unshare(flags) != 0)
        return report_errno(report, "namespaces cannot be made");
    /* With other credentials go the death signal and the memory that nobody may read. */
    if (!walls_drop_capabilities() || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return report_errno(report, "capabilities cannot be given up");
    spawn_settle();
    return STATUS_OK;
}

bool walls_try_namespaces(void)
{
    struct report report = REPORT_INIT;
    return walls_unshare(WALLS_NO_NETWORK, &report) == STATUS_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

struct walls_places {
    uint32_t count;
    struct landlock_place each[WALLS_PLACES_MAX];
    char paths[WALLS_PLACES_MAX][WALLS_PATH_BYTES];
};

/* `word` is "name:rights"; a name that does not begin with a slash is below the data directory. */
static void walls_add_place(struct walls_places *places, const char *data_dir, const char *word)
{
    ASSERT(places->count < WALLS_PLACES_MAX);
    char *path = places->paths[places->count];
    int name_count = (int)strcspn(word, ":");
    int count = snprintf(path, WALLS_PATH_BYTES, "%s%s%.*s", word[0] == '/' ? "" : data_dir,
                         word[0] == '/' ? "" : "/", name_count, word);
    ASSERT(count > 0 && count < WALLS_PATH_BYTES);
    size_t rights = strcspn(word + name_count, " ");
    places->each[places->count++] = (struct landlock_place){
        .path = path, .writes = memchr(word + name_count, 'w', rights) != NULL};
}

static enum status walls_close_files(const struct walls_order *order, struct report *report)
{
    const struct walls_row *row = &walls_rows[order->role];
    struct walls_places places = {.count = 0};
    for (const char *word = row->opens; *word != '\0';) {
        walls_add_place(&places, order->data_dir, word);
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    if (order->reads != NULL && order->reads[0] == '/')
        walls_add_place(&places, "", order->reads);
    const struct landlock_order files = {.places = places.each,
                                         .place_count = places.count,
                                         .connects = row->network == WALLS_NETWORK};
    return landlock_raise(&files, report);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* One that is not there. */
static enum status
walls_lack(const struct walls_order *order, enum status status, const struct report *report)
{
    if (status == STATUS_OK || order->mode == CONFIG_WALLS_REQUIRE)
        return status;
    log_message("warn", "walls", "a wall is missing: %s (`skerry doctor` says more)", report->text);
    return STATUS_OK;
}

enum status walls_raise(const struct walls_order *order, struct report *report)
{
    struct report found = REPORT_INIT;
    enum status status = STATUS_OK;
    if (order->mode == CONFIG_WALLS_OFF)
        return STATUS_OK;
    if (walls_are_impossible())
        return order->mode == CONFIG_WALLS_AUTO
                   ? STATUS_OK
                   : report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                                 "walls: require: this program was made with a sanitizer, which "
                                 "works without walls only");
    if (order->role != WALLS_CONTROL) {
        status = walls_lack(order, walls_unshare(walls_rows[order->role].network, &found), &found);
        if (status == STATUS_OK)
            status = walls_lack(order, walls_close_files(order, &found), &found);
    } else if (walls_drop_capabilities()) {
        /* It was given its sockets; and it holds uploads, tokens and logs. */
        spawn_settle();
    }
    if (status == STATUS_OK && !order->has_filter)
        status = walls_lack(order, filter_raise(order->role, &found), &found);
    if (status == STATUS_OK)
        return STATUS_OK;
    return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE, "walls: require: %s",
                       found.text);
}
