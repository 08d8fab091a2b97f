#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lints and the test runner are tested too: each must see what it is there to see."""
import importlib.machinery
import importlib.util
import sys
import unittest
from unittest import mock

import circles
import house
import layers
import sizes
import sources

sys.dont_write_bytecode = True

RULES = """
```layers
engine/base   : (libc)
engine/read   : engine/engine.h engine/base
engine/run    : engine/engine.h engine/base engine/read engine/run_table.def
engine        : engine/base engine/read engine/run <xxhash.h>
isolate       : engine/engine.h engine/base
deploy        : engine/engine.h <lmdb.h> <event2/*>
server        : (public) <event2/*>
server/front/h2o_* : +server <h2o.h>
tests         : (anything)
```
"""


def load_runner():
    path = str(sources.ROOT / "tests" / "run")
    loader = importlib.machinery.SourceFileLoader("skerry_tests_run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


class Circles(unittest.TestCase):
    def problems(self, **needs):
        """Files by `folder_name`, each defining its name, and what they need."""
        return circles.check({path.replace("_", "/"): ({path}, set(wanted.split()))
                              for path, wanted in needs.items()})

    def test_a_circle_over_two_folders_is_told_arrow_by_arrow(self):
        found = self.problems(a_one="a_two libc", a_two="b_one", b_one="c_one", c_one="a_one")
        self.assertEqual([text.split(" (")[0] for text in found],
                         ["a/two needs b/one", "b/one needs c/one", "c/one needs a/one"])

    def test_one_folder_may_and_arrows_in_one_direction_may(self):
        self.assertEqual(self.problems(a_one="a_two", a_two="a_one b_one", b_one="c_one",
                                       c_one=""), [])

    def test_nm_is_understood(self):
        self.assertEqual(circles.symbols("0000 T made\n     U wanted\n0010 t own\n"),
                         ({"made"}, {"wanted"}))


class Layers(unittest.TestCase):
    def problems(self, path, text):
        rules = layers.parse_rules(RULES)
        fenced = {s for r in rules.values() for s in r.system}
        public = layers.public_headers(rules)
        with mock.patch.object(sources, "read", return_value=text):
            return layers.check(path, rules, public, fenced)

    def test_an_arrow_down_is_allowed(self):
        self.assertEqual(self.problems("isolate/pool.c", '#include "engine/engine.h"'), [])
        self.assertEqual(self.problems("engine/a.c", '#include "engine/base/bytes.h"'), [])
        self.assertEqual(self.problems("server/main.c", '#include "engine/engine.h"'), [])

    def test_an_arrow_up_or_sideways_or_into_the_inside_is_not(self):
        for path, target in (("engine/a.c", "isolate/isolate.h"),
                             ("isolate/pool.c", "deploy/deploy.h"),
                             ("isolate/pool.c", "engine/read/decode.h"),
                             ("engine/base/arena.c", "engine/engine.h")):
            self.assertEqual(len(self.problems(path, f'#include "{target}"')), 1, path)

    def test_a_folder_with_a_line_of_its_own_is_a_room_and_one_without_is_not(self):
        for path, target in (("engine/run/a.c", "engine/read/module.h"),
                             ("engine/run/a.c", "engine/run/deep/b.h"),
                             ("engine/run/deep/b.c", "engine/run/a.h"),
                             ("engine/run/deep/b.c", "engine/read/module.h"),
                             ("engine/run/a.c", "engine/run_table.def"),
                             ("engine/compile.c", "engine/run/a.h"),
                             ("server/cli/a.c", "server/request/b.h")):
            self.assertEqual(self.problems(path, f'#include "{target}"'), [], (path, target))
        for path, target in (("engine/read/a.c", "engine/run/a.h"),
                             ("engine/run/a.c", "engine/inside.h"),
                             ("engine/read/a.c", "engine/run_table.def"),
                             ("engine/a.c", "isolate/pool.h"),
                             ("isolate/pool.c", "engine/run/a.h"),
                             ("server/cli/a.c", "engine/run_table.def")):
            self.assertEqual(len(self.problems(path, f'#include "{target}"')), 1, (path, target))

    def test_a_circle_of_folders_is_seen(self):
        rules = layers.parse_rules(RULES)
        self.assertEqual(layers.circles(rules), [])
        rules["engine/read"].own.append("engine/run")
        self.assertEqual(len(layers.circles(rules)), 2)

    def test_a_header_that_only_its_own_folder_names_is_not_public(self):
        rules = layers.parse_rules(RULES.replace("engine/run_table.def", "engine/read/inside.h"))
        self.assertEqual(layers.public_headers(rules), ["engine/engine.h", "engine/base"])

    def test_a_fenced_library_is_for_its_owner_alone(self):
        self.assertEqual(self.problems("deploy/store/store.c", "#include <lmdb.h>"), [])
        self.assertEqual(len(self.problems("server/main.c", "#include <lmdb.h>")), 1)
        self.assertEqual(self.problems("server/front/h2o_listen.c", "#include <h2o.h>"), [])
        self.assertEqual(len(self.problems("server/request/request.c", "#include <h2o.h>")), 1)
        self.assertEqual(self.problems("server/front/h2o_x.c", "#include <event2/event.h>"), [])
        self.assertEqual(self.problems("isolate/pool.c", "#include <stdio.h>"), [])

    def test_an_include_must_name_its_folder_and_a_folder_its_line(self):
        self.assertEqual(len(self.problems("isolate/pool.c", '#include "pool.h"')), 1)
        self.assertEqual(len(self.problems("elsewhere/x.c", "")), 1)


class Sizes(unittest.TestCase):
    def test_the_length_of_a_function_is_what_stands_between_its_braces(self):
        lines = ["static int *f(int a)", "{", "    a++;", "    return 0;", "}", "struct s {", "};"]
        self.assertEqual(list(sizes.functions(lines)), [(1, 2)])
        self.assertEqual(sizes.name_of(lines, 1), "f")

    def test_parameters_are_those_of_the_function_itself(self):
        for header, count in (
                ("int f(void)", 0), ("int f()", 0), ("int f(int a)", 1), ("BASE_HANDLER", 0),
                ("int f(int a,\n      int b)", 2), ("int\nf(int (*g)(int, int, int), int b)", 2),
                ('static __attribute__((format(printf, 1, 2))) int f(const char *a, ...)', 2)):
            lines = header.split("\n")
            if lines[-1].startswith("f("):
                lines = [" ".join(lines)]    # a header that begins on a line of its own
            self.assertEqual(sizes.parameters_of(lines, len(lines)), count, header)

    def wrong(self, path, *lines):
        return [why for _, why in sizes.check_file(sources.pathlib.PurePosixPath(path), lines)]

    def test_a_file_may_be_longer_if_it_is_a_test(self):
        self.assertEqual(self.wrong("a/b.c", *["int a;"] * 600), [])
        self.assertEqual(len(self.wrong("a/b.c", *["int a;"] * 601)), 1)
        self.assertEqual(self.wrong("tests/a.c", *["int a;"] * 601), [])
        self.assertEqual(len(self.wrong("tests/a.c", *["int a;"] * 1001)), 1)

    def test_levels_are_those_that_keywords_open(self):
        deep = ["for (;;)", "    if (a)", "        while (b)", "            do {",
                "                if (c)", "                    c++;", "            } while (c);"]
        body = ["    " + line for line in deep]
        self.assertEqual(sizes.levels_of(body), 5)
        self.assertEqual(sizes.levels_of(["    iffy(a,", "                if_so);"]), 0)
        self.assertEqual(sizes.levels_of([]), 0)
        self.assertEqual(len(self.wrong("a/b.c", "void f(void)", "{", *body, "}")), 1)
        self.assertEqual(self.wrong("a/b.c", "void f(void)", "{", *deep[:4], "}"), [])

    def test_a_macro_ends_where_its_lines_do(self):
        lines = ["#define A(x) \\", "    x", "#define B 1", "  # define C \\", "", "#define D"]
        self.assertEqual(list(sizes.macros(lines)), [(1, "A", 2), (3, "B", 1), (4, "C", 2),
                                                     (6, "D", 1)])
        long = ["#define A \\"] + ["    x \\"] * 38
        self.assertEqual(self.wrong("a/b.h", *long, "    x"), [])
        self.assertEqual(len(self.wrong("a/b.h", *long, "    x \\", "    x")), 1)

    def test_a_folder_is_full_at_some_point(self):
        files = [sources.pathlib.PurePosixPath(f"engine/read/f{i}.c") for i in range(26)]
        self.assertEqual(list(sizes.check_folders(files[:25])), [])
        self.assertEqual([f for f, _ in sizes.check_folders(files)], ["engine/read"])
        files = [sources.pathlib.PurePosixPath(f"server/f{i}.h") for i in range(41)]
        self.assertEqual(list(sizes.check_folders(files[:40])), [])
        self.assertEqual(len(list(sizes.check_folders(files))), 1)


class House(unittest.TestCase):
    def lines(self, path, *lines):
        return list(house.check_lines(sources.pathlib.PurePosixPath(path), list(lines)))

    def test_the_top_level_is_closed(self):
        paths = [sources.pathlib.PurePosixPath(name)
                 for name in ("server/main.c", "README.md", "NOTE.txt", "scripts/a.py")]
        self.assertEqual(len(list(house.check_top_level(paths))), 2)

    def test_it_sees_what_it_forbids(self):
        self.assertEqual(len(self.lines("a/b.c", "/* TO" "DO: later */")), 1)
        self.assertEqual(self.lines("a/b.c", "/* TODO(#7): later */"), [])
        self.assertEqual(len(self.lines("tests/unit/a/b_test.c", "    usleep(10);")), 1)
        self.assertEqual(len(self.lines("a/b.c", "#ifdef X")), 1)
        self.assertEqual(self.lines("a/b.h", "#ifndef SKERRY_B_H"), [])
        self.assertEqual(len(self.lines("a/b.c", "int a; ")), 1)

    def test_guest_pointers_have_one_door(self):
        line = "    if (!engine_memory_read(instance, address, 8, &data))"
        self.assertEqual(len(self.lines("hostapi/wasi/wasi_poll.c", line)), 1)
        self.assertEqual(self.lines("hostapi/guest_mem.c", line), [])
        self.assertEqual(self.lines("isolate/isolate.c", line), [])

    def unit_tests(self, files):
        lines = {name: ["x"] * text if isinstance(text, int) else [text]
                 for name, text in files.items()}
        with mock.patch.object(house, "TESTED_ELSEWHERE", {"server/main.c": "e2e"}):
            return len(list(house.check_unit_tests(lines)))

    def test_a_long_file_or_a_state_has_a_unit_test_of_its_own_name(self):
        main = {"server/main.c": 233}
        self.assertEqual(self.unit_tests(main), 0)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": 81}), 1)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": 80}), 0)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": "    if (door->state == OPEN)"}), 1)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": "enum door_state next;"}), 1)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": "    (void)state;"}), 0)
        self.assertEqual(self.unit_tests({**main, "engine/a.c": 500}), 0)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": 81,
                                          "tests/unit/deploy/a_test.c": 9}), 0)
        self.assertEqual(self.unit_tests({**main, "deploy/a.c": 81,
                                          "tests/unit/hostapi/a_test.c": 9}), 1)

    def test_an_exception_that_nobody_needs_is_a_problem(self):
        self.assertEqual(self.unit_tests({"server/main.c": 233,
                                          "tests/unit/server/main_test.c": 9}), 1)
        self.assertEqual(self.unit_tests({"server/main.c": 80}), 1)
        self.assertEqual(self.unit_tests({}), 1)

    def test_a_page_cites_what_is_there(self):
        page = sources.pathlib.PurePosixPath("docs/a.md")
        for line, count in (("see ../shared/design", 1), ("[x](none.md)", 1), ("[x](#part)", 0),
                            ("[x](engine.md#fuel)", 0), ("[x](https://a.example/)", 0)):
            self.assertEqual(len(list(house.check_page(page, line))), count, line)

    def test_a_head_has_a_tag_and_a_purpose(self):
        path = sources.pathlib.PurePosixPath("a/b.c")
        tag = "/* SPDX-License-Identifier: Apache-2.0 */"
        self.assertEqual(len(list(house.check_head(path, ["int a;"]))), 1)
        self.assertEqual(len(list(house.check_head(path, [tag, "int a;"]))), 1)
        self.assertEqual(list(house.check_head(path, [tag, "/*", " * What.", " */"])), [])


class Runner(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runner = load_runner()

    def judge(self, output, status):
        outcome = self.runner.Outcome("c", "n", output=output)
        self.runner.judge(outcome, status)
        return outcome.passed, outcome.failed, outcome.skipped

    def test_tap_counts_each_test(self):
        self.assertEqual(self.judge("1..3\nok 1 - a\nnot ok 2 - b\n# x\nnot ok 3 # SKIP c\n", 1),
                         (1, 1, 1))

    def test_the_last_closing_line_counts(self):
        self.assertEqual(self.judge("1 passed, 0 failed, 0 skipped\n"
                                    "70 passed, 0 failed, 3 skipped\n", 0), (70, 0, 3))

    def test_reasons_of_skips_are_added_up(self):
        outcome = self.runner.Outcome("c", "n", output=(
            "skipped 3 in a.json: SIMD\nskipped 4 in b.json: SIMD\nskip: no tool\n"
            "skip: e2e.A.test_a: no port\nskip: e2e.A.test_b: no port\n"
            "1 passed, 0 failed, 10 skipped\n"))
        self.runner.judge(outcome, 0)
        self.assertEqual(outcome.reasons, ["7: SIMD", "2: no port", "no tool"])

    def test_a_bad_exit_status_is_a_failure_whatever_was_printed(self):
        self.assertEqual(self.judge("ok 1 - a\n", -11), (1, 1, 0))
        self.assertEqual(self.judge("5 passed, 0 failed, 0 skipped\n", 1), (5, 1, 0))

    def test_silence_is_judged_by_status_and_nothing_run_is_a_failure(self):
        self.assertEqual(self.judge("", 0), (1, 0, 0))
        self.assertEqual(self.judge("no tool\n", 77), (0, 0, 1))
        self.assertEqual(self.judge("", 2), (0, 1, 0))
        self.assertEqual(self.judge("0 passed, 0 failed, 0 skipped\n", 0), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
