# SPDX-License-Identifier: Apache-2.0
"""Answers that go out as zstd or gzip because their function says so and their client takes it."""
import contextlib
import gzip
import pathlib
import tempfile
import unittest
import zlib

import h2
from harness import SCRATCH, ServerTest, guest

ZSTD_MAGIC = bytes.fromhex("28b52ffd")
EVENT = b"data: tick\n\n"
GZIP = {"Accept-Encoding": "gzip"}


class Compressed(ServerTest):
    config = "limits: { fuel: 2M }\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        module = SCRATCH / "stream.wasm"
        module.write_bytes(guest("stream"))
        cls.server.cli("deploy", str(module), "-n", "squeezed", "--compress", check=0)
        cls.server.cli("deploy", str(module), "-n", "plain", check=0)

    def ask(self, script, headers=GZIP, name="squeezed", method="GET"):
        answer = self.server.get(name, script, headers=headers, method=method)
        self.assertEqual(answer.status, 200)
        return answer

    def kept(self, script, **more):
        answer = self.ask(script, **more)
        self.assertIsNone(answer.headers["content-encoding"], script)
        return answer

    def test_a_whole_answer_has_its_coding_and_the_length_of_that(self):
        answer = self.ask("/ck")
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertEqual(answer.headers["vary"], "accept-encoding")
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))
        self.assertLess(len(answer.body), 100)
        self.assertEqual(gzip.decompress(answer.body), bytes(1024))

    def test_an_answer_in_pieces_can_be_decoded_as_far_as_it_has_come(self):
        answer = self.ask("/cMMK")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertLess(len(answer.body), 65536)
        self.assertEqual(gzip.decompress(answer.body), bytes((2 << 20) + 65536))
        # Parked for ever behind its first event: that must have come out of the encoder.
        with contextlib.closing(self.server.connect()) as connection:
            connection.request("GET", "/f/default/squeezed/c" + 500 * "ez", headers=GZIP)
            response = connection.getresponse()
            text = b""
            decoder = zlib.decompressobj(31)
            while len(text) < 3 * len(EVENT):
                text += decoder.decompress(response.read1())
            self.assertTrue(text.startswith(3 * EVENT))
            response.close()

    def test_a_length_that_the_guest_promised_is_not_that_of_the_coding(self):
        answer = self.ask("/clkzk")
        self.assertIsNone(answer.headers["content-length"])
        self.assertEqual(gzip.decompress(answer.body), bytes(2048))

    def test_zstd_goes_before_gzip_unless_the_client_likes_that_more(self):
        answer = self.ask("/ck", {"Accept-Encoding": "gzip, deflate, br, zstd"})
        self.assertEqual(answer.headers["content-encoding"], "zstd")
        self.assertTrue(answer.body.startswith(ZSTD_MAGIC))
        liked = self.ask("/ck", {"Accept-Encoding": "zstd;q=0.5, gzip"})
        self.assertEqual(liked.headers["content-encoding"], "gzip")

    def test_what_gains_nothing_or_must_not_stays_as_it_is(self):
        self.assertEqual(self.kept("/ck", headers={}).headers["vary"], "accept-encoding")
        self.kept("/ck", headers={"Accept-Encoding": "br, gzip;q=0"})
        self.assertIsNone(self.kept("/k").headers["vary"])  # of no type
        self.kept("/ce")                                    # small
        self.kept("/cok")                                   # no-transform
        self.kept("/ck", name="plain")

    def test_a_strong_tag_becomes_a_weak_one_only_with_the_coding(self):
        self.assertEqual(self.ask("/cdk").headers["etag"], 'W/"tag"')
        self.assertEqual(self.kept("/cdk", headers={}).headers["etag"], '"tag"')

    def test_head_says_no_length_that_get_would_not_have(self):
        answer = self.kept("/ck", method="HEAD")
        self.assertIsNone(answer.headers["content-length"])
        self.assertEqual(answer.headers["vary"], "accept-encoding")
        self.assertEqual(self.kept("/ck", headers={}, method="HEAD").headers["content-length"],
                         "1024")

    def test_a_version_shows_it_and_a_manifest_can_say_it(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH))
        (folder / "function.yaml").write_text("name: said\nmain: main.wasm\ncompress: true\n")
        (folder / "main.wasm").write_bytes(guest("stream"))
        self.server.cli("deploy", str(folder), check=0)
        self.assertEqual(self.ask("/ck", name="said").headers["content-encoding"], "gzip")
        self.assertIn("compress", self.server.cli("show", "said", check=0).stdout)

    def test_http_2_has_it_too(self):
        connection = h2.Connection(self.server.port, 20)
        stream = connection.begin([(b":method", b"GET"), (b":scheme", b"http"),
                                   (b":path", b"/f/default/squeezed/cMkez"),
                                   (b":authority", connection.authority),
                                   (b"accept-encoding", b"gzip")])
        body = connection.finish()[stream]
        self.assertEqual(gzip.decompress(body), bytes((1 << 20) + 1024) + EVENT)


class Many(ServerTest):
    config = "limits: { fuel: 2M, wall: 60s }\n"

    def test_streams_beyond_the_encoders_go_out_as_they_are(self):
        module = SCRATCH / "stream.wasm"
        module.write_bytes(guest("stream"))
        self.server.cli("deploy", str(module), "-n", "squeezed", "--compress", check=0)
        connections = []
        codings = []
        for _ in range(2 * 64 + 8):  # of two workers
            connection = self.server.connect()
            connection.request("GET", "/f/default/squeezed/c" + 500 * "ez", headers=GZIP)
            connections.append((connection, connection.getresponse()))
            codings.append(connections[-1][1].headers["content-encoding"])
        self.assertIn(None, codings)
        self.assertLessEqual(codings.count("gzip"), 2 * 64)
        self.assertGreaterEqual(codings.count("gzip"), 64)
        for connection, response in connections:
            response.close()
            connection.close()


if __name__ == "__main__":
    unittest.main()
