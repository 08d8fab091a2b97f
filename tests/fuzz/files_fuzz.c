/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: the same calls do the same to three trees. The model is the system's own directory,
 * opened by openat2; beside it are one that is walked segment by segment, which has to answer with
 * the very same errors, and a scratch space, which has to agree on what succeeds and on every byte.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostapi/wasi/tree_files.h"
#include "tests/fuzz/choices.h"

#define FUZZ_CALLS 64
#define FUZZ_NODES 4
#define FUZZ_BYTES 512
#define FUZZ_SPACE ((uint64_t)16 << 20)

enum fuzz_tree { FUZZ_MODEL, FUZZ_WALKED, FUZZ_SCRATCH, FUZZ_TREES };

struct fuzz {
    struct choices choices;
    char path[32]; /* of the folder that has both roots */
    struct wasi_real real[FUZZ_SCRATCH];
    struct wasi_scratch scratch;
    uint64_t nodes[FUZZ_TREES][FUZZ_NODES];
    bool is_open[FUZZ_NODES];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wasi_tree *fuzz_functions(int tree)
{
    return tree == FUZZ_SCRATCH ? &wasi_scratch_tree : &wasi_real_tree;
}

static void *fuzz_context(struct fuzz *fuzz, int tree)
{
    return tree == FUZZ_SCRATCH ? (void *)&fuzz->scratch : (void *)&fuzz->real[tree];
}

/* Errors of the model and of the others. */
static void fuzz_compare(const enum wasi_errno errors[FUZZ_TREES])
{
    ASSERT(errors[FUZZ_WALKED] == errors[FUZZ_MODEL]);
    ASSERT((errors[FUZZ_SCRATCH] == WASI_SUCCESS) == (errors[FUZZ_MODEL] == WASI_SUCCESS));
}

/* One to four segments of few names, so that they meet. */
static struct wasi_place fuzz_place(struct fuzz *fuzz, char text[32])
{
    static const char *const names[] = {"a", "b", "c", ".", "..", "a/b", "c/"};
    text[0] = '\0';
    uint32_t count = 1 + choose(&fuzz->choices, 4);
    for (uint32_t i = 0; i < count; i++) {
        (void)strcat(text, i > 0 ? "/" : "");
        (void)strcat(text, names[choose(&fuzz->choices, COUNT_OF(names))]);
    }
    return (struct wasi_place){.path = bytes_of_text(text)};
}

static void fuzz_open(struct fuzz *fuzz)
{
    char text[32];
    enum wasi_errno errors[FUZZ_TREES];
    enum wasi_filetype types[FUZZ_TREES];
    uint32_t at = choose(&fuzz->choices, FUZZ_NODES);
    const struct wasi_place place = fuzz_place(fuzz, text);
    static const uint32_t oflags[] = {0,
                                      WASI_OFLAG_CREAT,
                                      WASI_OFLAG_CREAT | WASI_OFLAG_EXCL,
                                      WASI_OFLAG_CREAT | WASI_OFLAG_TRUNC,
                                      WASI_OFLAG_DIRECTORY,
                                      WASI_OFLAG_TRUNC};
    struct wasi_open wanted = {
        .oflags = oflags[choose(&fuzz->choices, COUNT_OF(oflags))], .follow = true, .reads = true};
    wanted.writes = (wanted.oflags & WASI_OFLAG_DIRECTORY) == 0;
    if (fuzz->is_open[at])
        return;
    for (int i = 0; i < FUZZ_TREES; i++)
        errors[i] = fuzz_functions(i)->open(fuzz_context(fuzz, i), &place, &wanted,
                                            &fuzz->nodes[i][at], &types[i]);
    fuzz_compare(errors);
    fuzz->is_open[at] = errors[FUZZ_MODEL] == WASI_SUCCESS;
    ASSERT(!fuzz->is_open[at] ||
           (types[FUZZ_WALKED] == types[FUZZ_MODEL] && types[FUZZ_SCRATCH] == types[FUZZ_MODEL]));
}

static void fuzz_close(struct fuzz *fuzz, uint32_t at)
{
    for (int i = 0; i < FUZZ_TREES && fuzz->is_open[at]; i++) {
        if (fuzz->nodes[i][at] != 0)
            fuzz_functions(i)->close(fuzz_context(fuzz, i), fuzz->nodes[i][at]);
    }
    fuzz->is_open[at] = false;
}

/* Is it a file that is open? A folder cannot be written to; the table of descriptors sees to it. */
static bool fuzz_is_file(struct fuzz *fuzz, uint32_t at)
{
    struct wasi_stat stat;
    return fuzz->is_open[at] &&
           wasi_real_tree.stat(&fuzz->real[FUZZ_MODEL], fuzz->nodes[FUZZ_MODEL][at], &stat) ==
               WASI_SUCCESS &&
           stat.type == WASI_FILETYPE_REGULAR_FILE;
}

static void fuzz_write(struct fuzz *fuzz)
{
    enum wasi_errno errors[FUZZ_TREES];
    uint8_t data[FUZZ_BYTES];
    uint32_t at = choose(&fuzz->choices, FUZZ_NODES);
    uint64_t offset = choose_bits(&fuzz->choices, 2);
    bool append = choose_once_in(&fuzz->choices, 4);
    size_t count = choose(&fuzz->choices, FUZZ_BYTES) + 1;
    memset(data, choose_byte(&fuzz->choices), sizeof(data));
    for (int i = 0; i < FUZZ_TREES && fuzz_is_file(fuzz, at); i++) {
        uint64_t where = offset;
        size_t done = 0;
        errors[i] = fuzz_functions(i)->write(fuzz_context(fuzz, i), fuzz->nodes[i][at], append,
                                             &where, bytes_make(data, count), &done);
        ASSERT(errors[i] == WASI_SUCCESS && done == count);
    }
}

static void fuzz_read(struct fuzz *fuzz)
{
    uint8_t spaces[FUZZ_TREES][FUZZ_BYTES];
    size_t counts[FUZZ_TREES];
    uint32_t at = choose(&fuzz->choices, FUZZ_NODES);
    uint64_t offset = choose_bits(&fuzz->choices, 2);
    for (int i = 0; i < FUZZ_TREES && fuzz_is_file(fuzz, at); i++) {
        ASSERT(fuzz_functions(i)->read(fuzz_context(fuzz, i), fuzz->nodes[i][at], offset, spaces[i],
                                       FUZZ_BYTES, &counts[i]) == WASI_SUCCESS);
        ASSERT(counts[i] == counts[0] && memcmp(spaces[i], spaces[0], counts[0]) == 0);
    }
}

static void fuzz_resize(struct fuzz *fuzz)
{
    uint32_t at = choose(&fuzz->choices, FUZZ_NODES);
    uint64_t bytes = choose_bits(&fuzz->choices, 2);
    for (int i = 0; i < FUZZ_TREES && fuzz_is_file(fuzz, at); i++)
        ASSERT(fuzz_functions(i)->resize(fuzz_context(fuzz, i), fuzz->nodes[i][at], bytes) ==
               WASI_SUCCESS);
}

static void fuzz_change(struct fuzz *fuzz, uint32_t which)
{
    char text[32];
    char other_text[32];
    enum wasi_errno errors[FUZZ_TREES];
    const struct wasi_place place = fuzz_place(fuzz, text);
    const struct wasi_place other = fuzz_place(fuzz, other_text);
    for (int i = 0; i < FUZZ_TREES; i++) {
        const struct wasi_tree *tree = fuzz_functions(i);
        void *context = fuzz_context(fuzz, i);
        errors[i] = which == 0   ? tree->make_directory(context, &place)
                    : which == 1 ? tree->remove_directory(context, &place)
                    : which == 2 ? tree->unlink(context, &place)
                                 : tree->rename(context, &place, &other);
    }
    fuzz_compare(errors);
}

static bool fuzz_count(void *context, const struct wasi_entry *entry)
{
    (void)entry;
    ++*(uint32_t *)context;
    return true;
}

static void fuzz_look(struct fuzz *fuzz)
{
    char text[32];
    enum wasi_errno errors[FUZZ_TREES];
    struct wasi_stat stats[FUZZ_TREES];
    uint32_t counts[FUZZ_TREES] = {0};
    const struct wasi_place place = fuzz_place(fuzz, text);
    for (int i = 0; i < FUZZ_TREES; i++) {
        void *context = fuzz_context(fuzz, i);
        errors[i] = fuzz_functions(i)->stat_at(context, &place, true, &stats[i]);
        ASSERT(fuzz_functions(i)->list(context, 0, 0, fuzz_count, &counts[i]) == WASI_SUCCESS);
        ASSERT(counts[i] == counts[0]);
    }
    fuzz_compare(errors);
    for (int i = 0; i < FUZZ_TREES && errors[0] == WASI_SUCCESS; i++) {
        ASSERT(stats[i].type == stats[0].type);
        ASSERT(stats[i].type == WASI_FILETYPE_DIRECTORY || stats[i].size == stats[0].size);
    }
}

static void fuzz_call(struct fuzz *fuzz)
{
    uint32_t which = choose(&fuzz->choices, 10);
    switch (which) {
    case 0:
    case 1:
    case 2:
    case 3:
        fuzz_change(fuzz, which);
        break;
    case 4:
        fuzz_write(fuzz);
        break;
    case 5:
        fuzz_read(fuzz);
        break;
    case 6:
        fuzz_close(fuzz, choose(&fuzz->choices, FUZZ_NODES));
        break;
    case 7:
        fuzz_look(fuzz);
        break;
    case 8:
        fuzz_resize(fuzz);
        break;
    default:
        fuzz_open(fuzz);
        break;
    }
}

static int fuzz_remove(const char *path, const struct stat *facts, int type, struct FTW *walk)
{
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {.choices = choices_make(data, size), .path = "/tmp/skerry-files-XXXXXX"};
    ASSERT(mkdtemp(fuzz.path) != NULL);
    for (int i = 0; i < FUZZ_SCRATCH; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "%s/%d", fuzz.path, i);
        ASSERT(mkdir(path, 0700) == 0);
        fuzz.real[i].root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fuzz.real[i].walks = i == FUZZ_WALKED;
        ASSERT(fuzz.real[i].root_fd >= 0);
    }
    fuzz.scratch.bytes_max = FUZZ_SPACE;
    for (int i = 0; i < FUZZ_CALLS && fuzz.choices.left > 0; i++)
        fuzz_call(&fuzz);
    for (uint32_t i = 0; i < FUZZ_NODES; i++)
        fuzz_close(&fuzz, i);
    wasi_scratch_tree.done(&fuzz.scratch);
    for (int i = 0; i < FUZZ_SCRATCH; i++)
        (void)close(fuzz.real[i].root_fd);
    ASSERT(nftw(fuzz.path, fuzz_remove, 16, FTW_DEPTH | FTW_PHYS) == 0);
    return 0;
}
