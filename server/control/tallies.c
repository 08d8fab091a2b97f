/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of rows that are there from the beginning, and a list of those in use, the last
 * used first. A function that is removed and made anew goes on with the rows that it had: a series
 * must not be there twice.
 */
#include "server/control/tallies.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "engine/base/list.h"

#define TALLIES_BUCKETS 2048 /* power of two */

struct tallies_row {
    struct tallies_row *hash_next;
    struct list_link link;
    uint64_t hash;
    struct tally_record sum;
};

struct tallies {
    uint64_t hash_seed;
    uint32_t count; /* of rows in use */
    struct list by_use;
    struct tally others;
    struct tallies_row *buckets[TALLIES_BUCKETS];
    struct tallies_row rows[TALLIES_MAX];
};

enum status tallies_create(const struct clock *clock, struct tallies **ret_tallies)
{
    struct tallies *tallies = calloc(1, sizeof(*tallies));
    if (tallies == NULL)
        return STATUS_NO_MEMORY;
    tallies->hash_seed = hash_seed(clock);
    *ret_tallies = tallies;
    return STATUS_OK;
}

void tallies_free(struct tallies *tallies)
{
    free(tallies);
}

/* ---- adding ---------------------------------------------------------------------------------- */

static struct tallies_row **tallies_bucket(struct tallies *tallies, uint64_t hash)
{
    return &tallies->buckets[hash & (TALLIES_BUCKETS - 1)];
}

/* The row that others make room for, its numbers taken from it. */
static struct tallies_row *tallies_empty_oldest(struct tallies *tallies)
{
    struct tallies_row *row = LIST_LAST(&tallies->by_use, struct tallies_row, link);
    struct tallies_row **link = tallies_bucket(tallies, row->hash);
    while (*link != row)
        link = &(*link)->hash_next;
    *link = row->hash_next;
    list_remove(&row->link);
    tally_add(&tallies->others, &row->sum.tally);
    return row;
}

static struct tallies_row *
tallies_find(struct tallies *tallies, const struct tally_record *record, uint64_t hash)
{
    struct tallies_row *row = *tallies_bucket(tallies, hash);
    while (row != NULL && (row->hash != hash || row->sum.version != record->version ||
                           strcmp(row->sum.function, record->function) != 0 ||
                           strcmp(row->sum.tenant, record->tenant) != 0))
        row = row->hash_next;
    return row;
}

static struct tallies_row *
tallies_make(struct tallies *tallies, const struct tally_record *record, uint64_t hash)
{
    struct tallies_row *row = tallies->count < TALLIES_MAX ? &tallies->rows[tallies->count++]
                                                           : tallies_empty_oldest(tallies);
    struct tallies_row **bucket = tallies_bucket(tallies, hash);
    *row = (struct tallies_row){.hash_next = *bucket, .hash = hash, .sum = *record};
    row->sum.tally = (struct tally){0};
    *bucket = row;
    return row;
}

void tallies_add(struct tallies *tallies, const struct tally_record *record)
{
    uint64_t hash = hash_bytes(tallies->hash_seed ^ record->version, bytes_of_text(record->tenant));
    hash = hash_bytes(hash, bytes_of_text(record->function));
    struct tallies_row *row = tallies_find(tallies, record, hash);
    if (row == NULL)
        row = tallies_make(tallies, record, hash);
    else
        list_remove(&row->link);
    list_prepend(&tallies->by_use, &row->link);
    tally_add(&row->sum.tally, &record->tally);
}

/* ---- printing -------------------------------------------------------------------------------- */

static const struct tallies_family {
    const char *family;
    const char *type;
    const char *help;
    size_t offset;
} tallies_families[] = {
#define TALLY(name, family_, type_, help_)                                                         \
    {.family = (family_), .type = (type_), .help = (help_), .offset = offsetof(struct tally, name)},
#include "server/telemetry/tally.def"
};

/* `labels` without braces. */
static enum status tallies_print_value(const struct tallies_family *family,
                                       const struct tally *tally,
                                       const char *labels,
                                       struct buffer *out)
{
    uint64_t value;
    memcpy(&value, (const uint8_t *)tally + family->offset, sizeof(value));
    if (strcmp(family->type, "seconds") == 0)
        return buffer_printf(out, "%s{%s} %" PRIu64 ".%09" PRIu64 "\n", family->family, labels,
                             value / CLOCK_NS_PER_S, value % CLOCK_NS_PER_S);
    return buffer_printf(out, "%s{%s} %" PRIu64 "\n", family->family, labels, value);
}

static enum status tallies_print_family(const struct tallies *tallies,
                                        const struct tallies_family *family,
                                        struct buffer *out)
{
    static const char others[] =
        "tenant=\"" TALLIES_OTHER "\",function=\"" TALLIES_OTHER "\",version=\"" TALLIES_OTHER "\"";
    const char *type = strcmp(family->type, "seconds") == 0 ? "counter" : family->type;
    enum status status = buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->family,
                                       family->help, family->family, type);
    LIST_FOREACH(row, &tallies->by_use, struct tallies_row, link) {
        char labels[2 * DEPLOY_NAME_BYTES + 64];
        (void)snprintf(labels, sizeof(labels),
                       "tenant=\"%s\",function=\"%s\",version=\"v%" PRIu32 "\"", row->sum.tenant,
                       row->sum.function, row->sum.version);
        if (status == STATUS_OK)
            status = tallies_print_value(family, &row->sum.tally, labels, out);
    }
    if (status == STATUS_OK)
        status = tallies_print_value(family, &tallies->others, others, out);
    return status;
}

void tallies_print(const struct tallies *tallies, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(tallies_families) && status == STATUS_OK; i++)
        status = tallies_print_family(tallies, &tallies_families[i], out);
    (void)status; /* what finds no room is left out */
}
