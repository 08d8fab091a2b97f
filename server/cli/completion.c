/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs are read out of the help. bash has a function; zsh runs the same by what it brings for
 * functions of bash; fish has rules.
 */
#include "server/cli/completion.h"

#include <stdio.h>

#include "config/config.h"
#include "engine/base/macros.h"

#define COMPLETION_VERB_BYTES 32

/* A line of the help that has a verb: two blanks, the verb, blanks, its text. */
struct completion_line {
    struct bytes verb;
    struct bytes text;
};

static bool completion_next(struct bytes *help, struct completion_line *ret_line)
{
    while (help->count > 0) {
        const uint8_t *newline = memchr(help->data, '\n', help->count);
        size_t count = newline == NULL ? help->count : (size_t)(newline - help->data);
        struct bytes line = bytes_make(help->data, count);
        size_t taken = newline == NULL ? count : count + 1;
        *help = bytes_make(help->data + taken, help->count - taken);
        if (count < 3 || line.data[0] != ' ' || line.data[1] != ' ' || line.data[2] == ' ')
            continue;
        line = bytes_make(line.data + 2, count - 2);
        const uint8_t *blank = memchr(line.data, ' ', line.count);
        size_t word = blank == NULL ? line.count : (size_t)(blank - line.data);
        ret_line->verb = bytes_make(line.data, word);
        ret_line->text = bytes_trim(bytes_make(line.data + word, line.count - word));
        return true;
    }
    return false;
}

struct bytes completion_nearest(const char *verb, struct bytes help)
{
    struct completion_line line;
    struct bytes best = bytes_make(NULL, 0);
    size_t best_distance = SIZE_MAX;
    while (completion_next(&help, &line)) {
        char name[COMPLETION_VERB_BYTES];
        (void)snprintf(name, sizeof(name), "%.*s", (int)line.verb.count,
                       (const char *)line.verb.data);
        size_t distance = config_name_distance(verb, name);
        if (distance < best_distance && config_name_is_near(verb, name)) {
            best_distance = distance;
            best = line.verb;
        }
    }
    return best;
}

/* ---- bash, zsh ------------------------------------------------------------------------------- */

static const char completion_bash_begin[] = "_skerry() {\n"
                                            "    local word=${COMP_WORDS[COMP_CWORD]}\n"
                                            "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                                            "        COMPREPLY=($(compgen -W \"";

/* Flags are those of the verb's help, names those that the server has. */
static const char completion_bash_rest[] =
    "\" -- \"$word\"))\n"
    "    elif [ \"${word:0:1}\" = - ]; then\n"
    "        COMPREPLY=($(compgen -W \"$(skerry \"${COMP_WORDS[1]}\" --help 2>/dev/null |\n"
    "            grep -oE -- '--[a-z][a-z-]+' | sort -u)\" -- \"$word\"))\n"
    "    else\n"
    "        case ${COMP_WORDS[1]} in\n"
    "        show|rm|versions|rollback|activate|starts)\n"
    "            local again=() i\n"
    "            for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "                case ${COMP_WORDS[i]} in\n"
    "                -t|--tenant|--url|--data|--admin-socket)\n"
    "                    again+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 1]}\") ;;\n"
    "                esac\n"
    "            done\n"
    "            COMPREPLY=($(compgen -W \"$(skerry list --json \"${again[@]}\" 2>/dev/null |\n"
    "                grep -oE '\"function\":\"[^\"]+' | cut -d'\"' -f4)\" -- \"$word\")) ;;\n"
    "        *)\n"
    "            COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
    "        esac\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _skerry skerry\n";

static enum status completion_bash(struct bytes help, struct buffer *out)
{
    struct completion_line line;
    enum status status = buffer_printf(out, "%s", completion_bash_begin);
    while (status == STATUS_OK && completion_next(&help, &line))
        status = buffer_printf(out, " %.*s", (int)line.verb.count, (const char *)line.verb.data);
    return status == STATUS_OK ? buffer_printf(out, "%s", completion_bash_rest) : status;
}

static enum status completion_zsh(struct bytes help, struct buffer *out)
{
    enum status status =
        buffer_printf(out, "#compdef skerry\nautoload -Uz bashcompinit && bashcompinit\n");
    return status == STATUS_OK ? completion_bash(help, out) : status;
}

/* ---- fish ------------------------------------------------------------------------------------ */

static const char completion_fish_rest[] =
    "complete -c skerry -n 'not __fish_use_subcommand; and string match -q -- \"-*\" "
    "(commandline -ct)' -a '(skerry (commandline -opc)[2] --help 2>/dev/null | "
    "string match -ra -- \"--[a-z][a-z-]+\" | sort -u)'\n"
    "complete -c skerry -f -n '__fish_seen_subcommand_from show rm versions rollback activate "
    "starts' -a '(skerry list --json 2>/dev/null | string match -ra \"(?<=\\\"function\\\":"
    "\\\")[^\\\"]+\")'\n";

/* Within single quotes. */
static enum status completion_quote(struct bytes text, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < text.count; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\')
            status = buffer_append(out, "\\", 1);
        if (status == STATUS_OK)
            status = buffer_append(out, text.data + i, 1);
    }
    return status;
}

static enum status completion_fish(struct bytes help, struct buffer *out)
{
    struct completion_line line;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && completion_next(&help, &line)) {
        status = buffer_printf(out, "complete -c skerry -f -n __fish_use_subcommand -a %.*s -d '",
                               (int)line.verb.count, (const char *)line.verb.data);
        if (status == STATUS_OK)
            status = completion_quote(line.text, out);
        if (status == STATUS_OK)
            status = buffer_printf(out, "'\n");
    }
    return status == STATUS_OK ? buffer_printf(out, "%s", completion_fish_rest) : status;
}

enum status completion_write(const char *shell, struct bytes help, struct buffer *out)
{
    static const struct {
        const char *shell;
        enum status (*write)(struct bytes help, struct buffer *out);
    } rows[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(shell, rows[i].shell) == 0)
            return rows[i].write(help, out);
    }
    return STATUS_INVALID;
}
