#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The longest that a host call keeps a worker's loop: each with its dearest arguments, CPU time.

  python3 tests/bench/longest.py --build build [-k WORD]

What moves more than HOSTAPI_TURN_BYTES takes turns, so of such calls the figure is a turn's. Guests
run in `skerry run FILE --request` on one core; the median of rounds, of calls that follow one
another. (What a call waits for is no part of it: others run meanwhile.)
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import tempfile

import support

GOAL_US = 1000
TURN = 131072
PAGES = 40
ARGUMENTS_AT, RESULT_AT, RESULT_BYTES = 1024, 524288, 20000
HASH_BEGIN, HMAC_BEGIN, MORE, PBKDF2, HKDF, KEY_READ, KEY_MAKE, KEY_GENERATE, SIGN, VERIFY, \
    DERIVE, ENCRYPT, DECRYPT = 1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

WASI = '(import "wasi_snapshot_preview1" "{}" (func $call (param {}) (result i32)))'
TEXT = """(module
  (import "http_handler" "get_source_addr" (func (param i32 i32) (result i32)))
  {import_}
  (memory (export "memory") {pages})
  {data}
  (func (export "handle_request") (result i64)
    (local $left i32)
    {setup}
    (local.set $left (i32.const {calls}))
    (loop $again
      {call}
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
"""


class Kind:
    def __init__(self, import_, call, calls, data=b"", setup=""):
        self.import_, self.call, self.calls = import_, call, calls
        self.data, self.setup = data, setup

    def text(self, is_empty):
        data = "".join(f"\\{byte:02x}" for byte in self.data)
        return TEXT.format(import_=self.import_, call="" if is_empty else self.call,
                           calls=self.calls, pages=PAGES, setup=self.setup,
                           data=f'(data (i32.const {ARGUMENTS_AT}) "{data}")')


def moves():
    """Calls that move bytes, or rows."""
    write = '(import "http_handler" "write_body" (func $call (param i32 i32 i32)))'
    log = '(import "http_handler" "log" (func $call (param i32 i32 i32)))'
    header = '(import "http_handler" "set_header_value" (func $call (param i32 i32 i32 i32 i32)))'
    vectors = "".join(f"(i32.store (i32.const {8 * i}) (i32.const 65536))"
                      f"(i32.store (i32.const {8 * i + 4}) (i32.const 1024))" for i in range(128))
    return {
        "write_body, a turn": Kind(write, f"(call $call (i32.const 1) (i32.const 0)"
                                          f" (i32.const {TURN}))", 200),
        "write_body of the request, a turn": Kind(
            write, f"(call $call (i32.const 0) (i32.const 0) (i32.const {TURN}))", 60),
        "random_get, a turn": Kind(WASI.format("random_get", "i32 i32"),
                                   "(drop (call $call (i32.const 0) (i32.const 65536)))", 200),
        "fd_write to the log, 128 vectors of 1 KiB": Kind(
            WASI.format("fd_write", "i32 i32 i32 i32"),
            "(drop (call $call (i32.const 2) (i32.const 0) (i32.const 128) (i32.const 2048)))",
            20, setup=vectors),
        "poll_oneoff of 4,096": Kind(
            WASI.format("poll_oneoff", "i32 i32 i32 i32"),
            "(drop (call $call (i32.const 4096) (i32.const 524288) (i32.const 4096)"
            " (i32.const 0)))", 20),
        "log, 64 KiB of control bytes": Kind(
            log, "(call $call (i32.const 0) (i32.const 524288) (i32.const 65536))", 1,
            setup="(memory.fill (i32.const 524288) (i32.const 1) (i32.const 65536))"),
        "set_header_value of 30,000 bytes": Kind(
            header, "(call $call (i32.const 1) (i32.const 65536) (i32.const 9) (i32.const 65536)"
                    " (i32.const 30000))", 1,
            setup="(memory.fill (i32.const 65536) (i32.const 0x61) (i32.const 30000))"),
    }


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


def make_key(*words):
    """Private and public, as `crypto_v1` takes them."""
    key = openssl("genpkey", *words)
    return (openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", data=key),
            openssl("pkey", "-pubout", "-outform", "DER", data=key))


def crypto(number, *arguments, calls=20):
    data = b"".join(struct.pack("<I", len(one)) + one for one in arguments)
    call = (f"(if (i32.lt_s (call $call (i32.const {number}) (i32.const {ARGUMENTS_AT})"
            f" (i32.const {len(data)}) (i32.const {RESULT_AT}) (i32.const {RESULT_BYTES}))"
            " (i32.const 0)) (then unreachable))")
    return Kind('(import "skerry" "crypto_v1" (func $call (param i32 i32 i32 i32 i32)'
                ' (result i32)))', call, calls, data)


def sign_and_verify(name, key, digest, salt):
    """A signature that is right is made of the key itself, so that all of it is checked."""
    private, public = key
    kinds = {f"sign, {name.decode()}": crypto(SIGN, name, b"SHA-256", private, digest, salt)}
    if name == b"RSA":
        with tempfile.NamedTemporaryFile() as file:
            file.write(private)
            file.flush()
            signature = openssl("pkeyutl", "-sign", "-inkey", file.name, "-keyform", "DER",
                                "-pkeyopt", "digest:sha256", data=digest)
            sealed = openssl("pkeyutl", "-encrypt", "-inkey", file.name, "-keyform", "DER",
                             "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt",
                             "rsa_oaep_md:sha256", data=digest)
        kinds["decrypt, RSA"] = crypto(DECRYPT, b"SHA-256", private, sealed, b"")
        kinds[f"verify, {name.decode()}"] = crypto(VERIFY, name, b"SHA-256", public, digest, salt,
                                          signature)
    return kinds


def cryptography():
    digest = os.urandom(32)
    rsa = make_key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    large = make_key("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096")
    kinds = {}
    for name, salt in ((b"RSA", b""), (b"RSA-PSS", b"32")):
        kinds |= sign_and_verify(name, rsa, digest, salt)
    for name, curve in ((b"P-256", "P-256"), (b"P-384", "P-384"), (b"P-521", "P-521")):
        key = make_key("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-pkeyopt",
                       "ec_param_enc:named_curve")
        kinds |= sign_and_verify(name, key, digest, b"")
        kinds[f"derive, {name.decode()}"] = crypto(DERIVE, name, *key)
        kinds[f"generate, {name.decode()}"] = crypto(KEY_GENERATE, name)
        kinds[f"read a private key, {name.decode()}"] = crypto(KEY_READ, b"1", key[0])
    kinds["read a private key, RSA of 2,048"] = crypto(KEY_READ, b"1", rsa[0])
    kinds["read a public key, RSA of 4,096"] = crypto(KEY_READ, b"0", large[1])
    kinds["encrypt, RSA of 4,096"] = crypto(ENCRYPT, b"SHA-256", large[1], b"d" * 100, b"")
    kinds["PBKDF2, 500 rounds of SHA-512"] = crypto(
        PBKDF2, b"SHA-512", b"p" * 64, b"s" * 16 + b"\0\0\0\1", b"", b"500")
    kinds["PBKDF2, 500 rounds of SHA-256"] = crypto(
        PBKDF2, b"SHA-256", b"p" * 64, b"s" * 16 + b"\0\0\0\1", b"", b"500")
    for name in (b"MD5", b"SHA-1", b"SHA-512"):
        # more of `info` OpenSSL does not take
        kinds[f"HKDF, {name.decode()}, as much as may be"] = crypto(
            HKDF, name, b"k" * 64, b"s" * 64, b"i" * 2048, b"4080")
    kinds["HMAC, a key of 256 KiB"] = crypto(HMAC_BEGIN, b"SHA-512", b"k" * 261_000)
    return kinds


def cpu_us(skerry, core, module):
    done = subprocess.run([skerry, "run", module, "--request", "GET /", "--stats"],
                          capture_output=True, check=False,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    lines = [line for line in done.stderr.decode(errors="replace").splitlines()
             if line.startswith('{"fuel"')]
    if done.returncode != 0 or not lines:
        support.die(f"skerry run ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(lines[-1])["run_cpu_us"]


def measure(skerry, core, folder, kind, rounds):
    """Microseconds of a call."""
    modules = []
    for is_empty in (False, True):
        source = folder / f"{is_empty}.wat"
        source.write_text(kind.text(is_empty))
        modules.append(source.with_suffix(".wasm"))
        subprocess.run(["wat2wasm", "-o", modules[-1], source], check=True)
    return statistics.median((cpu_us(skerry, core, modules[0]) - cpu_us(skerry, core, modules[1]))
                             / kind.calls for _ in range(rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory (default: build)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("-k", metavar="WORD", default="", help="calls with WORD only")
    options = parser.parse_args()
    for program in ("wat2wasm", "openssl"):
        if shutil.which(program) is None:
            support.die(f"{program} is not installed (apt-get install wabt openssl)")
    skerry = support.find_program(options.build, "skerry")
    core, _ = support.pick_cores()
    support.print_facts()
    rows = []
    with tempfile.TemporaryDirectory(prefix="skerry-longest-") as folder:
        for name, kind in (moves() | cryptography()).items():
            if options.k in name:
                rows.append((measure(skerry, core, pathlib.Path(folder), kind, options.rounds),
                             name))
    print(f"\nmedians of {options.rounds} rounds; goal <= {GOAL_US} us\n")
    for took, name in sorted(rows, reverse=True):
        print(f"  {name:<45}{took:>9.1f} us  {support.verdict(took <= GOAL_US)}")


if __name__ == "__main__":
    main()
