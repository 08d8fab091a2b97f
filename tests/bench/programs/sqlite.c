// SPDX-License-Identifier: Apache-2.0
/* SQLite on a database in memory: inserts with an index, aggregates, sorting, LIKE, updates,
 * a join, JSON. Its operating system is the least it accepts: files cannot be opened, and time
 * stands still.
 */
#include "input.h"

#include <sqlite3.h>

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret)
{
    (void)vfs, (void)name, (void)flags, (void)ret;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
    (void)vfs;
    snprintf(ret, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int size, char *ret)
{
    (void)vfs;
    memset(ret, 7, (size_t)size);
    return size;
}

static int current_time(sqlite3_vfs *vfs, double *ret)
{
    (void)vfs;
    *ret = 2461000;
    return SQLITE_OK;
}

int sqlite3_os_init(void)
{
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(sqlite3_file),
                              .mxPathname = 64,
                              .zName = "none",
                              .xOpen = open_file,
                              .xFullPathname = full_path,
                              .xRandomness = randomness,
                              .xCurrentTime = current_time};

    return sqlite3_vfs_register(&vfs, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}

static int print_row(void *context, int count, char **values, char **names)
{
    (void)context, (void)names;
    for (int i = 0; i < count; i++) {
        printf("%s ", values[i] != NULL ? values[i] : "null");
    }
    return 0;
}

static const char *const STATEMENTS[] = {
    "create table t(a integer primary key, b text, c real); create index ti on t(b);",
    "begin; with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) "
    "insert into t select i, 'name' || ((i * 7919) % 60007), i * 0.5 from n; commit;",
    "select count(*), sum(c), max(b) from t where b like 'name1%';",
    "select b, count(*) from t group by substr(b, 1, 6) order by 2 desc, 1 limit 3;",
    "update t set c = c + length(b) where a % 3 = 0; delete from t where a % 5 = 0;",
    "select sum(x.c * y.a) from t x join t y on x.b = y.b;",
    "select count(*) from (select a, row_number() over (partition by a % 10 order by c desc) r "
    "from t) where r <= 3;",
    "select sum(json_extract(json_object('a', a, 'b', json_array(b, c)), '$.b[1]')) from t "
    "where a < 4000;",
};

int main(void)
{
    sqlite3 *database;
    char *error = NULL;

    if (sqlite3_open(":memory:", &database) != SQLITE_OK) {
        puts("no database");
        return 1;
    }
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof STATEMENTS[0]; i++) {
        if (sqlite3_exec(database, STATEMENTS[i], print_row, NULL, &error) != SQLITE_OK) {
            puts(error);
            return 1;
        }
    }
    puts("");
    return sqlite3_close(database);
}
