"""scripts/packages.txt: each package once, for `run` or `check`, with a stand-in or "-" and a reason."""

import unittest

from source_tree import MadeUpTree, RuleTest, project_tree

LIST = "scripts/packages.txt"


def check(tree):
    findings, seen = [], set()
    for number, line in enumerate(tree.text(LIST).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(None, 3)
        if len(fields) < 4:
            findings.append(f"{LIST}:{number}: wants package, who needs it, stand-in, reason")
            continue
        if fields[1] not in ("run", "check"):
            findings.append(f'{LIST}:{number}: "{fields[1]}" is neither run nor check')
        if fields[0] in seen:
            findings.append(f"{LIST}:{number}: {fields[0]} is listed twice")
        seen.add(fields[0])
    return findings


class TheTree(RuleTest):
    def test_the_package_list_is_well_formed(self):
        self.assert_clean(check(project_tree()))


class TheRule(RuleTest):
    def test_each_mistake_is_found(self):
        found = check(MadeUpTree({LIST: "# x\ngit run - a clone\ngit run - again\ncurl sometimes - why\nnpm run npm\n"}))
        self.assertEqual(len(found), 3)
        self.assert_found(found, "listed twice", "neither run nor check", "wants package")


if __name__ == "__main__":
    unittest.main()
