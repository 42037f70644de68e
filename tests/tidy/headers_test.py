"""Every header opens with a comment that says what it is for, and is guarded against inclusion twice."""

import re
import unittest

from source_tree import MadeUpTree, RuleTest, project_tree

GUARD = re.compile(r"^#pragma once\b|^#ifndef (\w+)\n#define \1\b", re.M)
OPENING = re.compile(r"\A(?://[^\n]*\n)+|\A/\*.*?\*/", re.S)


def check(tree):
    findings = []
    for path in tree.paths(".h"):
        text = tree.text(path)
        opening = OPENING.match(text)
        if not opening or len(re.findall(r"[^\W\d_]{2,}", opening.group(0))) < 5:
            findings.append(f"{path}:1: does not open with its contract (purpose, threading, ownership, what is refused)")
        if not GUARD.search(text):
            findings.append(f"{path}:1: has no include guard; write #pragma once")
    return findings


class TheTree(RuleTest):
    def test_every_header_opens_with_its_contract(self):
        self.assert_clean(check(project_tree()))


class TheRule(RuleTest):
    def found(self, text):
        return check(MadeUpTree({"app/a.h": text}))

    def test_a_header_without_a_word_is_found(self):
        self.assert_found(self.found("#pragma once\nint a;\n"), "contract")
        self.assert_found(self.found("// a.h\n#pragma once\n"), "contract")

    def test_a_header_without_guard_is_found(self):
        self.assert_found(self.found("// What it is for, and who may call it.\nint a;\n"), "guard")

    def test_both_forms_of_comment_and_guard_are_taken(self):
        self.assert_clean(self.found("// What it is for, and who may call it.\n#pragma once\n"))
        self.assert_clean(self.found("/* What it is for, and who may call it. */\n#ifndef A_H\n#define A_H\n#endif\n"))


if __name__ == "__main__":
    unittest.main()
