/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See folder.h.
 */
#include "tests/unit/hostapi/wasi/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

struct folder folder;

/* (module (memory 1 1) (func (export "_start"))) */
static const uint8_t folder_module[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x04, 0x01, 0x60, 0x00, 0x00,
    0x03, 0x02, 0x01, 0x00, 0x05, 0x04, 0x01, 0x01, 0x01, 0x01, 0x07, 0x0a, 0x01, 0x06,
    '_',  's',  't',  'a',  'r',  't',  0x00, 0x00, 0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b,
};

static void write_file(const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", folder.path, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_tree(void)
{
    char path[160];
    static const char *const folders[] = {"root", "root/dir"};
    (void)snprintf(folder.path, sizeof(folder.path), "/tmp/skerry-folder-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder.path, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    write_file("outside", "outside");
    write_file("root/file", "0123456789");
    write_file("root/dir/deep", "deep");
    (void)snprintf(path, sizeof(path), "%s/root", folder.path);
    folder.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder.fd >= 0);
    (void)snprintf(path, sizeof(path), "%s/outside", folder.path);
    const char *const links[][2] = {
        {"up", ".."},     {"up_out", "../outside"}, {"dir/up_up", "../../outside"},
        {"abs", path},    {"in", "dir/deep"},       {"dir/back", "../file"},
        {"loop", "loop"}, {"none", "nowhere"}};
    for (size_t i = 0; i < COUNT_OF(links); i++)
        assert_int_equal(symlinkat(links[i][1], folder.fd, links[i][0]), 0);
}

int folder_setup(void **state)
{
    (void)state;
    fixture = (struct fixture){.report = REPORT_INIT};
    config_limits_default(&fixture.limits);
    make_tree();
    fixture_open(&fixture, bytes_make(folder_module, sizeof(folder_module)));
    const struct hostapi_dir dir = {.fd = folder.fd, .name = "/"};
    const struct hostapi_command command = {.dirs = {&dir, 1}, .clock = &clock_system};
    assert_int_equal(hostapi_command_create(&command, &fixture.host), STATUS_OK);
    assert_int_equal(
        engine_machine_create(&engine_limits_default, &fixture.report, &fixture.machine),
        STATUS_OK);
    const struct engine_linker linker = hostapi_linker(fixture.host);
    assert_int_equal(engine_instantiate(fixture.machine, fixture.module, &linker, &fixture.report,
                                        &fixture.instance),
                     STATUS_OK);
    return 0;
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *walk)
{
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

int folder_teardown(void **state)
{
    (void)state;
    assert_outside_is_whole();
    hostapi_host_free(fixture.host);
    fixture.host = NULL;
    engine_machine_free(fixture.machine);
    engine_module_close(fixture.module);
    engine_image_free(&fixture.image);
    assert_int_equal(close(folder.fd), 0);
    assert_int_equal(nftw(folder.path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    return 0;
}

void assert_outside_is_whole(void)
{
    char path[160];
    struct stat facts;
    (void)snprintf(path, sizeof(path), "%s/outside", folder.path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_size, 7);
    assert_int_equal(facts.st_nlink, 1);
}

uint64_t put_path(const char *path)
{
    size_t count = strlen(path);
    memcpy(memory(FOLDER_PATH_AT), path, count);
    return count;
}

enum wasi_errno
try_open(uint32_t dir, const char *path, uint32_t lookup, uint32_t oflags, uint64_t rights)
{
    uint64_t count = put_path(path);
    return CALL_ALL(wasi_path_open, dir, lookup, FOLDER_PATH_AT, count, oflags, rights, rights, 0,
                    64);
}

uint32_t open_path(const char *path, uint32_t oflags, uint64_t rights, uint32_t fdflags)
{
    uint64_t count = put_path(path);
    enum wasi_errno error = CALL_ALL(wasi_path_open, FOLDER_FD, 1, FOLDER_PATH_AT, count, oflags,
                                     rights, rights, fdflags, 64);
    if (error != WASI_SUCCESS)
        fail_msg("%s: %d", path, (int)error);
    return u32(64);
}
