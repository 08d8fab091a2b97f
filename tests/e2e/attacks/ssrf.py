#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where a function must not reach: addresses of every kind, by name and by number; 0 connects.

Names come from a name server of this program's own, which says whatever address the name itself
spells: what a hostile owner of a domain would do. A listener waits on each address of this machine
that a form means. The function `fetch` must be tests/guests/e2e_fetch.c with the `outbound` that
this prints, and the server must have `outbound: { nameserver: "127.0.0.1:PORT" }`, the port being
--nameserver's.
"""
import contextlib
import ipaddress
import json
import socket
import struct
import sys
import threading
import time

import attack

FETCH = "/f/default/fetch/"
INVALID, DENIED, FAILED = "-1", "-3", "-12"

PRIVATE = """
127.0.0.1 127.0.0.0 127.0.1.1 127.1.2.3 127.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255
172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 169.254.0.1 169.254.255.255 100.64.0.1
100.127.255.255 198.18.0.1 198.19.255.255 169.254.169.254 169.254.169.253 169.254.169.123
169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 0.0.0.0 0.0.0.1
0.255.255.255 192.0.0.1 192.0.2.1 198.51.100.1 203.0.113.255 192.88.99.1 224.0.0.1
239.255.255.255 240.0.0.1 254.1.1.1 255.255.255.255
::1 :: ::2 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:0.0.0.0
::ffff:10.0.0.1 ::ffff:192.168.1.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 ::ffff:255.255.255.255
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::8.8.8.8
64:ff9b:1::1 64:ff9b::224.0.0.1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1
2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe::1 2002:808:808::1
3fff::1 fc00:: fd12:3456::1 fd00:ec2::254 fd20:ce::254 fdff:ffff::1 fe80::1 febf:ffff::1 fec0::1
fe00::1 ff02::1 ff0e::1 4000::1 5f00::1 1fff:ffff::1
""".split()

# What other parsers take for 127.0.0.1 or another address: no host here at all.
SPELLED = """
127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0x7f.0.0.1 017700000001 0177.0.0.1 127.0.0.01
127.0.0.1. 127.000.000.001 4294967296 00000000000000000000 1.2.3.4.5 127.0.0.256 [127.0.0.1]
[::1%25lo] [::1%lo] [::1 ::1 [[::1]] [0:0:0:0:0:ffff:127.0.0.256] localhost. user@127.0.0.1
127.0.0.1@example.com example.com@127.0.0.1 127.0.0.1\\@example.com 127.0.0.1%00.example.com
%31%32%37.0.0.1 127%2e0%2e0%2e1 127.0.0.1%09 127\u30020\u30020\u30021 \uff11\uff12\uff17.0.0.1
\u2460\u2461\u2466.0.0.1 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1:0x50 a_b@[::1]
""".split()
SCHEMES = ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "dict://127.0.0.1/",
           "http:127.0.0.1/", "http:/127.0.0.1/", "//127.0.0.1/", "/etc/passwd", "HTTP//127.0.0.1",
           "http://", "http:///", "http:///127.0.0.1/", "unix:/run/x.sock", "data:,x"]


def name_of(*addresses):
    """A name for which the name server says just these."""
    labels = [("b" if ":" in one else "a") + ipaddress.ip_address(one).packed.hex()
              for one in addresses]
    return ".".join(labels) + ".ssrf.example"


class Names:
    """The name server; `asked` are names, in lower case."""

    def __init__(self, port=0):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.port = self.udp.getsockname()[1]
        self.asked = set()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, client = self.udp.recvfrom(512)
                self.udp.sendto(self._answer(query), client)

    def _answer(self, query):
        end = query.index(b"\0", 12)
        labels, at = [], 12
        while at < end:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        self.asked.add(".".join(labels))
        kind = query[end + 1:end + 3]
        letter = {b"\0\x01": "a", b"\0\x1c": "b"}.get(kind)
        records = [bytes.fromhex(label[1:]) for label in labels[:-2] if label[0] == letter]
        answers = b"".join(b"\xc0\x0c" + kind + b"\0\x01\0\0\0\x3c" + struct.pack(">H", len(one))
                           + one for one in records)
        return (query[:2] + b"\x81\x80\0\x01" + struct.pack(">H", len(records)) + b"\0\0\0\0"
                + query[12:end + 5] + answers)

    def config(self, allow_private):
        """Lines of a skerry.yaml."""
        return (f"outbound: {{ allow_private: {str(allow_private).lower()}, "
                f"nameserver: \"127.0.0.1:{self.port}\" }}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.udp.close()


class Trap:
    """Listens on all addresses of this machine, and counts who comes."""

    def __init__(self):
        self.caught = []
        self.socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, source = self.socket.accept()
                self.caught.append(source)
                client.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def literal(address):
    return f"[{address}]" if ":" in address else address


def rules(port):
    """What the function is allowed: any name, and as many addresses as a list may have."""
    own = [f"http://{literal(one)}:{port}" for one in PRIVATE]
    return [f"http://*:{port}", "http://*", *own[:40], f"http://localhost:{port}"]


def forms(port):
    """(URL, what the guest must be told)"""
    # a machine without IPv6 does not ask for such addresses
    rows = [(f"http://{name_of(one)}:{port}/", {DENIED, FAILED} if ":" in one else {DENIED})
            for one in PRIVATE]
    rows += [(f"http://{literal(one)}:{port}/", {DENIED}) for one in PRIVATE]
    rows += [(f"http://{name_of(*pair)}:{port}/", {DENIED}) for pair in (
        ("127.0.0.1", "10.0.0.1"), ("127.0.0.1", "::1"), ("169.254.169.254", "fd00:ec2::254"))]
    rows += [(f"http://{host}:{port}/" if ":" not in host.rpartition("]")[2] else f"http://{host}/",
              {INVALID, DENIED}) for host in SPELLED]
    rows += [(url, {INVALID}) for url in SCHEMES]
    rows += [(f"http://{name}:{port}/", {DENIED, FAILED}) for name in (
        "localhost", "LOCALHOST", "a.localhost", "metadata.google.internal", "kubernetes.default")]
    return rows


def ask(target, url):
    """What the guest was told."""
    client = target.connect()
    quoted = "".join(c if 0x21 <= ord(c) < 0x7f else "".join(f"%{b:02x}" for b in c.encode())
                     for c in url)
    client.sendall(f"GET {target.path}get?{quoted} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                   .encode())
    received = b""
    with client:
        while piece := client.recv(65536):
            received += piece
    top, _, body = received.partition(b"\r\n\r\n")
    return body.decode(errors="replace") if b" 502 " in top[:20] else top[:60].decode()


def run(target, trap):
    rows = forms(trap.port)
    broken = [(url, told) for url, wanted in rows if (told := ask(target, url)) not in wanted]
    attack.insist(not broken, f"{len(rows)} forms, not refused: {broken}")
    attack.insist(not trap.caught, f"{len(rows)} forms, connects: {len(trap.caught)}")
    # and it does catch who comes
    socket.create_connection(("127.0.0.1", trap.port)).close()
    deadline = time.monotonic() + 60
    while not trap.caught and time.monotonic() < deadline:
        time.sleep(0.01)
    attack.insist(len(trap.caught) == 1, "the trap works")
    return len(rows)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: ssrf.py PORT NAMESERVER_PORT, both on 127.0.0.1")
    with Names(int(sys.argv[2])), Trap() as trap:
        print(f"deploy tests/guests/e2e_fetch.c as `fetch`, with this in its function.yaml:\n"
              f"outbound: {json.dumps(rules(trap.port))}")
        input("then press Enter ")
        try:
            run(attack.Target(int(sys.argv[1]), FETCH), trap)
        except attack.Broken:
            sys.exit(1)


if __name__ == "__main__":
    main()
