/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new project consists of: files of templates/ and of hostapi/guest/, which the build puts
 * into the program (embed.py).
 */
#ifndef SKERRY_DEPLOY_PROJECT_TEMPLATE_H
#define SKERRY_DEPLOY_PROJECT_TEMPLATE_H

#include "engine/base/bytes.h"

#define PROJECT_TOOL_BYTES 64

struct project_language {
    const char *name;
    const char *alias;
    const char *title;
    const char *tools;
    const char *packages;
};

/* One file of a language's template, as embed.py wrote it. */
struct project_file {
    const char *language;
    const char *path; /* below the project's folder */
    bool executable;
    size_t count;
    const uint8_t *data;
};

extern const struct project_language project_languages[];
extern const size_t project_language_count;
extern const struct project_file project_files[];
extern const size_t project_file_count;

/* By its name or alias; NULL: there is none. */
const struct project_language *project_find_language(const char *name);
/* Makes the folder `path`, which must not be there (CONFLICT), for a function called `name`. On
 * failure there is none. */
NODISCARD enum status project_create(const struct project_language *language,
                                     const char *path,
                                     const char *name,
                                     struct report *report);
/* The first of its tools that PATH does not have; false: all are there. */
bool project_missing_tool(const struct project_language *language,
                          char ret_tool[PROJECT_TOOL_BYTES]);

#endif
