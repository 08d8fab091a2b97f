/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault of a backup: what is not as it was saved is refused, wherever it is cut or changed.
 * tests/unit/server/keys/export_test.c has the whole way.
 */
#include <endian.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/backup/backup_vault.h"
#include "tests/support/cheap_recipient.h"
#include "tests/unit/deploy/fixture.h"

#define PASSPHRASE "correct horse"
#define KEYS       "what is in the file of keys"

static struct fixture fixture;
static struct buffer saved;

static void put_u32(uint32_t value)
{
    const uint32_t little = htole32(value);
    assert_int_equal(buffer_append(&saved, &little, sizeof(little)), STATUS_OK);
}

static void put(const void *data, size_t count)
{
    assert_int_equal(buffer_append(&saved, data, count), STATUS_OK);
}

static int setup(void **state)
{
    (void)state;
    char text[RECIPIENT_TEXT_BYTES];
    uint8_t sealed[crypto_box_SEALBYTES + sizeof(KEYS)];
    const struct recipient recipient = cheap_recipient(PASSPHRASE);
    fixture_init(&fixture);
    buffer_init(&saved, 4096);
    recipient_print(&recipient, text);
    assert_int_equal(crypto_box_seal(sealed, (const uint8_t *)KEYS, sizeof(KEYS), recipient.key),
                     0);
    put(VAULT_EXPORT_MAGIC, VAULT_EXPORT_MAGIC_BYTES);
    put_u32((uint32_t)strlen(text));
    put(text, strlen(text));
    put_u32(sizeof(sealed));
    put(sealed, sizeof(sealed));
    for (char name = 'a'; name < 'd'; name++) {
        put_u32(1);
        put_u32(3);
        put(&name, 1);
        put("box", 3);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_done(&saved);
    fixture_done(&fixture);
    return 0;
}

static enum status check(struct bytes text, const char *passphrase)
{
    struct report report = REPORT_INIT;
    return backup_vault_check(text, bytes_of_text(passphrase), &report);
}

static void it_is_opened_by_its_passphrase_alone(void **state)
{
    (void)state;
    assert_int_equal(check(buffer_bytes(&saved), PASSPHRASE), STATUS_OK);
    assert_int_equal(check(buffer_bytes(&saved), "another one"), STATUS_DENIED);
}

static void cut_anywhere_but_behind_a_record_it_is_refused(void **state)
{
    (void)state;
    const size_t record = 4 + 4 + 1 + 3;
    for (size_t count = 0; count < saved.count; count++) {
        bool whole = (saved.count - count) % record == 0 && saved.count - count <= 3 * record;
        assert_int_equal(check(bytes_make(saved.data, count), PASSPHRASE),
                         whole ? STATUS_OK : STATUS_CORRUPT);
    }
}

static void changed_keys_do_not_open(void **state)
{
    (void)state;
    size_t last = saved.count - 3 * 12 - 1;
    saved.data[last] ^= 1;
    assert_int_equal(check(buffer_bytes(&saved), PASSPHRASE), STATUS_CORRUPT);
    saved.data[last] ^= 1;
    memset(saved.data + saved.count - 12, 0xff, 8); /* sizes beyond its end */
    assert_int_equal(check(buffer_bytes(&saved), PASSPHRASE), STATUS_CORRUPT);
}

static void the_folder_is_what_the_key_process_opens(void **state)
{
    (void)state;
    char path[96];
    char file[128];
    struct stat facts;
    struct report report = REPORT_INIT;
    (void)snprintf(path, sizeof(path), "%s/vault", fixture.dir);
    (void)snprintf(file, sizeof(file), "%s/key", path);
    struct bytes passphrase = bytes_of_text(PASSPHRASE);
    assert_int_equal(backup_vault_restore(buffer_bytes(&saved), passphrase, path, &report),
                     STATUS_OK);
    assert_int_equal(stat(file, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(facts.st_size, sizeof(KEYS));
    (void)snprintf(file, sizeof(file), "%s/data.mdb", path);
    assert_int_equal(stat(file, &facts), 0);
    assert_int_equal(backup_vault_restore(buffer_bytes(&saved), passphrase, path, &report),
                     STATUS_IO);
}

#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        WITH_VAULT(it_is_opened_by_its_passphrase_alone),
        WITH_VAULT(cut_anywhere_but_behind_a_record_it_is_refused),
        WITH_VAULT(changed_keys_do_not_open),
        WITH_VAULT(the_folder_is_what_the_key_process_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
