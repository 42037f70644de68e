"""Every test file is in the build: a test that is not run is not a test.

Every C++ file under tests/ must be compiled, a script (*_test.py, *_test.sh, *.e2e.mjs) must be named
by a ctest. Needs a configured build: FG_BUILD_DIR.
"""

import json
import os
import re
import tempfile
import unittest

from source_tree import MadeUpTree, RuleTest, project_root, project_tree

COMPILED = (".cc", ".cpp", ".c")
NAMED = ("_test.py", "_test.sh", ".e2e.mjs", ".test.mjs", ".test.ts")


def compiled_files(build_dir):
    with open(os.path.join(build_dir, "compile_commands.json"), encoding="utf-8") as file:
        return {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in json.load(file)}


def ctest_text(build_dir):
    """The text of every test list ctest reads from this build, and only from this one."""
    text = ""
    with open(os.path.join(build_dir, "CTestTestfile.cmake"), encoding="utf-8") as file:
        own = file.read()
    for folder in re.findall(r'^subdirs\("([^"]+)"\)', own, re.M):
        text += ctest_text(os.path.join(build_dir, folder))
    return own + text


def check(tree, root, compiled, listed):
    findings = []
    for path in tree.paths():
        whole = os.path.realpath(os.path.join(root, path))
        if path.startswith("tests/") and path.endswith(COMPILED) and whole not in compiled:
            findings.append(f"{path}: no target compiles it; add it to its folder's CMakeLists.txt")
        if path.endswith(NAMED) and not re.search(re.escape(os.path.basename(path)) + r'["\s]', listed):
            findings.append(f"{path}: no ctest runs it; add_test it in its folder's CMakeLists.txt")
    return findings


class TheTree(RuleTest):
    def test_every_test_file_is_in_the_build(self):
        build_dir = os.environ["FG_BUILD_DIR"]
        self.assert_clean(check(project_tree(), project_root(), compiled_files(build_dir), ctest_text(build_dir)))


class TheRule(RuleTest):
    def test_a_test_that_nothing_compiles_is_found(self):
        tree = MadeUpTree({"tests/fusion/a_test.cc": "", "tests/fusion/b_test.cc": ""})
        found = check(tree, "/p", {"/p/tests/fusion/a_test.cc"}, "")
        self.assertEqual(len(found), 1)
        self.assert_found(found, "b_test.cc")

    def test_a_script_that_no_ctest_names_is_found(self):
        tree = MadeUpTree({"tests/e2e/wall.e2e.mjs": "", "tests/tidy/a_test.py": "", "tests/tidy/b_test.py": ""})
        found = check(tree, "/p", set(), 'add_test([=[x]=] "python3" "/p/tests/tidy/a_test.py")\n')
        self.assertEqual(len(found), 2)
        self.assert_found(found, "wall.e2e.mjs", "b_test.py")

    def test_nested_lists_are_read_and_foreign_ones_are_not(self):
        with tempfile.TemporaryDirectory() as build:
            os.makedirs(os.path.join(build, "tests"))
            os.makedirs(os.path.join(build, "asan"))
            for path, text in (("CTestTestfile.cmake", 'subdirs("tests")\n'),
                               ("tests/CTestTestfile.cmake", "mine\n"), ("asan/CTestTestfile.cmake", "foreign\n")):
                with open(os.path.join(build, path), "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertIn("mine", ctest_text(build))
            self.assertNotIn("foreign", ctest_text(build))


if __name__ == "__main__":
    unittest.main()
