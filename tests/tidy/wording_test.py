"""No path of a machine, no registry host and no note to self stands in the tree.

Hosts and paths are read off the machine that runs this, so that they need not stand here either.
"""

import glob
import os
import re
import subprocess
import unittest

from source_tree import MadeUpTree, RuleTest, matches, project_root, project_tree

# Put together, so that this file does not find itself.
NOTES = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
HOME = re.compile(r"(?<![\w./-])/(?:" + "ro" + r"ot|home/\w+|Users/\w+)(?=[/\s\"'`):,]|$)", re.M)
# A lock file names packages and their hashes; where they are fetched from is each machine's own.
RESOLVED = re.compile(r'"resolved":\s*"https?://[^"]+"')
BINARY = (".png", ".jpg", ".desc", ".avi", ".mp4", ".bin", ".ico", ".woff2", ".pcap")


def this_machines_words():
    """The project's own absolute path, and the hosts that packages come from here."""
    words = {project_root()}
    sources = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]
    texts = []
    for source in sources:
        try:
            with open(source, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        except OSError:
            continue
    try:
        npm = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True,
                             check=False, timeout=60)
        texts.append(npm.stdout)
    except (OSError, subprocess.TimeoutExpired):
        pass
    for text in texts:
        words.update(re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s]+\.[^/:\s]+)", text))
    return words


def check(tree, words):
    findings = []
    for path in tree.paths():
        if path.endswith(BINARY):
            continue
        text = tree.text(path)
        for line, found in matches(text, NOTES):
            findings.append(f"{path}:{line}: {found}; do it, or write down in plain words what is missing")
        for line, found in matches(text, HOME):
            findings.append(f"{path}:{line}: names a folder of one machine ({found})")
        for line, found in matches(text, RESOLVED):
            findings.append(f"{path}:{line}: a lock file names its registry ({found}); omit-lockfile-registry-resolved=true")
        for word in words:
            for line, _ in matches(text, re.compile(r"(?<![\w.-])" + re.escape(word) + r"(?![\w-])")):
                findings.append(f"{path}:{line}: names this machine's path or package host {word}")
    return findings


class TheTree(RuleTest):
    def test_nothing_of_one_machine_and_no_note_to_self(self):
        self.assert_clean(check(project_tree(), this_machines_words()))


class TheRule(RuleTest):
    def found(self, text, words=(), path="docs/a.md"):
        return check(MadeUpTree({path: text}), words)

    def test_a_note_to_self_is_found(self):
        for note in ("TO" + "DO: later", "// FIX" + "ME", "X" + "XX"):
            self.assert_found(self.found(note), "docs/a.md:1")
        self.assert_clean(self.found("a todo list; ZZZDDDUUUX" + "XX_2026"))

    def test_a_home_folder_is_found(self):
        self.assert_found(self.found("see\n/ro" + "ot/notes"), "docs/a.md:2")
        self.assert_found(self.found('"/ho' + 'me/li/gateway"'), "docs/a.md:1")
        self.assert_clean(self.found("the project's root/ and /rootfs and build/root/"))

    def test_a_host_or_path_of_this_machine_is_found(self):
        words = {"mirror.example.com", "/opt/clone"}
        self.assert_found(self.found("https://mirror.example.com/debian", words), "mirror.example.com")
        self.assert_found(self.found("cd /opt/clone/build", words), "/opt/clone")
        self.assert_clean(self.found("https://other.example.com", words))

    def test_a_lock_file_that_names_its_registry_is_found(self):
        self.assert_found(self.found('{"resolved"' + ': "https://r.example/x.tgz"}', (), "web/package-lock.json"), "lock file")

    def test_this_machine_has_words(self):
        self.assertIn(project_root(), this_machines_words())


if __name__ == "__main__":
    unittest.main()
