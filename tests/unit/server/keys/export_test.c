/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault in a backup: what was kept is kept in the vault that is made of it, and nothing of it
 * can be read on the way.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/backup/backup_vault.h"
#include "engine/base/io.h"
#include "server/keys/export.h"
#include "tests/support/cheap_recipient.h"

#define PASSPHRASE "correct horse"
#define SECRET     "battery staple, and more of it"

static char dir[64];

static const char *path_of(const char *folder, const char *file)
{
    static char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s%s", dir, folder, file);
    return path;
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/skerry-export-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(mkdir(path_of("old", ""), 0700), 0);
    assert_int_equal(mkdir(path_of("new", ""), 0700), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const folders[] = {"old", "new"};
    static const char *const names[] = {"/vault/key", "/vault/data.mdb", "/vault", ""};
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        for (size_t j = 0; j < COUNT_OF(names); j++)
            (void)remove(path_of(folders[i], names[j]));
    }
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static struct vault *open_vault(const char *folder)
{
    struct report report = REPORT_INIT;
    struct vault *vault = NULL;
    if (vault_open(path_of(folder, ""), &report, &vault) != STATUS_OK)
        fail_msg("%s", report.text);
    return vault;
}

static struct vault_name name_of(uint32_t i, char text[16])
{
    (void)snprintf(text, 16, "N%06u", i);
    return (struct vault_name){.tenant = bytes_of_text("acme"),
                               .function = bytes_of_text(i % 2 == 0 ? "even" : "odd"),
                               .name = bytes_of_text(text)};
}

static void fill(struct vault *vault, uint32_t count)
{
    static uint8_t large[VAULT_VALUE_BYTES_MAX];
    char text[16];
    for (uint32_t i = 0; i < count; i++) {
        struct report report = REPORT_INIT;
        struct vault_name name = name_of(i, text);
        bool is_large = i == count / 2;
        assert_int_equal(
            vault_put(vault, &name,
                      is_large ? bytes_make(large, sizeof(large)) : bytes_of_text(SECRET), &report),
            STATUS_OK);
    }
}

static void export_into(struct vault *vault, struct buffer *out)
{
    char text[RECIPIENT_TEXT_BYTES];
    struct report report = REPORT_INIT;
    const struct recipient recipient = cheap_recipient(PASSPHRASE);
    int fd = memfd_create("vault", MFD_CLOEXEC);
    recipient_print(&recipient, text);
    assert_int_equal(export_vault(vault, bytes_of_text(text), fd, &report), STATUS_OK);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(io_read_to_end(fd, out), STATUS_OK);
    assert_int_equal(close(fd), 0);
}

static void what_was_kept_is_kept_elsewhere(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    char text[16];
    struct report report = REPORT_INIT;
    struct buffer saved;
    struct buffer value;
    buffer_init(&saved, 1 << 20);
    buffer_init(&value, VAULT_VALUE_BYTES_MAX + 1);
    struct vault *vault = open_vault("old");
    fill(vault, COUNT / 2);
    assert_int_equal(vault_rotate(vault, &report), STATUS_OK);
    fill(vault, COUNT);
    export_into(vault, &saved);
    vault_close(vault);
    assert_null(memmem(saved.data, saved.count, SECRET, strlen(SECRET)));
    assert_int_equal(backup_vault_check(buffer_bytes(&saved), bytes_of_text(PASSPHRASE), &report),
                     STATUS_OK);
    assert_int_equal(backup_vault_restore(buffer_bytes(&saved), bytes_of_text(PASSPHRASE),
                                          path_of("new", "/vault"), &report),
                     STATUS_OK);
    vault = open_vault("new");
    for (uint32_t i = 0; i < COUNT; i++) {
        struct vault_name name = name_of(i, text);
        value.count = 0;
        assert_int_equal(vault_get(vault, &name, &report, &value), STATUS_OK);
        assert_int_equal(value.count, i == COUNT / 2 ? VAULT_VALUE_BYTES_MAX : strlen(SECRET));
    }
    assert_int_equal(vault_rotate(vault, &report), STATUS_OK);
    vault_close(vault);
    buffer_done(&value);
    buffer_done(&saved);
}

static void an_empty_vault_is_one_too(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct buffer saved;
    buffer_init(&saved, 4096);
    struct vault *vault = open_vault("old");
    export_into(vault, &saved);
    assert_int_equal(backup_vault_restore(buffer_bytes(&saved), bytes_of_text(PASSPHRASE),
                                          path_of("new", "/vault"), &report),
                     STATUS_OK);
    vault_close(vault);
    vault_close(open_vault("new"));
    buffer_done(&saved);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    char text[RECIPIENT_TEXT_BYTES];
    const struct recipient recipient = cheap_recipient(PASSPHRASE);
    recipient_print(&recipient, text);
    struct vault *vault = open_vault("old");
    int fd = memfd_create("vault", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(export_vault(vault, bytes_of_text("nobody"), fd, &(struct report)REPORT_INIT),
                     STATUS_INVALID);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
    assert_int_equal(export_vault(vault, bytes_of_text(text), fd, &(struct report)REPORT_INIT),
                     STATUS_DENIED);
    assert_int_equal(close(fd), 0);
    vault_close(vault);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(what_was_kept_is_kept_elsewhere),
        WITH_VAULT(an_empty_vault_is_one_too),
        WITH_VAULT(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
