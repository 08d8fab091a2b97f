/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder being listed, in it at most one file being read. A step looks at SCRUB_NAMES_MAX
 * names or reads one piece of a file, whatever comes first; then the timer gives the loop back.
 *
 * A file that is replaced while it is read is read to its end: what is open stays what it was.
 * Files are read, not mapped: a bad sector is an error here and would be a SIGBUS there.
 */
#include "deploy/build/scrub.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/inspect.h"

#define SCRUB_DELAY_MS    1000
#define SCRUB_STEP_MS     10
#define SCRUB_PAUSE_S     86400
#define SCRUB_NAMES_MAX   64
#define SCRUB_PIECE_BYTES ((size_t)256 << 10)

_Static_assert(SCRUB_PIECE_BYTES >= ENGINE_IMAGE_HEAD_BYTES, "the first piece has the head");

struct scrub {
    struct scrub_options options;
    struct event *timer;
    bool held;
    DIR *folder; /* NULL between walks */
    int fd;      /* of the file being read; -1: none */
    uint8_t key[DEPLOY_SHA256_BYTES];
    uint64_t file_bytes;
    struct engine_image_check *check; /* NULL before the first piece */
    uint8_t *piece;                   /* owned; SCRUB_PIECE_BYTES */
};

/* ---- one file -------------------------------------------------------------------------------- */

static void scrub_close_file(struct scrub *scrub)
{
    engine_image_check_free(scrub->check);
    scrub->check = NULL;
    base_auto_close(&scrub->fd);
    scrub->fd = -1;
}

/* Is another file, or none, where the one that is open was found? */
static bool scrub_is_replaced(const struct scrub *scrub)
{
    char name[ARTIFACTS_NAME_BYTES];
    struct stat was;
    struct stat is;
    artifacts_name(scrub->key, name);
    return fstat(scrub->fd, &was) != 0 ||
           fstatat(scrub->options.artifacts_fd, name, &is, AT_SYMLINK_NOFOLLOW) != 0 ||
           was.st_ino != is.st_ino || was.st_dev != is.st_dev;
}

/* Our own want of memory or descriptors says nothing about a file: the next walk sees it. What
 * was replaced while it was read is nobody's trouble any more. */
static void scrub_judge(struct scrub *scrub, enum status status, const struct report *report)
{
    bool guilty = status == STATUS_CORRUPT || status == STATUS_STALE || status == STATUS_IO;
    bool replaced = scrub->fd >= 0 && scrub_is_replaced(scrub);
    scrub_close_file(scrub);
    if (guilty && !replaced && report->status != STATUS_OK)
        scrub->options.damaged(scrub->options.context, scrub->key, report);
}

static void scrub_open_file(struct scrub *scrub, const char *name)
{
    struct report report = REPORT_INIT;
    struct stat facts = {0};
    enum status status =
        artifacts_open(scrub->options.artifacts_fd, name, scrub->key, &report, &scrub->fd);
    if (status == STATUS_OK && fstat(scrub->fd, &facts) != 0)
        status = report_errno(&report, "cannot look at the artifact");
    scrub->file_bytes = (uint64_t)facts.st_size;
    if (status != STATUS_OK)
        scrub_judge(scrub, status, &report);
}

static enum status scrub_read_piece(struct scrub *scrub, struct report *report, bool *ret_done)
{
    ssize_t count = read(scrub->fd, scrub->piece, SCRUB_PIECE_BYTES);
    if (count < 0)
        return report_errno(report, "the artifact cannot be read");
    struct bytes piece = bytes_make(scrub->piece, (size_t)count);
    enum status status = STATUS_OK;
    if (scrub->check == NULL)
        status = engine_image_check_begin(piece, scrub->file_bytes, report, &scrub->check);
    if (status != STATUS_OK)
        return status;
    engine_image_check_feed(scrub->check, piece);
    *ret_done = count == 0;
    return count == 0 ? engine_image_check_end(scrub->check, report) : STATUS_OK;
}

static void scrub_read_file(struct scrub *scrub)
{
    struct report report = REPORT_INIT;
    bool done = false;
    enum status status = scrub_read_piece(scrub, &report, &done);
    if (status != STATUS_OK)
        scrub_judge(scrub, status, &report);
    else if (done)
        scrub_close_file(scrub);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool scrub_open_folder(struct scrub *scrub)
{
    int fd = openat(scrub->options.artifacts_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    scrub->folder = fd < 0 ? NULL : fdopendir(fd);
    if (scrub->folder == NULL)
        base_auto_close(&fd);
    return scrub->folder != NULL;
}

static void scrub_look_at(struct scrub *scrub, const char *name)
{
    const struct scrub_options *options = &scrub->options;
    switch (artifacts_sort_name(name, options->run, scrub->key)) {
    case ARTIFACTS_TEMPORARY:
        return;
    case ARTIFACTS_ARTIFACT:
        if (options->keeps(options->context, scrub->key)) {
            scrub_open_file(scrub, name);
            return;
        }
        break;
    case ARTIFACTS_LITTER:
        break;
    }
    /* What cannot be removed is in nobody's way; a folder is not ours to empty. */
    (void)unlinkat(options->artifacts_fd, name, 0);
}

bool scrub_step(struct scrub *scrub)
{
    if (scrub->fd >= 0) {
        scrub_read_file(scrub);
        return true;
    }
    if (scrub->folder == NULL && !scrub_open_folder(scrub))
        return false;
    for (int i = 0; i < SCRUB_NAMES_MAX && scrub->fd < 0; i++) {
        const struct dirent *entry = readdir(scrub->folder);
        if (entry == NULL) {
            (void)closedir(scrub->folder);
            scrub->folder = NULL;
            return false;
        }
        if (entry->d_name[0] != '.')
            scrub_look_at(scrub, entry->d_name);
    }
    return true;
}

static void scrub_on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct scrub *scrub = context;
    struct timeval next = {.tv_usec = SCRUB_STEP_MS * 1000};
    if (scrub->held)
        next = (struct timeval){.tv_sec = SCRUB_DELAY_MS / 1000};
    else if (!scrub_step(scrub))
        next = (struct timeval){.tv_sec = SCRUB_PAUSE_S};
    (void)event_add(scrub->timer, &next);
}

enum status
scrub_start(const struct scrub_options *options, struct report *report, struct scrub **ret_scrub)
{
    const struct timeval delay = {.tv_sec = SCRUB_DELAY_MS / 1000,
                                  .tv_usec = SCRUB_DELAY_MS % 1000 * 1000};
    struct scrub *scrub = calloc(1, sizeof(*scrub));
    if (scrub == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    scrub->options = *options;
    scrub->fd = -1;
    scrub->piece = malloc(SCRUB_PIECE_BYTES);
    scrub->timer = evtimer_new(options->base, scrub_on_timer, scrub);
    if (scrub->piece == NULL || scrub->timer == NULL || event_add(scrub->timer, &delay) != 0) {
        scrub_stop(scrub);
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    }
    *ret_scrub = scrub;
    return STATUS_OK;
}

void scrub_hold(struct scrub *scrub, bool held)
{
    scrub->held = held;
}

void scrub_stop(struct scrub *scrub)
{
    if (scrub == NULL)
        return;
    scrub_close_file(scrub);
    if (scrub->folder != NULL)
        (void)closedir(scrub->folder);
    if (scrub->timer != NULL)
        event_free(scrub->timer);
    free(scrub->piece);
    free(scrub);
}
