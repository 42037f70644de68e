"""The wall's page has English for the engine's sentences, and names for what the demo city shows."""

import json
import re
import unittest

from source_tree import MadeUpTree, RuleTest, project_tree, without_comments

PHRASES = "delivery/wall/web/src/phrases.ts"
NAMES = "delivery/wall/web/public/names.json"
HEALTH = "delivery/wall/web/src/health.ts"
# Where the engine words why an evidence joined and why a camera was chosen.
SENTENCES = ("fusion/correlate/association.cc", "fusion/respond/camera_ranking.cc")
NOTES = ("pipeline/feeds/publisher_protocol.cc", "app/fusion_loop.cc")
DEMO = "config/demo.yaml"

CHINESE = re.compile("[\u3400-\u9fff]+")
STRING = re.compile(r'"((?:\\.|[^"\\\n])*)"')


def untranslated(tree):
    known = set()
    for zh, _ in re.findall(r'\["([^"]+)", "([^"]+)"\]', tree.text(PHRASES)):
        known.update(CHINESE.findall(zh))
    return [f"{path}: {PHRASES} has no English for {words}"
            for path in SENTENCES for literal in STRING.findall(without_comments(tree.text(path)))
            for words in CHINESE.findall(literal) if words not in known]


def unnamed(tree):
    names = json.loads(tree.text(NAMES))
    demo = tree.text(DEMO)
    wanted = [("feeds", word) for word in re.findall(r"\{feed_id: ([\w-]+)", demo)]
    wanted += [("roles", word) for word in re.findall(r"\brole: ([\w-]+)", demo)]
    return [f"{DEMO}: {NAMES} has no name for {word} among its {table}"
            for table, word in sorted(set(wanted)) if word not in names[table]]


# The page tells a goodbye and a fresh start from a loss by these words.
def unsaid(tree):
    words = re.findall(r'^const (?:GOODBYE|STARTED|NO_REQUEST) = "([^"]+)"', tree.text(HEALTH), re.M)
    said = [literal for path in NOTES for literal in STRING.findall(without_comments(tree.text(path)))]
    return [f"{HEALTH}: no note of the gateway ends in \"{word}\"" for word in words
            if not any(literal.endswith(" / " + word) for literal in said)]


class WallWords(RuleTest):
    def test_every_sentence_of_the_engine_has_its_english(self):
        self.assert_clean(untranslated(project_tree()))

    def test_every_feed_and_role_of_the_demo_city_has_its_name(self):
        self.assert_clean(unnamed(project_tree()))

    def test_the_notes_the_page_goes_by_are_the_gateways(self):
        self.assert_clean(unsaid(project_tree()))

    def test_what_is_missing_is_found(self):
        tree = MadeUpTree({
            PHRASES: '["晚 # 秒", "# s later"],',
            SENTENCES[0]: 'why = "晚 " + n + " 秒"; why += "下风向";  // 注释 "上风向"\n',
            SENTENCES[1]: "",
            NAMES: '{"feeds": {"grid": ["网格", "Grid"]}, "roles": {}}',
            DEMO: "  - {feed_id: grid, plugin: grid}\n  - {feed_id: try-it}\n  - {camera_id: a, role: yard}\n",
            HEALTH: 'const GOODBYE = "said bye";\n',
            NOTES[0]: 'Close("said goodbye");\n',
            NOTES[1]: "",
        })
        found = untranslated(tree)
        self.assertEqual(len(found), 1)
        self.assert_found(found, "下风向")
        self.assertEqual([line.split(" for ")[1].split()[0] for line in unnamed(tree)], ["try-it", "yard"])
        self.assertEqual(len(unsaid(tree)), 1)


if __name__ == "__main__":
    unittest.main()
