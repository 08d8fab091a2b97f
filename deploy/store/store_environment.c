/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a function, whichever version is active: one record, "NAME=value" NUL each, in
 * the order of the names' bytes, so that a worker finds all of it at once.
 */
#include "deploy/store/store_private.h"

struct store_variable {
    const struct store_target *target;
    struct bytes name;
    struct bytes value; /* data NULL: to be removed */
};

/* Takes the next "NAME=value" off a record; false at its end, or where it is damaged. */
static bool store_next_variable(struct bytes *rest, struct bytes *ret_text, struct bytes *ret_name)
{
    const uint8_t *end = rest->count == 0 ? NULL : memchr(rest->data, '\0', rest->count);
    size_t count = end == NULL ? 0 : (size_t)(end - rest->data);
    const uint8_t *equals = count == 0 ? NULL : memchr(rest->data, '=', count);
    if (equals == NULL)
        return false;
    *ret_text = bytes_make(rest->data, count);
    *ret_name = bytes_make(rest->data, (size_t)(equals - rest->data));
    *rest = bytes_make(rest->data + count + 1, rest->count - count - 1);
    return true;
}

static int store_compare_names(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, MIN(a.count, b.count));
    return order != 0 ? order : (a.count > b.count) - (a.count < b.count);
}

static enum status store_append_variable(struct buffer *out, const struct store_variable *variable)
{
    enum status status = buffer_append(out, variable->name.data, variable->name.count);
    if (status == STATUS_OK)
        status = buffer_append(out, "=", 1);
    if (status == STATUS_OK)
        status = buffer_append(out, variable->value.data, variable->value.count);
    return status == STATUS_OK ? buffer_append(out, "", 1) : status;
}

/* The record with the variable set, or without it. */
static enum status store_merge_variable(struct bytes old,
                                        const struct store_variable *variable,
                                        struct buffer *out,
                                        uint32_t *ret_count,
                                        bool *ret_was)
{
    struct bytes text;
    struct bytes name;
    bool pending = variable->value.data != NULL;
    enum status status = STATUS_OK;
    *ret_was = false;
    *ret_count = 0;
    while (status == STATUS_OK && store_next_variable(&old, &text, &name)) {
        int order = store_compare_names(variable->name, name);
        if (pending && order <= 0) {
            status = store_append_variable(out, variable);
            pending = false;
            ++*ret_count;
        }
        *ret_was |= order == 0;
        if (order == 0 || status != STATUS_OK)
            continue;
        status = buffer_append(out, text.data, text.count + 1);
        ++*ret_count;
    }
    if (status == STATUS_OK && pending) {
        status = store_append_variable(out, variable);
        ++*ret_count;
    }
    if (status != STATUS_OK)
        return status;
    return old.count > 0 ? STATUS_CORRUPT : STATUS_OK;
}

static enum status store_refuse_variable(const struct store_txn *txn,
                                         enum status status,
                                         const struct store_variable *variable)
{
    const char *text = status == STATUS_NO_MEMORY ? "out of memory for variables"
                                                  : "the store is damaged: a function's variables";
    if (status == STATUS_NOT_FOUND)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE,
                           "the function has no variable `%.*s` of its own",
                           (int)variable->name.count, (const char *)variable->name.data);
    if (status == STATUS_LIMIT)
        return report_fail(txn->report, status, REPORT_OFFSET_NONE,
                           "the variables of a function can be %d, with %d bytes in all",
                           DEPLOY_ENVIRONMENT_COUNT_MAX, DEPLOY_ENVIRONMENT_BYTES_MAX);
    return report_fail(txn->report, status, REPORT_OFFSET_NONE, "%s", text);
}

static enum status store_change_variable(struct store_txn *txn, void *context)
{
    const struct store_variable *variable = context;
    struct records_function function;
    struct bytes old = {0};
    struct buffer value;
    uint32_t count;
    bool was;
    struct records_key name =
        records_function_key(variable->target->tenant, variable->target->function);
    MDB_val key = store_val(name.data, name.count);
    enum status status = store_find_function(txn, variable->target, &function);
    if (status != STATUS_OK)
        return status;
    status = store_view(txn, RECORDS_ENVIRONMENT, key, &old);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    buffer_init(&value, DEPLOY_ENVIRONMENT_BYTES_MAX);
    status = store_merge_variable(old, variable, &value, &count, &was);
    if (status == STATUS_OK && count > DEPLOY_ENVIRONMENT_COUNT_MAX)
        status = STATUS_LIMIT;
    if (status == STATUS_OK && variable->value.data == NULL && !was)
        status = STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        status = store_refuse_variable(txn, status, variable);
    else if (count == 0)
        status = store_delete_record(txn, RECORDS_ENVIRONMENT, key);
    else
        status = store_put_record(txn, RECORDS_ENVIRONMENT, key, value.data, value.count);
    buffer_done(&value);
    const struct store_logged logged = {.action = variable->value.data != NULL ? "env" : "unenv",
                                        .target = variable->target,
                                        .name = variable->name};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_set_variable(struct store *store,
                               const struct store_target *target,
                               struct bytes name,
                               struct bytes value,
                               struct report *report)
{
    struct store_variable variable = {.target = target, .name = name, .value = value};
    return store_write(store, target, store_change_variable, &variable, value.data == NULL, report);
}

enum status store_get_environment(struct store *store,
                                  const struct store_target *target,
                                  struct report *report,
                                  struct buffer *environment)
{
    struct store_txn txn;
    struct records_function function;
    struct bytes found = {0};
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    struct records_key key = records_function_key(target->tenant, target->function);
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK) {
        status = store_view(&txn, RECORDS_ENVIRONMENT, store_val(key.data, key.count), &found);
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    if (status == STATUS_OK)
        status = buffer_append(environment, found.data, found.count);
    store_end_read(&txn);
    return status;
}
