"""Links lead somewhere; every code the sockets answer with is in the protocol's document."""

import glob
import os
import re
import tempfile
import unittest

from documents import ROOT, blocks, compile_c, dead_links, documents, read

CODE = re.compile(r'(?:(?:Reply|Publisher)Error\([^"]*|set_code\(|SendError\([^"]*|code = )"([A-Z]+(?:_[A-Z]+)*)"')


def codes():
    """Every error and rejection code in the sources of the two sockets."""
    found = set()
    for folder in ("pipeline/feeds", "delivery/stream"):
        for path in glob.glob(os.path.join(ROOT, folder, "*.cc")):
            with open(path, encoding="utf-8") as file:
                found.update(CODE.findall(file.read()))
    return found


class Links(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        dead = []
        for path in documents():
            dead += dead_links(path, read(path), lambda p: os.path.exists(os.path.join(ROOT, p)), read)
        self.assertEqual(dead, [], "\n".join(dead))

    def test_a_dead_link_and_a_dead_heading_are_found(self):
        texts = {"docs/a.md": "# Here\n[gone](b.md) [no](#nowhere) [yes](#here) [web](https://x.example/)\n", "c.md": "x"}
        dead = dead_links("docs/a.md", texts["docs/a.md"], texts.__contains__, texts.__getitem__)
        self.assertEqual(len(dead), 2)
        self.assertEqual(dead_links("docs/a.md", "[c](../c.md)", texts.__contains__, texts.__getitem__), [])


class Protocol(unittest.TestCase):
    def test_every_code_of_the_sockets_is_documented(self):
        document = read("docs/wire-protocol.md")
        self.assertIn("HELLO_REQUIRED", codes())
        self.assertEqual(sorted(code for code in codes() if f"`{code}`" not in document and f"{{{code}" not in document), [])

    def test_every_message_of_the_sockets_is_documented(self):
        document = read("docs/wire-protocol.md")
        for proto in ("publisher", "consumer"):
            text = read(f"proto/fusiongateway/v1/{proto}.proto")
            for oneof in re.findall(r"oneof message \{(.*?)\}", text, re.S):
                for field in re.findall(r"\w+ (\w+) = \d+;", oneof):
                    self.assertRegex(document, rf"`{field}\b|{field}\{{|{field}:", f"{proto}.proto: {field}")


class PluginExample(unittest.TestCase):
    def test_the_smallest_plugin_compiles_as_written(self):
        (source,) = blocks("docs/plugin-abi.md", "c")[-1:]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "smallest.c")
            with open(path, "w", encoding="utf-8") as file:
                file.write(source)
            compile_c(path, os.path.join(folder, "smallest.so"))


if __name__ == "__main__":
    unittest.main()
