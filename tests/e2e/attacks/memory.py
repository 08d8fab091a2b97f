# SPDX-License-Identifier: Apache-2.0
"""Guests that fill all the memory they get: their tenant's stays bounded, and others are served.

A cgroup is the kernel's word for how much there is, which is then not overstepped. It is made below
the one that SKERRY_TEST_CGROUP names (with a memory controller, in which folders may be made, as by
systemd's Delegate=yes), or where version 1 has its memory groups, if that can be written.
"""
import contextlib
import os
import pathlib
import time
import unittest

from harness import (SANITIZED, Load, Server, ServerTest, guest, in_parallel, memory_mib,
                     text_guest, wait_until, wat)

MIB = 1 << 20
BOUND_MIB = 192
SLACK_MIB = 128 if SANITIZED else 64    # a sanitizer's own memory for that of guests
REQUESTS = 16
CGROUP_CLIENTS = 40
CGROUPS_OF_VERSION_1 = "/sys/fs/cgroup/memory"
CGROUP_LIMITS = ("memory.max", "memory.limit_in_bytes")

# 128 MiB, each byte of it, and then never an end.
FILL = """
(module
  (memory (export "memory") 1)
  (func (export "handle_request") (result i64)
    (drop (memory.grow (i32.const 2047)))
    (memory.fill (i32.const 0) (i32.const 0x5a) (i32.mul (memory.size) (i32.const 65536)))
    (loop $for_ever (br $for_ever))
    (i64.const 0))
  (func (export "handle_response") (param i32 i32)))
"""


class Watched(contextlib.ExitStack):
    """The worker's memory while something is done, and a neighbour that is served beside."""

    def __init__(self, server):
        super().__init__()
        server.deploy("hello", text_guest("text-hello-01"))
        assert server.get("hello").status == 200
        self.worker, = server.worker_pids()
        self.idle = memory_mib(self.worker)
        self.memory = self.enter_context(Load(1, self._sample))
        self.neighbour = self.enter_context(Load(1, lambda: server.get("hello").status))

    def _sample(self):
        time.sleep(0.001)
        return memory_mib(self.worker)

    def most(self):
        return max([self.idle] + [mib for _, mib in self.memory.results])

    def __exit__(self, *failure):
        super().__exit__(*failure)
        print(f"memory: {self.idle:.0f} MiB idle, {self.most():.0f} at most, bound {BOUND_MIB}")


class Hogs(ServerTest):
    workers = 1
    config = (f"limits: {{ tenant_memory: {BOUND_MIB}MiB, worker_memory: 1GiB, wall: 5s, "
              "queue_wait: 5s }\n")

    def used_bytes(self):
        text = self.server.admin("GET", "/metrics").text
        return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith("skerry_memory_bytes{"))

    def keeps_its_bound(self, watched):
        self.assertLessEqual(watched.most(), watched.idle + BOUND_MIB + SLACK_MIB)
        self.assertEqual(watched.neighbour.failures, [])
        self.assertEqual({status for _, status in watched.neighbour.results}, {200})
        self.assertEqual(self.server.worker_pids(), [watched.worker])

    def fill(self, tenants):
        """One request of each tenant, all at once."""
        server = self.server
        for tenant in set(tenants):
            server.deploy("fill", wat(FILL, name="fill"), tenant=tenant)
        with Watched(server) as watched:
            answers = in_parallel(len(tenants), lambda i: server.get("fill", tenant=tenants[i]))
        self.keeps_its_bound(watched)
        codes = {answer.json["code"] for answer in answers}
        self.assertIn("memory_exhausted", codes)
        self.assertLessEqual(codes, {"memory_exhausted", "memory_busy", "fuel_exhausted",
                                     "deadline"})
        for answer in answers:
            if answer.json["code"] == "memory_busy":
                self.assertEqual(answer.status, 503)
                self.assertIn("retry-after", answer.headers)

    def test_guests_that_fill_memory_are_bounded_together_and_mind_nobody(self):
        self.fill(["hog"] * REQUESTS)

    def test_answers_that_are_being_made_count(self):
        if SANITIZED:
            self.skipTest("a sanitizer keeps what was freed")
        server = self.server
        server.deploy("big", guest("big"), tenant="hog")
        with Watched(server) as watched:
            answers = in_parallel(32, lambda _: server.get("big", "/10240", tenant="hog"))
        self.keeps_its_bound(watched)
        codes = {answer.json["code"] for answer in answers if answer.status != 200}
        self.assertLessEqual(codes, {"memory_exhausted", "memory_busy", "busy"})

    def test_what_is_counted_goes_back_and_the_tenant_is_served_again(self):
        server = self.server
        server.deploy("fill", wat(FILL, name="fill"), tenant="hog")
        server.deploy("small", text_guest("text-small-01"), tenant="hog")
        in_parallel(4, lambda _: server.get("fill", tenant="hog"))
        self.assertEqual(server.get("small", tenant="hog").status, 200)
        wait_until(lambda: self.used_bytes() < 64 * MIB, 10, "memory given back")


class HogsOfSeveralTenants(Hogs):
    config = (f"limits: {{ tenant_memory: 1GiB, worker_memory: {BOUND_MIB}MiB, wall: 5s, "
              "queue_wait: 5s }\n")

    def test_guests_that_fill_memory_are_bounded_together_and_mind_nobody(self):
        self.fill([f"hog{i % 3}" for i in range(REQUESTS)])


def make_cgroup():
    """A memory cgroup of our own, and the file for its limit; None where there can be none."""
    above = pathlib.Path(os.environ.get("SKERRY_TEST_CGROUP", CGROUPS_OF_VERSION_1))
    group = above / f"skerry-{os.getpid()}"
    try:
        if "SKERRY_TEST_CGROUP" not in os.environ and not (above / CGROUP_LIMITS[1]).exists():
            return None
        group.mkdir()
    except OSError:
        return None
    return group, next(group / name for name in CGROUP_LIMITS if (group / name).exists())


class InACgroup(unittest.TestCase):
    def test_nobody_is_killed_where_memory_is_scarce(self):
        made = make_cgroup()
        if made is None:
            self.skipTest("no cgroup can be made: name one above it in SKERRY_TEST_CGROUP")
        group, limit = made
        self.addCleanup(group.rmdir)
        limit.write_text(str(1 << 30))
        with Server(workers=2, config="limits: { wall: 5s, queue_wait: 5s }\n",
                    prefix=["sh", "-c", f'echo $$ >"{group}/cgroup.procs" && exec "$@"',
                            "sh"]) as server:
            server.deploy("hello", text_guest("text-hello-01"))
            server.deploy("fill", wat(FILL, name="fill"), tenant="hog")
            before = server.worker_pids()
            answers = in_parallel(CGROUP_CLIENTS, lambda _: server.get("fill", tenant="hog"))
            codes = {answer.json["code"] for answer in answers}
            self.assertLessEqual(codes, {"memory_exhausted", "memory_busy", "fuel_exhausted",
                                         "deadline"})
            self.assertEqual(server.get("hello").status, 200)
            self.assertEqual(server.worker_pids(), before)
            self.assertNotIn('"event":"worker_died"', server.log())
