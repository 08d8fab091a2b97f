#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same script in Skerry and in workerd, asked the same: are the answers the same?

  python3 tests/fuzz/javascript_same.py --build build --workerd PROGRAM [--count 1000] [--seed 1]

Requests are generated from a seed: URLs, queries, forms, headers, bodies and JSON, plain and odd.
Status, body and the headers that the script sets are compared. Left out is where workerd departs
from the standards, and Skerry does not: methods in lower case and TRACE, URLs in Request that are
not in their one form, halves of surrogate pairs in UTF-16, groups of patterns
that took nothing, names and values of headers that are none, files without a name or type in
forms, and a percent sign that encodes nothing in them. (Other seeds also find hosts that begin with
xn-- and are no names, which workerd takes.) Ends with how many were the same,
and shows the first that were not; the exit status says whether all were. Without workerd it says
SKIP and ends with 0.
"""
import argparse
import contextlib
import http.client
import json
import pathlib
import random
import shutil
import sys
import urllib.parse

# Behind all others: one of its modules is called http.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import javascript  # noqa: E402
import support  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SCRIPT = (HERE / "javascript_same.js").read_text(encoding="utf-8")
COMPARED = ("content-type", "x-method", "x-query", "x-seen", "location")
PIECES = ["a", "B", "%41", "%zz", "%", " ", "+", "&", "=", ";", "/", "//", ".", "..", "?", "#", "@",
          ":", "[", "]", "\\", "|", "^", "~", "é", "€", "😀", "ß", "İ", "\t", "\n", "'", '"',
          "<", ">", "`", "{", "}", "*", "0", "7", "255", "256", "0x10", "65536", "http:",
          "https://", "file:", "data:", "javascript:", "localhost", "1.2.3.4", "[::1]",
          "xn--nxasmq6b", "日本"]
URLS = ["http://h/", "https://user:pw@h:8080/p/q?r#s", "file:///a/b", "data:text/plain,x",
        "http://1.2.3.4/", "http://[::1]:80/x"]
SETTERS = ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname",
           "search", "hash"]


def odd(draw, most=6):
    return "".join(draw.choice(PIECES) for _ in range(draw.randint(0, most)))


def a_check(draw):
    kind = draw.choice(["url", "url", "url", "set", "set", "params", "headers", "btoa", "atob",
                        "encode", "decode", "clone", "status", "request", "pattern"])
    if kind == "url":
        return [kind, draw.choice(["", "http://", "https://h/", "//", "/"]) + odd(draw),
                draw.choice(["", draw.choice(URLS)])]
    if kind == "set":
        return [kind, draw.choice(URLS), draw.choice(SETTERS), odd(draw, 3)]
    if kind == "headers":
        return [kind, draw.choice(["A", "x-b", "a b", "a:"]),
                "".join(piece for piece in odd(draw, 3) if piece.isascii() and piece != "\n")]
    if kind == "atob":
        return [kind, "".join(draw.choice("QUJD =-_é+/") for _ in range(draw.randint(0, 8)))]
    if kind == "decode":
        label = draw.choice(["utf-8", "utf-16le", "UTF8", "utf-16be", "none"])
        most = 0xd7 if "16" in label else 0xff
        text = "".join(chr(draw.randint(0, most)) for _ in range(draw.randint(0, 8)))
        return [kind, text, label]
    if kind == "clone":
        value = {"a": [1, odd(draw), None, {"b": draw.random()}], odd(draw): True}
        return [kind, json.dumps(value)]
    if kind == "status":
        return [kind, str(draw.choice([99, 100, 199, 200, 204, 205, 304, 404, 599, 600, 1.5]))]
    if kind == "request":
        return [kind, draw.choice(["get", "Post", "PATCH", "a b", "PURGE"]),
                draw.choice(["http://h/", "http://1.2.3.4/a?b#c"])]
    if kind == "pattern":
        return [kind, draw.choice(["/:a", "/a/:b?", "/*", "/a/*/c", "/:a(\\d+)", "/x{.:e}?"]),
                "http://h/" + draw.choice(["", "a", "12", "a/b", "a/b/c", "x.png"])]
    return [kind, odd(draw)]


def a_form(draw):
    if draw.random() < 0.4:
        body = "&".join(f"{odd(draw, 2)}={odd(draw, 2)}" for _ in range(draw.randint(0, 3)))
        body = body.replace("%zz", "z").replace("%41", "\0").replace("%", "").replace("\0", "%41")
        return "application/x-www-form-urlencoded", body.encode()
    body = b""
    for _ in range(draw.randint(0, 3)):
        name = draw.choice(["a", "b c", "é"])
        file = draw.choice(["", f'; filename="{draw.choice(["x.txt", "é"])}"'])
        kind = draw.choice(["Content-Type: text/plain\r\n", "Content-Type: image/png\r\n"])
        body += (f'--B\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{kind}\r\n'
                 f"{odd(draw)}\r\n").encode()
    return "multipart/form-data; boundary=B", body + draw.choice([b"--B--\r\n", b"--B--", b""])


def a_request(draw):
    """Method, target, headers, body."""
    kind = draw.random()
    if kind < 0.6:
        return "POST", "/check", {}, json.dumps(a_check(draw)).encode()
    if kind < 0.75:
        content_type, body = a_form(draw)
        return "POST", "/form", {"Content-Type": content_type}, body
    target = "/" + urllib.parse.quote(odd(draw), safe="/%~!$&'()*+,;=:@.?")
    headers = {name: value for name, value in
               (("Accept", "text/html, */*;q=0.1"), ("X-A", " a  b "),
                ("Content-Type", "text/plain"))
               if draw.random() < 0.5}
    method = draw.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])
    return method, target, headers, None if method == "GET" else odd(draw).encode()


def ask(port, prefix, request):
    method, target, headers, body = request
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, prefix + target, body, headers)
        answer = connection.getresponse()
        said = {name: answer.headers.get(name) for name in COMPARED}
        return answer.status, said, answer.read()


def compare(ports, draw, count):
    same = 0
    shown = 0
    for _ in range(count):
        request = a_request(draw)
        answers = [ask(port, prefix, request) for port, prefix in ports]
        if answers[0] == answers[1]:
            same += 1
        elif shown < 25:
            shown += 1
            print(f"  {request}\n    Skerry  {answers[0]}\n    workerd {answers[1]}")
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--workerd", help="the program (default: found on PATH)")
    parser.add_argument("--count", type=int, default=1000, help="requests (default: 1000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    program = options.workerd or shutil.which("workerd")
    if program is None or not pathlib.Path(program).exists():
        print("SKIP: no workerd: nothing was compared", file=sys.stderr)
        return 0
    skerry = support.find_program(options.build, "skerry")
    cores = support.pick_cores()
    javascript.SCRIPTS.clear()
    javascript.SCRIPTS["same"] = SCRIPT
    javascript.PATHS["same"] = "/"
    with contextlib.ExitStack() as stack:
        ours, _ = javascript.start_skerry(skerry, cores[0], stack)["same"]
        theirs, _ = javascript.start_workerd(program, cores[0], stack)["same"]
        ports = ((ours.port, "/f/t/same"), (theirs.port, ""))
        same = compare(ports, random.Random(options.seed), options.count)
    print(f"{same} of {options.count} answers are the same (seed {options.seed})")
    return 0 if same == options.count else 1


if __name__ == "__main__":
    sys.exit(main())
