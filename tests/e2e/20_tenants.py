# SPDX-License-Identifier: Apache-2.0
"""Nobody sees anybody else: not the next request, not the next tenant."""
import contextlib
import random
import re
import time

import harness
from harness import ServerTest, guest, in_parallel, text_guest

PRISTINE = "11111111\n"


class Isolation(ServerTest):
    def test_every_request_finds_the_state_of_the_deploy(self):
        self.server.deploy("counter", guest("counter"))
        for _ in range(200):
            answer = self.server.get("counter")
            self.assertEqual((answer.status, answer.text), (200, PRISTINE))

    def test_requests_at_the_same_time_do_not_meet(self):
        self.server.deploy("counter", guest("counter"))

        def many(_):
            return {self.server.get("counter").text for _ in range(40)}
        for seen in in_parallel(8, many):
            self.assertEqual(seen, {PRISTINE})

    def test_a_request_that_trapped_leaves_nothing(self):
        self.server.deploy("traps", guest("trap"))
        for _ in range(20):
            self.assertEqual(self.server.get("traps", "/u").status, 500)
            answer = self.server.get("traps", "/fine")
            self.assertEqual((answer.status, answer.text), (200, "fine\n"))

    def test_the_same_name_belongs_to_each_tenant_alone(self):
        self.server.deploy("shop", text_guest("text-alpha-01"), tenant="alpha")
        self.server.deploy("shop", text_guest("text-beta-001"), tenant="beta")
        self.assertEqual(self.server.get("shop", tenant="alpha").text, "text-alpha-01")
        self.assertEqual(self.server.get("shop", tenant="beta").text, "text-beta-001")
        self.assertEqual(self.server.get_host("shop", tenant="alpha").text, "text-alpha-01")
        self.assertEqual(self.server.get_host("shop", tenant="beta").text, "text-beta-001")

        self.assertIn(self.server.admin(
            "DELETE", "/v1/tenants/alpha/functions/shop").status, (200, 204))
        self.assertEqual(self.server.get("shop", tenant="alpha").status, 404)
        self.assertEqual(self.server.get("shop", tenant="beta").text, "text-beta-001")

    def test_a_tenant_and_a_function_that_are_missing_look_alike(self):
        self.server.deploy("there", text_guest("text-there-01"), tenant="known")
        answers = [self.problem(self.server.get(name, tenant=tenant), 404, "unknown_function")
                   for tenant, name in (("known", "absent"), ("nobody", "absent"))]
        for answer, tenant in zip(answers, ("known", "nobody")):
            self.assertEqual(answer["detail"].replace(tenant, "T"), answers[0]["detail"].replace(
                "known", "T"))

    def test_the_same_module_in_two_tenants_shares_no_state(self):
        for tenant in ("one", "two"):
            self.server.deploy("counter", guest("counter"), tenant=tenant)
        for _ in range(30):
            for tenant in ("one", "two"):
                self.assertEqual(self.server.get("counter", tenant=tenant).text, PRISTINE)

    def test_a_listing_shows_one_tenants_functions(self):
        self.server.deploy("mine", text_guest("text-mine-001"), tenant="left")
        self.server.deploy("yours", text_guest("text-yours-01"), tenant="right")
        self.assertEqual(self.server.functions("left"), {"mine"})
        self.assertEqual(self.server.functions("right"), {"yours"})

    def test_removing_one_tenants_copy_keeps_the_others_working(self):
        module = text_guest("text-both-001")
        self.server.deploy("copy", module, tenant="keeps")
        self.server.deploy("copy", module, tenant="drops")
        self.server.admin("DELETE", "/v1/tenants/drops/functions/copy")
        self.assertEqual(self.server.get("copy", tenant="keeps").text, "text-both-001")


class Canary(ServerTest):
    """Tenants that leave marks wherever they can, and look for those of others."""
    workers = 1
    config = "pool: { per_function: 2, total: 4, prewarm: 0s }\n"  # so that slots change hands
    requests = 1000 if harness.SANITIZED else 10_000
    clients = 4

    def starts(self):
        text = self.server.admin("GET", "/metrics").text
        found = re.findall(r'^skerry_starts_total\{worker="0",reason="(\w+)"\} (\d+)$', text, re.M)
        return {reason: int(count) for reason, count in found}

    def test_no_byte_of_a_request_is_found_by_any_other(self):
        names = [(tenant, name) for tenant in ("ann", "bob", "cyd") for name in ("one", "two")]
        for tenant, name in names:
            self.server.deploy(name, guest("canary"), tenant=tenant)

        def client(number):
            dice = random.Random(number)
            answers = []
            with contextlib.closing(self.server.connect()) as connection:
                for _ in range(self.requests // self.clients):
                    tenant, name = dice.choice(names)
                    answer = harness.exchange(connection, "GET",
                                              f"/f/{tenant}/{name}/{dice.randrange(10**9)}")
                    answers.append((answer.status, answer.text if answer.status == 200 else ""))
            return answers
        answers = [answer for part in in_parallel(self.clients, client) for answer in part]
        self.assertEqual(len(answers), self.requests)
        # A difference that was found would be a digit but 0.
        self.assertEqual(set(answers), {(200, "0"), (500, "")})
        trapped = answers.count((500, ""))
        starts = self.starts()
        print(f"{self.requests} requests, {trapped} trapped, starts: {starts}")
        self.assertGreater(trapped, self.requests // 64)
        self.assertGreater(starts["warm"], self.requests // 4)
        self.assertGreater(starts["evicted"], self.requests // 100)


class KeptMemoryOfTenants(ServerTest):
    workers = 1

    def test_memory_that_one_function_keeps_is_pristine_for_every_other(self):
        for tenant in ("keeps", "other"):
            query = "?reuse_requests=5" if tenant == "keeps" else ""
            self.assertEqual(self.server.put("canary", guest("canary"), tenant, query).status, 201)

        def ask(tenant, number):
            return self.server.get("canary", f"/{number}", tenant).text
        # The numbers are such that none traps. The second request finds the first one's marks ...
        self.assertEqual(ask("keeps", 1), "0")
        self.assertNotEqual(ask("keeps", 2), "0")
        for number in (1, 2, 1, 2):
            # ... but nobody else does, although the artifact is the same.
            self.assertEqual(ask("other", number), "0")
        kept = [ask("keeps", 1) for _ in range(8)]
        self.assertEqual([i for i, found in enumerate(kept) if found == "0"], [3])


class Initialiser(ServerTest):
    def test_start_and_initialize_ran_once_when_it_was_deployed(self):
        self.server.deploy("init", guest("init"))
        for _ in range(10):
            self.assertEqual(self.server.get("init").text, "start init\n")

    def test_random_and_time_are_each_isolates_own_after_one_snapshot(self):
        for name in ("one", "two"):     # the same artifact
            self.server.deploy(name, guest("own_init"))
        bodies = [self.server.get(name).body for name in ("one", "two") * 5]
        bodies += in_parallel(8, lambda _: self.server.get("one").body)
        self.assertEqual({body[:13] for body in bodies}, {b"wizer skerry\n"})
        self.assertEqual({len(body) for body in bodies}, {29})
        self.assertEqual(len({body[13:21] for body in bodies}), len(bodies))
        times = [int.from_bytes(body[21:], "little") for body in bodies]
        # Clocks go in steps, so some are alike; one that was frozen would be alike in all.
        self.assertEqual(times[:10], sorted(times[:10]))
        self.assertGreater(len(set(times)), 1)
        for then in times:
            self.assertLess(abs(then / 1e9 - time.time()), 60)
