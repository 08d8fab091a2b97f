/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron triggers, as a manifest or a caller of the API says them.
 */
#include "deploy/manifest/read_private.h"
#include "deploy/manifest/schedule.h"

bool deploy_path_valid(struct bytes path)
{
    for (size_t i = 0; i < path.count; i++) {
        if (path.data[i] <= ' ' || path.data[i] >= 0x7f || path.data[i] == '#')
            return false;
    }
    return path.count > 0 && path.data[0] == '/';
}

static bool read_is_one_of(struct bytes text, const char *a, const char *b)
{
    return text.count == 0 || bytes_equal_text(text, a) || bytes_equal_text(text, b);
}

static enum status read_cron(struct manifest_reader *reader, json_t *node, struct deploy_cron *cron)
{
    struct schedule schedule;
    struct report why = REPORT_INIT;
    *cron = (struct deploy_cron){0};
    enum status status = manifest_read_mapping(reader, "cron", node, cron);
    if (status != STATUS_OK)
        return status;
    if (cron->schedule.count == 0)
        return manifest_read_fail(reader, node, NULL, "has no schedule");
    if (schedule_parse(cron->schedule, &why, &schedule) != STATUS_OK)
        return manifest_read_refused(reader, node, cron->schedule, &why);
    if (cron->path.count > 0 && !deploy_path_valid(cron->path))
        return manifest_read_fail(reader, node, NULL, "has a `path` that is none, like /tick");
    if (!read_is_one_of(cron->overlap, "skip", "allow"))
        return manifest_read_fail(reader, node, NULL,
                                  "has an `overlap` that is neither skip nor allow");
    if (!read_is_one_of(cron->missed, "skip", "once"))
        return manifest_read_fail(reader, node, NULL,
                                  "has a `missed` that is neither skip nor once");
    return STATUS_OK;
}

enum status manifest_read_crons(struct manifest_reader *reader,
                                const struct manifest_row *row,
                                json_t *node,
                                struct deploy_crons *ret_crons)
{
    enum status status = manifest_read_list(reader, row, node);
    uint32_t count = (uint32_t)json_array_size(node);
    struct deploy_cron *rows =
        status == STATUS_OK ? ARENA_ARRAY(reader->arena, struct deploy_cron, count + 1) : NULL;
    if (status == STATUS_OK && rows == NULL)
        return manifest_read_no_memory(reader);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        reader->row = i;
        status = read_cron(reader, json_array_get(node, i), &rows[i]);
    }
    reader->row = READ_NONE;
    if (status == STATUS_OK)
        *ret_crons = (struct deploy_crons){.rows = rows, .count = count};
    return status;
}

enum status deploy_cron_from_json(struct bytes text,
                                  struct arena *arena,
                                  struct report *report,
                                  struct deploy_cron *ret_cron)
{
    struct manifest_reader reader = manifest_reader_make(NULL, arena, report);
    struct deploy_cron cron;
    json_t *tree;
    enum status status = manifest_read_row(text, report, &tree);
    if (status != STATUS_OK)
        return status;
    status = read_cron(&reader, tree, &cron);
    json_decref(tree);
    if (status == STATUS_OK)
        *ret_cron = cron;
    return status;
}
