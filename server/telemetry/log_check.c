/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk, from the first brace to the last. A key is plain letters, so that no two spellings are
 * one key.
 */
#include "server/telemetry/log_check.h"

#include "engine/base/json.h"

#define LOG_CHECK_DIGITS_MAX 20

struct log_check {
    struct bytes left;
    struct bytes keys[LOG_CHECK_KEYS_MAX];
    uint32_t key_count;
};

static void check_skip(struct log_check *check, size_t count)
{
    check->left = bytes_make(check->left.data + count, check->left.count - count);
}

static bool check_take(struct log_check *check, const char *word)
{
    size_t count = strlen(word);
    if (check->left.count < count || memcmp(check->left.data, word, count) != 0)
        return false;
    check_skip(check, count);
    return true;
}

/* How many bytes stand for the text's next character; 0: none that log.c writes. */
static size_t check_character(struct bytes left)
{
    if (left.data[0] != '\\')
        return json_plain_bytes(left);
    if (left.count >= 2 && (left.data[1] == '"' || left.data[1] == '\\'))
        return 2;
    if (left.count < 6 || left.data[1] != 'u')
        return 0;
    for (size_t i = 2; i < 6; i++) {
        uint8_t digit = left.data[i];
        if ((digit < '0' || digit > '9') && (digit < 'a' || digit > 'f'))
            return 0;
    }
    return 6;
}

static bool check_text(struct log_check *check)
{
    if (!check_take(check, "\""))
        return false;
    while (check->left.count > 0 && check->left.data[0] != '"') {
        size_t count = check_character(check->left);
        if (count == 0)
            return false;
        check_skip(check, count);
    }
    return check_take(check, "\"");
}

static bool check_number(struct log_check *check)
{
    size_t count = 0;
    while (count < check->left.count && check->left.data[count] >= '0' &&
           check->left.data[count] <= '9')
        count++;
    if (count == 0 || count > LOG_CHECK_DIGITS_MAX || (count > 1 && check->left.data[0] == '0'))
        return false;
    check_skip(check, count);
    return true;
}

static bool check_key_is_new(const struct log_check *check, struct bytes key, const char *own)
{
    if (bytes_equal_text(key, own) || check->key_count == LOG_CHECK_KEYS_MAX)
        return false;
    for (uint32_t i = 0; i < check->key_count; i++) {
        if (bytes_equal(check->keys[i], key))
            return false;
    }
    return true;
}

static bool check_key(struct log_check *check, const char *own)
{
    if (!check_take(check, "\""))
        return false;
    struct bytes left = check->left;
    size_t count = 0;
    while (count < left.count &&
           ((left.data[count] >= 'a' && left.data[count] <= 'z') ||
            (left.data[count] >= '0' && left.data[count] <= '9') || left.data[count] == '_'))
        count++;
    struct bytes key = bytes_make(left.data, count);
    if (count == 0 || !check_key_is_new(check, key, own))
        return false;
    check->keys[check->key_count++] = key;
    check_skip(check, count);
    return check_take(check, "\":");
}

bool log_check_line(struct bytes line, const char *own)
{
    struct log_check check;
    check.left = line;
    check.key_count = 0;
    if (!check_take(&check, "{"))
        return false;
    do {
        if (!check_key(&check, own))
            return false;
        if (!check_text(&check) && !check_number(&check) && !check_take(&check, "true"))
            return false;
    } while (check_take(&check, ","));
    return check_take(&check, "}") && check.left.count == 0;
}
