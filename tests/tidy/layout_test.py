"""Every C and C++ file is as clang-format leaves it with the tree's .clang-format."""

import os
import shutil
import subprocess
import tempfile
import unittest

from source_tree import CPP, RuleTest, project_root, project_tree


def check(root, paths):
    """Files that clang-format would change."""
    if not paths:
        return []
    run = subprocess.run(["clang-format", "--style=file", "--dry-run", "--Werror", *paths], cwd=root,
                         capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return []
    changed = sorted({line.split(":")[0] for line in run.stderr.splitlines() if ": error:" in line})
    if not changed:
        return [f"clang-format failed: {run.stderr.strip()}"]
    return [f"{path}: not formatted; clang-format -i {path}" for path in changed]


@unittest.skipUnless(shutil.which("clang-format"), "clang-format is not installed; ./check installs it")
class Layout(RuleTest):
    def test_every_file_of_the_tree_is_formatted(self):
        self.assert_clean(check(project_root(), project_tree().paths(*CPP)))

    def test_a_file_that_is_not_formatted_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(project_root(), ".clang-format"), folder)
            with open(os.path.join(folder, "bad.cc"), "w", encoding="utf-8") as file:
                file.write("int  a( ){return 1 ;}\n")
            with open(os.path.join(folder, "good.cc"), "w", encoding="utf-8") as file:
                file.write("int a();\n")
            found = check(folder, ["bad.cc", "good.cc"])
        self.assertEqual(len(found), 1)
        self.assert_found(found, "bad.cc")


if __name__ == "__main__":
    unittest.main()
