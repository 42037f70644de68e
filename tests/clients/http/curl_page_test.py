"""Every command of clients/http/README.md, in the page's order, against a gateway of this build."""

import json
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "docs"))
from documents import blocks  # noqa: E402
from gateway import PROGRAM, Gateway  # noqa: E402


# The page's log, with blank lines in the middle and a last line that is still being written; then its end, and another run.
BLANK_AND_UNENDED = (" && cat more >> log.ndjson",
                     r""" && printf '\n \t\r\n' >> log.ndjson && cat more >> log.ndjson &&
                         sed 's/C-1/C-5/' events.ndjson | head -n 1 | head -c 80 >> log.ndjson""")
ITS_END = "sed 's/C-1/C-5/' events.ndjson | head -n 1 | tail -c +81 >> log.ndjson && "


class CurlPage(unittest.TestCase):
    def test_every_command_does_what_the_page_says(self):
        keygen, *commands = blocks("clients/http/README.md", "sh")
        made = subprocess.run(["bash", "-euo", "pipefail", "-c", keygen.replace("fusion-gateway", PROGRAM)],
                              capture_output=True, text=True, timeout=30, check=True).stdout
        token = re.search(r"^token: (\S+)$", made, re.M).group(1)
        line = re.search(r"^http_tokens_sha256: .*$", made, re.M).group(0)
        gateway = Gateway(extra_yaml=f"  - {{feed_id: try-it, plugin: hazmat, default_crs: WGS84, {line}}}")
        self.addCleanup(gateway.remove)
        folder = gateway.path("page")
        os.mkdir(folder)
        script = "\necho '=== next'\n".join(commands)
        run = re.search(r"^flock .*log.ndjson$", script, re.M).group(0)
        for placeholder, value in ((run, f"{run}\necho '=== next'\n{ITS_END}{run}"), BLANK_AND_UNENDED,
                                   ("http://127.0.0.1:8080", gateway._wall), ("PUT-THE-TOKEN-HERE", token)):
            self.assertIn(placeholder, script)
            script = script.replace(placeholder, value)
        ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True,
                             timeout=120, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        answers = [json.loads(part) if part.strip() else None for part in ran.stdout.split("=== next\n")]
        _, place, published, rejected, again, rest, ended, tried, _, told = answers
        self.assertEqual(place["maxBatch"], 512)
        self.assertEqual(published["throughSeq"], "2")
        self.assertNotIn("rejections", published)
        self.assertEqual(rejected["rejections"][0]["seq"], "3")
        self.assertEqual(again["rejections"], rejected["rejections"])
        self.assertEqual(again["resumeAfterSeq"], "3")
        self.assertEqual(rest["throughSeq"], "4", "blank lines have no seq, a line that has not ended is not sent")
        self.assertEqual(ended["throughSeq"], "5")
        self.assertNotIn("rejections", ended)
        self.assertEqual([r["reports"][0]["reportId"] for r in tried["results"]], ["C-1", "C-2"])
        self.assertEqual(told["dispositions"][0]["seq"], "1")
        self.assertEqual(sorted(gateway.report_ids("try-it")), ["C-1", "C-2", "C-4", "C-5"])


if __name__ == "__main__":
    unittest.main()
