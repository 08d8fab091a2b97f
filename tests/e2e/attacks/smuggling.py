#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that two readers could understand differently, over HTTP/1 and HTTP/2: none runs.

Each form of the tables is sent on a connection of its own with a request behind it. What must be
refused is refused once, as a problem, and the connection ends or, on HTTP/2, its stream; what is
harmless is answered, and nothing of it becomes a line or a field of the answer. The function at
--path must be tests/guests/e2e_echo.wat. (The forms of the parser alone, some 300, are in
tests/unit/server/front.)
"""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import attack
import h2

ECHO = "/f/default/echo/"
RESET = "reset 1"


def head(fields, line=None, host=b"Host: x\r\n", path=ECHO):
    line = line or b"POST " + path.encode() + b" HTTP/1.1"
    return line + b"\r\n" + host + fields + b"\r\n"


def get(target, version=b"HTTP/1.1", method=b"GET"):
    return method + b" " + target + b" " + version


def lengths_and_codings(path):
    """(status, bytes): where a body ends."""
    old = get(path.encode(), b"HTTP/1.0", b"POST")
    end = b"0\r\n\r\n"
    rows = [
        (b"Content-Length: 3\r\nContent-Length: 5\r\n", b"abcde"),
        (b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
        (b"Content-Length: 3, 3\r\n", b"abc"),
        (b"Content-Length: +3\r\n", b"abc"),
        (b"Content-Length: -3\r\n", b"abc"),
        (b"Content-Length: 0x3\r\n", b"abc"),
        (b"Content-Length: 3 0\r\n", b"abc"),
        (b"Content-Length:\r\n", b"abc"),
        (b"Content-Length: 3;a=b\r\n", b"abc"),
        (b"Content-Length\0: 3\r\n", b"abc"),
        (b"Content-Length : 3\r\n", b"abc"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", end),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", end),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", end),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", end),
        (b"Transfer-Encoding: chunked, chunked\r\n", end),
        (b"Transfer-Encoding: gzip, chunked\r\n", end),
        (b"Transfer-Encoding: chunked, identity\r\n", end),
        (b"Transfer-Encoding: identity\r\n", b""),
        (b"Transfer-Encoding: xchunked\r\n", end),
        (b"Transfer-Encoding: \"chunked\"\r\n", end),
        (b"Transfer-Encoding: chunked;q=1\r\n", end),
        (b"Transfer-Encoding: \x0bchunked\r\n", end),
        (b"Transfer-Encoding:\r\n chunked\r\n", end),
        (b"Transfer-Encoding : chunked\r\n", end),
        (b" Transfer-Encoding: chunked\r\n", end),
        (b"X: y\nTransfer-Encoding: chunked\r\n", end),
        (b"X: y\rTransfer-Encoding: chunked\r\n", end),
    ]
    return [(400, head(fields, path=path) + body) for fields, body in rows] + [
        (400, head(b"Transfer-Encoding: chunked\r\n", old) + end)]


def chunks(path):
    """The same, of a body in chunks."""
    rows = [b"3zz\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"3\nabc\n0\n\n",
            b"3\r\nabcd\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n",
            b"-3\r\nabc\r\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b"\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabc0\r\n\r\n", b"3\r\nabc\r0\r\n\r\n", b"3;\n\r\nabc\r\n0\r\n\r\n",
            b"3;" + b"e" * 5000 + b"\r\nabc\r\n0\r\n\r\n", b"0\r\nA: " + b"t" * 5000 + b"\r\n\r\n",
            b"0\r\nA : b\r\n\r\n", b"0\r\n A: b\r\n\r\n", b"0\r\nA\0: b\r\n\r\n",
            b"11111111111111111\r\nabc\r\n0\r\n\r\n"]
    return [(400, head(b"Transfer-Encoding: chunked\r\n", path=path) + body) for body in rows]


def lines_and_hosts(path):
    """Who is asked for what."""
    echo = path.encode()
    return [
        (400, head(b"Host: y\r\n", path=path)),
        (400, head(b"Host: x\r\n", path=path)),
        (400, head(b"", host=b"", path=path)),
        *((400, head(b"", host=b"Host:" + host + b"\r\n", path=path)) for host in (
            b"", b" a@b/c d", b" [::1", b" x:http", b" x:65536", b" x, y", b" x/y", b" x\\y",
            b" x\0y", b" x?y", b" x#y")),
        (400, head(b"X-A: b\r\n c\r\n", path=path)),
        (400, head(b"X-A: b\r\n\tc\r\n", path=path)),
        *((400, head(fields, path=path)) for fields in (
            b"X-A : b\r\n", b"X A: b\r\n", b": b\r\n", b"X-A\r\n", b"X-A: b\0\r\n",
            b"X-A: b\x01\r\n", b"X-A: b\x7f\r\n", b"X-A: b\x1b[31m\r\n", b"X-A: b\rc\r\n",
            b"X-A: b\nc: d\r\n", b"X-\xc3\xa9: b\r\n", b"X(A): b\r\n")),
        (400, head(b"", get(echo)).replace(b"\r\n", b"\n")),
        *((400, head(b"", line)) for line in (
            get(echo, method=b"G\"T"), get(echo + b"a b"), get(echo + b"#x"), get(b"echo"),
            get(b"http://u@x/"), get(b"http:///x"), get(echo + b"\0"), get(echo + b"\x01"),
            get(echo + b"\tx"), get(echo, b"HTTP/1"), get(echo, b"HTTP/1.1 "),
            get(echo, b"http/1.1"), b" " + get(echo), get(echo, method=b"GET "))),
        (501, head(b"", get(echo, method=b"TRACE"))),
        (501, head(b"", get(b"x:80", method=b"CONNECT"))),
        (501, head(b"", get(echo, method=b"T" * 10000))),
        (505, head(b"", get(echo, b"HTTP/2.0"))),
        (505, head(b"", get(echo, b"HTTP/0.9"))),
        (417, head(b"Expect: 200-ok\r\nContent-Length: 3\r\n", path=path) + b"abc"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100),
        (400, b"\r\n\r\n" + head(b"", path=path)),
    ]


def harmless(path):
    """What is right, or means nothing, and is answered with what was asked."""
    echo = path.encode()
    old = get(echo, b"HTTP/1.0", b"POST")
    upgrade = (b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
               b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 3\r\n")
    return [
        head(b"Content-Length: \t3 \r\n", path=path) + b"abc",
        head(b"Transfer-Encoding: CHUNKED\r\n", path=path)
        + b"3;a=\"b\"\r\nabc\r\n0\r\nT: u\r\n\r\n",
        head(b"Expect: 100-continue\r\nContent-Length: 3\r\n", old) + b"abc",
        b"\r\n" + head(b"Content-Length: 3\r\n", path=path) + b"abc",
        head(b"X-Probe: \t some value \t \r\nContent-Length: 3\r\n", path=path) + b"abc",
        head(upgrade, path=path) + b"abc",
        head(upgrade.replace(b"Upgrade, ", b"keep-alive, Upgrade, "), path=path) + b"abc",
        head(b"TE: trailers\r\nConnection: TE\r\nContent-Length: 3\r\n", path=path) + b"abc",
        head(b"Content-Length: 3\r\n", get(b"http://x" + echo, method=b"POST")) + b"abc",
    ] + [head(b"Content-Length: 3\r\n", get(echo + rest, method=b"POST")) + b"abc" for rest in (
        b"%0d%0aX-Injected:%20yes", b"?a=%0d%0aX-Injected:%20yes%0d%0a%0d%0a",
        b"%00", b"?%1b%5b31m", b"?\"},{\"level\":\"error\"", b"\xc3\xa9\xff", b"..%2f..%2f",
        b"?HTTP/1.1%0d%0aHost:%20y")
    ] + [head(name + b": z\r\nContent-Length: 3\r\n", path=path) + b"abc" for name in (
        b"Content_Length", b"Transfer_Encoding", b"X-Forwarded-Host", b"X-HTTP-Method-Override",
        b"X-Original-URL", b"Proxy-Connection", b"X-Request-Id", b"Forwarded")]


def fields(*changes, path=ECHO, **pseudo):
    """A good request's fields, with pseudo headers replaced (None: left out) and more added."""
    good = {"method": b"GET", "scheme": b"http", "path": path if isinstance(path, bytes)
            else path and path.encode(), "authority": b"x"} | pseudo
    return [(b":" + name.encode(), value) for name, value in good.items()
            if value is not None] + list(changes)


def http2(path):
    """(what becomes of it, its fields, its body): a status, a reset, or the connection's end."""
    echo = path.encode()

    def ask(*changes, **pseudo):
        return fields(*changes, **({"path": path} | pseudo))

    length = b"content-length"
    return [
        (200, ask(), None),
        (200, ask((b"x-probe", b"v")), None),
        (200, ask((b"host", b"x")), None),
        (200, ask((b"host", b"X")), None),
        (200, ask((b"host", b"x"), authority=None), None),
        (200, ask((length, b"3"), method=b"POST"), b"abc"),
        (200, ask((length, b"0")), None),
        (200, ask((b"te", b"trailers")), None),
        *((RESET, ask(**pseudo), None) for pseudo in (
            {"method": b""}, {"method": b"G T"}, {"method": b"G\"T"}, {"method": None},
            {"path": b""}, {"path": echo + b"a HTTP/1.1"}, {"path": echo + b"#a"},
            {"path": b"echo"}, {"path": b"*"}, {"path": b"http://echo.default.localhost/"},
            {"path": None}, {"scheme": None}, {"authority": None}, {"authority": b""},
            {"authority": b"a@b"}, {"authority": b"a b"})),
        (RESET, ask((b"host", b"y")), None),
        (RESET, ask((b"host", b"x"), (b"host", b"x")), None),
        (RESET, ask((b"host", b"a/b"), authority=None), None),
        *((RESET, ask((b"x-a", value)), None) for value in (b" b", b"b ", b"b\t", b" ")),
        (RESET, ask((length, b"5")), None),
        (RESET, ask((length, b"5"), method=b"POST"), b"abc"),
        (RESET, ask((length, b"2"), method=b"POST"), b"abc"),
        (RESET, ask((length, b"3"), (length, b"3"), method=b"POST"), b"abc"),
        (RESET, ask((length, b"0"), (length, b"5"), method=b"POST"), b"abcde"),
        (400, ask((b"x-a", b"b\x01")), None),
        (400, ask((b"x-a", b"b\r\nc: d")), None),
        (400, ask((b"x a", b"b")), None),
        (501, ask(method=b"TRACE"), None),
        (501, ask(method=b"T" * 33), None),
        (431, ask(*[(b"x-%d" % i, b"v") for i in range(101)]), None),
        ("closed", ask((b"connection", b"close")), None),
        ("closed", ask((b"transfer-encoding", b"chunked")), None),
        ("closed", ask((b"x-a", b"b"), (b":path", b"/")), None),
        ("closed", ask((b"x-a", b"b"), (b":authority", b"y"), authority=None), None),
        ("closed", ask((b"X-A", b"b")), None),
    ]


def all_of(client, data):
    """What the server answers until it ends the connection."""
    received = b""
    with client:
        try:
            client.sendall(data)
            while piece := client.recv(65536):
                received += piece
        except ConnectionError:
            pass
    return received


def following(path, more=b""):
    return head(more, get(path.encode() + b"SMUGGLED"))


def why_not_refused(status, answer):
    """What is wrong with it; nothing, if it was refused as it must be."""
    top, _, body = answer.partition(b"\r\n\r\n")
    lower = top.lower()
    if not top.startswith(b"HTTP/1.1 %d " % status):
        return f"not {status}"
    if b"connection: close" not in lower:
        return "the connection is kept"
    if len(re.findall(rb"HTTP/1\.1 \d", answer)) != 1 or b"SMUGGLED" in answer:
        return "what follows was answered"
    if b"content-type: application/problem+json" not in lower:
        return "no problem"
    problem = json.loads(body)
    if problem["status"] != status or problem["request_id"].encode() not in top:
        return "another problem"
    return None


def refuse(target, rows):
    """Names of those that were not refused, each with what follows it."""
    broken = []
    for status, data in rows:
        answer = all_of(target.connect(), data + following(target.path))
        if why := why_not_refused(status, answer):
            broken.append((why, data[:200], answer[:200]))
    return broken


def serve(target, rows):
    """Those that were not answered with what they ask for."""
    broken = []
    for data in rows:
        answer = all_of(target.connect(),
                        data + following(target.path, b"Connection: close\r\n"))
        heads = re.findall(rb"HTTP/1\.1 \d{3}.*?\r\n\r\n", answer, re.S)
        is_alone = b"HTTP/1.0" in data or b"Upgrade" in data   # the connection ends with it
        is_right = (all(h.startswith(b"HTTP/1.1 200 ") for h in heads)
                    and (len(heads) == 1 if is_alone else len(heads) == 2)
                    and b"abc" in answer and (is_alone or b"SMUGGLED" in answer)
                    and not re.search(rb"^x-injected", b"".join(heads), re.I | re.M))
        if not is_right:
            broken.append((data[:200], answer[:400]))
    return broken


def multiplex(target, rows, patience=1):
    """Those of HTTP/2 that became something else."""
    broken = []
    for wanted, form, body in rows:
        connection = h2.Connection(target.port, 10 * patience)
        stream = connection.begin(form, ended=body is None)
        if body is not None:
            connection.send(h2.DATA, h2.END_STREAM, stream, body)
        outcome = connection.outcome(stream)
        if outcome == wanted == RESET:      # the connection goes on
            outcome = RESET if connection.outcome(
                connection.begin(fields(path=target.path))) == 200 else "ended"
        elif outcome == wanted and wanted in (400, 413, 431, 501):
            outcome = json.loads(connection.bodies[stream])["status"]
        if outcome != wanted:
            broken.append((outcome, wanted, str(form)[:300]))
        connection.close()
    return broken


def run(target, patience=1):
    path = target.path
    parts = [("HTTP/1, where a body ends", refuse, lengths_and_codings(path)),
             ("HTTP/1, chunks", refuse, chunks(path)),
             ("HTTP/1, lines, names and hosts", refuse, lines_and_hosts(path)),
             ("HTTP/1, harmless", serve, harmless(path)),
             ("HTTP/2", lambda target, rows: multiplex(target, rows, patience), http2(path))]
    for name, send, rows in parts:
        broken = send(target, rows)
        attack.insist(not broken, f"{name}: {len(rows)} forms, otherwise than they must: {broken}")
    count = sum(len(rows) for _, _, rows in parts)
    print(f"{count} forms: refused or harmless")
    return count


if __name__ == "__main__":
    attack.main(run, __doc__, ECHO)
