/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one map of LMDB's errors.
 */
#include "deploy/lmdb/lmdb_status.h"

#include <errno.h>
#include <lmdb.h>

static enum status lmdb_kind(int rc)
{
    switch (rc) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EIO: /* LMDB's word for a short write, which is a full disk more often than not */
        return STATUS_FULL;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case EACCES:
    case EPERM:
        return STATUS_DENIED;
    case ENOENT:
        return STATUS_NOT_FOUND;
    case MDB_READERS_FULL:
        return STATUS_BUSY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return STATUS_CORRUPT;
    default:
        return STATUS_IO;
    }
}

static enum status lmdb_full(int rc, const struct lmdb_words *words, struct report *report)
{
    if (rc != MDB_MAP_FULL)
        return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE,
                           "the disk of the data directory is full or failing (%s): free some "
                           "space, or %s",
                           mdb_strerror(rc), words->remedy);
    if (words->size == NULL)
        return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE, "%s is full: %s", words->name,
                           words->remedy);
    return report_fail(report, STATUS_FULL, REPORT_OFFSET_NONE, "%s is full: %s, or raise %s",
                       words->name, words->remedy, words->size);
}

enum status lmdb_status(int rc, const struct lmdb_words *words, struct report *report)
{
    if (rc == 0)
        return STATUS_OK;
    if (rc == MDB_NOTFOUND)
        return STATUS_NOT_FOUND;
    enum status status = lmdb_kind(rc);
    switch (status) {
    case STATUS_FULL:
        return lmdb_full(rc, words, report);
    case STATUS_NO_MEMORY:
        return report_fail(report, status, REPORT_OFFSET_NONE, "out of memory for %s", words->name);
    case STATUS_DENIED:
        return report_fail(report, status, REPORT_OFFSET_NONE, "%s may not be opened: %s",
                           words->name, mdb_strerror(rc));
    case STATUS_NOT_FOUND:
        return report_fail(report, status, REPORT_OFFSET_NONE, "%s is not there", words->name);
    case STATUS_CORRUPT:
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "%s is damaged or cut short (%s): restore it from a backup", words->name,
                           mdb_strerror(rc));
    default:
        return report_fail(report, status, REPORT_OFFSET_NONE, "%s failed: %s", words->name,
                           mdb_strerror(rc));
    }
}
