# SPDX-License-Identifier: Apache-2.0
"""Functions that handle a request in turn: `steps` of a manifest."""
import contextlib
import re
import socket

import h2
import harness
from harness import ServerTest, guest, shared_module, wait_until

# A handler that writes its letter into x-way on both ways, and asks for the next one. In
# handle_response it may: it has buffer_response, unless `features` is 0.
PASSER = """
(module
  (import "http_handler" "enable_features" (func $enable (param i32) (result i32)))
  (import "http_handler" "add_header_value" (func $add (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-way") (data (i32.const 16) "LETTER>") (data (i32.const 32) "<LETTER")
  (data (i32.const 48) "<LETTER!")
  (func (export "handle_request") (result i64)
    (drop (call $enable (i32.const FEATURES)))
    (call $add (i32.const 1) (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 2))
    (call $add (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 2))
    (i64.const 1))
  (func (export "handle_response") (param $context i32) (param $is_error i32)
    (if (i32.const FEATURES)
      (then (call $add (i32.const 1) (i32.const 0) (i32.const 5)
        (select (i32.const 48) (i32.const 32) (local.get $is_error))
        (select (i32.const 3) (i32.const 2) (local.get $is_error)))))))
"""

# The backend of the conformance kit: tells in headers of the answer what it sees of the request.
BACKEND = """
#include "skerry.h"
static char names[8192], values[8192], name[512];
static void tell(const char *key, uint32_t key_bytes, const char *text, uint32_t bytes)
{
    skerry_add_header(SKERRY_RESPONSE_HEADERS, key, key_bytes, text, bytes);
}
SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    tell("x-httpwasm-next-method", 22, values, skerry_get_method(values, sizeof(values)));
    tell("x-httpwasm-next-uri", 19, values, skerry_get_uri(values, sizeof(values)));
    uint64_t listed = skerry_get_header_names(SKERRY_REQUEST_HEADERS, names, sizeof(names));
    const char *at = names;
    for (uint32_t i = 0; i < (uint32_t)(listed >> 32); i++) {
        uint32_t bytes = 0;
        while (at[bytes] != 0)
            bytes++;
        uint64_t found = skerry_get_header_values(SKERRY_REQUEST_HEADERS, at, bytes, values,
                                                  sizeof(values));
        const char *value = values;
        for (uint32_t j = 0; j < (uint32_t)(found >> 32); j++) {
            uint32_t value_bytes = 0;
            while (value[value_bytes] != 0)
                value_bytes++;
            memcpy(name, "x-httpwasm-next-header-", 23);
            memcpy(name + 23, at, bytes);
            name[23 + bytes] = '-';
            name[24 + bytes] = (char)('0' + j);
            tell(name, 25 + bytes, value, value_bytes);
            value += value_bytes + 1;
        }
        at += bytes + 1;
    }
    return SKERRY_ANSWERED;
}
SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
"""


class Chain(ServerTest):
    config = "limits: { fuel: 5M }\n"

    def chain(self, name, steps, module):
        """Deploys a function with a manifest."""
        folder = harness.SCRATCH / f"chain-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "main.wasm").write_bytes(module)
        (folder / "function.yaml").write_text(
            f"name: {name}\nmain: main.wasm\nsteps: [{', '.join(steps)}]\n")
        self.server.cli("deploy", str(folder), check=0)

    def passer(self, letter, features=2):
        name = f"pass-{letter}"
        text = PASSER.replace("LETTER", letter).replace("FEATURES", str(features))
        self.server.deploy(name, harness.wat(text, name=name))
        return name

    def test_each_step_has_its_turn_and_the_responses_go_back(self):
        steps = [self.passer("a"), self.passer("b"), "app"]
        self.chain("app", steps, guest("echo"))
        for _ in range(3):
            answer = self.server.get("app", "/x?y", method="POST", body=b"a body")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers.get_all("x-way"), ["a>", "b>", "<b", "<a"])
            self.assertTrue(answer.text.startswith("POST /x?y\n"), answer)
            self.assertTrue(answer.text.endswith("a body"), answer)
            # The version is the function's that was asked for; each step has its time.
            timing = answer.headers["server-timing"]
            self.assertEqual(re.findall(r'step(\d);desc="([^"]+)";dur=\d+\.\d{3}', timing),
                             [("0", "pass-a"), ("1", "pass-b"), ("2", "app")])
        self.assertEqual(self.server.get("pass-a").status, 404)   # alone it has no next one

    def test_a_step_that_answers_is_the_last(self):
        self.chain("short", [self.passer("c"), "short", "never"], guest("text"))
        self.server.deploy("never", guest("trap"))
        answer = self.server.get("short")
        self.assertEqual(answer.headers.get_all("x-way"), ["c>", "<c"])
        self.assertEqual(answer.status, 200)

    def test_a_step_that_fails_is_told_to_the_one_before(self):
        self.chain("bad", [self.passer("d"), "bad"], guest("trap"))
        self.assertEqual(self.server.get("bad", "/fine").headers.get_all("x-way"), ["d>", "<d"])
        answer = self.server.get("bad", "/u")
        self.problem(answer, 500, "trap")
        self.assertEqual(answer.headers.get_all("x-way"), ["<d!"])
        wait_until(lambda: "guest_fault" in self.server.guest_log("bad"), 5, "its line")
        # So are the others afterwards.
        self.assertEqual(self.server.get("bad", "/d").status, 500)

    def test_fuel_is_each_steps_own(self):
        self.chain("loops", [self.passer("e"), "loops"], guest("loop"))
        answer = self.server.get("loops")
        self.problem(answer, 500, "fuel_exhausted")
        # It is its fault and not the chain's: the one before hears of it and goes on.
        self.assertEqual(answer.headers.get_all("x-way"), ["<e!"])

    def test_a_step_that_is_not_there_or_the_end_of_the_chain(self):
        self.chain("holey", [self.passer("f"), "nowhere", "holey"], guest("text"))
        self.problem(self.server.get("holey"), 500, "no_step")
        wait_until(lambda: "step `nowhere` of the chain" in self.server.guest_log("holey"), 10,
                   "the step's name in the log")
        last = self.passer("g")
        self.chain("endless", ["endless", last], guest("text"))
        self.chain("open", [last, "open"],
                   harness.wat(PASSER.replace("LETTER", "h").replace("FEATURES", "2")))
        self.problem(self.server.get("open"), 404, "no_next_handler")

    def test_the_last_streams_through_steps_that_only_look(self):
        self.chain("streams", [self.passer("i", 0), "streams"], guest("stream"))
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as s:
            s.sendall(b"GET /f/default/streams/ez* HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while data.count(b"data: tick") < 3:
                data += s.recv(65536)
            self.assertIn(b"\r\nx-way: i>\r\n", data)
        self.chain("whole", [self.passer("j"), "whole"], guest("stream"))
        answer = self.server.get("whole", "/ezeze")
        self.assertEqual((answer.headers["content-length"], len(answer.body)), ("36", 36))

        def idle():
            text = self.server.admin("GET", "/metrics").text
            return not re.search(r"^skerry_(pool_in_use|streams|requests_parked)\{.*\} [1-9]",
                                 text, re.M)
        wait_until(idle, 10, "nothing in use")

    # ---- the conformance kit of http-wasm, over the wire ----

    CASES = [
        # test id, method, target, headers, body, header of the answer, its value
        # (TRACE the front refuses.)
        ("get_protocol_version", "GET", "/", [], 0, None, None),
        *[(f"get_method/{m}", m, "/", [], 0, "x-httpwasm-next-method", m)
          for m in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")],
        ("set_method", "GET", "/", [], 0, "x-httpwasm-next-method", "POST"),
        *[(f"get_uri/{name}", "GET", uri, [], 0, "x-httpwasm-next-uri", uri)
          for name, uri in (("simple", "/simple"), ("simple/escaping", "/simple%26clean"),
                            ("query", "/animal?name=panda"),
                            ("query/escaping", "/disney?name=chip%26dale"))],
        *[(f"set_uri/{name}", "GET", "/", [], 0, "x-httpwasm-next-uri", uri)
          for name, uri in (("simple", "/simple"), ("simple/escaping", "/simple%26clean"),
                            ("query", "/animal?name=panda"),
                            ("query/escaping", "/disney?name=chip%26dale"))],
        *[(f"get_header_values/request/{name}", "GET", "/", headers, 0, None, None)
          for name, headers in (("lowercase-key", [("single-header", "value")]),
                                ("mixedcase-key", [("Single-Header", "value")]),
                                ("not-exists", []),
                                ("multiple-values", [("multi-header", "value1"),
                                                     ("multi-header", "value2")]))],
        ("get_header_names/request", "GET", "/", [("a-header", "value1"), ("b-header", "2")], 0,
         "x-httpwasm-next-header-a-header-0", "value1"),
        *[(f"{call}_header{'' if call == 'remove' else '_value'}/request/{name}", "GET", "/",
           [("existing-header", "bear")], 0, f"x-httpwasm-next-header-{header}", value)
          for call, name, header, value in (
              ("set", "new", "new-header-0", "value"),
              ("set", "existing", "existing-header-0", "value"),
              ("add", "new", "new-header-0", "value"),
              ("add", "existing", "existing-header-1", "value"),
              ("remove", "new", "existing-header-0", "bear"),
              ("remove", "existing", "existing-header-0", None))],
        *[(f"read_body/request/{name}", "POST", "/", [], count, None, None)
          for name, count in (("empty", 0), ("small", 5), ("medium", 2048), ("large", 4096),
                              ("xlarge", 5000))],
        ("get_source_addr", "GET", "/", [], 0, None, None),
    ]

    def backend(self):
        self.chain("kit", ["tck", "kit"], harness.c_guest("kit", BACKEND))
        self.server.deploy("tck", shared_module("http-wasm/tck.wasm").read_bytes())

    def test_the_conformance_kit_passes(self):
        self.backend()
        host = f"kit.default.localhost:{self.server.port}"
        for test_id, method, target, headers, count, key, value in self.CASES:
            with self.subTest(test_id), contextlib.closing(self.server.connect()) as connection:
                connection.putrequest(method, target, skip_host=True)
                for header in [("Host", host), ("x-httpwasm-tck-testid", test_id), *headers]:
                    connection.putheader(*header)
                if count > 0 or method == "POST":
                    connection.putheader("content-length", str(count))
                connection.endheaders(b"a" * count)
                response = connection.getresponse()
                body = response.read()
                self.assertEqual(response.headers["x-httpwasm-tck-handled"], "1")
                self.assertIsNone(response.headers["x-httpwasm-tck-failed"])
                self.assertEqual(response.status, 200)
                if key is not None:
                    self.assertEqual(response.headers[key], value)
                if test_id == "get_protocol_version":
                    self.assertEqual(body, b"HTTP/1.1")

    def test_the_conformance_kit_knows_http_2(self):
        self.backend()
        connection = h2.Connection(self.server.port, 20)
        with contextlib.closing(connection):
            stream = connection.begin([
                (b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"),
                (b":authority", b"kit.default.localhost"),
                (b"x-httpwasm-tck-testid", b"get_protocol_version")])
            self.assertEqual(connection.outcome(stream), 200)
            self.assertEqual(connection.bodies[stream], b"HTTP/2.0")


if __name__ == "__main__":
    harness.unittest.main()
