# SPDX-License-Identifier: Apache-2.0
"""A small certifying server [RFC 8555] that can lie, and a name server, both on loopback.

It believes nobody: signatures, nonces and URLs of requests are checked, and hosts are asked for
what proves them, by http-01 or tls-alpn-01. What it is to lie about is said by host: `lies[host]`
is the name of a method of Lies. Certificates are made by openssl(1)."""
import base64
import hashlib
import http.client
import http.server
import json
import pathlib
import secrets
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import harness

SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
ERROR = "urn:ietf:params:acme:error:"


def unpad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def pad(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem(kind, der):
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True)
    return done.stdout


def signed_by(jwk, data, signature):
    """Is it a signature of ES256?"""
    if len(signature) != 64:
        return False
    numbers = b""
    for half in (signature[:32], signature[32:]):
        number = half.lstrip(b"\0")
        number = (b"\0" if not number or number[0] > 127 else b"") + number
        numbers += bytes([2, len(number)]) + number
    with tempfile.TemporaryDirectory(dir=harness.SCRATCH) as folder:
        key, der = pathlib.Path(folder, "key"), pathlib.Path(folder, "der")
        key.write_text(pem("PUBLIC KEY", SPKI + unpad(jwk["x"]) + unpad(jwk["y"])))
        der.write_bytes(bytes([0x30, len(numbers)]) + numbers)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", key, "-signature", der],
                              input=data, capture_output=True, check=False)
    return done.returncode == 0


class Authority:
    """Signs what is asked for."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=harness.SCRATCH))
        self.chain, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "30", "-subj", "/CN=fake", "-keyout", str(self.key), "-out",
                str(self.chain))

    def sign(self, request, host, not_before="", not_after=""):
        name = secrets.token_hex(8)
        csr, extension = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        csr.write_text(pem("CERTIFICATE REQUEST", request))
        extension.write_text(f"subjectAltName=DNS:{host}\n")
        if not not_before:
            return openssl("x509", "-req", "-in", str(csr), "-CA", str(self.chain), "-CAkey",
                           str(self.key), "-days", "9", "-extfile", str(extension),
                           "-set_serial", "0x" + secrets.token_hex(8)).decode()
        config = self.folder / "ca.conf"
        (self.folder / "index").write_text("")
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\n"
                          f"new_certs_dir={self.folder}\nrand_serial=yes\ndefault_md=sha256\n"
                          "policy=p\n[p]\ncommonName=optional\n")
        return openssl("ca", "-batch", "-config", str(config), "-in", str(csr), "-cert",
                       str(self.chain), "-keyfile", str(self.key), "-startdate", not_before,
                       "-enddate", not_after, "-extfile", str(extension), "-notext", "-subj",
                       "/CN=x").decode()

    def request(self, host):
        """A request with a key of ours."""
        pem_text = openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                           "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null",
                           "-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{host}")
        return openssl("req", "-outform", "DER", data=pem_text)


class Lies:
    """Each takes what would be said, by the step it is said in, and may say something else: a dict
    for JSON, bytes, or (status, headers, bytes)."""

    def wrong_host(self, step, said, host):
        if step == "order":
            said["identifiers"][0]["value"] = "other.test"
        return said

    def two_hosts(self, step, said, host):
        if step == "order":
            said["identifiers"].append({"type": "dns", "value": "other.test"})
        return said

    def wrong_authorization(self, step, said, host):
        if step == "authorization":
            said["identifier"]["value"] = "other.test"
        return said

    def evil_token(self, step, said, host):
        if step == "authorization":
            for challenge in said["challenges"]:
                challenge["token"] = "../../x\r\nSet-Cookie: a=b"
        return said

    def no_challenge(self, step, said, host):
        if step == "authorization":
            said["challenges"] = [{"type": "dns-01", "url": "x", "token": "y"}]
        return said

    def elsewhere(self, step, said, host):
        if step == "order":
            said["finalize"] = said["authorizations"][0] = "http://127.0.0.1:1/steal"
        return said

    def no_url(self, step, said, host):
        if step == "order":
            said["finalize"] = "file:///etc/passwd"
        return said

    def not_json(self, step, said, host):
        return b"<html>hello" if step == "order" else said

    def other_key(self, step, said, host):
        return self.sign(self.request(host), host).encode() if step == "certificate" else said

    def other_name(self, step, said, host):
        return said if step != "certificate" else \
            self.sign(self.csr[host], "other.test").encode()

    def expired(self, step, said, host):
        return said if step != "certificate" else \
            self.sign(self.csr[host], host, "20200101000000Z", "20210101000000Z").encode()

    def garbage(self, step, said, host):
        return b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" \
            if step == "certificate" else said

    def huge(self, step, said, host):
        return b" " * 200000 if step == "certificate" else said

    def no_certificate(self, step, said, host):
        if step == "order":
            said.pop("certificate", None)
        return said

    def never_verified(self, step, said, host):
        if step == "authorization" and said["status"] != "pending":
            said["status"] = "invalid"
            said["challenges"][0]["error"] = {"type": ERROR + "unauthorized",
                                              "detail": "no \x1b[31m\u20acway\r\n"}
        return said

    def rate_limited(self, step, said, host):
        return (429, {"Retry-After": "7200"}, json.dumps(
            {"type": ERROR + "rateLimited", "detail": "too many"}).encode()) \
            if step == "order" else said

    def old_nonces(self, step, said, host):
        return (400, {}, json.dumps({"type": ERROR + "badNonce", "detail": "no"}).encode()) \
            if step == "order" else said

    def aged(self, step, said, host):
        """Not a lie: two thirds of its life are over."""
        def day(days):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
        return said if step != "certificate" else \
            self.sign(self.csr[host], host, day(-20), day(5)).encode()

    def redirect(self, step, said, host):
        return (302, {"Location": "http://127.0.0.1:1/"}, b"") if step == "order" else said


class AcmeServer(Authority, Lies):
    def __init__(self, http_port, tls_port):
        super().__init__()
        self.http_port, self.tls_port = http_port, tls_port
        self.lies = {}
        self.nonces, self.accounts, self.orders, self.csr = set(), {}, {}, {}
        self.proofs = []            # (host, kind) that were verified
        self.complaints = []        # what clients did wrong
        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.httpd.handle_error = lambda *_: None   # clients leave as they like
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        self.directory = self.url + "/directory"
        threading.Thread(target=self.httpd.serve_forever, daemon=True).start()

    def stop(self):
        self.httpd.shutdown()
        self.httpd.server_close()

    def handler(self):
        acme = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, said, **headers):
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                nonce = pad(secrets.token_bytes(12))
                acme.nonces.add(nonce)
                self.send_header("Replay-Nonce", nonce)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_HEAD(self):
                self.say(200, b"")

            def do_GET(self):
                url = acme.url
                self.say(200, {"newNonce": f"{url}/nonce", "newAccount": f"{url}/account",
                               "newOrder": f"{url}/order",
                               "meta": {"termsOfService": f"{url}/terms"}})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    request = acme.read(self.path, self.headers, json.loads(body))
                except (AssertionError, KeyError, ValueError) as error:
                    acme.complaints.append(repr(error))
                    self.say(400, {"type": ERROR + "malformed", "detail": repr(error)})
                    return
                step, host, status, said, headers = acme.answer(self.path, *request)
                lie = acme.lies.get(host)
                if lie:
                    said = getattr(acme, lie)(step, said, host)
                if isinstance(said, tuple):
                    status, more, said = said
                    headers = {**headers, **more}
                self.say(status, said, **headers)

        return Handler

    def read(self, path, headers, jws):
        """(account's key, payload) of a request that is in order."""
        protected = json.loads(unpad(jws["protected"]))
        assert headers["Content-Type"] == "application/jose+json", headers
        assert headers["User-Agent"].startswith("skerry/"), headers
        assert protected["alg"] == "ES256" and protected["url"] == self.url + path, protected
        assert protected["nonce"] in self.nonces, "nonce"
        self.nonces.discard(protected["nonce"])
        assert ("jwk" in protected) == (path == "/account"), protected
        jwk = protected["jwk"] if "jwk" in protected else self.accounts[protected["kid"]]
        data = f"{jws['protected']}.{jws['payload']}".encode()
        assert signed_by(jwk, data, unpad(jws["signature"])), "signature"
        return jwk, json.loads(unpad(jws["payload"])) if jws["payload"] else None

    def order_json(self, host):
        order = self.orders[host]
        said = {"status": order["status"], "identifiers": [{"type": "dns", "value": host}],
                "authorizations": [f"{self.url}/authorization/{host}"],
                "finalize": f"{self.url}/finalize/{host}"}
        if order["status"] == "valid":
            said["certificate"] = f"{self.url}/certificate/{host}"
        return said

    def authorization_json(self, host):
        order = self.orders[host]
        return {"status": order["authorized"], "identifier": {"type": "dns", "value": host},
                "challenges": [{"type": kind, "token": order["token"], "status": "pending",
                                "url": f"{self.url}/challenge/{host}/{kind}"}
                               for kind in ("http-01", "tls-alpn-01")]}

    def answer(self, path, jwk, payload):
        """(step, host, status, what is said, headers)."""
        _, step, *rest = path.split("/")
        host = rest[0] if rest else ""
        if step == "account":
            assert payload["termsOfServiceAgreed"] is True
            url = f"{self.url}/acct/{hashlib.sha256(jwk['x'].encode()).hexdigest()[:8]}"
            self.accounts[url] = jwk
            return step, host, 201, {"status": "valid"}, {"Location": url}
        if step == "order" and not rest:
            host = payload["identifiers"][0]["value"]
            self.orders[host] = {"status": "pending", "authorized": "pending",
                                 "token": pad(secrets.token_bytes(16))}
            return step, host, 201, self.order_json(host), {
                "Location": f"{self.url}/order/{host}"}
        order = self.orders[host]
        if step == "challenge":
            threading.Thread(target=self.verify, args=(host, rest[1], jwk), daemon=True).start()
            return step, host, 200, {"status": "processing"}, {}
        if step == "finalize":
            self.csr[host] = unpad(payload["csr"])
            openssl("req", "-inform", "DER", "-verify", "-noout", data=self.csr[host])
            order["status"] = "processing"
            said = self.order_json(host)
            order["status"] = "valid"
            return "order", host, 200, said, {"Retry-After": "0"}
        if step == "certificate":
            return step, host, 200, self.sign(self.csr[host], host).encode(), {}
        said = self.order_json(host) if step == "order" else self.authorization_json(host)
        return step, host, 200, said, {}

    # -- proofs --

    def verify(self, host, kind, jwk):
        order = self.orders[host]
        canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")},
                               separators=(",", ":")).encode()
        answer = f"{order['token']}.{pad(hashlib.sha256(canonical).digest())}"
        try:
            good = (self.asks if kind == "http-01" else self.looks)(host, order["token"], answer)
        except (OSError, ValueError) as error:
            self.complaints.append(repr(error))
            good = False
        order["authorized"] = "valid" if good else "invalid"
        if good:
            self.proofs.append((host, kind))

    def asks(self, host, token, answer):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        got = harness.exchange(connection, "GET", f"/.well-known/acme-challenge/{token}",
                               headers={"Host": host})
        other = harness.exchange(connection, "GET", f"/.well-known/acme-challenge/{token}x",
                                 headers={"Host": host})
        return got.status == 200 and got.text == answer and answer not in other.text

    def looks(self, host, _token, answer):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname=host) as connection:
                der = connection.getpeercert(binary_form=True)
                chosen = connection.selected_alpn_protocol()
        said = bytes([0x04, 0x22, 0x04, 0x20]) + hashlib.sha256(answer.encode()).digest()
        text = openssl("x509", "-inform", "DER", "-noout", "-ext", "subjectAltName", data=der)
        return (chosen == "acme-tls/1" and said in der and
                bytes.fromhex("06082b0601050507011f0101ff") in der and
                f"DNS:{host}" == text.decode().split("\n")[1].strip())


class NameServer:
    """Answers every A with 127.0.0.1, and TXT with what `texts` has; nothing else is there."""

    def __init__(self):
        self.texts = {}
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(self.listener.getsockname())
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        for serve in (self.serve, self.serve_streams):
            threading.Thread(target=serve, daemon=True).start()

    def stop(self):
        self.socket.close()
        self.listener.close()

    def serve_streams(self):
        while True:
            try:
                peer = self.listener.accept()[0]
                with peer:
                    data = peer.recv(4096)[2:]
                    answer = self.answer(data)
                    peer.sendall(struct.pack(">H", len(answer)) + answer)
            except OSError:
                return

    def serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
                self.socket.sendto(self.answer(data), peer)
            except OSError:
                return

    def answer(self, data):
        at, labels = 12, []     # of a name without pointers
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        name = ".".join(labels).lower()
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        self.asked.append((name, kind))
        records = {1: [bytes([127, 0, 0, 1])],
                   16: [b"".join(bytes([len(part)]) + part for part in text)
                        for text in self.texts.get(name, [])]}.get(kind, [])
        code = 3 if kind == 16 and name not in self.texts else 0
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        rows = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(row)) + row
                        for row in records)
        return head + data[12:at + 5] + rows
