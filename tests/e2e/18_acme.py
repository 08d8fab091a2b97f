# SPDX-License-Identifier: Apache-2.0
"""Certificates by ACME: from a domain to a handshake; servers that are honest, and that lie."""
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

import harness
from acme_server import AcmeServer, NameServer, openssl
from harness import SCRATCH, Server, text_guest, wait_until


class Served(unittest.TestCase):
    """A server that has its certificates from `directory`."""

    def start(self, directory, more="", outbound=""):
        self.server = Server(workers=2, config=f"""
acme: {{ directory: "{directory}", contact: "ops@example.org", terms_agreed: true{more} }}
{outbound}
""", arguments=["--listen", f"https://127.0.0.1:{self.tls_port}"])
        self.server.port = self.http_port
        self.server.arguments[3] = f"127.0.0.1:{self.http_port}"
        self.server.start()
        self.addCleanup(self.server.stop)
        self.server.deploy("web", text_guest("certified-13!"), "acme")

    def setUp(self):
        if shutil.which("openssl") is None:
            self.skipTest("openssl is not installed (apt-get install openssl)")
        self.http_port, self.tls_port = harness.free_port(), harness.free_port()

    def add(self, host, tls="acme"):
        body = json.dumps({"function": "web", "tls": tls}).encode()
        answer = self.server.admin("PUT", f"/v1/tenants/acme/domains/{host}", body,
                                   {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer)

    def domain(self, host):
        return self.server.admin("GET", f"/v1/tenants/acme/domains/{host}").json

    def certificate(self, host):
        answer = self.server.admin("GET", f"/v1/certificates/{host}")
        return answer.json if answer.status == 200 else None

    def wait_for(self, host, seconds=30):
        def came():
            found, state = self.certificate(host), self.domain(host)["acme"]
            if state and not found:
                raise AssertionError(f"{host}: {state}: {self.server.story()}")
            return found
        return wait_until(came, seconds, f"a certificate of {host}")

    def ask(self, host, trusted):
        context = ssl.create_default_context(cafile=trusted)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", self.tls_port), timeout=20) as raw:
            with context.wrap_socket(raw, server_hostname=host) as connection:
                connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                                   .encode())
                answer = b""
                while piece := connection.recv(65536):
                    answer += piece
        return answer


class Honest(Served):
    def setUp(self):
        super().setUp()
        self.acme = AcmeServer(self.http_port, self.tls_port)
        self.addCleanup(self.acme.stop)

    def check(self, host, kind):
        found = self.wait_for(host)
        self.assertEqual((found["origin"], found["tenant"]), ("acme", "acme"))
        self.assertIn(b"certified-13!", self.ask(host, self.acme.chain))
        self.assertIn((host, kind), self.acme.proofs)
        self.assertEqual(self.acme.complaints, [])
        answer = self.server.get("web", f"/.well-known/acme-challenge/"
                                 f"{self.acme.orders[host]['token']}", "acme",
                                 headers={"Host": host})
        self.assertEqual(answer.text, "certified-13!")     # it is the function's again

    def test_a_domain_gets_a_certificate_by_http(self):
        self.start(self.acme.directory)
        self.add("www.http.test")
        self.check("www.http.test", "http-01")
        self.assertIsNone(self.domain("www.http.test")["acme"])
        names = {row["host"] for row in self.server.admin("GET", "/v1/certificates").json[
            "certificates"]}
        self.assertEqual(names, {"www.http.test"})
        self.add("second.http.test")
        self.check("second.http.test", "http-01")
        self.assertEqual(len(self.acme.accounts), 1)

    def test_a_domain_gets_a_certificate_by_tls(self):
        self.start(self.acme.directory, ", challenge: tls-alpn-01")
        self.add("www.alpn.test")
        self.check("www.alpn.test", "tls-alpn-01")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["acme-tls/1"])
        with socket.create_connection(("127.0.0.1", self.tls_port)) as raw:
            with self.assertRaises(ssl.SSLError):      # there is nothing to be proven any more
                context.wrap_socket(raw, server_hostname="www.alpn.test")

    def test_who_redirects_to_https_is_proven_by_http_all_the_same(self):
        self.start(self.acme.directory, outbound="tls: { redirect: true }")
        self.add("www.redirect.test")
        self.wait_for("www.redirect.test")

    def test_orders_go_on_when_the_processes_die(self):
        self.start(self.acme.directory)
        for verb in ("egress", "keys"):
            self.add(f"{verb}.dies.test")
            os.kill(self.server.pids_of(verb)[0], signal.SIGKILL)
            wait_until(lambda v=verb: self.certificate(f"{v}.dies.test"), 60, "it came")

    def test_a_certificate_is_renewed_when_two_thirds_of_its_life_are_over(self):
        host = "www.aged.test"
        self.acme.lies[host] = "aged"
        self.start(self.acme.directory)
        self.add(host)
        first = self.wait_for(host)
        del self.acme.lies[host]
        self.add(host)
        wait_until(lambda: self.certificate(host)["key_sha256"] != first["key_sha256"], 30,
                   "the next one came")
        self.assertIn(b"certified-13!", self.ask(host, self.acme.chain))
        self.server.stop()
        self.server.start()
        orders = self.certificate(host)
        self.add(host)      # it is young: nothing is ordered
        self.assertEqual(self.certificate(host), orders)

    def test_what_a_domain_had_goes_with_it(self):
        self.start(self.acme.directory)
        self.add("www.gone.test")
        self.wait_for("www.gone.test")
        self.assertEqual(self.server.admin("DELETE", "/v1/tenants/acme/domains/www.gone.test")
                         .status, 200)
        self.assertIsNone(self.certificate("www.gone.test"))

    def test_stars_and_servers_without_a_directory_are_told(self):
        self.start("")
        body = b'{"function": "web", "tls": "acme"}'
        answer = self.server.admin("PUT", "/v1/tenants/acme/domains/*.star.test", body,
                                   {"Content-Type": "application/json"})
        self.assertEqual((answer.status, answer.json["code"]), (400, "bad_domain"))
        self.add("www.off.test")
        self.assertIn("acme.directory", self.domain("www.off.test")["acme"]["error"])


class Proven(Served):
    def test_a_tenant_proves_a_domain_by_dns_and_has_it_certified(self):
        acme, names = AcmeServer(self.http_port, self.tls_port), NameServer()
        self.addCleanup(acme.stop)
        self.addCleanup(names.stop)
        admin = harness.free_port()
        self.start(acme.directory, outbound=f"""
outbound: {{ nameserver: "{names.address}" }}
admin: {{ listen: "127.0.0.1:{admin}" }}""")
        made = self.server.admin("POST", "/v1/tokens", '{"tenant":"acme","verbs":["deploy"]}').json

        def put(host):
            connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=60)
            return harness.exchange(connection, "PUT", f"/v1/tenants/acme/domains/{host}",
                                    b'{"function": "web", "tls": "acme"}',
                                    {"Authorization": f"Bearer {made['token']}"})

        answer = put("www.dns.test")
        self.assertEqual(answer.status, 202, answer)
        challenge = answer.json["challenge"]
        self.assertEqual(challenge["name"], "_skerry.www.dns.test")
        asked = (challenge["name"], 16)
        wait_until(lambda: asked in names.asked, 20, "it is looked for at once")
        self.assertEqual(self.domain("www.dns.test")["proof"], "pending")
        value = challenge["value"].encode()
        names.texts[challenge["name"]] = [[b"v=spf1 -all"], [value[:9], value[9:]]]
        wait_until(lambda: put("www.dns.test").status == 200, 20, "it is proven")
        self.assertEqual(self.domain("www.dns.test")["proof"], "dns")
        self.wait_for("www.dns.test")
        self.assertIn(b"certified-13!", self.ask("www.dns.test", acme.chain))
        audit = self.server.admin("GET", "/v1/audit").json["records"]
        self.assertIn("dns", {row.get("who") for row in audit})


class Lying(Served):
    LIES = {
        "wrong_host": "other hosts", "two_hosts": "other hosts",
        "wrong_authorization": "another host", "evil_token": "base64url",
        "no_challenge": "no http-01", "elsewhere": "may not ask", "no_url": "no URL",
        "not_json": "no JSON", "other_key": "another key", "other_name": "another host",
        "expired": "expired", "garbage": "X.509", "huge": "too large",
        "no_certificate": "no certificate", "never_verified": "unauthorized: no ?[31m???way",
        "rate_limited": "rateLimited: too many", "old_nonces": "badNonce", "redirect": "no JSON",
    }

    def test_lies_are_seen_and_told_and_nothing_is_stored(self):
        acme = AcmeServer(self.http_port, self.tls_port)
        self.addCleanup(acme.stop)
        self.start(acme.directory, ", challenge: http-01")
        for lie in self.LIES:
            acme.lies[f"{lie.replace('_', '-')}.test"] = lie
            self.add(f"{lie.replace('_', '-')}.test")
        for lie, words in self.LIES.items():
            host = f"{lie.replace('_', '-')}.test"
            state = wait_until(lambda h=host: self.domain(h)["acme"], 60, f"{lie} is told")
            self.assertIn(words, state["error"], lie)
            self.assertEqual(state["failures"], 1, lie)
            self.assertIsNone(self.certificate(host), lie)
        self.assertIn("acme_failed", self.server.log())
        host = "garbage.test"
        del acme.lies[host]
        self.add(host)              # mended, and asked for again: at once
        wait_until(lambda: self.certificate(host), 30, "it came")
        self.assertIsNone(self.domain(host)["acme"])


def pebble():
    """The real thing."""
    found = shutil.which("pebble")
    if found is None:
        raise unittest.SkipTest("pebble is not installed (apt-get install pebble, or "
                                "go install github.com/letsencrypt/pebble/v2/cmd/pebble@latest)")
    return found


# A request is tried six times: all of a hundred are refused that often once in 600,000 runs.
NONCES_REFUSED_PERCENT = "5"


class Pebble(Served):
    def test_pebble_certifies_by_http_and_by_tls(self):
        program = pebble()
        folder = SCRATCH / "pebble"
        folder.mkdir()
        chain, key = folder / "pebble.pem", folder / "pebble.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "9", "-subj", "/CN=pebble", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain))
        port, manage = harness.free_port(), harness.free_port()
        config = folder / "config.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{manage}",
            "certificate": str(chain), "privateKey": str(key), "httpPort": self.http_port,
            "tlsPort": self.tls_port, "externalAccountBindingRequired": False}}))
        names = NameServer()
        self.addCleanup(names.stop)
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [program, "-config", str(config), "-dnsserver", names.address], stdout=log,
                stderr=log, env={**os.environ, "PEBBLE_VA_NOSLEEP": "1",
                                 "PEBBLE_WFE_NONCEREJECT": NONCES_REFUSED_PERCENT})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: b"Listening on" in (folder / "log").read_bytes(), 20, "pebble listens")
        for kind in ("http-01", "tls-alpn-01"):
            self.start(f"https://127.0.0.1:{port}/dir", f", challenge: {kind}",
                       f'outbound: {{ ca_file: "{chain}" }}')
            host = f"{kind}.pebble.test"
            self.add(host)
            found = self.wait_for(host, 60)
            self.assertEqual(found["origin"], "acme")
            self.server.stop()


if __name__ == "__main__":
    unittest.main()
