/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each path becomes a text once: decoded, and then compared as it is. What is no text (a NUL, a
 * broken %, no UTF-8) or has empty segments or dots is no file's name and no rule's path; it falls
 * through to whoever answers what is not there.
 */
#include "server/assets/site.h"

#include "engine/base/hex.h"

#define SITE_NAME_BYTES_MAX     (DEPLOY_FILE_NAME_BYTES_MAX + 16) /* with what is tried behind it */
#define SITE_LOCATION_BYTES_MAX 8192
#define SITE_DEPTH_MAX          32 /* folders up that a page for what is missing is looked for in */

/* ---- making one ------------------------------------------------------------------------------ */

static bool site_make_files(struct bytes list, struct arena *arena, struct site *site)
{
    uint64_t count;
    uint64_t bytes;
    struct deploy_file file;
    if (!deploy_files_measure(list, &count, &bytes) || list.count > UINT32_MAX)
        return false;
    uint32_t *offsets = ARENA_ARRAY(arena, uint32_t, (size_t)count + 1);
    if (offsets == NULL)
        return false;
    struct bytes rest = list;
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = (uint32_t)(list.count - rest.count);
        if (!deploy_files_next(&rest, &file))
            return false;
    }
    site->list = list;
    site->offsets = offsets;
    site->count = (uint32_t)count;
    return true;
}

/* They were checked when they came. */
static bool
site_make_rules(const struct deploy_manifest_assets *assets, struct arena *arena, struct site *site)
{
    struct deploy_site_header *headers =
        ARENA_ARRAY(arena, struct deploy_site_header, assets->headers.count + 1);
    struct deploy_site_redirect *redirects =
        ARENA_ARRAY(arena, struct deploy_site_redirect, assets->redirects.count + 1);
    if (headers == NULL || redirects == NULL)
        return false;
    for (uint32_t i = 0; i < assets->headers.count; i++) {
        if (deploy_site_header_parse(assets->headers.rows[i], NULL, &headers[i]) != STATUS_OK)
            return false;
    }
    for (uint32_t i = 0; i < assets->redirects.count; i++) {
        if (deploy_site_redirect_parse(assets->redirects.rows[i], NULL, &redirects[i]) != STATUS_OK)
            return false;
    }
    site->headers = headers;
    site->header_count = assets->headers.count;
    site->redirects = redirects;
    site->redirect_count = assets->redirects.count;
    return true;
}

bool site_make(const struct deploy_catalog_entry *entry, struct arena *arena, struct site *ret_site)
{
    const struct deploy_manifest *manifest = entry->manifest;
    struct site site = {.fallback = manifest->assets.fallback,
                        .is_alone = manifest->main.count == 0};
    if (!site_make_files(entry->assets, arena, &site) ||
        !site_make_rules(&manifest->assets, arena, &site))
        return false;
    *ret_site = site;
    return true;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void site_file(const struct site *site, uint32_t index, struct deploy_file *ret_file)
{
    uint32_t offset = site->offsets[index];
    struct bytes rest = bytes_make(site->list.data + offset, site->list.count - offset);
    bool whole = deploy_files_next(&rest, ret_file);
    ASSERT(whole);
}

bool site_find(const struct site *site, struct bytes name, struct deploy_file *ret_file)
{
    uint32_t low = 0;
    uint32_t high = site->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        site_file(site, middle, ret_file);
        int order = deploy_file_compare(ret_file->name, name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* `name` and `ending` as one, in `text`; empty if that is too long. */
static struct bytes site_join(struct bytes name, const char *ending, char text[SITE_NAME_BYTES_MAX])
{
    size_t count = strlen(ending);
    if (name.count + count > SITE_NAME_BYTES_MAX)
        return bytes_make(NULL, 0);
    if (name.count > 0)
        memcpy(text, name.data, name.count);
    memcpy(text + name.count, ending, count);
    return bytes_make(text, name.count + count);
}

/* The file, or one beside it in the coding that the client wants most. */
static void site_choose(const struct site *site,
                        const struct site_question *question,
                        struct site_answer *answer)
{
    char text[SITE_NAME_BYTES_MAX];
    uint32_t best = 0;
    struct deploy_file found;
    answer->name = answer->file.name;
    for (size_t i = 0; i < content_encoding_count; i++) {
        const struct content_encoding *encoding = &content_encodings[i];
        if (!site_find(site, site_join(answer->name, encoding->ending, text), &found))
            continue;
        uint32_t weight = content_accepts(question->accept_encoding, encoding->coding);
        answer->varies = true;
        if (weight <= best)
            continue;
        best = weight;
        answer->encoding = encoding;
        answer->file = found;
    }
}

static bool site_answer_file(const struct site *site,
                             const struct site_question *question,
                             struct bytes name,
                             uint32_t status,
                             struct site_answer *answer)
{
    if (!site_find(site, name, &answer->file))
        return false;
    answer->step = question->is_read ? SITE_FILE : SITE_METHOD;
    answer->status = status;
    site_choose(site, question, answer);
    return true;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* The path without its query, decoded; data NULL: it is no text. `*ret_room`: there was some. */
static struct bytes site_decode(struct bytes uri, struct arena *arena, bool *ret_room)
{
    const uint8_t *query = memchr(uri.data, '?', uri.count);
    size_t count = query == NULL ? uri.count : (size_t)(query - uri.data);
    uint8_t *text = arena_alloc(arena, count + 1, 1);
    size_t used = 0;
    *ret_room = text != NULL;
    for (size_t i = 0; text != NULL && i < count; i++) {
        uint8_t byte = uri.data[i];
        if (byte == '%') {
            int high = i + 2 < count ? hex_value(uri.data[i + 1]) : -1;
            int low = i + 2 < count ? hex_value(uri.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return bytes_make(NULL, 0);
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (byte < ' ' || byte == 0x7f)
            return bytes_make(NULL, 0);
        text[used++] = byte;
    }
    struct bytes path = bytes_make(text, used);
    return text != NULL && bytes_is_utf8(path) ? path : bytes_make(NULL, 0);
}

/* "about" to "about/", and the query with it: relative, whatever the path's prefix was. */
static void site_redirect_to_folder(const struct site_question *question,
                                    struct arena *arena,
                                    struct site_answer *answer)
{
    struct bytes uri = question->uri;
    const uint8_t *query = memchr(uri.data, '?', uri.count);
    size_t path_count = query == NULL ? uri.count : (size_t)(query - uri.data);
    size_t begin = path_count;
    while (begin > 0 && uri.data[begin - 1] != '/')
        begin--;
    size_t name_count = path_count - begin;
    size_t query_count = uri.count - path_count;
    /* "./": a colon in the name would make a scheme of it. */
    uint8_t *text = arena_alloc(arena, 2 + name_count + 1 + query_count, 1);
    if (text == NULL) {
        answer->step = SITE_NO_MEMORY;
        return;
    }
    memcpy(text, "./", 2);
    memcpy(text + 2, uri.data + begin, name_count);
    text[2 + name_count] = '/';
    memcpy(text + 3 + name_count, uri.data + path_count, query_count);
    answer->step = SITE_REDIRECT;
    answer->status = 307; /* the next deploy may have a file there */
    answer->location = bytes_make(text, 3 + name_count + query_count);
}

/* Files that a path may mean; false: there is none of them. */
static bool site_look_up(const struct site *site,
                         const struct site_question *question,
                         struct bytes path,
                         struct arena *arena,
                         struct site_answer *answer)
{
    char text[SITE_NAME_BYTES_MAX];
    struct deploy_file file;
    if (path.count == 0 || path.data[0] != '/')
        return false;
    struct bytes name = bytes_make(path.data + 1, path.count - 1);
    if (name.count == 0 || name.data[name.count - 1] == '/')
        return site_answer_file(site, question, site_join(name, "index.html", text), 200, answer);
    if (site_answer_file(site, question, name, 200, answer) ||
        site_answer_file(site, question, site_join(name, ".html", text), 200, answer))
        return true;
    if (!question->is_read || !site_find(site, site_join(name, "/index.html", text), &file))
        return false;
    site_redirect_to_folder(question, arena, answer);
    return true;
}

/* Without what follows its last slash. */
static struct bytes site_folder(struct bytes path)
{
    while (path.count > 0 && path.data[path.count - 1] != '/')
        path.count--;
    return path;
}

/* The 404.html of the nearest folder up; of paths that are very deep only the root's. */
static bool site_answer_missing(const struct site *site,
                                const struct site_question *question,
                                struct site_answer *answer)
{
    char text[SITE_NAME_BYTES_MAX];
    struct bytes folder = site_folder(answer->path);
    for (uint32_t depth = 0; depth < SITE_DEPTH_MAX && folder.count > 1; depth++) {
        struct bytes name = bytes_make(folder.data + 1, folder.count - 1);
        if (site_answer_file(site, question, site_join(name, "404.html", text), 404, answer))
            return true;
        folder = site_folder(bytes_make(folder.data, folder.count - 1));
    }
    return site_answer_file(site, question, bytes_of_text("404.html"), 404, answer);
}

/* ---- redirects ------------------------------------------------------------------------------- */

static void site_redirect(const struct deploy_site_redirect *rule,
                          const struct deploy_site_match *match,
                          const struct site_question *question,
                          struct arena *arena,
                          struct site_answer *answer)
{
    struct buffer location;
    enum status status = STATUS_OK;
    const uint8_t *query = memchr(question->uri.data, '?', question->uri.count);
    bool adds_query = query != NULL && memchr(rule->target.data, '?', rule->target.count) == NULL;
    size_t query_count =
        adds_query ? question->uri.count - (size_t)(query - question->uri.data) : 0;
    buffer_init(&location, SITE_LOCATION_BYTES_MAX);
    status = deploy_site_expand(rule->target, match, false, &location);
    /* A path is one below where the function is. */
    bool is_path = rule->target.data[0] == '/';
    size_t prefix_count = is_path ? question->prefix.count : 0;
    char *text = status == STATUS_OK
                     ? arena_alloc(arena, prefix_count + location.count + query_count, 1)
                     : NULL;
    if (text != NULL) {
        if (prefix_count > 0)
            memcpy(text, question->prefix.data, prefix_count);
        memcpy(text + prefix_count, location.data, location.count);
        if (query_count > 0)
            memcpy(text + prefix_count + location.count, query, query_count);
        answer->location = bytes_make(text, prefix_count + location.count + query_count);
    }
    answer->status = rule->status;
    answer->step = text == NULL ? SITE_NO_MEMORY : SITE_REDIRECT;
    buffer_done(&location);
}

/* Would it lead back to where it came from? */
static bool site_is_circle(const struct deploy_site_redirect *rule,
                           const struct deploy_site_match *match,
                           struct bytes path)
{
    struct buffer target;
    buffer_init(&target, SITE_LOCATION_BYTES_MAX);
    bool is = deploy_site_expand(rule->target, match, true, &target) == STATUS_OK &&
              bytes_equal(buffer_bytes(&target), path);
    buffer_done(&target);
    return is;
}

/* The first rule that fits, of those that lead a client elsewhere or of the others. */
static const struct deploy_site_redirect *site_rule(const struct site *site,
                                                    struct bytes path,
                                                    bool rewrites,
                                                    struct deploy_site_match *ret_match)
{
    for (uint32_t i = 0; i < site->redirect_count; i++) {
        const struct deploy_site_redirect *rule = &site->redirects[i];
        if ((rule->status == 200) == rewrites &&
            deploy_site_match(rule->pattern, path, ret_match) &&
            !site_is_circle(rule, ret_match, path))
            return rule;
    }
    return NULL;
}

static bool site_rewrite(const struct site *site,
                         const struct site_question *question,
                         struct arena *arena,
                         struct site_answer *answer)
{
    struct deploy_site_match match;
    struct buffer target;
    const struct deploy_site_redirect *rule = site_rule(site, answer->path, true, &match);
    if (rule == NULL)
        return false;
    buffer_init(&target, SITE_LOCATION_BYTES_MAX);
    struct bytes path = {0};
    if (deploy_site_expand(rule->target, &match, true, &target) == STATUS_OK) {
        bool room;
        path = site_decode(buffer_bytes(&target), arena, &room);
    }
    bool found = path.count > 0 && site_look_up(site, question, path, arena, answer);
    buffer_done(&target);
    return found;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* False: no file is there, whatever the method. */
static bool site_resolve_path(const struct site *site,
                              const struct site_question *question,
                              struct arena *arena,
                              struct site_answer *answer)
{
    struct deploy_site_match match;
    const struct deploy_site_redirect *rule;
    /* What rules cannot be compared with is not answered past them. */
    if (answer->path.count == 0)
        return false;
    rule = site_rule(site, answer->path, false, &match);
    if (rule != NULL) {
        site_redirect(rule, &match, question, arena, answer);
        return true;
    }
    if (site_look_up(site, question, answer->path, arena, answer) ||
        site_rewrite(site, question, arena, answer))
        return true;
    return site->fallback.count > 0 && question->is_read &&
           (site->is_alone || question->opens_page) &&
           site_answer_file(site, question, site->fallback, 200, answer);
}

void site_resolve(const struct site *site,
                  const struct site_question *question,
                  struct arena *arena,
                  struct site_answer *ret_answer)
{
    bool room;
    *ret_answer = (struct site_answer){0};
    ret_answer->path = site_decode(question->uri, arena, &room);
    if (!room) {
        ret_answer->step = SITE_NO_MEMORY;
        return;
    }
    bool found = site_resolve_path(site, question, arena, ret_answer);
    if (!found && site->is_alone &&
        (ret_answer->path.count == 0 || !site_answer_missing(site, question, ret_answer)))
        ret_answer->step = SITE_NOT_FOUND;
    /* A page that says that nothing is there says so to every method. */
    else if (!found && site->is_alone && ret_answer->step == SITE_METHOD)
        ret_answer->step = SITE_FILE;
    if (!site->is_alone && ret_answer->step == SITE_METHOD)
        ret_answer->step = SITE_PASS;
}

bool site_next_header(const struct site *site,
                      struct bytes path,
                      uint32_t *at,
                      struct deploy_site_header *ret_header)
{
    struct deploy_site_match match;
    while (*at < site->header_count) {
        const struct deploy_site_header *rule = &site->headers[(*at)++];
        if (path.data == NULL || !deploy_site_match(rule->pattern, path, &match))
            continue;
        *ret_header = *rule;
        return true;
    }
    return false;
}
