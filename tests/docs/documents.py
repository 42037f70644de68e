"""The project's documents, their links and their code blocks."""

import os
import re
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documents():
    listing = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "*.md"],
                             capture_output=True, text=True, check=True)
    return [path for path in listing.stdout.split() if os.path.exists(os.path.join(ROOT, path))]


def anchor(heading):
    """GitHub's name of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text):
    return {anchor(line) for line in re.findall(r"^#+ +(.+)$", FENCE.sub("", text), re.M)}


def dead_links(path, text, exists, text_of):
    """Links of a document to files or headings that are not there; the web is not asked."""
    dead = []
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"\w+:", target):
            continue
        file, _, heading = target.partition("#")
        whole = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not exists(whole):
            dead.append(f"{path}: links to {target}, which is not there")
        elif heading and heading not in anchors(text_of(whole)):
            dead.append(f"{path}: links to {target}, a heading which is not there")
    return dead


def blocks(path, language):
    return [body for found, body in FENCE.findall(read(path)) if found == language]


def compile_c(source, output):
    """Builds a loadable module as the document says."""
    subprocess.run([os.environ.get("FG_CC", "cc"), "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I", ROOT,
                    source, "-o", output], check=True)
