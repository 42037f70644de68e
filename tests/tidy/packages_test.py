"""scripts/packages.txt: each package once, for `run` or `check`, with a stand-in or "-" and a reason. What the
documents' examples import comes with ./run: they are tried right after it."""

import re
import sys
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


def check_examples(tree):
    comes_with_run = {line.split()[0] for line in tree.text(LIST).splitlines() if line.split()[1:2] == ["run"]}
    findings = []
    for path in tree.paths():
        if not re.fullmatch(r"docs/examples/\w+\.py", path):
            continue
        for module in re.findall(r"^(?:import|from) (\w+)", tree.text(path), re.M):
            package = f"python3-{module}"
            if module not in sys.stdlib_module_names and package not in comes_with_run:
                findings.append(f"{path}: imports {module}, and {LIST} does not list {package} for run")
    return findings


class TheTree(RuleTest):
    def test_the_examples_run_after_run_alone(self):
        self.assert_clean(check_examples(project_tree()))

    def test_the_package_list_is_well_formed(self):
        self.assert_clean(check(project_tree()))


class TheRule(RuleTest):
    def test_each_mistake_is_found(self):
        found = check(MadeUpTree({LIST: "# x\ngit run - a clone\ngit run - again\ncurl sometimes - why\nnpm run npm\n"}))
        self.assertEqual(len(found), 3)
        self.assert_found(found, "listed twice", "neither run nor check", "wants package")

    def test_an_example_that_needs_more_than_run_installs_is_found(self):
        example = {"docs/examples/a.py": "import sys\nimport zmq\n"}
        for needed_by, wrong in (("check", 1), ("run", 0)):
            found = check_examples(MadeUpTree({**example, LIST: f"# x\npython3-zmq {needed_by} - examples\n"}))
            self.assertEqual(len(found), wrong)


if __name__ == "__main__":
    unittest.main()
