#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages have every verb, every option and every key, and troff has nothing to say.

    man.py SKERRY skerry.1 skerry.yaml.5 function.yaml.5
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKERRY, PROGRAM, SETTINGS, MANIFEST = sys.argv[1:5]


def text(page):
    return pathlib.Path(page).read_text(encoding="utf-8").replace("\\-", "-")


def table(name, pattern):
    """First groups of `pattern` in a .def file: the table itself, not what was printed of it."""
    rows = re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert rows, name
    return rows


class Man(unittest.TestCase):
    def verbs(self):
        script = subprocess.run([SKERRY, "completion", "bash"], check=True, capture_output=True,
                                text=True).stdout
        return re.search(r'compgen -W "([^"]*)"', script).group(1).split()

    def test_every_verb_and_every_option_is_there(self):
        page = text(PROGRAM)
        verbs = self.verbs()
        self.assertLess({"serve", "run", "validate", "inspect", "deploy", "doctor"}, set(verbs))
        self.assertLessEqual(set(table("deploy/cli/verbs.def", r"^VERB\((\w+),")), set(verbs))
        sections = dict(re.findall(r"(?ms)^\.SS (\S+)\n(.*?)(?=^\.S[SH] )", page))
        self.assertEqual(sorted(sections), sorted(verbs))
        for verb in verbs:
            said = subprocess.run([SKERRY, verb, "--help"], check=True, capture_output=True,
                                  text=True).stdout
            self.assertIn(f"usage: skerry {verb}", sections[verb])
            for option in set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", said)):
                self.assertIn(option, sections[verb], verb)

    def test_every_key_of_the_configuration_is_there_with_its_text(self):
        page = text(SETTINGS)
        keys = [f"{section}.{key}".lstrip(".") for section, key in
                table("config/settings.def", r'^SETTING\("(\w*)", "(\w+)"')]
        keys += [f"limits.{name}" for name in table("config/limits.def", r"^LIMIT\((\w+),")]
        self.assertEqual(re.findall(r"(?m)^\.TP\n\.BR (\S+) ", page), keys)
        for words in (table("config/limits.def", r'^LIMIT\(.*"(.*)"\)$')
                      + table("config/settings.def", r'^ {8}"(.*)"\)$')):
            self.assertIn(words, page)

    def test_every_key_of_the_manifest_is_there_with_its_text(self):
        page = text(MANIFEST)
        keys = [f"{section}.{key}".lstrip(".") for section, key in
                table("deploy/manifest/manifest.def", r'^KEY\("(\w*)", "(\w+)"')]
        keys += [f"limits.{name}" for name in ("fuel", "memory", "wall", "scratch")]
        found = re.findall(r"(?m)^\.TP\n\.BR? (\S+)", page)
        self.assertEqual(sorted(found), sorted(keys))
        for words in table("deploy/manifest/manifest.def", r'^ {4}"([a-z].*)"\)$'):
            self.assertIn(words, page)

    def test_nothing_of_the_machine_that_built_them_is_in_them(self):
        for page in (PROGRAM, SETTINGS, MANIFEST):
            self.assertNotIn("/nonexistent", text(page))
            self.assertNotIn(str(ROOT), text(page))

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_troff_has_no_warnings(self):
        for page in (PROGRAM, SETTINGS, MANIFEST):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page],
                                  capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "", page)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
