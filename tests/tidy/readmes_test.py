"""Every folder of the tree says in a README.md what lives there (two levels deep)."""

import unittest

from source_tree import MadeUpTree, RuleTest, project_tree

TOP = ("app", "clients", "config", "delivery", "docs", "fusion", "pipeline", "plugins", "proto", "scripts", "tests")
# Two levels of proto/fusiongateway/v1 are one name; proto/README.md describes it.
EXEMPT = {"proto/fusiongateway", "docs/pictures", "scripts/sanitizers"}
# tests/ mirrors the tree: tests/README.md speaks for its folders.
FLAT = ("tests",)


def check(tree):
    paths = set(tree.paths())
    folders = set()
    for path in paths:
        parts = path.split("/")
        if parts[0] in TOP:
            folders.update("/".join(parts[:depth]) for depth in (1, 2)
                           if len(parts) > depth and (depth == 1 or parts[0] not in FLAT))
    return [f"{folder}/: has no README.md; say in a few lines what lives there"
            for folder in sorted(folders - EXEMPT) if f"{folder}/README.md" not in paths] + [
            f"{path}: is empty" for path in sorted(paths)
            if path.endswith("README.md") and not tree.text(path).strip()]


class TheTree(RuleTest):
    def test_every_folder_says_what_lives_there(self):
        self.assert_clean(check(project_tree()))


class TheRule(RuleTest):
    def test_a_folder_without_readme_is_found(self):
        found = check(MadeUpTree({"fusion/README.md": "x", "fusion/base/time.h": "", "app/main.cc": ""}))
        self.assertEqual(len(found), 2)
        self.assert_found(found, "fusion/base/", "app/")

    def test_an_empty_readme_is_found(self):
        self.assert_found(check(MadeUpTree({"app/README.md": " \n"})), "empty")

    def test_deeper_folders_are_their_parents_to_describe(self):
        self.assert_clean(check(MadeUpTree({"delivery/README.md": "x", "delivery/wall/README.md": "x",
                                            "delivery/wall/web/src/a.ts": ""})))


if __name__ == "__main__":
    unittest.main()
