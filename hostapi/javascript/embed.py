#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the two files that hold others.

    embed.py api OUTPUT http_status.def NAME.js...
        a header: the web API's parts, in their order; in place of HTTP_STATUSES is what each means
    embed.py module OUTPUT [FILE]
        C: the engine's module; without a file it is empty
"""
import hashlib
import pathlib
import re
import sys

API = """/* Made by hostapi/javascript/embed.py. */
#include <stddef.h>
{arrays}
#define API_FILES {count}
static const struct {{
    const char *name;
    const char *text;
    size_t count;
}} api_files[API_FILES] = {{
{rows}
}};
"""
MODULE = """/* Made by hostapi/javascript/embed.py; {digest} */
#include "hostapi/javascript/module.h"

__asm__(".section .rodata\\n"
        ".balign 16\\n"
        ".local javascript_module_begin\\n"
        "javascript_module_begin:\\n"
        {content}
        ".local javascript_module_end\\n"
        "javascript_module_end:\\n"
        ".byte 0\\n"
        ".text\\n");

extern const uint8_t javascript_module_begin[] __attribute__((visibility("hidden")));
extern const uint8_t javascript_module_end[] __attribute__((visibility("hidden")));

struct bytes javascript_module(void)
{{
    return bytes_make(javascript_module_begin,
                      (size_t)(javascript_module_end - javascript_module_begin));
}}
"""


def api(output, paths):
    statuses, *parts = map(pathlib.Path, paths)
    meanings = ", ".join(": ".join(row) for row in re.findall(
        r'^HTTP_STATUS\((\d+), (".*?")\)$', statuses.read_text(), re.M))
    arrays = []
    rows = []
    for path in parts:
        data = path.read_bytes().replace(b"HTTP_STATUSES", meanings.encode())
        numbers = ",".join(str(byte if byte < 128 else byte - 256) for byte in data)
        arrays.append(f"static const char api_{path.stem}[] = {{{numbers}, 0}};")
        rows.append(f'    {{"skerry:{path.name}", api_{path.stem}, {len(data)}}},')
    output.write_text(API.format(arrays="\n".join(arrays), rows="\n".join(rows), count=len(rows)))


def module(output, paths):
    path = pathlib.Path(paths[0]).resolve() if paths else None
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path else "nothing"
    content = f'".incbin \\"{path}\\"\\n"' if path else '""'
    output.write_text(MODULE.format(digest=digest, content=content))


if __name__ == "__main__":
    {"api": api, "module": module}[sys.argv[1]](pathlib.Path(sys.argv[2]), sys.argv[3:])
