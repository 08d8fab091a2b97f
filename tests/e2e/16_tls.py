# SPDX-License-Identifier: Apache-2.0
"""TLS as clients see it: certificates by host, resumption, what is refused, renewal, the key.

Certificates are made when the test runs, by openssl(1)."""
import base64
import http.client
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import harness
from harness import SCRATCH, Server, text_guest, wait_until


def make_certificate(name, *hosts, key="ec", days=30):
    """Paths of a self-signed certificate for the hosts, and of its key."""
    if shutil.which("openssl") is None:
        raise unittest.SkipTest("openssl is not installed (apt-get install openssl)")
    kinds = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"],
             "ed25519": ["ed25519"]}
    folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kinds[key], "-nodes", "-days", str(days),
                    "-keyout", secret, "-out", chain, "-subj", "/CN=test", "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts)],
                   check=True, capture_output=True)
    return chain, secret


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain, cls.key = make_certificate("file", "hello.acme.localhost", "*.acme.localhost")
        cls.port = harness.free_port()
        cls.server = Server(workers=2, config=f"""
tls:
  certificates: ["{cls.chain} {cls.key}"]
  redirect: true
  hsts: 1000s
""", arguments=["--listen", f"https://127.0.0.1:{cls.port}"]).start()
        cls.server.deploy("hello", text_guest("hello-by-tls!"), "acme")
        cls.server.deploy("other", text_guest("other-by-tls!"), "acme")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def context(self, *trusted, **settings):
        context = ssl.create_default_context()
        for path in trusted or (self.chain,):
            context.load_verify_locations(path)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def connect(self, host, context=None, session=None):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20 * harness.PATIENCE)
        return (context or self.context()).wrap_socket(raw, server_hostname=host, session=session)

    def get(self, connection, host, path="/", method="GET", body=b""):
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        response = http.client.HTTPResponse(connection, method=method)
        response.begin()
        return harness.Answer(response.status, response.headers, response.read())

    def ask(self, host, **more):
        with self.connect(host, **more) as connection:
            return self.get(connection, host)

    def metric(self, name):
        text = self.server.admin("GET", "/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines()
                   if line.startswith(name.partition("{")[0]) and name.partition("{")[2] in line)

    def put(self, host, *files):
        body = b"".join(path.read_bytes() for path in files)
        return self.server.admin("PUT", f"/v1/certificates/{host}", body,
                                 {"Content-Type": "application/x-pem-file"})

    def test_a_host_is_served_with_its_certificate(self):
        answer = self.ask("hello.acme.localhost")
        self.assertEqual((answer.status, answer.text), (200, "hello-by-tls!"))
        self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=1000")
        self.assertEqual(self.ask("other.acme.localhost").text, "other-by-tls!")

    def test_every_kind_of_key_signs_in_both_versions(self):
        for kind in ("rsa", "ec", "ed25519"):
            host = f"{kind}.keys.test"
            chain, key = make_certificate(kind, host, key=kind)
            self.assertEqual(self.put(host, chain, key).status, 200)
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.context(chain, maximum_version=version)
                with self.connect(host, context) as connection:
                    self.assertEqual(self.get(connection, host).status, 404)

    @unittest.skipUnless(harness.has_javascript(), "this build has no JavaScript")
    def test_a_script_knows_the_version(self):
        self.server.admin("PUT", "/v1/tenants/acme/functions/version", b"export default { fetch("
                          b"request) { return new Response(request.cf.tlsVersion); } };",
                          {"Content-Type": "text/javascript"})
        for version, said in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                              (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            context = self.context(maximum_version=version)
            answer = self.ask("version.acme.localhost", context=context)
            self.assertEqual(answer.text, said)

    def test_a_certificate_can_be_put_replaced_and_removed_while_serving(self):
        first, second = (make_certificate("x", "x.put.test") for _ in range(2))
        with self.assertRaises(ssl.SSLError):
            self.connect("x.put.test", self.context(first[0]))
        for chain, key in (first, second):
            answer = self.put("x.put.test", chain, key)
            self.assertEqual(answer.status, 200, answer)
            self.connect("x.put.test", self.context(chain)).close()
        shown = self.server.admin("GET", "/v1/certificates/x.put.test").json
        self.assertEqual(shown["origin"], "api")
        self.assertEqual(self.server.admin("DELETE", "/v1/certificates/x.put.test").status, 200)
        with self.assertRaises(ssl.SSLError):
            self.connect("x.put.test", self.context(second[0]))

    def test_bad_certificates_are_refused_and_nothing_is_stored(self):
        chain, key = make_certificate("a", "a.bad.test")
        _, other_key = make_certificate("b", "a.bad.test")
        junk = SCRATCH / "junk.pem"
        junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for files, words in (((chain, other_key), "not the certificate's"),
                             ((chain,), "no private"), ((key,), "there is none"),
                             ((junk, key), "X.509"),
                             ((chain, key, other_key), "more than one")):
            answer = self.put("a.bad.test", *files)
            self.assertEqual(answer.status, 422, answer)
            self.assertIn(words, answer.json["detail"])
        self.assertEqual(self.put("b.bad.test", chain, key).status, 422)
        self.assertEqual(self.put("a_b..test", chain, key).status, 400)
        self.assertEqual(self.server.admin("GET", "/v1/certificates/a.bad.test").status, 404)

    def test_a_tenant_serves_its_domain_and_staples_to_it(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))

        def run(*words, data=None):
            return subprocess.run(["openssl", *words], cwd=folder, input=data, check=True,
                                  capture_output=True).stdout

        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "9", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
        run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=x", "-keyout", "leaf.key", "-out", "leaf.csr")
        (folder / "ext").write_text("subjectAltName=DNS:own.test\n")
        run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial",
            "7", "-days", "9", "-extfile", "ext", "-out", "leaf.pem")
        (folder / "index").write_text("V\t350101000000Z\t\t07\tunknown\t/CN=x\n")
        run("ocsp", "-issuer", "ca.pem", "-cert", "leaf.pem", "-no_nonce", "-reqout", "req")
        run("ocsp", "-index", "index", "-rsigner", "ca.pem", "-rkey", "ca.key", "-CA", "ca.pem",
            "-reqin", "req", "-respout", "resp", "-ndays", "2")
        staple = folder / "staple.pem"
        staple.write_text("-----BEGIN OCSP RESPONSE-----\n" + base64.encodebytes(
            (folder / "resp").read_bytes()).decode() + "-----END OCSP RESPONSE-----\n")

        def put(*names, place="certificates"):
            return self.server.admin("PUT", f"/v1/tenants/acme/{place}/own.test",
                                     b"".join((folder / name).read_bytes() for name in names),
                                     {"Content-Type": "application/x-pem-file"})

        self.assertEqual(put("leaf.pem", "ca.pem", "leaf.key").status, 409)
        self.server.admin("PUT", "/v1/tenants/acme/domains/own.test", b'{"function":"hello"}',
                          {"Content-Type": "application/json"})
        for place in ("certificates", "domains"):
            answer = put("leaf.pem", "ca.pem", "leaf.key", place=place)
            self.assertEqual((answer.status, answer.json["ocsp"]), (200, False), answer)
        self.assertEqual(self.ask("own.test", context=self.context(folder / "ca.pem")).text,
                         "hello-by-tls!")
        answer = put("staple.pem")
        self.assertEqual((answer.status, answer.json["ocsp"]), (200, True), answer)
        said = run("s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", "own.test",
                   "-status", data=b"")
        self.assertIn(b"Cert Status: good", said)
        self.assertEqual(self.server.admin("GET", "/v1/tenants/acme/domains/own.test").json["tls"],
                         "own")
        self.assertEqual(self.server.admin("DELETE", "/v1/tenants/acme/certificates/own.test")
                         .status, 200)
        with self.assertRaises(ssl.SSLError):
            self.connect("own.test", self.context(folder / "ca.pem"))

    def test_a_small_answer_is_one_record(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # Of 1.2 the records say what they are.
        context = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
        client = context.wrap_bio(incoming, outgoing, server_hostname="hello.acme.localhost")
        with socket.create_connection(("127.0.0.1", self.port),
                                      timeout=20 * harness.PATIENCE) as raw:
            def until(act):
                seen = b""
                while True:
                    try:
                        done = act()
                        raw.sendall(outgoing.read())
                        return done, seen
                    except ssl.SSLWantReadError:
                        raw.sendall(outgoing.read())
                        piece = raw.recv(65536)
                        self.assertNotEqual(piece, b"")
                        seen += piece
                        incoming.write(piece)

            until(client.do_handshake)
            until(lambda: client.write(b"GET / HTTP/1.1\r\nHost: hello.acme.localhost\r\n\r\n"))
            answer, records = until(lambda: client.read(65536))
        self.assertTrue(answer.endswith(b"hello-by-tls!"), answer)
        self.assertEqual(records[0], 23)
        self.assertEqual(len(records), 5 + int.from_bytes(records[3:5], "big"))

    def test_another_host_than_the_certificates_is_misdirected(self):
        with self.connect("hello.acme.localhost") as connection:
            self.assertEqual(self.get(connection, "other.acme.localhost").status, 200)
            answer = self.get(connection, "hello.evil.localhost")
            self.assertEqual((answer.status, answer.json["code"]), (421, "misdirected"))

    def test_a_host_without_a_certificate_gets_an_alert(self):
        name = 'skerry_tls_handshakes_total{result="unknown_host"'
        before = self.metric(name)
        with self.assertRaisesRegex(ssl.SSLError, "(?i)unrecognized.name"):
            self.connect("nobody.test")
        wait_until(lambda: self.metric(name) > before, 5, "it is counted")

    def test_http_is_sent_to_https(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        answer = harness.exchange(connection, "POST", "/a?b=c", b"x",
                                  {"Host": "hello.acme.localhost:8080"})
        self.assertEqual(answer.status, 308)
        self.assertEqual(answer.headers["Location"],
                         f"https://hello.acme.localhost:{self.port}/a?b=c")

    def test_a_session_is_resumed_on_every_worker_and_by_its_host_only(self):
        context = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
        with self.connect("hello.acme.localhost", context) as connection:
            self.get(connection, "hello.acme.localhost")
            session = connection.session
        for _ in range(8):
            with self.connect("hello.acme.localhost", context, session) as connection:
                self.assertTrue(connection.session_reused)
                self.assertEqual(self.get(connection, "hello.acme.localhost").status, 200)
        with self.connect("other.acme.localhost", context, session) as connection:
            self.assertFalse(connection.session_reused)

    def test_what_is_not_tls_or_not_whole_ends_the_connection(self):
        for junk in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 100,
                     b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x00" * 64):
            received = harness.raw(self.port, junk)
            self.assertTrue(received == b"" or received[0] == 0x15, received)

    def test_large_bodies_go_both_ways(self):
        body = b"0123456789abcdef" * 65536
        self.server.deploy("echo", harness.guest("echo"), "acme")
        with self.connect("echo.acme.localhost") as connection:
            answer = self.get(connection, "echo.acme.localhost", method="POST", body=body)
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body.endswith(body), len(answer.body))

    def test_requests_are_as_strict_as_without_tls(self):
        with self.connect("hello.acme.localhost") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: hello.acme.localhost\r\n"
                               b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.assertIn(b" 400 ", connection.recv(65536).split(b"\r\n")[0])

    def test_the_key_is_in_no_file_and_no_worker(self):
        self.ask("hello.acme.localhost")
        der = subprocess.run(["openssl", "pkey", "-in", self.key, "-outform", "DER"], check=True,
                             capture_output=True).stdout
        secret = subprocess.run(["openssl", "ec", "-inform", "DER", "-text", "-noout"], input=der,
                                check=True, capture_output=True).stdout.decode()
        number = bytes.fromhex(re.sub(r"[^0-9a-f]", "",
                                      secret.split("priv:")[1].split("pub:")[0]))[-32:]
        for path in self.server.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(number, path.read_bytes(), path)
        if not harness.SANITIZED and os.geteuid() == 0:
            for pid in self.server.worker_pids():
                self.assertFalse(harness.memory_has(pid, number), "a worker knows the key")


class KeyProcess(unittest.TestCase):
    """What becomes of handshakes when who signs them stands still, or dies."""
    HOST = "k.test"

    def setUp(self):
        self.chain, key = make_certificate("k", self.HOST)
        self.port = harness.free_port()
        self.server = Server(workers=1, config=f'tls: {{ certificates: ["{self.chain} {key}"] }}',
                             arguments=["--listen", f"https://127.0.0.1:{self.port}"]).start()
        self.keys, = self.server.pids_of("keys")

    def tearDown(self):
        self.server.stop()

    def begin(self, more=b""):
        """A connection whose ClientHello is out, with more behind it; and its SSLObject."""
        context = ssl.create_default_context(cafile=self.chain)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(incoming, outgoing, server_hostname=self.HOST)
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20 * harness.PATIENCE)
        raw.sendall(outgoing.read() + more)
        return raw, client, incoming, outgoing

    def finish(self, raw, client, incoming, outgoing):
        while True:
            try:
                client.do_handshake()
                raw.sendall(outgoing.read())
                return
            except ssl.SSLWantReadError:
                received = raw.recv(65536)
                if not received:
                    raise AssertionError("closed in the handshake") from None
                incoming.write(received)

    def signatures(self):
        text = self.server.admin("GET", "/metrics").text
        return int(re.search(r"^skerry_tls_signatures_total{[^}]*} (\d+)", text, re.M).group(1))

    def test_while_it_stands_still_everybody_else_is_served(self):
        os.kill(self.keys, signal.SIGSTOP)
        try:
            waiting = [self.begin() for _ in range(3)]
            hasty = self.begin(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            gone = self.begin()[0]
            wait_until(lambda: self.signatures() == 5, 10, "all of them wait")
            gone.close()
            self.assertEqual(self.server.get("nobody").status, 404)
        finally:
            os.kill(self.keys, signal.SIGCONT)
        for one in waiting:
            self.finish(*one)
            one[0].close()
        with self.assertRaises((AssertionError, ssl.SSLError, ConnectionError)):
            self.finish(*hasty)     # what came too early is no part of a handshake
            self.assertEqual(hasty[0].recv(1), b"x")
        hasty[0].close()

    def test_when_it_dies_handshakes_fail_and_then_succeed_again(self):
        os.kill(self.keys, signal.SIGSTOP)
        lost = self.begin()
        wait_until(lambda: self.signatures() == 1, 10, "it waits")
        os.kill(self.keys, signal.SIGKILL)
        with self.assertRaises((AssertionError, ssl.SSLError, ConnectionError)):
            self.finish(*lost)
        lost[0].close()

        def again():
            one = self.begin()
            try:
                self.finish(*one)
                return True
            except (AssertionError, ssl.SSLError, ConnectionError):
                return False
            finally:
                one[0].close()
        wait_until(again, 20, "the next key process signs")


class Renewal(unittest.TestCase):
    def test_sighup_reads_the_files_again(self):
        chain, key = make_certificate("r", "r.test")
        port = harness.free_port()
        server = Server(workers=1, config=f'tls: {{ certificates: ["{chain} {key}"] }}',
                        arguments=["--listen", f"https://127.0.0.1:{port}"]).start()
        first = self.shown(port)
        for source, target in zip(make_certificate("s", "r.test"), (chain, key)):
            target.write_bytes(source.read_bytes())
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.shown(port) != first, 10, "the new certificate is shown")
        key.write_text("broken")
        last = self.shown(port)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "no private key" in server.log(), 10, "it says so")
        self.assertEqual(self.shown(port), last)
        server.stop()

    def shown(self, port):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname="r.test") as connection:
                return connection.getpeercert(binary_form=True)


class BehindABalancer(unittest.TestCase):
    def test_the_header_says_whose_a_connection_is(self):
        chain, key = make_certificate("p", "hello.acme.localhost")
        tls = harness.free_port()
        server = Server(workers=1, arguments=["--listen", f"https://127.0.0.1:{tls}",
                                              "--access-log"], config=f"""
proxy_protocol: ["127.0.0.0/8"]
tls: {{ certificates: ["{chain} {key}"] }}
""").start()
        server.deploy("hello", text_guest("hello-by-tls!"), "acme")
        ask = b"GET / HTTP/1.1\r\nHost: hello.acme.localhost\r\nConnection: close\r\n\r\n"
        line = b"PROXY TCP4 192.0.2.7 198.51.100.1 4242 443\r\n"
        binary = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("192.0.2.8") +
                  socket.inet_aton("198.51.100.1") + (4343).to_bytes(2, "big") + b"\1\xbb")
        self.assertIn(b" 200 ", harness.raw(server.port, line + ask))
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
            for byte in binary:     # a byte at a time
                raw.sendall(bytes([byte]))
            raw.sendall(ask)
            self.assertIn(b" 200 ", raw.recv(65536))
        context = ssl.create_default_context(cafile=chain)
        with socket.create_connection(("127.0.0.1", tls), timeout=20) as raw:
            raw.sendall(line.replace(b"192.0.2.7", b"192.0.2.9"))
            with context.wrap_socket(raw, server_hostname="hello.acme.localhost") as connection:
                connection.sendall(ask)
                self.assertIn(b" 200 ", connection.recv(65536))
        for client in ("192.0.2.7:4242", "192.0.2.8:4343", "192.0.2.9:4242"):
            wait_until(lambda client=client: f'"client":"{client}"' in server.log(), 10, client)
        for junk in (ask, b"PROXY TCP4 nonsense\r\n" + ask, b"PROXY " + b"x" * 200):
            self.assertEqual(harness.raw(server.port, junk), b"")
        server.stop()



class Admin(unittest.TestCase):
    """The admin API's own address, over TLS."""
    @classmethod
    def setUpClass(cls):
        cls.port = harness.free_port()
        cls.chain, cls.key = make_certificate("admin", "admin.test", "localhost")
        cls.client, client_key = make_certificate("client", "me")
        cls.shown = SCRATCH / "shown.pem"
        cls.shown.write_bytes(cls.client.read_bytes() + client_key.read_bytes())
        cls.server = Server(workers=1, config=f"""
admin:
  listen: 0.0.0.0:{cls.port}
  certificate: "{cls.chain} {cls.key}"
  client_ca: {cls.client}
""").start()
        cls.token = (cls.server.data / "admin.token").read_text().strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def cli(self, *words, **environment):
        given = {**self.server.environment(), "SKERRY_URL": f"https://localhost:{self.port}",
                 "SKERRY_TOKEN": self.token, "SKERRY_CA": str(self.chain),
                 "SKERRY_CLIENT_CERT": str(self.shown), **environment}
        return subprocess.run([harness.skerry_path(), *words], env=given, capture_output=True,
                              text=True, timeout=120 * harness.PATIENCE, check=False)

    def test_the_command_line_speaks_tls_and_shows_its_certificate(self):
        self.assertIn(f"admin     https://0.0.0.0:{self.port}", self.server.output)
        module = harness.write_guest("large", text_guest("by-tls-only!!"))
        for words in (("deploy", str(module), "-n", "hello"), ("list",), ("show", "hello"),
                      ("backup", str(SCRATCH / "tls.backup"))):
            done = self.cli(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.server.get("hello").text, "by-tls-only!!")
        # What is the server's own is taken for what it says it is.
        for answer in (self.server.get("nobody"), self.server.admin("GET", "/v1/limits")):
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_who_lacks_something_is_told(self):
        for environment, status, words in (
                ({"SKERRY_TOKEN": "skt_no"}, 4, "no such token"),
                ({"SKERRY_CA": ""}, 8, "--ca"),
                ({"SKERRY_CLIENT_CERT": ""}, 8, "--client-cert"),
                ({"SKERRY_CLIENT_CERT": "/nowhere"}, 8, "--client-cert"),
                ({"SKERRY_URL": f"http://localhost:{self.port}"}, 8, "failed")):
            done = self.cli("list", **environment)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn(words, done.stderr)

    def test_it_is_renewed_on_reload_and_a_bad_one_leaves_it(self):
        def serial():
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", self.port)) as raw, \
                    context.wrap_socket(raw) as connection:
                return connection.getpeercert(binary_form=True)

        before, chain = serial(), self.chain.read_bytes()
        self.chain.write_bytes(b"junk")
        self.server.cli("reload", check=0)
        wait_until(lambda: "admin.certificate: cannot use" in self.server.log(), 20, "a complaint")
        self.assertEqual(serial(), before)
        renewed, key = make_certificate("admin", "admin.test", "localhost")
        self.key.write_bytes(key.read_bytes())
        self.chain.write_bytes(renewed.read_bytes())
        os.kill(self.server.process.pid, signal.SIGHUP)
        wait_until(lambda: serial() != before, 20, "the new certificate")
        self.assertEqual(self.cli("list").returncode, 0)
        self.assertNotEqual(chain, self.chain.read_bytes())


if __name__ == "__main__":
    unittest.main()
