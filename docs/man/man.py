#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a manual page from what the program says of itself, so that no fact is written twice.

    man.py SKERRY 1 OUT    skerry.1: `skerry help` and `skerry VERB --help`
    man.py SKERRY 5 OUT    skerry.yaml.5: `skerry help config`
    man.py SKERRY manifest OUT    function.yaml.5: `skerry help manifest`
"""
import os
import pathlib
import re
import subprocess
import sys

HEAD = """\
.\\" Made by docs/man/man.py from what the program prints: edit its tables.
.TH {name} {section} "" "Skerry {version}" "Skerry"
.SH NAME
{title}
"""

# What no table holds: the places and the numbers that a caller of the program relies on.
ENVIRONMENT = (
    ("SKERRY_DATA_DIR", "the server's data directory; without it /var/lib/skerry under systemd as"
     " root, else $XDG_DATA_HOME/skerry"),
    ("SKERRY_URL", "where clients find the server: https://HOST:PORT, http://HOST:PORT or"
     " unix:PATH"),
    ("SKERRY_CA", "file of who signed the server's certificate, as PEM"),
    ("SKERRY_CLIENT_CERT", "file of the certificate and key to show the server, as PEM"),
    ("SKERRY_TOKEN", "the admin API's token, wanted on TCP"),
    ("SKERRY_TENANT", "whose functions clients speak of; without it `default'"),
)
STATUS = (
    ("0", "ok"), ("1", "failed"), ("2", "wrong usage"),
    ("3", "invalid configuration or manifest"), ("4", "not allowed"), ("5", "not found"),
    ("6", "conflict"), ("7", "over a limit"), ("8", "server unreachable"),
    ("130", "interrupted"),
    ("134", "skerry run: the guest trapped; otherwise the guest's own status"),
)


def said(skerry, *words):
    # Nothing of the builder's own places may come into a page.
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    return subprocess.run([skerry, *words], check=True, capture_output=True, text=True,
                          env=environment).stdout


def escaped(text):
    """Text as it is: no escapes, no requests, hyphens that can be copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def verbatim(text):
    return f".nf\n{escaped(text.rstrip())}\n.fi\n"


def terms(rows):
    return "".join(f".TP\n.B {escaped(name)}\n{escaped(text)}\n" for name, text in rows)


def program(skerry, version):
    """skerry.1: each verb under the heading that `skerry help` has it under."""
    page = HEAD.format(name="SKERRY", section=1, version=version,
                       title="skerry \\- edge functions in WebAssembly, many tenants on one server")
    page += ".SH SYNOPSIS\n.B skerry\n.I VERB\n.RI [ argument ...]\n"
    for line in said(skerry, "help").splitlines()[1:]:
        if line.endswith(":"):
            page += f".SH {escaped(line[:-1].upper())}\n"
        elif line:
            verb = line.split()[0]
            page += f".SS {escaped(verb)}\n{verbatim(said(skerry, verb, '--help'))}"
    page += ".SH ENVIRONMENT\n" + terms(ENVIRONMENT)
    page += ".SH EXIT STATUS\n" + terms(STATUS)
    return page + ".SH SEE ALSO\n.BR skerry.yaml (5),\n.BR function.yaml (5)\n"


def settings(skerry, version):
    """skerry.yaml.5: a comment and the line below it are one key."""
    page = HEAD.format(name="SKERRY.YAML", section=5, version=version,
                       title="skerry.yaml \\- configuration of the server")
    page += (".SH DESCRIPTION\n"
             "The file that\n.B skerry serve \\-\\-config\nreads; without the flag\n"
             ".IR /etc/skerry/skerry.yaml ,\nor\n.I $XDG_CONFIG_HOME/skerry/skerry.yaml\n"
             "if that is not there. Each key may be left out: then it is as below. A unit is"
             " part of a value. An unknown key is an error that names the nearest known one."
             " Flags and the environment come before the file. This page's keys as a file:\n"
             ".BR \"skerry help config\" .\n.SH KEYS\n")
    section, text = "", ""
    for line in said(skerry, "help", "config").splitlines():
        if line.strip().startswith("#"):
            text = line.strip()[2:]
        elif not line.startswith(" ") and line.endswith(":"):
            section = line[:-1] + "."
        else:
            key, value = line.strip().split(": ", 1)
            page += f".TP\n.BR {escaped(section + key)} \" (\" {escaped(value)} )\n"
            page += f"{escaped(text)}\n"
    return page + ".SH SEE ALSO\n.BR skerry (1)\n"


def manifest(skerry, version):
    """function.yaml.5: as above, and an indented comment is a key within the one before it."""
    page = HEAD.format(name="FUNCTION.YAML", section=5, version=version,
                       title="function.yaml \\- manifest of a function")
    page += (".SH DESCRIPTION\n"
             "The file in a function's folder that\n.B skerry deploy\n.I FOLDER\nreads. Each key"
             " may be left out but\n.BR main .\nA unit is part of a value. An unknown key is an"
             " error that names the nearest known one. This page's keys as a file:\n"
             ".BR \"skerry help manifest\" .\n.SH KEYS\n")
    key, text = "", ""
    for line in said(skerry, "help", "manifest").splitlines():
        if line.startswith("#   "):
            name, what = line[4:].split(": ", 1)
            page += f".TP\n.B {escaped(key + '.' + name)}\n{escaped(what)}\n"
        elif line.startswith("# "):
            text = line[2:]
        else:
            key, value = line.split(": ", 1)
            value = escaped(value).replace('"', '""')
            page += f".TP\n.BR {escaped(key)} \" (\" \"{value}\" )\n{escaped(text)}\n"
    return page + ".SH SEE ALSO\n.BR skerry (1)\n"


def main():
    skerry, section, out = sys.argv[1:]
    version = said(skerry, "version").split()[1]
    make = {"1": program, "5": settings, "manifest": manifest}[section]
    pathlib.Path(out).write_text(make(skerry, version), encoding="utf-8")


if __name__ == "__main__":
    main()
