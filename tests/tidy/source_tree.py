"""The project's files as a tree of texts, real or made up, for the rules of this folder."""

import os
import re
import subprocess
import unittest

CPP = (".h", ".hpp", ".cc", ".cpp", ".c")

# A comment, or a string or character that only looks like it holds one.
_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\s\\]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.S)


def without_comments(text):
    """C++ text with every comment blanked; line numbers stay."""

    def blank(match):
        token = match.group(0)
        if token.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", token)
        return token

    # A digit separator (1'000) is not the start of a character.
    return _TOKEN.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "_", text))


def matches(text, pattern):
    """(line number, matched text) of every match."""
    return [(text.count("\n", 0, m.start()) + 1, m.group(0)) for m in pattern.finditer(text)]


class MadeUpTree:
    """A tree for a rule's own tests: a dict from path to text."""

    def __init__(self, texts):
        self._texts = texts

    def paths(self, *suffixes):
        return sorted(p for p in self._texts if not suffixes or p.endswith(suffixes))

    def text(self, path):
        return self._texts[path]


class ProjectTree:
    """What git tracks, or would if it were added: never what is ignored (the build)."""

    def __init__(self, root):
        self.root = root
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
            capture_output=True, check=False)
        if listing.returncode == 0:
            found = listing.stdout.decode().split("\0")
        else:  # an unpacked archive
            found = list(self._walk())
        self._paths = sorted({p for p in found if p and os.path.isfile(os.path.join(root, p))})

    def _walk(self):
        for folder, inner, files in os.walk(self.root):
            inner[:] = [d for d in inner if d not in ("build", ".git", "node_modules", "__pycache__")]
            for name in files:
                yield os.path.relpath(os.path.join(folder, name), self.root)

    def paths(self, *suffixes):
        return [p for p in self._paths if not suffixes or p.endswith(suffixes)]

    def text(self, path):
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read().decode("utf-8", "replace")


def project_tree():
    return ProjectTree(project_root())


def project_root():
    return os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


class RuleTest(unittest.TestCase):
    """Asserts over findings, shown one a line."""

    def assert_clean(self, findings):
        if findings:
            self.fail(f"{len(findings)} finding(s):\n" + "\n".join(findings))

    def assert_found(self, findings, *parts):
        for part in parts:
            self.assertTrue(any(part in f for f in findings), f'nothing about "{part}" in {findings}')
